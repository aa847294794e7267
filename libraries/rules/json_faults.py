"""Why text or bytes are no JSON, in a sentence for the person who sent them: which fault, where, what to do. Pure.

It is called after the decoder has refused them, so it may take more time; that grows with the length and not faster.
The standard library's parser finds the place. It accepts more than JSON, and the decoder refuses that: constants such
as NaN, halves of surrogate pairs, numbers beyond a float.
"""

from __future__ import annotations

import json
import re
import unicodedata
from math import isinf

from libraries.rules.places import excerpt
from libraries.rules.values import MAX_DEPTH

_MOST_SHOWN = 12
_SPACES = " \t\n\r"
_QUOTES = "'`´‘’‚“”„‹›«»"
_WORD = re.compile(r"[+-]?[A-Za-z_$][\w$]{0,40}")
_LITERALS = {"true": "true", "false": "false", "none": "null", "null": "null", "undefined": "null", "nil": "null"}
_CONSTANTS = frozenset({"nan", "inf", "infinity"})

# Each of these reads on from the beginning, in one go, up to the first place of its kind outside of texts.
# A text that does not end reaches to the end: otherwise each quotation mark in it would be tried as its beginning.
_TEXT = r'"(?:[^"\\]++|\\.)*+"?+'
_TO_CONSTANT = re.compile(rf'(?:[^"NI\-]++|{_TEXT}|-(?!I))*+', re.DOTALL)
_TO_NUMBER = re.compile(rf'(?:[^"0-9\-]++|{_TEXT}|-(?![0-9]))*+', re.DOTALL)
_NUMBER = re.compile(r"-?[0-9][0-9.eE+\-]*+")
_PAIR = r"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_TO_HALF = re.compile(rf"(?:[^\\]++|\\(?:{_PAIR}|u(?![dD][89a-fA-F])|[^u]))*+", re.DOTALL)
_CUT_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{0,3}")
_BRACKET = re.compile(rf"{_TEXT}|[\[\]{{}}]", re.DOTALL)


class _Constant(Exception):
    """The parser met NaN, Infinity or -Infinity, and does not say where."""


def _meet(name: str) -> None:
    raise _Constant


_PARSER = json.JSONDecoder(parse_constant=_meet, parse_int=bool, parse_float=bool)


def json_fault(sent: str | bytes, what: str) -> str:
    """A sentence about what is wrong in `sent`, which `what` names: “the message”, “the body”."""
    if isinstance(sent, str):
        return f"{what[0].upper()}{what[1:]} is not valid JSON: {_of_text(sent)}"
    return f"{what[0].upper()}{what[1:]} is not valid JSON: {_of_bytes(sent)}"


def too_deep(sent: str | bytes, what: str, around: int) -> str:
    """A sentence about nesting that no parser follows, with the place of the first level that is one too many.

    `around` is the number of levels around the payload: 1 for a message, 0 for a body.
    """
    text = sent if isinstance(sent, str) else sent.decode(errors="replace")
    opened: list[int] = []
    for bracket in _BRACKET.finditer(text):
        _follow(bracket, opened)
        if len(opened) > MAX_DEPTH + around:
            break
    place = _at(text, opened[-1] if opened else 0)
    return f"{what[0].upper()}{what[1:]} is nested too deeply: {MAX_DEPTH} levels are possible; {place} is deeper."


def kind_of(value: object) -> str:
    """A JSON value that should have been an object, in the words of a sentence."""
    if isinstance(value, str) and value.lstrip(_SPACES)[:1] in {"{", "["}:
        return "text that holds JSON: encode it only once"
    return "text" if isinstance(value, str) else excerpt(value)


# --- Bytes ------------------------------------------------------------------------------------------------


