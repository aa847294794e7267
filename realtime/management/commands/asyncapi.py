"""`manage.py asyncapi`: the WebSocket protocol as an AsyncAPI 3.0 document, made from the code.

Messages come from `realtime.protocol.requests` and `realtime.protocol.events`, roles from `realtime.protocol.policy`,
and what messages hold from `realtime.management.schemas`. `docs/protocol.md` explains in words what the document cannot
express.
"""

from __future__ import annotations

import inspect
from argparse import ArgumentParser
from typing import Any

import msgspec
import yaml
from django.conf import settings
from django.core.management.base import BaseCommand

from realtime.management import schemas
from realtime.protocol.closing import ERRORS, RECONNECT, CloseCode
from realtime.protocol.encodings import PREFIXES, Encoding
from realtime.protocol.events import SERVER_MESSAGES
from realtime.protocol.policy import ALLOWED
from realtime.protocol.requests import CLIENT_MESSAGES

FILE = settings.BASE_DIR / "docs" / "asyncapi.yaml"

_HEAD = "# Made by `manage.py asyncapi --write`; change the code instead.\n"
_CONTENT_TYPES = {Encoding.JSON: "application/json", Encoding.MSGPACK: "application/vnd.msgpack"}
_CHANNEL = "#/channels/portalView"
_TEXT: dict[str, Any] = {"type": "string"}

Message = type[msgspec.Struct]


class Command(BaseCommand):
    """Prints the document, or writes it to its file."""

    help = "Print the WebSocket protocol as an AsyncAPI document; --write puts it into docs/asyncapi.yaml."
    requires_system_checks = ()  # it only reads code

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Called by Django."""
        parser.add_argument("--write", action="store_true", help="write docs/asyncapi.yaml instead of printing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Called by Django."""
        if options["write"]:
            FILE.write_text(render())
        else:
            self.stdout.write(render(), ending="")


def render() -> str:
    """The document as YAML."""
    return _HEAD + yaml.dump(document(), Dumper=_Written, sort_keys=False, allow_unicode=True, width=110)


class _Written(yaml.SafeDumper):
    """Writes a value that occurs twice twice: aliases are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:
        """Called by PyYAML."""
        return True


def document() -> dict[str, Any]:
    """The document as plain values. Messages are named by their structs: a `sync-response` goes both ways."""
    received: list[Message] = list(CLIENT_MESSAGES.values())
    sent: list[Message] = list(SERVER_MESSAGES.values())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Portal views",
            "version": settings.SPECTACULAR_SETTINGS["VERSION"],
            "description": (
                "How the controllers and viewers of a portal view and the server talk; see protocol.md."
                " Messages are JSON in text frames, or the same as MessagePack in binary frames."
            ),
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "127.0.0.1:8000", "protocol": "ws", "description": "`make run`"}},
        "channels": {"portalView": _channel([*received, *sent])},
        "operations": {
            **{f"receive{message.__name__}": _receive(message) for message in received},
            **{f"send{message.__name__}": _send(message) for message in sent},
        },
        "components": {
            "messages": {message.__name__: _message(message) for message in (*received, *sent)},
            "schemas": _schemas([*received, *sent]),
        },
        "x-encodings": {one.value: _CONTENT_TYPES[one] for one in Encoding},
        "x-error-codes": {code: None if close is None else int(close) for code, close in ERRORS.items()},
        "x-reconnect": {reason: str(advice) for reason, advice in RECONNECT.items()},
        "x-close-codes": {str(int(code)): code.name for code in CloseCode},
    }


def _channel(messages: list[Message]) -> dict[str, Any]:
    query = {
        "token": {**_TEXT, "description": "An access token, where no subprotocol has a credential."},
        "ticket": {**_TEXT, "description": "A one-time ticket, where no subprotocol has a credential."},
        "share": {**_TEXT, "description": "The token of a share link, where no subprotocol has a credential."},
        "name": {**_TEXT, "description": "A guest's name."},
        "version": {"type": "integer", "description": "The last version that the client has applied."},
        "epoch": {**_TEXT, "description": "The epoch that `version` counts in."},
        "as": {**_TEXT, "description": "`viewer`: the connection is a viewer, whatever the role of the person."},
    }
    offers = [f"{one.value}, {prefix}.<{what}>" for one in Encoding for prefix, what in PREFIXES.items()]
    chosen = (
        "The encoding of messages (the first that is named; without one, JSON), and the best place of a credential."
    )
    headers = {"Sec-WebSocket-Protocol": {**_TEXT, "description": chosen, "examples": offers}}
    return {
        "address": "/ws/portal-view/{portalViewId}",
        "description": "One portal view, with or without a slash at the end of the address.",
        "parameters": {"portalViewId": {"description": "The id (UUID) of the portal view."}},
        "messages": {message.__name__: {"$ref": f"#/components/messages/{message.__name__}"} for message in messages},
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": query},
                "headers": {"type": "object", "properties": headers},
                "bindingVersion": "0.1.0",
            }
        },
    }


def _receive(message: Message) -> dict[str, Any]:
    """The messages that the server receives: a client's message, and the roles that may send it."""
    roles = sorted(str(role) for role in ALLOWED[_kind(message)])
    summary = f"For {' and '.join(f'{role}s' for role in roles)}."
    return {"action": "receive", "summary": summary, **_of(message), "x-roles": roles}


def _send(message: Message) -> dict[str, Any]:
    return {"action": "send", **_of(message)}


def _of(message: Message) -> dict[str, Any]:
    return {"channel": {"$ref": _CHANNEL}, "messages": [{"$ref": f"{_CHANNEL}/messages/{message.__name__}"}]}


def _message(message: Message) -> dict[str, Any]:
    return {
        "name": _kind(message),
        "summary": inspect.getdoc(message),
        "payload": {"$ref": f"#/components/schemas/{message.__name__}"},
    }


def _kind(message: Message) -> str:
    return str(message.__struct_config__.tag)


def _schemas(messages: list[Message]) -> dict[str, Any]:
    _, found = msgspec.json.schema_components(messages, ref_template="#/components/schemas/{name}")
    refined = schemas.refined()
    for name, schema in found.items():
        del schema["description"]  # the message's summary
        for key, value in schema["properties"].items():
            schema["properties"][key] = refined.get((name, key)) or _plain(value)
    found["Error"]["properties"]["code"]["enum"] = list(ERRORS)
    return {**found, **schemas.batches(found), **schemas.shared()}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Replace the schema of values encoded beforehand (`msgspec.Raw`), which has no schema: they are always objects."""
    return {"type": "object"} if schema == {} or {} in schema.get("anyOf", []) else schema
