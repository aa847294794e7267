"""`manage.py asyncapi`: the committed document matches the code, and is consistent."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import yaml
from django.core.management import call_command
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it comes with drf-spectacular

from libraries.rules.changes import check_changes
from libraries.rules.errors import InvalidPayload
from realtime.management.commands import asyncapi
from realtime.protocol.encodings import encode, encode_state
from realtime.protocol.events import (
    SERVER_MESSAGES,
    Ack,
    Activity,
    BatchApplied,
    Error,
    ItemAdded,
    ItemMoved,
    ItemRemoved,
    ItemUpdated,
    Pointer,
    Pong,
    PortalViewUpdated,
    ServerMessage,
)
from realtime.protocol.policy import ALLOWED
from realtime.protocol.requests import CLIENT_MESSAGES

CAMERA = {"x": 0.5, "y": 0, "zoom": 2, "rotation": 0}
ENCOUNTER = {"round": 1, "turn": "a", "order": [{"itemId": "a", "initiative": None}]}
SETTLED: dict[str, Any] = {"current_item": 0, "current_item_id": "a", "camera": CAMERA, "encounter": ENCOUNTER}
VIEW = {"currentItem": 0, "currentItemId": "a", "camera": CAMERA, "encounter": ENCOUNTER, "items": [{"id": "a"}]}
CHANGES: list[Any] = [
    ItemAdded(item={"id": "a"}, index=0),
    ItemRemoved(item_id="a"),
    ItemMoved(item_id="a", index=0),
    ItemUpdated(payload={"itemId": "a", "hp": None}, index=0),
    PortalViewUpdated(payload=VIEW),
]


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for inner in node.values():
            yield from _refs(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _refs(inner)


def test_the_committed_document_is_current() -> None:
    assert asyncapi.FILE.read_text() == asyncapi.render(), "run `manage.py asyncapi --write`"


def test_the_document_is_printed_or_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncapi, "FILE", tmp_path / "asyncapi.yaml")
    out = StringIO()
    call_command("asyncapi", stdout=out)
    assert not asyncapi.FILE.exists()
    call_command("asyncapi", "--write")
    assert asyncapi.FILE.read_text() == out.getvalue()


def test_every_reference_has_a_target() -> None:
    document = yaml.safe_load(asyncapi.render())
    refs = set(_refs(document))
    assert refs
    for ref in refs:
        found = document
        for name in ref.removeprefix("#/").split("/"):
            found = found[name]


def test_every_message_has_one_operation_that_says_who_may_send_it() -> None:
    operations = asyncapi.document()["operations"].values()
    messages = asyncapi.document()["components"]["messages"]
    named = [operation["messages"][0]["$ref"].rpartition("/")[2] for operation in operations]
    assert named == list(messages)
    roles = {
        messages[name]["name"]: set(operation["x-roles"])
        for name, operation in zip(named, operations, strict=True)
        if operation["action"] == "receive"
    }
    assert roles == {kind: {str(role) for role in allowed} for kind, allowed in ALLOWED.items()}


def test_every_message_of_the_server_is_described() -> None:
    leaves, below = set(), set(ServerMessage.__subclasses__())
    while below:
        message = below.pop()
        below |= set(message.__subclasses__())
        leaves |= set() if message.__subclasses__() else {message}
    assert leaves == set(SERVER_MESSAGES.values())
    sent = {name.removeprefix("send") for name in asyncapi.document()["operations"] if name.startswith("send")}
    assert sent == {message.__name__ for message in leaves}


@pytest.mark.parametrize(
    "message",
    [
        Ack(ref="a", version=2, warnings=["Shown."]),
        Pong(timestamp=1, reconnect_within=500),
        Error(message="No.", code="forbidden", ref=7, details={"name": "No."}),
        PortalViewUpdated(payload=encode_state({"blackout": True}), version=2),
        *CHANGES,
        ItemAdded(item={"id": "a"}, index=0, version=2, **SETTLED),
        ItemRemoved(item_id="a", version=2, **dict.fromkeys(SETTLED)),
        ItemMoved(item_id="a", index=0, version=2, current_item=1),
        ItemUpdated(payload={"itemId": "a"}),
        BatchApplied(changes=CHANGES, version=2),
        Ack(ref="a", version=2, item_id="a", payload={**VIEW, "changes": CHANGES[3:4]}),
        Activity(state="editing", subject_id=UUID(int=1), target="a"),
        Activity(state="idle"),
        Pointer(pointer_id="a1", role="viewer", subject_id=UUID(int=1), item_id="a", x=0, y=0.5),
        Pointer(pointer_id="a1", role="viewer", item_id="a", x=1, y=0.5),
        Ack(ref="a", version=2, item_ids=["a"], payload={"camera": None}),
    ],
    ids=lambda message: type(message).__name__,
)
def test_sent_messages_fit_their_schemas(message: ServerMessage) -> None:
    validator(type(message).__name__).validate(msgspec.json.decode(encode(message)))


def validator(name: str) -> Any:
    """A validator of messages with that schema."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": asyncapi.document()["components"]}
    return Draft7Validator(schema)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("ItemAdded", {"item": {}, "index": 0}),
        ("ItemAdded", {"item": {"id": 5}, "index": 0}),
        ("ItemRemoved", {"itemId": None}),
        ("ItemMoved", {"itemId": "a"}),
        ("ItemMoved", {"itemId": "a", "index": 0, "camera": {"x": 0, "y": 0, "zoom": 1}}),
        ("ItemUpdated", {"payload": {"hp": 1}}),
        ("BatchApplied", {"changes": []}),
        ("BatchApplied", {"changes": [{"type": "batch-applied", "changes": []}]}),
        ("Ack", {"ref": 1, "version": 1, "payload": {"zoom": 2}}),
        ("PortalViewUpdated", {"payload": {"encounter": {"round": 1, "turn": 5, "order": []}}}),
    ],
)
def test_the_schemas_refuse_what_the_server_never_sends(name: str, body: dict[str, Any]) -> None:
    kind = asyncapi.document()["components"]["messages"][name]["name"]
    assert not validator(name).is_valid({"type": kind, **body})


