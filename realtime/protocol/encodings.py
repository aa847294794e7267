"""How messages are encoded as the content of frames: JSON as text, MessagePack as octets. Pure.

A client chooses by subprotocol. What clients send is read in `realtime.protocol.contents`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum
from typing import Any

import msgspec

from libraries.rules.octets import BYTES_KEY, Octets, with_octets
from realtime.protocol.events import ServerMessage

PREFIXES = {
    "bearer": "access token",
    "ticket": "ticket",
    "share": "token of a share link",
    "guest": "guest's credential",
}
"""The credentials in subprotocols, by the part of the entry before its first dot."""


class Encoding(Enum):
    """How a connection encodes its messages; the value is the subprotocol that a client chooses it by."""

    JSON = "portal.v1.json"
    MSGPACK = "portal.v1.msgpack"

    @property
    def is_text(self) -> bool:
        """Whether its frames are text frames, and not binary ones (RFC 6455, section 5.6)."""
        return self is Encoding.JSON


SUBPROTOCOL = Encoding.JSON.value
"""The subprotocol of clients that do not choose one."""
_QUOTED_KEY = f'"{BYTES_KEY}"'
_BY_NAME = {encoding.value: encoding for encoding in Encoding}


def chosen(offered: Sequence[str]) -> Encoding | None:
    """The encoding that a client names first among its subprotocols; None if it names none."""
    return next((_BY_NAME[one] for one in offered if one in _BY_NAME), None)


_LEAST, _MOST = -(2**63), 2**64 - 1


def _in_json(value: Any) -> Any:
    if isinstance(value, Octets):
        return value.as_json()
    raise NotImplementedError(f"{type(value)} cannot be sent.")


def _in_msgpack(value: Any) -> Any:
    if isinstance(value, Octets):
        return value.data
    raise NotImplementedError(f"{type(value)} cannot be sent.")


_to_json = msgspec.json.Encoder(enc_hook=_in_json).encode
_to_msgpack = msgspec.msgpack.Encoder(enc_hook=_in_msgpack).encode
_decode_json = msgspec.json.Decoder().decode


def encode(message: ServerMessage) -> str:
    """A message as JSON text."""
    return _to_json(message).decode()


def content(message: ServerMessage, encoding: Encoding) -> bytes:
    """The content of a frame. A `msgspec.Raw` in the message must be in that encoding."""
    return _to_json(message) if encoding is Encoding.JSON else _to_msgpack(message)


def translated(text: str | msgspec.Raw) -> bytes:
    """A message or a state in MessagePack, from its JSON as made here.

    News between processes have only that: a process without such clients translates nothing.
    """
    try:
        return _to_msgpack(_read(_decode_json(text), text))
    except OverflowError:
        # Only other code of the site can send such integers; JSON readers, too, take them for floating-point numbers.
        whole = json.loads(bytes(text) if isinstance(text, msgspec.Raw) else text, parse_int=_number)
        return _to_msgpack(_read(whole, text))


def _read(value: Any, text: str | msgspec.Raw) -> Any:
    # A state holds no bytes. A text as made here never has an escape in this key.
    return with_octets(value) if isinstance(text, str) and _QUOTED_KEY in text else value


def _number(digits: str) -> int | float:
    number = int(digits)
    return number if _LEAST <= number <= _MOST else float(digits)


def encode_state(state: dict[str, Any]) -> msgspec.Raw:
    """A state in JSON, encoded once and then used in many messages."""
    return msgspec.Raw(_to_json(state))
