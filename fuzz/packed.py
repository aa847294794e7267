"""MessagePack for the cost fuzzer: its JSON texts as messages in it, and the object that means bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from fuzz.clock import NotAccepted
from fuzz.readers import value


def packed_frame(text: str) -> bytes:
    """A message with that payload, in MessagePack."""
    return packed({"type": "portal-view-update", "ref": 1, "payload": value(text)})


def packed(given: Any) -> bytes:
    """A value in MessagePack; NotAccepted for a number that it has no form for."""
    try:
        return msgspec.msgpack.encode(given)
    except (OverflowError, RecursionError) as error:
        raise NotAccepted from error


def compact(text: str) -> str:
    """A JSON value as we encode it."""
    return msgspec.json.encode(value(text)).decode()


def bytes_object(text: str) -> dict[str, Any]:
    """The object that means bytes, with any text in it."""
    return {"$bytes": text}