def _of_bytes(sent: bytes) -> str:
    if sent.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) or 0 in sent[:2]:
        return "it is in UTF-16 or UTF-32. Encode it in UTF-8."
    try:
        text = sent.decode()
    except UnicodeDecodeError as error:
        before = sent[: error.start].decode()
        place = f"at {_at(before, len(before))} (byte {error.start})"
        bad = sent[error.start]
        if bad == 0xED and sent[error.start + 1 : error.start + 2] >= b"\xa0":
            return f"half of a surrogate pair stands {place}. Encode whole characters in UTF-8."
        latin = sent[error.start : error.start + 1].decode("latin-1")
        meant = f", and would be {excerpt(latin)} in Latin-1" if latin.isprintable() else ""
        return f"the byte 0x{bad:02X} {place} is not UTF-8{meant}. Encode it in UTF-8."
    return _of_text(text)


# --- Text -------------------------------------------------------------------------------------------------


def _of_text(text: str) -> str:
    if text.startswith("\ufeff"):
        return "it begins with a byte order mark (BOM, U+FEFF). Leave the mark out."
    if not text.strip(_SPACES):
        return "it is empty."
    try:
        _PARSER.decode(text)
    except json.JSONDecodeError as error:
        return _of_place(text, error.pos, error.msg)
    except _Constant:
        return _of_constant(text)
    except RecursionError:
        return "it is nested too deeply."
    return _of_half(text) or _of_number(text) or "it cannot be read."


def _of_constant(text: str) -> str:
    place = _end(_TO_CONSTANT, text)
    word = _WORD.match(text, place)
    return _no_constant(word[0] if word else "", _at(text, place))


def _no_constant(word: str, place: str) -> str:
    return f"{word} at {place} is no JSON value. Send a number, or null."


