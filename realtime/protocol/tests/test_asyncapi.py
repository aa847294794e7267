"""`manage.py asyncapi`: the committed document matches the code, and is consistent."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from django.core.management import call_command
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it comes with drf-spectacular

from realtime.management.commands import asyncapi
from realtime.protocol.encodings import encode, encode_state
from realtime.protocol.events import Ack, Error, Pong, PortalViewUpdated, ServerMessage
from realtime.protocol.policy import ALLOWED


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


@pytest.mark.parametrize(
    "message",
    [
        Ack(ref="a", version=2, warnings=["Shown."]),
        Pong(timestamp=1),
        Error(message="No.", code="forbidden", ref=7, details={"name": "No."}),
        PortalViewUpdated(payload=encode_state({"blackout": True}), version=2),
    ],
    ids=lambda message: type(message).__name__,
)
def test_sent_messages_fit_their_schemas(message: ServerMessage) -> None:
    document = asyncapi.document()
    schema = {"$ref": f"#/components/schemas/{type(message).__name__}", "components": document["components"]}
    Draft7Validator(schema).validate(msgspec.json.decode(encode(message)))
