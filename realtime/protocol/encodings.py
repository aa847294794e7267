"""How messages are encoded as the text of frames, and the name of the encoding on the wire."""

from __future__ import annotations

from typing import Any

import msgspec

from realtime.protocol.events import ServerMessage

SUBPROTOCOL = "portal.v1.json"
PREFIXES = {
    "bearer": "access token",
    "ticket": "ticket",
    "share": "token of a share link",
    "guest": "guest's credential",
}
"""The credentials in subprotocols, by the part of the entry before its first dot."""

_encoder = msgspec.json.Encoder()


def encode(message: ServerMessage) -> str:
    """The text of a frame."""
    return _encoder.encode(message).decode()


def encode_state(state: dict[str, Any]) -> msgspec.Raw:
    """A state, encoded once and then used in many messages."""
    return msgspec.Raw(_encoder.encode(state))
