"""What is said of text and bytes that are no JSON: the fault, its place, and what to do."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from libraries.rules import json_faults
from libraries.rules.json_faults import json_fault, kind_of, too_deep
from libraries.rules.values import MAX_DEPTH

UNKNOWN = "it cannot be read"
LEAD = "The message is not valid JSON: "


def said(sent: str | bytes) -> str:
    sentence = json_fault(sent, "the message")
    assert sentence.startswith(LEAD)
    assert sentence.endswith(".")
    sentence.encode()
    return sentence.removeprefix(LEAD)


def is_json(sent: str | bytes) -> bool:
    try:
        msgspec.json.decode(sent)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


CUT = "It may have been cut off."
FAULTS: list[tuple[str, str]] = [
    ("", "it is empty."),
    (" \n", "it is empty."),
    ("\ufeff{}", "it begins with a byte order mark (BOM, U+FEFF). Leave the mark out."),
    ('{"a":\n  NaN}', "NaN at line 2, column 3 is no JSON value. Send a number, or null."),
    ('{"NaN \\" I": [-1, "-Infinity", -Infinity]}', "-Infinity at line 1, column 32 is no JSON value. Send a number"),
    ('{"a": nan}', "nan at line 1, column 7 is no JSON value. Send a number, or null."),
    ('{"a": -inf}', "-inf at line 1, column 7 is no JSON value. Send a number, or null."),
    ('{"a": True}', "True at line 1, column 7 is no JSON value. Write true."),
    ('{"a": None}', "None at line 1, column 7 is no JSON value. Write null."),
    ('{"a": undefined}', "undefined at line 1, column 7 is no JSON value. Write null."),
    ("ping", "“ping” at line 1, column 1 is no JSON value. Put texts in quotation marks."),
    ("{a: 1}", 'a key stands in quotation marks. Write "a" at line 1, column 2.'),
    ("{'a': 1}", "a text begins and ends with \". At line 1, column 2 stands ' instead."),
    ('{"a": “x”}', 'a text begins and ends with ". At line 1, column 7 stands “ instead.'),
    ('{"a": 1 , }', "the comma at line 1, column 9 is followed by nothing. Leave it out."),
    ("[1,\n]", "the comma at line 1, column 3 is followed by nothing. Leave it out."),
    ('{"a": 1 // one\n}', "JSON has no comments. Leave out the one at line 1, column 9."),
    ("/* c */ {}", "JSON has no comments. Leave out the one at line 1, column 1."),
    ("{} # c", "JSON has no comments. Leave out the one at line 1, column 4."),
    ('{"a": 1', f"it ends too early, at line 1, column 8, and “{{” at line 1, column 1 is still open. {CUT}"),
    ('{"a": [1, {"b": "]"}, {"c": ', f"column 29, and “{{” at line 1, column 23 is still open. {CUT}"),
    ('{"a": tru', f"it ends too early, at line 1, column 10, and “{{” at line 1, column 1 is still open. {CUT}"),
    ('{"a": "\\ud8', f"it ends too early, at line 1, column 12, and “{{” at line 1, column 1 is still open. {CUT}"),
    ('{"a": "b', f"the text that begins at line 1, column 7 has no closing quotation mark. {CUT}"),
    ('{"a": "b\\', f"the text that begins at line 1, column 7 has no closing quotation mark. {CUT}"),
    ('{"a": 1} x', "it must end after its first value, at line 1, column 10; there is “x”."),
    ('{"a": 1}{"b": 2}', 'it must end after its first value, at line 1, column 9; there is “{"b": 2}”.'),
    ('{"a" 1}', "the colon after a key is missing at line 1, column 6; there is “1}”."),
    ('{"a": 1 "b": 2}', 'a comma or a closing bracket is missing at line 1, column 9; there is “"b": 2}”.'),
    ('{"a": "b"c"}', 'missing at line 1, column 10; there is “c"}”. Within a text, write " as \\".'),
    ("[1}", "a comma or a closing bracket is missing at line 1, column 3; there is “}”."),
    ("[,1]", "a value is missing at line 1, column 2; there is “,1]”."),
    ("[,]", "a value is missing at line 1, column 2; there is “,]”."),
    ("{,}", "a key in quotation marks is missing at line 1, column 2; there is “,}”."),
    ("{1: 2}", "a key in quotation marks is missing at line 1, column 2; there is “1: 2}”."),
    ("]", "a value is missing at line 1, column 1; there is “]”."),
    ("<html>", "a value is missing at line 1, column 1; there is “<html>”."),
    *(
        (f'{{"a": {number}}}', "is not written as in JSON. Write it like 5, -0.5 or 1e3.")
        for number in ("01", ".5", "+1", "-", "1.", "1e", "0x1F", "1_000")
    ),
    ('{"a": 1e999}', "the number “1e999” at line 1, column 7 is too large. Send one below 2^53, or text."),
    ('["1e999 -", 5, -' + "9" * 5000 + "]", f"the number “-{'9' * 31}…” at line 1, column 16 is too large."),
    ('{"a": "b\nc"}', "a text holds the character U+000A at line 1, column 9. Write it as \\n."),
    ('{"a": "\\x"}', 'the escape “\\x"}” at line 1, column 8 is unknown. Write a backslash as \\\\.'),
    ('{"a": "\\u12"}', 'the escape “\\u12"}” at line 1, column 8 is unknown. Write a backslash as \\\\.'),
    (
        '{"a": "\\\\\\ud83d."}',
        "\\ud83d at line 1, column 10 is half of a surrogate pair. Write both halves, or the char",
    ),
    ('{"a": "\\ud83d\\ude00\\ude00"}', "\\ude00 at line 1, column 20 is half of a surrogate pair."),
    ('{"a": "é\ud83d"}', "half of a surrogate pair stands at line 1, column 9. Send whole characters."),
    ("\u00a0{}", "the character U+00A0 (NO-BREAK SPACE) at line 1, column 1 is not possible there. Leave it out"),
    ('{"a":\x81 1}', "the character U+0081 (a control character) at line 1, column 6 is not possible there."),
    ("[" * 100_000, "it is nested too deeply."),
    ("{}", UNKNOWN),
]


@pytest.mark.parametrize(("text", "sentence"), FAULTS, ids=range(len(FAULTS)))
def test_the_fault_of_a_text_is_named_with_its_place(text: str, sentence: str) -> None:
    assert sentence in said(text)
    assert is_json(text) == (sentence == UNKNOWN)
    if "\ud83d" not in text:
        assert said(text.encode()) == said(text)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ('{"a": "é"}'.encode("latin-1"), "the byte 0xE9 at line 1, column 8 (byte 7) is not UTF-8, and would be “é”"),
        ('{\n"é": "ü'.encode() + b"\xfc", "the byte 0xFC at line 2, column 8 (byte 11) is not UTF-8, and would be “ü”"),
        ('{"a": "„"}'.encode("cp1252"), "the byte 0x84 at line 1, column 8 (byte 7) is not UTF-8. Encode it in UTF-8."),
        (b'{"a": "\xed\xa0\xbd"}', "half of a surrogate pair stands at line 1, column 8 (byte 7)."),
        (b'{"a": "\xed', "the byte 0xED at line 1, column 8 (byte 7) is not UTF-8, and would be “í”"),
        *(
            ('{"a": 1}'.encode(coding), "it is in UTF-16 or UTF-32. Encode it in UTF-8.")
            for coding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
        ),
        ("{}".encode("utf-8-sig"), "it begins with a byte order mark (BOM, U+FEFF). Leave the mark out."),
    ],
)
def test_the_fault_of_bytes_is_named_with_its_place(sent: bytes, sentence: str) -> None:
    assert sentence in said(sent)
    assert not is_json(sent)


@pytest.mark.parametrize("place", [2, 3])
def test_a_trailing_comma_is_found_from_itself_and_from_its_bracket(place: int) -> None:
    # Python 3.13 stops at the comma, older releases at the bracket.
    assert (
        json_faults._comma("[1,]", place, "") == "the comma at line 1, column 3 is followed by nothing. Leave it out."
    )


@pytest.mark.parametrize("around", [0, 1])
def test_the_first_level_that_is_too_deep_is_named(around: int) -> None:
    text = '{"[[": "{", "a": [],\n"b": ' + "[" * 2000
    place = f"line 2, column {6 + MAX_DEPTH - 1 + around}"
    sentence = f"The body is nested too deeply: 16 levels are possible; {place} is deeper."
    assert too_deep(text, "the body", around) == too_deep(text.encode(), "the body", around) == sentence
    assert "line 1, column 1 is deeper" in too_deep("", "the body", around)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", "text"),
        (' {"a": 1}', "text that holds JSON: encode it only once"),
        ([1], "a list of 1"),
        (None, "null"),
        (5, "5"),
    ],
)
def test_a_value_that_is_no_object_is_named(value: object, kind: str) -> None:
    assert kind_of(value) == kind


# --- Generated ----------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\\"NIn/-1e[]{},:\n'), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)
indents = st.sampled_from([None, 0, 1, 4])
HOLE = "«hole»"
FILLINGS = [
    *("NaN", "Infinity", "-Infinity", "nan", "1e999", "-1e9999", "9" * 400, '"\\ud83d"', '"\\udfff"'),
    *("'x'", "True", "None", ".5", "+5", "&", "x y"),
]


def with_hole(value: Any, places: list[int]) -> Any:
    """The value, with a hole in one of its lists or objects, or instead of it."""
    if not places or not isinstance(value, list | dict):
        return HOLE
    if isinstance(value, list):
        place = places[0] % (len(value) + 1)
        return [
            *value[:place],
            with_hole(value[place] if place < len(value) else None, places[1:]),
            *value[place + 1 :],
        ]
    keys = [*value, "new"]
    key = keys[places[0] % len(keys)]
    return {**value, key: with_hole(value.get(key), places[1:])}


@given(values, st.lists(st.integers(0, 9), max_size=5), indents, st.sampled_from(FILLINGS), st.booleans())
def test_the_place_of_a_fault_is_named_exactly(
    value: Any, places: list[int], indent: int | None, filling: str, escaped: bool
) -> None:
    text = json.dumps(with_hole(value, places), indent=indent, ensure_ascii=escaped)
    hole = json.dumps(HOLE, ensure_ascii=escaped)
    assume(text.count(hole) == 1)
    before, _, after = text.partition(hole)
    assume(not any(mark in before for mark in ("e9", "e1", "9" * 300)))  # numbers that are too large themselves
    lines = before.split("\n")
    place = f"line {len(lines)}, column {len(lines[-1]) + 1 + filling.startswith(chr(34))}"
    sent = before + filling + after
    assume(not is_json(sent) and after[:1] not in {"."})
    assert place in said(sent).replace(f"column {len(lines[-1]) + 2}", place.partition(", ")[2])
    assert said(sent.encode()) == said(sent)


@given(values, indents, st.data())
@example(None, None, None)
def test_no_fault_stays_unknown(value: Any, indent: int | None, data: st.DataObject | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    if data is not None:
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 3)))
        text = text[:start] + data.draw(st.text(max_size=3) | texts) + text[end:]
    assume(not is_json(text))
    assert UNKNOWN not in said(text)


@given(values, st.binary(min_size=1, max_size=3), st.integers(0, 40))
def test_no_bytes_stay_unknown(value: Any, octets: bytes, place: int) -> None:
    text = json.dumps(value, ensure_ascii=False).encode()
    sent = text[:place] + octets + text[place:]
    assume(not is_json(sent))
    assert UNKNOWN not in said(sent)


@given(st.text() | st.text('{}[]":,\\ungNI-.e01 \n'))
def test_any_text_gets_a_short_sentence(text: str) -> None:
    assert len(said(text)) < 160


HOSTILE = 1024 * 1024
PIECES = [
    "[",
    "{",
    "]",
    ",",
    '"',
    "\\",
    '\\"',
    "-",
    "N",
    "I",
    "1",
    "1.",
    " ",
    "\n",
    '"\\u0061',
    '"",',
    "[],",
    '{"a":',
    "'",
]
PIECES += [
    "[[],",
    '"\\ud83d\\ude00',
    "\\ud83d",
    "é",
    "//",
    "tru",
    "0,",
    '"a":1,',
    "1e9,",
    "\ufeff",
    "\u00a0",
    "-I",
    "[-",
]
AROUND = [
    ("", ""),
    ('"', '"'),
    ("[", "NaN]"),
    ('["', '", NaN]'),
    ("[", "1e999]"),
    ('["', '\\ud83d"]'),
    ("[", "]"),
    ("1", ""),
]


@pytest.mark.parametrize("piece", PIECES)
def test_a_hostile_text_of_a_megabyte_is_answered(piece: str) -> None:
    # Steps that grow with the square of the length would take hours.
    for start, end in AROUND:
        text = start + piece * (HOSTILE // len(piece) // 8) + end
        assert len(said(text)) < 200
        assert len(too_deep(text, "the message", 1)) < 200
    assert said((piece * (HOSTILE // len(piece))).encode(errors="surrogatepass"))
