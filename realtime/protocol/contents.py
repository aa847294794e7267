"""The value in a frame of a client: the one place that decodes, for each encoding. Pure.

Both encodings lead to the same values: those of JSON, and bytes as `libraries.rules.octets.Octets`. So nothing behind
this needs to know how a message came. What a message may hold is in `realtime.protocol.requests`.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libraries.rules.errors import PortalError
from libraries.rules.json_faults import json_fault, too_deep
from libraries.rules.octets import BYTES_KEY, with_octets
from libraries.rules.values import MAX_DEPTH, has_too_many_values
from realtime.protocol.msgpack_faults import NotPlain, make_plain, msgpack_fault

Content = str | bytes
"""The content of a text frame, which is JSON, or of a binary frame, which is MessagePack."""

MAX_REF_CHARS = 64
MAX_REF_NUMBER = 2**53 - 1
Ref = Annotated[str, Meta(max_length=MAX_REF_CHARS)] | Annotated[int, Meta(ge=-MAX_REF_NUMBER, le=MAX_REF_NUMBER)]

_decode_msgpack = msgspec.msgpack.Decoder().decode


class InvalidMessage(PortalError):
    """A frame that is no message of this protocol; `ref` is the sender's, if it could be read."""

    def __init__(self, code: str, message: str, ref: str | int | UnsetType = UNSET) -> None:
        super().__init__(message)
        self.code = code
        self.ref = ref


def value_in(content: Content) -> Any:
    """The value in the content of a frame; InvalidMessage unless it is one of JSON, or bytes.

    If a key is duplicated, the last one counts (RFC 8259, section 4, leaves this open).
    """
    return _of_text(content) if isinstance(content, str) else _of_octets(content)


def has_too_many(value: object, content: Content, most: int) -> bool:
    """Whether the value in a frame holds more than `most` values."""
    # A value of JSON takes a character and a comma or a bracket. One of MessagePack may take a byte and nothing else.
    return has_too_many_values(value, len(content) if isinstance(content, str) else 2 * len(content), most)


def _of_text(text: str) -> Any:
    try:
        value = msgspec.json.decode(text)
    except RecursionError:
        raise InvalidMessage("invalid-payload", too_deep(text, "the message", 1)) from None
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise InvalidMessage("invalid-json", json_fault(text, "the message")) from None
    # Each of its characters may be written as an escape, and all of these begin so.
    return with_octets(value) if BYTES_KEY in text or "\\u00" in text else value


def _of_octets(data: bytes) -> Any:
    try:
        value = _decode_msgpack(data)
    except RecursionError:
        sentence = f"The message is nested too deeply: {MAX_DEPTH} levels are possible."
        raise InvalidMessage("invalid-payload", sentence) from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise InvalidMessage("invalid-msgpack", msgpack_fault(data, error)) from None
    try:
        return make_plain(value)
    except NotPlain as error:
        raise InvalidMessage("invalid-msgpack", error.sentence, _ref_of(value)) from None


def _ref_of(value: object) -> str | int | UnsetType:
    found = value.get("ref", UNSET) if isinstance(value, dict) else UNSET
    try:
        return UNSET if found is UNSET else msgspec.convert(found, Ref)
    except msgspec.ValidationError:
        return UNSET
