"""Bytes as a value of a payload: in MessagePack as such, in JSON as an object with the one key `$bytes`. Pure.

Commands and `sync-response` may hold them. They are never stored (`libraries.rules.values` refuses them), so that a
state means the same in both encodings.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

BYTES_KEY = "$bytes"
"""The key of the JSON object that means bytes; no other object may have it."""
_LEVELS = 32
"""How deep bytes are looked for: deeper than a payload may be nested."""
RESERVED = f'The key {BYTES_KEY} stands for bytes: {{"{BYTES_KEY}": "<base64>"}}, without another key.'


class Octets:
    """Bytes, as one value. They are no object and no list, so every rule about these passes them over.

    It is no dataclass and no struct: msgspec would encode these by itself.
    """

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Octets) and other.data == self.data

    def __hash__(self) -> int:
        return hash(self.data)

    def __repr__(self) -> str:
        return f"Octets({self.data!r})"

    def as_json(self) -> dict[str, str]:
        """The object that stands for them in JSON, in base64 (RFC 4648, section 4)."""
        return {BYTES_KEY: b64encode(self.data).decode()}


def octets_in(value: Mapping[str, Any]) -> Octets | None:
    """The bytes that a JSON object stands for; None if it is any other object."""
    text = value.get(BYTES_KEY) if len(value) == 1 else None
    if not isinstance(text, str):
        return None
    try:
        return Octets(b64decode(text, validate=True))
    except ValueError:  # not ASCII, or not base64
        return None


def with_octets(value: Any, levels: int = _LEVELS) -> Any:
    """A decoded JSON value with bytes in place of the objects that stand for them; Python's own bytes count, too.

    Lists and objects are new, down to so many `levels`: what is deeper is refused by whoever checks the value.
    """
    if not levels:
        return value
    if isinstance(value, Mapping):
        found = octets_in(value)
        return {key: with_octets(inner, levels - 1) for key, inner in value.items()} if found is None else found
    if isinstance(value, list | tuple):
        return [with_octets(inner, levels - 1) for inner in value]
    return Octets(bytes(value)) if isinstance(value, bytes | bytearray | memoryview) else value
