"""A message for many connections, prepared once for each combination of encoding and framing."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

COMPRESS_FROM_BYTES = 1024
"""Shorter messages are sent as they are."""
WINDOW_BITS = 12
"""The compression window, RFC 7692, section 7.1.2: 4 KiB. Every client with at least that window can read it."""

_KIND_AT = len('{"type":"')
_FINAL = 0x80
_COMPRESSED = 0x40  # RSV1, RFC 7692, section 6
_SHORT, _MEDIUM = 126, 65_536
_SYNC_TAIL = b"\x00\x00\xff\xff"


class Encoding(Enum):
    """How a message becomes octets. The value is the opcode of its frames (RFC 6455, section 5.2)."""

    JSON = 1

    def payload(self, text: str) -> bytes:
        """The octets of a message, from its JSON text."""
        return text.encode()


class Framing(Enum):
    """What a connection is given: the message itself, an unmasked frame, or a frame with permessage-deflate."""

    NONE = auto()
    PLAIN = auto()
    DEFLATED = auto()


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """The form that an outlet writes. There is one instance for each combination, which `form` returns."""

    encoding: Encoding
    framing: Framing


_FORMS = {(framing, encoding): Form(encoding, framing) for framing in Framing for encoding in Encoding}


def form(framing: Framing, encoding: Encoding = Encoding.JSON) -> Form:
    """The form with that framing and encoding."""
    return _FORMS[framing, encoding]


class Prepared:
    """A message in JSON and its forms. Each form is made when it is first needed."""

    __slots__ = ("_made", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._made: dict[Form, bytes] = {}

    @property
    def kind(self) -> str:
        """The `type` of the message: the encoder writes it first."""
        return self.text[_KIND_AT : self.text.find('"', _KIND_AT)]

    def __len__(self) -> int:
        """The characters of the message, for outlets that make their own frames."""
        return len(self.text)

    def in_form(self, wanted: Form) -> Any:
        """The message in that form: octets, or the message itself for an outlet that makes its own frames."""
        if wanted.framing is Framing.NONE:
            return self
        made = self._made.get(wanted)
        if made is None:
            made = self._made[wanted] = self._make(wanted)
        return made

    def _make(self, wanted: Form) -> bytes:
        opcode = wanted.encoding.value
        payload = wanted.encoding.payload(self.text)
        if wanted.framing is Framing.PLAIN:
            return _frame(payload, _FINAL | opcode)
        if len(payload) < COMPRESS_FROM_BYTES:
            plain: bytes = self.in_form(form(Framing.PLAIN, wanted.encoding))
            return plain
        # Without context takeover the frame is the same for all connections.
        return _frame(_deflated(payload), _FINAL | _COMPRESSED | opcode)


def _frame(payload: bytes, first: int) -> bytes:
    size = len(payload)
    if size < _SHORT:
        return bytes((first, size)) + payload
    if size < _MEDIUM:
        return bytes((first, _SHORT)) + size.to_bytes(2, "big") + payload
    return bytes((first, _SHORT + 1)) + size.to_bytes(8, "big") + payload


def _deflated(payload: bytes) -> bytes:
    deflate = zlib.compressobj(level=1, wbits=-WINDOW_BITS)
    return (deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_SYNC_TAIL)
