"""A message for many connections, prepared once for each combination of encoding and framing."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any

from realtime.protocol.encodings import Encoding, content, translated
from realtime.protocol.events import ServerMessage

COMPRESS_FROM_BYTES = 1024
"""Shorter messages are sent as they are."""
WINDOW_BITS = 12
"""The compression window, RFC 7692, section 7.1.2: 4 KiB. Every client with at least that window can read it."""

_KIND_AT = len('{"type":"')
_FINAL = 0x80
_COMPRESSED = 0x40  # RSV1, RFC 7692, section 6
_TEXT, _BINARY = 1, 2  # RFC 6455, section 5.2
_SHORT, _MEDIUM = 126, 65_536
_SYNC_TAIL = b"\x00\x00\xff\xff"


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
    """A message and its forms, each made when it is first needed: encoded once for each encoding, then framed."""

    __slots__ = ("_json", "_kind", "_made", "_msgpack", "_source")

    def __init__(self, source: str | Callable[[Encoding], bytes]) -> None:
        """`source` is the message as JSON text, or makes its content in an encoding."""
        self._source = source
        self._kind: str | None = None
        self._made: dict[Form, bytes] = {}
        # Not a dict by encoding: hashing a member of an Enum is slow.
        self._json: bytes | None = None
        self._msgpack: bytes | None = None

    @classmethod
    def of(cls, message: ServerMessage) -> Prepared:
        """A message that is not encoded yet. It may hold a state in one encoding, and then has no other."""
        made = cls(partial(content, message))
        made._kind = str(message.__struct_config__.tag)
        return made

    @property
    def text(self) -> str:
        """The message as JSON text."""
        return self._source if isinstance(self._source, str) else self.content(Encoding.JSON).decode()

    def content(self, encoding: Encoding) -> bytes:
        """The content of its frames in that encoding."""
        source = self._source
        if encoding is Encoding.JSON:
            if self._json is None:
                self._json = source.encode() if isinstance(source, str) else source(encoding)
            return self._json
        if self._msgpack is None:
            self._msgpack = translated(source) if isinstance(source, str) else source(encoding)
        return self._msgpack

    @property
    def kind(self) -> str:
        """The `type` of the message; in a text the encoder writes it first."""
        return self._kind or self.text[_KIND_AT : self.text.find('"', _KIND_AT)]

    def __len__(self) -> int:
        """The characters of the message, for outlets that make their own frames."""
        return len(self.text)

    def size_in(self, wanted: Form) -> int:
        """The octets in that form; for an outlet that makes its own frames, those of the content."""
        made = self.in_form(wanted)
        return len(self.content(wanted.encoding) if made is self else made)

    def in_form(self, wanted: Form) -> Any:
        """The message in that form: octets, or the message itself for an outlet that makes its own frames."""
        if wanted.framing is Framing.NONE:
            return self
        made = self._made.get(wanted)
        if made is None:
            made = self._made[wanted] = self._make(wanted)
        return made

    def _make(self, wanted: Form) -> bytes:
        opcode = _TEXT if wanted.encoding.is_text else _BINARY
        payload = self.content(wanted.encoding)
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
