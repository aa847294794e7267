"""A message over the limit of bytes: it is not decoded, but its sender is told so, and the connection stays open.

A server reads messages of up to `ANSWERED_TIMES` the limit for that. It ends the connection of a longer one. Pure.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from realtime.protocol.requests import InvalidMessage, Ref

ANSWERED_TIMES = 4
"""How many times as long as the limit a message may be that is still answered."""
_MOST_OCTETS = 4
"""Of one character in UTF-8."""


class _Head(msgspec.Struct):
    ref: Ref | UnsetType = UNSET


_decode_head = msgspec.json.Decoder(_Head).decode


def size_over(text: str, most: int) -> int:
    """The size of a message in bytes if it is over the limit, else 0; `most` is 0 for no limit."""
    if not most or len(text) * _MOST_OCTETS <= most:
        return 0
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return size if size > most else 0


def ref_of(text: str) -> str | int | UnsetType:
    """The `ref` of a message of any length; UNSET if there is none that can be read.

    Only the keys of the message itself are compared. All values but the ref are passed over, and none of them is made,
    so the time is linear and the memory constant.
    """
    try:
        return _decode_head(text).ref
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return UNSET


def too_big(text: str, size: int, most: int, address: str) -> InvalidMessage:
    """What is told to the sender of a message of that size; `address` is that of the portal view in the REST API."""
    sentence = (
        f"The message has {size} bytes, and {most} are possible, so nothing was done: send a large change over REST, as"
        f" PATCH {address}."
    )
    return InvalidMessage("message-too-big", sentence, ref_of(text))
