"""Where a value of a payload is, and what it is, in the words of an answer. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from libraries.rules.octets import Octets

MAX_PLACE_CHARS = 64
MAX_EXCERPT_CHARS = 32
"""The most characters of a sender's value that an answer repeats."""

_MAX_KEY_CHARS = 32
_WORD = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]{0,39}")
_PART = re.compile(r'\.?[^.\["]+|\[\d+\]|\["[^"\\]*(?:\\.[^"\\]*)*"\]')
_INDEX = re.compile(r"\[\d")
_ROOT = re.compile(r"[^.\[…]*")
_LARGE = 2**64


def part(key: object) -> str:
    """One step of a place: `.name`, `[3]`, or `["an odd key…"]`, which is a JSON text that may be cut."""
    if isinstance(key, int):
        return f"[{key}]"
    word = str(key)
    return f".{word}" if _WORD.fullmatch(word) else f'["{_visible(word, _MAX_KEY_CHARS, escaped=chr(34) + chr(92))}"]'


def path(place: str) -> str:
    """A place as an answer names it: without a point before it, and a long one with “…” for its middle.

    The innermost part is always kept. The outermost one is kept if there is room, with its index if it is a list.
    """
    whole = place.removeprefix(".")
    if len(whole) <= MAX_PLACE_CHARS:
        return whole
    first, *middle, last = _PART.findall(whole)
    if middle and _INDEX.match(middle[0]):
        first += middle.pop(0)
    if len(first) + len(last) >= MAX_PLACE_CHARS:
        first = ""
    for inner in reversed(middle):
        if len(first) + len(inner) + len(last) >= MAX_PLACE_CHARS:
            break
        last = inner + last
    return f"{first}…{last}"


def root(place: str) -> str:
    """The key of the payload that a path begins with; empty if that is no simple word."""
    found = _ROOT.match(place)
    return found[0] if found else ""


def excerpt(value: object) -> str:
    """What was sent, in a few words: text in quotation marks and cut, other values by kind or as in JSON."""
    if isinstance(value, str):
        return f"“{_visible(value, MAX_EXCERPT_CHARS)}”"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int) and abs(value) >= _LARGE:
        return f"a number of about {value.bit_length() * 3 // 10} digits"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, Octets):
        return f"{len(value.data)} bytes"
    return f"a list of {len(value)}" if isinstance(value, list | tuple) else "no JSON value"


def told(sentence: str, value: object) -> str:
    """The sentence, with what was sent."""
    return f"{sentence.removesuffix('.')}; it is {excerpt(value)}."


def _visible(text: str, most: int, escaped: str = "") -> str:
    """The beginning of the text; `escaped` and all that cannot be seen are written as in JSON."""
    shown = ""
    for character in text[: most + 1]:
        piece = character if character.isprintable() and character not in escaped else json.dumps(character)[1:-1]
        if len(shown) + len(piece) > most:
            return f"{shown}…"
        shown += piece
    return shown
