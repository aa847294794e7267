"""Frames in MessagePack: which are read, and what is said of the others. Those in JSON are in `test_protocol`."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from libraries.rules.octets import Octets
from libraries.rules.values import MAX_MESSAGE_VALUES
from realtime.protocol.closing import ERRORS
from realtime.protocol.contents import MAX_REF_NUMBER, InvalidMessage, value_in
from realtime.protocol.oversize import ref_of, size_over
from realtime.protocol.requests import CLIENT_MESSAGES, decode
from realtime.protocol.tests.test_protocol import GOOD

EXTENSION = msgpack.ExtType(5, b"x")
LEAD = "The message is not valid MessagePack: "


def packed(value: Any) -> bytes:
    return bytes(msgpack.packb(value, datetime=True))


def refused(content: bytes | str) -> InvalidMessage:
    with pytest.raises(InvalidMessage) as refusal:
        decode(content)
    error = refusal.value
    assert ERRORS[error.code] is None, "the connection stays open"
    assert error.message.endswith(".")
    return error


@pytest.mark.parametrize("ref", [None, "", "a7", 0, -MAX_REF_NUMBER, MAX_REF_NUMBER])
@pytest.mark.parametrize("kind", GOOD)
def test_each_message_means_the_same_in_both_encodings(kind: str, ref: object) -> None:
    message = {"type": kind, **GOOD[kind], "unknown": {"is": ["ignored"]}, **({} if ref is None else {"ref": ref})}
    read = decode(packed(message))
    assert read == decode(json.dumps(message))
    assert type(read) is CLIENT_MESSAGES[kind]
    assert read.ref == (UNSET if ref is None else ref)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(codec="utf-8"), max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("$abytes", max_size=6), inner, max_size=3),
)  # fmt: skip


@given(value=json_values)
def test_every_value_of_json_is_read_as_it_is(value: Any) -> None:
    assert value_in(packed(value)) == value


@given(data=st.binary(max_size=30))
def test_bytes_are_the_same_value_in_both_encodings(data: bytes) -> None:
    read = value_in(packed({"a": [data, {"b": data}]}))
    assert read == {"a": [Octets(data), {"b": Octets(data)}]}
    assert read == value_in(json.dumps({"a": [Octets(data).as_json(), {"b": Octets(data).as_json()}]}))
    assert value_in(packed(data)) == Octets(data)


FAULTS: list[tuple[bytes, str]] = [
    (b"", "it is empty."),
    (b'{"type": "ping"}', "it looks like JSON."),
    (packed({"type": "ping"})[:-1], "it ends in the midst of a value. It may have been cut off."),
    (packed({}) * 2, "it must end after its first value, at byte 1."),
    (b"\x91\xc1", "what stands at byte 1 begins no value."),
    (b"\x81\x80\x01", "a key at byte"),
    (b"\xa1\xff", "the byte 0xFF in a text is not UTF-8."),
    (packed({"zoom": EXTENSION}), "zoom is an extension type."),
    (packed([{"a b": [datetime(2026, 1, 1, tzinfo=UTC)]}]), '[0]["a b"][0] is an extension type.'),
    (packed(EXTENSION), "the message is an extension type."),
    (packed({"a": {1: 2}}), "a key of a is 1."),
    (packed({1: 2}), "a key of the message is 1."),
    (packed({"a": {b"xy": 2}}), "a key of a is 2 bytes."),
    (packed({"a": [0, math.nan]}), "nan at a[1] is no value."),
    (packed({"a": -math.inf}), "-inf at a is no value."),
]


@pytest.mark.parametrize(("content", "sentence"), FAULTS, ids=range(len(FAULTS)))
def test_a_fault_is_named_with_its_place(content: bytes, sentence: str) -> None:
    error = refused(content)
    assert error.code == "invalid-msgpack"
    assert error.message.removeprefix(LEAD).startswith(sentence)


@pytest.mark.parametrize("ref", ["a", 7])
def test_the_error_has_the_ref_if_the_message_can_be_read(ref: object) -> None:
    assert refused(packed({"ref": ref, "x": EXTENSION})).ref == ref
    assert refused(packed({"ref": [ref], "x": EXTENSION})).ref is UNSET
    assert refused(packed({"ref": EXTENSION})).ref is UNSET
    assert refused(packed([ref, EXTENSION])).ref is UNSET


@given(data=st.binary(max_size=60))
def test_any_octets_are_read_or_refused(data: bytes) -> None:
    with suppress(InvalidMessage):
        decode(data)
    ref_of(data)


@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1a", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff"])
def test_endless_nesting_is_refused(opening: bytes) -> None:
    assert refused(opening * 10_000).code in {"invalid-payload", "invalid-msgpack"}
    assert ref_of(b"\x82\xa3ref\x01\xa1x" + opening * 10_000) is UNSET


def test_the_values_of_a_message_are_counted() -> None:
    spare = MAX_MESSAGE_VALUES - 4  # the message itself, its type, the payload and the list
    body = {"type": "portal-view-update", "payload": {"x": [0] * spare}}
    decode(packed(body))
    assert len(packed(body)) < MAX_MESSAGE_VALUES + 100, "a value may take one byte"
    body["payload"] = {"x": [0] * (spare + 1)}
    assert refused(packed(body)).code == "invalid-payload"


def test_the_ref_of_a_message_over_the_limit_is_read() -> None:
    message = {"payload": {"ref": "inner", "x": EXTENSION, "y": b"ref"}, "ref": "a"}
    assert ref_of(packed(message)) == "a"
    assert ref_of(b"\x82\xa3ref\x01\xa3ref\x02") == 2
    others: tuple[Any, ...] = ({"ref": b"a"}, {"ref": 1.5}, {"ref": 2**53}, {}, [], {1: 2, "ref": 1})
    for other in others:
        assert ref_of(packed(other)) is UNSET
    assert size_over(b"\xff" * 101, 100) == 101
    assert size_over(b"\xff" * 100, 100) == 0


@pytest.mark.parametrize("text", ['{"a": {"$bytes": "aGk="}}', '{"a": {"\\u0024bytes": "aGk="}}'])
def test_the_object_that_means_bytes_is_read_whatever_its_spelling(text: str) -> None:
    assert value_in(text) == {"a": Octets(b"hi")}


def test_another_object_with_that_key_stays_an_object() -> None:
    for value in ({"$bytes": "a"}, {"$bytes": "aGk"}, {"$bytes": "ä"}, {"$bytes": 1}, {"$bytes": "aGk=", "b": 1}):
        assert value_in(json.dumps({"a": value})) == {"a": value}
        assert value_in(packed({"a": value})) == {"a": value}
    for data in (b"", b"a"):
        assert value_in(json.dumps({"a": Octets(data).as_json()})) == {"a": Octets(data)}
    assert value_in(packed({"a": {"$bytes": "aGk="}})) == {"a": {"$bytes": "aGk="}}


def test_the_decoder_keeps_msgspec_from_reading_what_is_not_plain() -> None:
    # msgspec reads timestamps and extensions by itself: without the check they would reach rules that know only JSON.
    assert isinstance(msgspec.msgpack.decode(packed(datetime(2026, 1, 1, tzinfo=UTC))), datetime)
    assert isinstance(msgspec.msgpack.decode(packed(EXTENSION)), msgspec.msgpack.Ext)