def _of_half(text: str) -> str:
    """Half of a surrogate pair, as an escape or as such."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"half of a surrogate pair stands at {_at(text, error.start)}. Send whole characters."
    place = _end(_TO_HALF, text)
    if place == len(text):
        return ""
    half = text[place : place + 6]
    return f"{half} at {_at(text, place)} is half of a surrogate pair. Write both halves, or the character itself."


def _of_number(text: str) -> str:
    """A number that no receiver can hold."""
    place = 0
    while (place := _end(_TO_NUMBER, text, place)) < len(text):
        number = _NUMBER.match(text, place)
        assert number is not None  # noqa: S101
        if isinf(float(number[0])):
            return f"the number {excerpt(number[0])} at {_at(text, place)} is too large. Send one below 2^53, or text."
        place = number.end()
    return ""


def _of_place(text: str, place: int, said: str) -> str:
    """A fault at a place where the parser has stopped, with what it has said."""
    if said.startswith("Unterminated"):
        return f"the text that begins at {_at(text, place)} has no closing quotation mark. It may have been cut off."
    if said.startswith("Invalid"):
        return _in_text(text, place, said)
    place += len(text) - place - len(text[place:].lstrip(_SPACES))
    for find in (_comma, _end_of_input, _sign, _word, _digits):
        if (found := find(text, place, said)) is not None:
            return found
    return _expected(text, place, said)


def _comma(text: str, place: int, said: str) -> str | None:
    """A comma that nothing follows; the releases of Python stop at the comma, or at the bracket."""
    before = text[:place].rstrip(_SPACES)
    after = text[place + 1 :].lstrip(_SPACES)
    if text[place : place + 1] in {"]", "}"} and before.endswith(","):
        place = len(before) - 1
    elif not (text.startswith(",", place) and after[:1] in {"]", "}"} and not before.endswith(("[", "{", ",", ":"))):
        return None
    return f"the comma at {_at(text, place)} is followed by nothing. Leave it out."


def _end_of_input(text: str, place: int, said: str) -> str | None:
    return _ended(text) if place == len(text) else None


def _ended(text: str) -> str:
    opened: list[int] = []
    for bracket in _BRACKET.finditer(text):
        _follow(bracket, opened)
    still = f", and “{text[opened[-1]]}” at {_at(text, opened[-1])} is still open" if opened else ""
    return f"it ends too early, at {_at(text, len(text))}{still}. It may have been cut off."


def _follow(bracket: re.Match[str], opened: list[int]) -> None:
    """Note where a bracket was opened, and forget it when it is closed; a text is none."""
    if bracket[0] in {"[", "{"}:
        opened.append(bracket.start())
    elif bracket[0] in {"]", "}"} and opened:
        opened.pop()


def _sign(text: str, place: int, said: str) -> str | None:
    """A character that begins no JSON value, and that other languages have."""
    sign, where = text[place], _at(text, place)
    if text.startswith(("//", "/*", "#", "<!--"), place):
        return f"JSON has no comments. Leave out the one at {where}."
    if sign in _QUOTES:
        return f'a text begins and ends with ". At {where} stands {sign} instead.'
    if not sign.isprintable() and sign not in _SPACES or sign.isspace() and sign not in _SPACES:
        name = unicodedata.name(sign, "a control character")
        return f"the character U+{ord(sign):04X} ({name}) at {where} is not possible there. Leave it out, or escape it."
    return None


def _word(text: str, place: int, said: str) -> str | None:
    found = _WORD.match(text, place)
    if found is None or not said.startswith(("Expecting property name", "Expecting value")):
        return None
    word, where = found[0], _at(text, place)
    if found.end() == len(text) and any(literal.startswith(word) for literal in _LITERALS):
        return _ended(text)
    if said.startswith("Expecting property name"):
        return f'a key stands in quotation marks. Write "{word}" at {where}.'
    if word.lstrip("+-").lower() in _CONSTANTS:
        return _no_constant(word, where)
    if (right := _LITERALS.get(word.lower())) is not None:
        return f"{word} at {where} is no JSON value. Write {right}."
    return f"{excerpt(word)} at {where} is no JSON value. Put texts in quotation marks."


def _digits(text: str, place: int, said: str) -> str | None:
    """A number in a form that JSON lacks: 01, .5, +1, 1., 1e, 0x1F."""
    sign, before = text[place], text[place - 1 : place]
    starts = sign in "+-." and said.startswith("Expecting value")
    if not starts and not (before.isdigit() and (sign.isalnum() or sign in "._")):
        return None
    return f"the number at {_at(text, place)} is not written as in JSON. Write it like 5, -0.5 or 1e3."


def _in_text(text: str, place: int, said: str) -> str:
    """A character or an escape that a text may not hold."""
    if said.startswith("Invalid control"):
        escape = json.dumps(text[place])[1:-1]
        return f"a text holds the character U+{ord(text[place]):04X} at {_at(text, place)}. Write it as {escape}."
    place = text.rfind("\\", 0, place + 1)  # the parser stops at the backslash, or behind it
    shown = excerpt(text[place : place + 6])
    if _CUT_ESCAPE.fullmatch(text, place):
        return _ended(text)
    return f"the escape {shown} at {_at(text, place)} is unknown. Write a backslash as \\\\."


def _expected(text: str, place: int, said: str) -> str:
    wanted = next((words for beginning, words in _WANTED.items() if said.startswith(beginning)), _WANTED[""])
    in_text = text[:place].rstrip(_SPACES).endswith('"') and said.startswith("Expecting ','")
    hint = ' Within a text, write " as \\".' if in_text else ""
    return f"{wanted} {_at(text, place)}; there is {excerpt(text[place : place + _MOST_SHOWN])}.{hint}"


_WANTED = {
    "Extra data": "it must end after its first value, at",
    "Expecting property name": "a key in quotation marks is missing at",
    "Expecting ':'": "the colon after a key is missing at",
    "Expecting ','": "a comma or a closing bracket is missing at",
    "": "a value is missing at",
}


def _end(pattern: re.Pattern[str], text: str, start: int = 0) -> int:
    found = pattern.match(text, start)
    return len(text) if found is None else found.end()


def _at(text: str, place: int) -> str:
    """A place for people; lines and characters are counted from 1."""
    line = text.count("\n", 0, place) + 1
    return f"line {line}, column {place - text.rfind(chr(10), 0, place)}"
