"""A message over the limit of bytes: it is not decoded, but its sender is told so, and the connection stays open.

A server reads messages of up to `ANSWERED_TIMES` the limit for that. It ends the connection of a longer one. Pure.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from realtime.protocol.contents import Content, InvalidMessage, Ref

ANSWERED_TIMES = 4
"""How many times as long as the limit a message may be that is still answered."""
_MOST_OCTETS = 4
"""Of one character in UTF-8."""


class _Head(msgspec.Struct):
    ref: Ref | UnsetType = UNSET


_head_of_text = msgspec.json.Decoder(_Head).decode
_head_of_octets = msgspec.msgpack.Decoder(_Head).decode


def size_over(content: Content, most: int) -> int:
    """The size of a message in bytes if it is over the limit, else 0; `most` is 0 for no limit."""
    if not most or len(content) * _MOST_OCTETS <= most:
        return 0
    is_size = isinstance(content, bytes) or content.isascii()
    size = len(content) if is_size else len(content.encode("utf-8", "surrogatepass"))  # type: ignore[union-attr]
    return size if size > most else 0


def ref_of(content: Content) -> str | int | UnsetType:
    """The `ref` of a message of any length; UNSET if there is none that can be read.

    Only the keys of the message itself are compared. All values but the ref are passed over, and none of them is made,
    so the time is linear and the memory constant.
    """
    try:
        return (_head_of_text(content) if isinstance(content, str) else _head_of_octets(content)).ref
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return UNSET


def too_big(content: Content, size: int, most: int, address: str) -> InvalidMessage:
    """What is told to the sender of a message of that size; `address` is that of the portal view in the REST API."""
    sentence = (
        f"The message has {size} bytes, and {most} are possible, so nothing was done: send a large change over REST, as"
        f" PATCH {address}."
    )
    return InvalidMessage("message-too-big", sentence, ref_of(content))
