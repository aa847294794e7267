"""Both encodings of what the server sends, which mean the same; read by another library than the server's."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.octets import Octets
from realtime.protocol.encodings import Encoding, chosen, content, encode, encode_state, translated
from realtime.protocol.events import (
    Ack,
    BatchApplied,
    Error,
    GoingAway,
    ItemAdded,
    ItemUpdated,
    Pong,
    PortalViewDeleted,
    PortalViewUpdated,
    ServerMessage,
    SyncRequested,
)

ID = UUID(int=7)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20) | st.binary(max_size=20).map(Octets),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("$abytes", max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
MESSAGES: list[ServerMessage] = [
    Pong(timestamp=1_795_000_000_000, reconnect_within=500, ref="a"),
    Ack(ref=7, version=3, item_ids=["a"], payload={"currentItem": None}),
    Error(message="Nein, “so” nicht.", code="invalid-payload", details={"a": "b"}, retry_after=5),
    PortalViewUpdated(payload={"zoom": -0.5, "sound": Octets(b"\0\xff")}),
    BatchApplied(changes=[ItemAdded(item={"id": "a"}, index=0), ItemUpdated(payload={"hp": None})], version=9),
    SyncRequested(subject_id=ID, connection_id="x"),
    PortalViewDeleted(portal_view_id=ID),
    GoingAway(retry_after=2),
]


def as_json(value: Any) -> Any:
    """A value read from MessagePack as JSON clients read it: bytes are objects."""
    if isinstance(value, bytes):
        return Octets(value).as_json()
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    return [as_json(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_means_the_same_in_both_encodings(message: ServerMessage) -> None:
    text, packed = content(message, Encoding.JSON), content(message, Encoding.MSGPACK)
    assert text.decode() == encode(message)
    assert as_json(msgpack.unpackb(packed)) == json.loads(text)
    assert translated(text.decode()) == packed


@given(payload=st.dictionaries(st.text("abc", max_size=3), values, max_size=3))
def test_a_translated_message_is_the_message(payload: dict[str, Any]) -> None:
    message = PortalViewUpdated(payload=payload)
    packed = translated(encode(message))
    assert as_json(msgpack.unpackb(packed)) == json.loads(encode(message))
    assert packed == content(message, Encoding.MSGPACK)


def test_bytes_are_one_object_in_json_and_bytes_in_message_pack() -> None:
    message = PortalViewUpdated(payload={"sound": Octets(b"hi")})
    assert json.loads(encode(message))["payload"] == {"sound": {"$bytes": "aGk="}}
    assert msgpack.unpackb(content(message, Encoding.MSGPACK))["payload"] == {"sound": b"hi"}


def test_a_state_is_not_searched_for_bytes() -> None:
    stored_before = {"items": [{"id": "a", "x": {"$bytes": "aGk="}}]}
    assert msgpack.unpackb(translated(encode_state(stored_before))) == stored_before


def test_an_encoded_state_goes_into_messages_of_its_encoding() -> None:
    state = encode_state({"name": "Evening"})
    for encoding, raw in ((Encoding.JSON, state), (Encoding.MSGPACK, msgspec.Raw(translated(state)))):
        made = content(PortalViewUpdated(payload=raw, version=2), encoding)
        read = json.loads(made) if encoding.is_text else msgpack.unpackb(made)
        assert read == {"type": "portal-view-updated", "payload": {"name": "Evening"}, "version": 2}


@pytest.mark.parametrize(
    ("number", "said"),
    [(2**64 - 1, 2**64 - 1), (-(2**63), -(2**63)), (2**64, float(2**64)), (-(10**30), -1e30)],
)
def test_an_integer_that_message_pack_lacks_becomes_a_float(number: int, said: float) -> None:
    packed = msgpack.unpackb(translated(encode(PortalViewUpdated(payload={"n": [number, 1]}))))
    assert packed["payload"]["n"] == [said, 1]


def test_what_no_client_can_read_is_not_sent() -> None:
    for encoding in Encoding:
        with pytest.raises(NotImplementedError, match="object"):
            content(PortalViewUpdated(payload={"x": object()}), encoding)


@pytest.mark.parametrize(
    ("offered", "encoding"),
    [
        ([], None),
        (["bearer.x", "portal.v1.json", "portal.v1.msgpack"], Encoding.JSON),
        (["portal.v1.msgpack", "portal.v1.json"], Encoding.MSGPACK),
        (["portal.v1"], None),
    ],
)
def test_the_first_encoding_that_is_named_counts(offered: list[str], encoding: Encoding | None) -> None:
    assert chosen(offered) is encoding
