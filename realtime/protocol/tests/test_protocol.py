"""Messages both ways: which are read, which are refused and how, and the exact text of sent messages."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET

from libraries.rules.json_faults import kind_of
from libraries.rules.values import MAX_MESSAGE_VALUES
from realtime.protocol.closing import CLOSE_REASONS, ERRORS, RECONNECT, CloseCode
from realtime.protocol.contents import MAX_REF_CHARS, MAX_REF_NUMBER, InvalidMessage
from realtime.protocol.encodings import encode, encode_state
from realtime.protocol.events import (
    Ack,
    BatchApplied,
    Connected,
    Error,
    GoingAway,
    ItemAdded,
    ItemMoved,
    ItemRemoved,
    ItemUpdated,
    Pong,
    PortalViewDeleted,
    PortalViewUpdated,
    RoleChanged,
    ServerMessage,
    SyncRequested,
    SyncResponded,
    TokenExpiring,
    Who,
)
from realtime.protocol.requests import (
    CLIENT_MESSAGES,
    MAX_CONNECTION_ID_CHARS,
    decode,
)

GOOD: dict[str, dict[str, Any]] = {
    "ping": {},
    "portal-view-update": {"payload": {"name": "Night", "zoom": [1, {"x": None}]}},
    "item-update": {"itemId": "a", "payload": {"hp": 3}},
    "item-add": {"payload": {"id": 5, "name": "Imp"}, "index": 0},
    "item-remove": {"itemId": 5},
    "item-move": {"itemId": "a", "index": 0},
    "encounter-next": {},
    "encounter-previous": {},
    "batch": {"changes": [{"type": "item-remove", "itemId": "a"}, 5]},
    "request-sync": {},
    "sync-response": {"payload": {"items": []}, "to": "abc"},
    "activity": {"state": "editing", "target": "a"},
    "pointer": {"itemId": 5, "x": 0.5, "y": 1},
    "auth": {"token": "a.b.c"},
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([*CLIENT_MESSAGES, "pong", ""]) | json_values,
        "ref": json_values,
        "payload": json_values,
        "itemId": json_values,
        "index": json_values,
        "changes": json_values,
        "to": json_values,
        "state": st.sampled_from(["editing", "idle", "away"]) | json_values,
        "target": json_values,
        "x": json_values,
        "y": json_values,
        "token": json_values,
        "retry": json_values,
        "connectionId": json_values,
        "more": json_values,
    },
)


def refused(message: object) -> InvalidMessage:
    """The error of a refused message; a text is used as it is."""
    with pytest.raises(InvalidMessage) as refusal:
        decode(message if isinstance(message, str) else json.dumps(message))
    error = refusal.value
    assert ERRORS[error.code] is None, "the connection stays open"
    assert error.message.endswith(".")
    return error


@pytest.mark.parametrize("ref", [None, "", "a7", "x" * MAX_REF_CHARS, 0, -MAX_REF_NUMBER, MAX_REF_NUMBER])
@pytest.mark.parametrize("kind", GOOD)
def test_each_message_is_read_with_its_ref(kind: str, ref: object) -> None:
    body = GOOD[kind] if ref is None else {**GOOD[kind], "ref": ref}
    message = decode(json.dumps({"type": kind, **body, "unknown": {"is": "ignored"}}))
    assert type(message) is CLIENT_MESSAGES[kind]
    assert message.ref == (UNSET if ref is None else ref)
    for key, value in GOOD[kind].items():
        assert getattr(message, {"itemId": "item_id"}.get(key, key)) == value


def test_all_messages_of_the_protocol_are_read() -> None:
    assert CLIENT_MESSAGES.keys() == GOOD.keys()


def test_a_message_that_is_sent_again_has_retry() -> None:
    message: Any = decode('{"type": "item-update", "payload": {}, "retry": true, "connectionId": "a_B-9"}')
    assert (message.retry, message.connection_id, message.item_id) == (True, "a_B-9", UNSET)
    message = decode('{"type": "portal-view-update", "payload": {}}')
    assert (message.retry, message.connection_id) == (False, UNSET)


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", "ping", "{'type': 'ping'}", '{"type": "ping"} x', '{"a": NaN}', "\ufeff{}", "\ud800", '"\\ud800"'],
)
def test_text_that_is_not_json_is_invalid_json(text: str) -> None:
    assert refused(text).code == "invalid-json"


@pytest.mark.parametrize("number", ["1e999", "9" * 5000])
def test_a_number_that_no_receiver_can_hold_is_invalid_json(number: str) -> None:
    assert refused(f'{{"type": "portal-view-update", "payload": {{"x": {number}}}}}').code == "invalid-json"


@pytest.mark.parametrize("text", ["[" * 100_000, '{"type": "portal-view-update", "payload": ' + '{"a":' * 100_000])
def test_endless_nesting_is_an_invalid_payload(text: str) -> None:
    assert refused(text).code == "invalid-payload"


@pytest.mark.parametrize("key", ["payload", "more"])
def test_a_message_of_too_many_values_is_an_invalid_payload(key: str) -> None:
    spare = MAX_MESSAGE_VALUES - 4 - (key == "more")  # the message itself, its type and its ref, and the containers
    for count in (spare, spare + 1):
        body = {"payload": {}, key: {"x": [0] * count} if key == "payload" else [0] * count}
        text = json.dumps({"type": "portal-view-update", "ref": 4, **body}, separators=(",", ":"))
        if count > spare - (key == "payload"):
            error = refused(text)
            assert (error.code, error.ref) == ("invalid-payload", 4)
            assert "at most 10000 values" in error.message
        else:
            assert decode(text).ref == 4


@pytest.mark.parametrize("message", [[], "ping", 1, None, True, [{"type": "ping"}]])
def test_json_that_is_not_an_object_is_an_invalid_message(message: object) -> None:
    text = json.dumps(message)
    error = refused(text)
    assert error.code == "invalid-message"
    assert error.message.startswith('A message must be a JSON object like {"type": "ping"}; it is ')
    assert error.message.endswith(f" {kind_of(message)}.")


@pytest.mark.parametrize("kind", [None, 1, [], {}, True])
def test_a_message_needs_a_type(kind: object) -> None:
    assert refused({"type": kind, "ref": 4}).code == "invalid-message"
    error = refused({"payload": {}, "ref": 4})
    assert (error.code, error.ref) == ("invalid-message", 4)
    assert error.message == "A message needs a type, which is text."


@pytest.mark.parametrize("kind", ["", "PING", "portal_view_update", "pong", "connected", "x" * 10_000])
def test_an_unknown_type_is_named_in_a_short_form(kind: str) -> None:
    error = refused({"type": kind, "ref": "r"})
    assert (error.code, error.ref) == ("unknown-type", "r")
    assert f"“{kind[:64]}”" in error.message
    assert all(known in error.message for known in CLIENT_MESSAGES)
    assert len(error.message) < 350


@pytest.mark.parametrize("payload", [None, [], "text", 1, True])
@pytest.mark.parametrize("kind", ["portal-view-update", "item-update", "item-add", "sync-response"])
def test_a_payload_that_is_not_an_object_is_an_invalid_payload(kind: str, payload: object) -> None:
    for message in ({"type": kind, "payload": payload, "ref": 1}, {"type": kind, "ref": 1}):
        error = refused(message)
        assert (error.code, error.ref) == ("invalid-payload", 1)
        assert "payload must be an object" in error.message


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ({"type": "item-update", "payload": {}, "itemId": 0.5}, "itemId must be text or an integer, if it is given"),
        ({"type": "item-update", "payload": {}, "itemId": None}, "itemId must be text or an integer, if it is given"),
        ({"type": "item-add", "payload": {}, "index": "0"}, "index must be a whole number, if it is given"),
        ({"type": "item-remove"}, "itemId must be text or an integer"),
        ({"type": "item-remove", "itemId": True, "payload": {}}, "itemId must be text or an integer"),
        ({"type": "item-move", "itemId": "a"}, "index must be a whole number"),
        ({"type": "item-move", "itemId": "a", "index": 0.5}, "index must be a whole number"),
        ({"type": "encounter-next", "retry": 1}, "retry must be true or false, if it is given"),
        ({"type": "batch"}, "changes must be a list"),
        ({"type": "batch", "changes": {}}, "changes must be a list"),
        ({"type": "item-update", "payload": {}, "retry": 1}, "retry must be true or false, if it is given"),
        ({"type": "item-update", "payload": {}, "connectionId": ""}, "connectionId must be text, if it is given"),
        ({"type": "item-update", "payload": {}, "connectionId": "a\0"}, "connectionId must be text"),
        (
            {"type": "item-update", "payload": {}, "connectionId": "a" * (MAX_CONNECTION_ID_CHARS + 1)},
            "connectionId must be text",
        ),
        ({"type": "sync-response", "payload": {}, "to": []}, "to must be text, if it is given"),
        ({"type": "auth", "ticket": 5}, "ticket must be text, if it is given"),
        ({"type": "auth", "token": 5, "payload": {}}, "token must be text, if it is given"),
    ],
)
def test_a_bad_body_is_an_invalid_message(message: dict[str, Any], sentence: str) -> None:
    error = refused({**message, "ref": "r"})
    assert (error.code, error.ref) == ("invalid-message", "r")
    assert error.message.startswith(f"The body of {message['type']} is wrong: ")
    assert sentence in error.message


def test_what_a_body_must_have_is_said_before_what_it_may_have() -> None:
    said = refused({"type": "item-move"}).message
    assert said.startswith("The body of item-move is wrong: itemId must be text or an integer, index must be a whole")
    assert said.endswith("connectionId must be text, if it is given.")


@pytest.mark.parametrize(
    "ref", [None, True, 1.5, 1.0, [], {}, "x" * (MAX_REF_CHARS + 1), MAX_REF_NUMBER + 1, -MAX_REF_NUMBER - 1]
)
@pytest.mark.parametrize("message", [{"type": "ping"}, {"type": "no-such"}, {}])
def test_a_bad_ref_is_reported_and_not_sent_back(message: dict[str, Any], ref: object) -> None:
    error = refused({**message, "ref": ref})
    assert (error.code, error.ref) == ("invalid-message", UNSET)
    assert error.message == "A ref must be text of at most 64 characters or an integer."


@given(st.text(alphabet=st.characters()) | st.text(alphabet='{}[]":,\\typeingrf01.-e \ud800'))
@example('{"type":"ping"')
@example('{"type":"\\ud800"}')
def test_no_text_makes_decode_fail_in_any_other_way(text: str) -> None:
    try:
        decode(text)
    except InvalidMessage as error:
        encode(Error(message=error.message, code=error.code, ref=error.ref))


@given(envelopes)
def test_no_envelope_makes_decode_fail_in_any_other_way(envelope: dict[str, Any]) -> None:
    try:
        message = decode(json.dumps(envelope))
    except InvalidMessage as error:
        sent = json.loads(encode(Error(message=error.message, code=error.code, ref=error.ref)))
        assert "ref" not in sent or sent["ref"] == envelope["ref"]
    else:
        assert message.__struct_config__.tag == envelope["type"]
        assert message.ref == envelope.get("ref", UNSET)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (Pong(timestamp=1, reconnect_within=500), {"type": "pong", "timestamp": 1, "reconnectWithin": 500}),
        (
            Pong(timestamp=1, reconnect_within=500, ref=0),
            {"type": "pong", "timestamp": 1, "reconnectWithin": 500, "ref": 0},
        ),
        (PortalViewUpdated(payload={"a": 1}), {"type": "portal-view-updated", "payload": {"a": 1}}),
        (
            PortalViewUpdated(payload=encode_state({"a": "é"}), version=2),
            {"type": "portal-view-updated", "payload": {"a": "é"}, "version": 2},
        ),
        (
            ItemUpdated(payload={"itemId": "a"}, index=0, version=2),
            {"type": "item-updated", "payload": {"itemId": "a"}, "index": 0, "version": 2},
        ),
        (
            ItemAdded(item={"id": "a"}, index=0, version=2),
            {"type": "item-added", "item": {"id": "a"}, "index": 0, "version": 2},
        ),
        (
            ItemRemoved(item_id="a", current_item=None, current_item_id=None, camera=None, encounter=None, version=2),
            {"type": "item-removed", "itemId": "a", "version": 2}
            | dict.fromkeys(("currentItem", "currentItemId", "camera", "encounter")),
        ),
        (
            ItemMoved(item_id="a", index=0, current_item=1, version=2),
            {"type": "item-moved", "itemId": "a", "index": 0, "currentItem": 1, "version": 2},
        ),
        (
            BatchApplied(changes=[ItemRemoved(item_id="a"), PortalViewUpdated(payload={"name": "N"})], version=2),
            {
                "type": "batch-applied",
                "changes": [
                    {"type": "item-removed", "itemId": "a"},
                    {"type": "portal-view-updated", "payload": {"name": "N"}},
                ],
                "version": 2,
            },
        ),
        (
            SyncRequested(subject_id=UUID(int=7), connection_id="c"),
            {"type": "sync-requested", "from": str(UUID(int=7)), "connectionId": "c"},
        ),
        (
            SyncResponded(payload={}, version=1, source="server"),
            {"type": "sync-response", "payload": {}, "version": 1, "source": "server"},
        ),
        (Error(message="No.", code="forbidden"), {"type": "error", "message": "No.", "code": "forbidden"}),
        (
            Error(message="No.", code="invalid-payload", ref="r", details={"a": "No."}),
            {"type": "error", "message": "No.", "code": "invalid-payload", "ref": "r", "details": {"a": "No."}},
        ),
        (Ack(ref="r", version=3), {"type": "ack", "ref": "r", "version": 3}),
        (Ack(ref="r", version=3, warnings=["w"]), {"type": "ack", "ref": "r", "version": 3, "warnings": ["w"]}),
        (Ack(ref="r", version=3, item_id="a"), {"type": "ack", "ref": "r", "version": 3, "itemId": "a"}),
        (
            Ack(ref="r", version=3, item_ids=["a", "b"], payload={"items": []}),
            {"type": "ack", "ref": "r", "version": 3, "itemIds": ["a", "b"], "payload": {"items": []}},
        ),
        (
            RoleChanged(role="viewer", version=3, epoch="e", state=encode_state({})),
            {"type": "role-changed", "role": "viewer", "version": 3, "epoch": "e", "state": {}},
        ),
        (
            PortalViewDeleted(portal_view_id=UUID(int=7)),
            {"type": "portal-view-deleted", "portalViewId": str(UUID(int=7))},
        ),
        (GoingAway(retry_after=5), {"type": "going-away", "retryAfter": 5}),
        (TokenExpiring(expires_in=60), {"type": "token-expiring", "expiresIn": 60}),
    ],
)
def test_each_server_message_is_sent_as_in_the_protocol(message: ServerMessage, expected: Any) -> None:
    text = encode(message)
    assert json.loads(text) == expected
    assert next(iter(json.loads(text))) == "type"


def test_connected_has_the_state_unless_nothing_was_missed() -> None:
    rest: dict[str, Any] = {"portal_view_id": "p", "role": "viewer", "user_id": "u", "message": "Hello."}
    rest["subject"] = Who(kind="user", id=UUID(int=1), name=None)
    rest |= {"connection_id": "c", "version": 3, "epoch": "e", "reconnect_within": 700}
    sent = json.loads(encode(Connected(**rest, recovered=False, state=encode_state({"items": []}))))
    assert sent == {
        "type": "connected",
        "portalViewId": "p",
        "role": "viewer",
        "subject": {"kind": "user", "id": str(UUID(int=1)), "name": None},
        "userId": "u",
        "message": "Hello.",
        "connectionId": "c",
        "version": 3,
        "epoch": "e",
        "recovered": False,
        "reconnectWithin": 700,
        "state": {"items": []},
    }
    assert "state" not in json.loads(encode(Connected(**rest, recovered=True)))


def test_every_close_says_whether_to_reconnect() -> None:
    closing = {code for code, close in ERRORS.items() if close is not None}
    assert closing < RECONNECT.keys()
    others = {"unavailable", "rate-limited", "message-too-big", "portal-view-deleted", "going-away"}
    assert RECONNECT.keys() - closing == others


def test_codes_and_close_codes_are_those_of_the_protocol() -> None:
    assert {code.value for code in CloseCode} == {1000, 1003, 1008, 1009, 1011, 1012, 1013}
    assert all(code == code.lower() and " " not in code and "_" not in code for code in ERRORS)
    # A message that is too big closes only if it is far too big: the server does that by itself.
    assert {ERRORS[reason] or CloseCode.TOO_BIG for reason in CLOSE_REASONS.values()} == set(CLOSE_REASONS)
