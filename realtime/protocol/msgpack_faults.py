"""What MessagePack can say and JSON cannot, and why octets are no MessagePack: sentences for their sender. Pure.

https://github.com/msgpack/msgpack/blob/master/spec.md is the format. Bytes are the one value that is kept: extension
types (timestamps are one), keys that are no text, NaN and the infinities are refused, because a client that speaks JSON
could not be told of them.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

from libraries.rules.octets import Octets
from libraries.rules.places import excerpt, part, path

_BEFORE = "The message is not valid MessagePack: "
_PLAIN = frozenset({str, int, bool, type(None)})
_BYTE = re.compile(r"\(byte ([0-9]+)\)")
_JSON_BEGINS = b"{["

Link = tuple[Any, Any] | None
"""The way to a container: that to the container around it, and its key there."""


class NotPlain(Exception):
    """A value that JSON cannot express; `sentence` names it and its place."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def make_plain(value: Any) -> Any:
    """The decoded value with `Octets` for its bytes; lists and objects are changed in place.

    NotPlain, with the first fault that is found, if it holds anything else that JSON does not have.
    """
    if not isinstance(value, dict | list):
        return _plain(value, None)
    waiting: list[tuple[Any, Link]] = [(value, None)]
    while waiting:
        inner, link = waiting.pop()
        if isinstance(inner, dict):
            _check_keys(inner, link)
        values = inner.values() if isinstance(inner, dict) else inner
        if _PLAIN.issuperset(map(type, values)):
            continue
        for key, entry in list(inner.items() if isinstance(inner, dict) else enumerate(inner)):
            if isinstance(entry, dict | list):
                waiting.append((entry, (link, key)))
            elif type(entry) not in _PLAIN:
                inner[key] = _plain(entry, (link, key))
    return value


def _check_keys(inner: dict[Any, Any], link: Link) -> None:
    for key in inner:
        if type(key) is not str:
            shown = f"{len(key)} bytes" if isinstance(key, bytes) else excerpt(key)
            raise NotPlain(f"{_BEFORE}a key of {_place(link)} is {shown}. The keys of a map must be text.")


def _plain(entry: Any, link: Link) -> Any:
    if isinstance(entry, bytes):
        return Octets(entry)
    if isinstance(entry, float):
        if not isfinite(entry):
            raise NotPlain(f"{_BEFORE}{entry} at {_place(link)} is no value. Send a number, or nil.")
        return entry
    if type(entry) in _PLAIN:
        return entry
    raise NotPlain(f"{_BEFORE}{_place(link)} is an extension type. Send numbers, text, bytes, arrays and maps.")


def _place(link: Link) -> str:
    steps: list[str] = []
    while link is not None:
        link, key = link
        steps.append(part(key))
    return path("".join(reversed(steps))) or "the message"


def msgpack_fault(data: bytes, error: Exception) -> str:
    """A sentence about octets that the decoder has refused with this error. Bytes are counted from 0."""
    return f"{_BEFORE}{_fault(data, error)}"


def _fault(data: bytes, error: Exception) -> str:
    said = str(error)
    if not data:
        return "it is empty."
    if data[0] in _JSON_BEGINS:
        return "it looks like JSON. This connection speaks MessagePack; portal.v1.json is the subprotocol for JSON."
    if isinstance(error, UnicodeDecodeError):
        bad = error.object[error.start]
        return f"the byte 0x{bad:02X} in a text is not UTF-8. Encode text in UTF-8, and bytes as bin."
    if "truncated" in said:
        return "it ends in the midst of a value. It may have been cut off."
    found = _BYTE.search(said)
    place = f"at byte {found[1]}" if found else "in it"
    if "trailing" in said:
        return f"it must end after its first value, {place}."
    if "hashable" in said:
        return f"a key {place} is no text. The keys of a map must be text."
    return f"what stands {place} begins no value."