ITEM: dict[str, Any] = {"id": "a", "show": {"health": "bar"}, "visible": None, "revealOnTurn": True}
GIVEN: dict[str, Any] = {
    "currentItemId": 5,
    "camera": {"x": 0, "y": 1, "zoom": 1},
    "encounter": {"round": 0, "order": [{"itemId": 5}, {"itemId": "b", "initiative": "17+2"}]},
    "items": [{"id": 5}, {"id": None}, {}, ITEM],
}
GOOD: list[dict[str, Any]] = [
    {"type": "portal-view-update", "payload": {**GIVEN, "id": "x", "epoch": 4}},
    {"type": "portal-view-update", "payload": dict.fromkeys(("currentItem", "currentItemId", "camera", "encounter"))},
    {"type": "item-update", "itemId": 5, "payload": {"hp": None}},
    {"type": "item-update", "payload": {"itemId": "a", "show": {"ac": True}}},
    {"type": "item-add", "payload": {}},
    {"type": "item-add", "payload": ITEM, "index": 499},
    {"type": "item-add", "payload": {"id": 5}, "index": None},
    {"type": "item-remove", "itemId": "a"},
    {"type": "item-move", "itemId": 5, "index": 0},
    {"type": "encounter-next"},
    {"type": "encounter-previous"},
]
BAD: list[dict[str, Any]] = [
    {"type": "portal-view-update"},
    *(
        {"type": "portal-view-update", "payload": payload}
        for payload in (
            {"currentItemId": ""},
            {"currentItemId": True},
            {"camera": {"x": 0, "y": 0}},
            {"camera": {"x": 2, "y": 0, "zoom": 1}},
            {"camera": {"x": 0, "y": 0, "zoom": 1, "z": 1}},
            {"encounter": {"round": 1}},
            {"encounter": {"round": -1, "order": []}},
            {"encounter": {"round": 1, "order": [{"initiative": 4}]}},
            {"encounter": {"round": 1, "order": [{"itemId": "a", "hp": 4}]}},
            {"items": [{"id": ""}]},
            {"items": [{"revealOnTurn": 1}]},
        )
    ),
    {"type": "item-update", "itemId": "a", "payload": []},
    {"type": "item-add", "payload": {"id": True}},
    {"type": "item-add", "payload": {"show": {"hp": True}}},
    {"type": "item-add", "payload": {}, "index": 500},
    {"type": "item-remove"},
    {"type": "item-move", "itemId": "a"},
    {"type": "item-move", "itemId": "a", "index": -1},
]


@pytest.mark.parametrize("is_good", [True, False])
def test_the_schemas_allow_what_the_server_accepts(is_good: bool) -> None:
    batch = validator("Batch")
    for message in GOOD if is_good else BAD:
        schema = validator(CLIENT_MESSAGES[message["type"]].__name__)
        assert schema.is_valid({**message, "ref": 1, "retry": True, "connectionId": "c"}) is is_good, message
        assert batch.is_valid({"type": "batch", "changes": [message]}) is is_good, message
        assert _is_accepted([message]) is is_good, message


@pytest.mark.parametrize(
    "changes", [[], [GOOD[-1]] * 1001, [{"type": "ping"}], [{"type": "batch", "changes": []}], [5]]
)
def test_the_schema_of_a_batch_refuses_what_the_server_refuses(changes: list[Any]) -> None:
    assert not validator("Batch").is_valid({"type": "batch", "changes": changes})
    assert not _is_accepted(changes)


def test_keys_that_are_only_relayed_are_for_single_patches() -> None:
    message = {"type": "portal-view-update", "payload": {"zoom": 2}}
    assert validator("PortalViewUpdate").is_valid(message)
    assert not validator("Batch").is_valid({"type": "batch", "changes": [message]})
    assert not _is_accepted([message])


def _is_accepted(changes: list[Any]) -> bool:
    try:
        check_changes(changes)
    except InvalidPayload:
        return False
    return True
