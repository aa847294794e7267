"""What any value may hold: numbers, text, nesting, addresses; and keys in all their spellings."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libraries.values import (
    MAX_DATA_URL_CHARS,
    MAX_DEPTH,
    MAX_SAFE_INTEGER,
    URL_KEYS,
    check_value,
    is_url_key,
    plain_key,
)

PNG = "data:image/png;base64,iVBORw0KGgo="

scalars = st.none() | st.booleans() | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER) | st.floats(-1e9, 1e9)


def refused(value: object, key: str = "note") -> bool:
    try:
        check_value({key: value})
    except ValueError:
        return True
    return False


@pytest.mark.parametrize(
    ("spelling", "plain"),
    [
        ("maxHp", "maxhp"),
        ("max_hp", "maxhp"),
        ("MAX-HP", "maxhp"),
        ("  max . hp  ", "maxhp"),
        ("__hp__", "hp"),
        ("ｍａｘＨＰ", "maxhp"),
        ("h\u200bp", "hp"),
        ("h\u00adp", "hp"),
        ("h\u0301p\u0323", "hp"),
        ("hṕ", "hp"),
        ("H\u0130TPO\u0130NTS", "hitpoints"),
        ("ſecret", "secret"),
        ("\u210d\u2119", "hp"),
        ("Übung", "ubung"),
        ("生命", "生命"),
        ("_", ""),
    ],
)
def test_a_key_is_compared_without_case_and_marks(spelling: str, plain: str) -> None:
    assert plain_key(spelling) == plain


@given(st.text())
@example("h" * 41)
def test_the_plain_form_of_a_key_is_its_own(key: str) -> None:
    assert plain_key(plain_key(key)) == plain_key(key)


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N"]), min_size=1), st.data())
def test_marks_and_case_never_matter(key: str, data: st.DataObject) -> None:
    marks = st.text(alphabet="_- .\u200b\u0301", max_size=2)
    cases = st.sampled_from([str.upper, str.lower])
    spelling = "".join(data.draw(cases)(letter) + data.draw(marks) for letter in key)
    assert plain_key(spelling) == key.lower()


@given(st.text(min_size=60, max_size=200))
def test_a_long_key_is_treated_as_a_short_one(key: str) -> None:
    assert plain_key(key) == "".join(map(plain_key, key))


def test_a_long_row_of_marks_takes_no_time() -> None:
    # Unicode puts marks in order by insertion: these would take minutes.
    key = "a" + "\u0315\u0300" * 60_000
    started = time.process_time()
    assert plain_key(key) == "a"
    assert time.process_time() - started < 1


@given(
    st.recursive(
        scalars | st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=10,
    )
)
def test_json_is_possible(value: Any) -> None:
    text = json.dumps(value).lower()
    if "script" not in text and "data:" not in text:
        assert not refused(value)


@pytest.mark.parametrize("number", [0, -1, 1.5, MAX_SAFE_INTEGER, -MAX_SAFE_INTEGER, float(MAX_SAFE_INTEGER)])
def test_numbers_that_every_receiver_reads_alike_are_possible(number: float) -> None:
    assert not refused(number)


@pytest.mark.parametrize(
    "number", [MAX_SAFE_INTEGER + 1, -MAX_SAFE_INTEGER - 1, 1e300, float("inf"), float("-inf"), float("nan"), 10**400]
)
def test_numbers_beyond_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match=r"between -\(2\^53-1\) and 2\^53-1"):
        check_value({"note": [number]})


@pytest.mark.parametrize("value", [{"a\0": 1}, {"a": "b\0"}, ["\0"], "\0"])
def test_nul_is_refused_in_keys_and_text(value: object) -> None:
    with pytest.raises(ValueError, match="NUL"):
        check_value(value)


@pytest.mark.parametrize("value", [{"a\ud800": 1}, {"a": "\udfff"}, "\ud83d"])
def test_half_a_surrogate_pair_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="surrogate"):
        check_value(value)
    check_value("\U0001f409")


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), 1j])
def test_what_json_has_not_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="Only JSON"):
        check_value({"note": value})


def test_a_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="Keys must be text"):
        check_value({"note": {1: 2}})


@pytest.mark.parametrize("wrap", [lambda inner: {"a": inner}, lambda inner: [inner], lambda inner: (inner,)])
def test_sixteen_levels_of_nesting_are_possible_and_no_more(wrap: Any) -> None:
    value: Any = "leaf"
    for _ in range(MAX_DEPTH):
        value = wrap(value)
    check_value(value)
    with pytest.raises(ValueError, match="limited to 16 levels"):
        check_value(wrap(value))
    check_value(wrap("leaf"), MAX_DEPTH)
    with pytest.raises(ValueError, match="limited to 16 levels"):
        check_value(wrap("leaf"), MAX_DEPTH + 1)


def test_endless_nesting_is_refused_without_a_recursion_error() -> None:
    value: Any = []
    for _ in range(sys.getrecursionlimit() * 3):
        value = [value]
    assert refused(value)


@pytest.mark.parametrize("key", [*sorted(URL_KEYS), "IMAGE", "map_image", "imageURL", "images", "token-src", "hrefs"])
def test_keys_of_addresses_are_known(key: str) -> None:
    assert is_url_key(key)


@pytest.mark.parametrize("key", ["name", "note", "urls of this town", "imagery", "sources", "", "_"])
def test_other_keys_are_not(key: str) -> None:
    assert not is_url_key(key)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/map.png",
        "HTTPS://example.org",
        "http://127.0.0.1:8000/x",
        "/static/demo/map.svg",
        "map.svg",
        "maps/a:b.png",
        "?size=2",
        "#door",
        "",
        PNG,
        "DATA:IMAGE/PNG;BASE64,aaaa",
        "data:image/webp;base64," + "A" * (MAX_DATA_URL_CHARS - len("data:image/webp;base64,")),
    ],
)
def test_web_addresses_own_paths_and_small_images_are_possible(address: str) -> None:
    for key in ("image", "mapUrl", "note"):
        assert not refused(address, key)
        assert not refused([{"a": [address]}], key)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.org/map.png",
        "file:///etc/passwd",
        "blob:https://example.org/1",
        "view-source:https://example.org",
        "C:\\map.png",
        "//example.org/map.png",
        "\\\\example.org/map.png",
        "/\\example.org/map.png",
        "/\t/example.org",
        "data:,hello",
        "data:;base64,aaaa",
    ],
)
def test_other_addresses_are_refused_under_the_keys_of_addresses(address: str) -> None:
    for key in ("image", "images", "map_URL", "SRC"):
        with pytest.raises(ValueError, match="must start with https:, http: or be a path of this site"):
            check_value({"items": [{key: [address]}]})
    assert not refused(address, "note")


@pytest.mark.parametrize(
    "script",
    [
        "javascript:alert(1)",
        "javascript: alert(1)",
        "JavaScript:alert(1)",
        " \x01\n javascript:alert(1)",
        "java\nscript:alert(1)",
        "j\ta\rv\na\tscript\n:alert(1)",
        "vbscript:msgbox(1)",
        "data:text/html,<script>alert(1)</script>",
        "data: text/html;base64,PHNjcmlwdD4=",
        "da\nta:text/html,x",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:image/svg+xml,<svg onload=alert(1)>",
        "data:application/xhtml+xml,x",
        "data:image/png,notbase64",
        "data:image/png;charset=utf-8;base64,aaaa",
        PNG + "\n",
        "data:image/png;base64," + "A" * MAX_DATA_URL_CHARS,
    ],
)
def test_what_could_run_is_refused_under_any_key(script: str) -> None:
    for key in ("image", "note", "name", "onclick"):
        assert refused(script, key)
        assert refused([[{"a": {"b": [script]}}]], key)


@pytest.mark.parametrize(
    "text",
    ["Data: five rooms, two doors", "data:", "The word javascript: in a text", "a javascript:b", "Java Script:x"],
)
def test_text_that_only_mentions_them_is_possible(text: str) -> None:
    assert not refused(text)


@given(st.text(alphabet="\x00\t\n\r j", max_size=3), st.lists(st.sampled_from(["\t", "\n", "\r", ""]), min_size=10))
@example("", [""] * 10)
def test_no_white_space_smuggles_a_script_in(lead: str, gaps: list[str]) -> None:
    # What the URL standard makes of an address: no white space around it, no tabs and line breaks in it.
    word = "".join(letter + gap for letter, gap in zip("javascript", gaps, strict=False))
    address = f"{lead}{word}:alert(1)"
    read = address.strip("".join(map(chr, range(0x21)))).translate({9: None, 10: None, 13: None})
    if read.startswith("javascript:"):
        assert refused(address)
        assert refused(address, "image")
