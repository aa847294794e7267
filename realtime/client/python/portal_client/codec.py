"""How messages are encoded in frames: JSON in text, or MessagePack in binary frames. In Python bytes are `bytes`."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Literal

from .tables import BYTES_KEY, SUBPROTOCOLS

Encoding = Literal["json", "msgpack"]
_QUOTED_KEY = f'"{BYTES_KEY}"'


class Json:
    """JSON in text frames; bytes are an object with the one key `$bytes`."""

    subprotocol = SUBPROTOCOLS["json"]

    def encode(self, message: Mapping[str, Any]) -> str:
        """The content of a frame; TypeError or ValueError if JSON cannot say the message."""
        return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_as_object)

    def decode(self, frame: str | bytes) -> dict[str, Any]:
        """The message in a frame."""
        has_bytes = _QUOTED_KEY in frame if isinstance(frame, str) else _QUOTED_KEY.encode() in frame
        message: dict[str, Any] = json.loads(frame, object_hook=_as_bytes if has_bytes else None)
        return message


class MessagePack:
    """MessagePack in binary frames; needs the package `msgpack`."""

    subprotocol = SUBPROTOCOLS["msgpack"]

    def __init__(self) -> None:
        try:
            import msgpack
        except ImportError as missing:
            raise ImportError(
                'The encoding “msgpack” needs the package msgpack: pip install "portal-client[msgpack]".'
            ) from missing
        self._pack, self._unpack = msgpack.packb, msgpack.unpackb

    def encode(self, message: Mapping[str, Any]) -> bytes:
        """The content of a frame; TypeError or ValueError if MessagePack cannot say the message."""
        return bytes(self._pack(message))

    def decode(self, frame: str | bytes) -> dict[str, Any]:
        """The message in a frame."""
        message: dict[str, Any] = self._unpack(frame)
        return message


Codec = Json | MessagePack


def codec(encoding: Encoding) -> Codec:
    """The codec of that name; ImportError if `msgpack` is missing."""
    return MessagePack() if encoding == "msgpack" else Json()


def _as_object(value: object) -> dict[str, str]:
    if isinstance(value, bytes | bytearray | memoryview):
        return {BYTES_KEY: b64encode(value).decode()}
    raise TypeError(f"A message cannot hold {type(value).__name__}.")


def _as_bytes(value: dict[str, Any]) -> Any:
    return b64decode(value[BYTES_KEY]) if BYTES_KEY in value else value
