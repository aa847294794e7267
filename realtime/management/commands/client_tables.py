"""`manage.py client_tables`: the server's tables and messages as files of the JavaScript client.

`tables.js` has the close codes, error codes and message types, and `tables.d.ts` their types, made from the same
schemas as `docs/asyncapi.yaml`.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from libraries.rules.changes import CHECKS
from realtime.management.commands.asyncapi import document
from realtime.management.schemas import IN_BATCH
from realtime.management.typescript import declarations, literals
from realtime.protocol.closing import CLOSE_REASONS, ERRORS, RECONNECT, CloseCode, Reconnect
from realtime.protocol.encodings import Encoding
from realtime.protocol.events import SERVER_MESSAGES
from realtime.protocol.policy import ALLOWED
from realtime.protocol.requests import CLIENT_MESSAGES

FOLDER = settings.BASE_DIR / "realtime" / "client" / "js" / "src"

_HEAD = "// Made by `manage.py client_tables --write`; change the code of the server instead.\n"


class Command(BaseCommand):
    """Prints the files, or writes them."""

    help = "Print the tables of the JavaScript client; --write puts them into realtime/client/js/src."
    requires_system_checks = ()  # it only reads code

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Called by Django."""
        parser.add_argument("--write", action="store_true", help="write the files instead of printing them")

    def handle(self, *args: Any, **options: Any) -> None:
        """Called by Django."""
        for name, text in render().items():
            if options["write"]:
                (FOLDER / name).write_text(text)
            else:
                self.stdout.write(text, ending="")


def render() -> dict[str, str]:
    """The text of each file, by its name."""
    return {
        "tables.js": _HEAD
        + "".join(f"\n// {why}\nexport const {name} = {_js(value)};\n" for name, why, value in _TABLES),
        "tables.d.ts": _HEAD + _types(),
    }


def final_codes() -> list[int]:
    """The close codes all of whose reasons are final; 1000 is that of `portal-view-deleted`."""
    advice = [(code, RECONNECT[reason]) for reason, code in ERRORS.items() if code is not None]
    advice += [(CloseCode(code), RECONNECT[reason]) for code, reason in CLOSE_REASONS.items()]
    advice.append((CloseCode.NORMAL, RECONNECT["portal-view-deleted"]))
    others = {code for code, what in advice if what is not Reconnect.NEVER}
    return sorted({int(code) for code, _ in advice if code not in others})


_TABLES: list[tuple[str, str, Any]] = [
    (
        "RECONNECT",
        "What a client does after a close, by its reason",
        {key: str(what) for key, what in RECONNECT.items()},
    ),
    (
        "CLOSE_REASONS",
        "The reason of a close that has none, by its code",
        {int(key): why for key, why in CLOSE_REASONS.items()},
    ),
    ("FINAL_CODES", "The codes of closes after which no client comes back, if they have no reason", final_codes()),
    ("CLOSE_CODES", "Every close code, by its name", {code.name: int(code) for code in CloseCode}),
    (
        "ERRORS",
        "The close code that follows each error code; null leaves the connection open",
        {code: close and int(close) for code, close in ERRORS.items()},
    ),
    ("SUBPROTOCOLS", "The subprotocol of each encoding", {one.name.lower(): one.value for one in Encoding}),
    ("STORED", "The types of the messages that are stored", [*CHECKS, "batch"]),
    (
        "CLIENT_MESSAGES",
        "Who may send which message",
        {kind: sorted(map(str, roles)) for kind, roles in ALLOWED.items()},
    ),
    ("SERVER_MESSAGES", "What the server sends", list(SERVER_MESSAGES)),
]


def _js(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _types() -> str:
    tables = {
        "ErrorCode": literals(list(ERRORS)),
        "Reason": literals(list(RECONNECT)),
        "Reconnect": literals([str(one) for one in Reconnect]),
        "Stored": literals([*CHECKS, "batch"]),
        "ClientMessage": _union(CLIENT_MESSAGES),
        "ServerMessage": _union(SERVER_MESSAGES),
        "Change": " | ".join(f"{CLIENT_MESSAGES[kind].__name__}{IN_BATCH}" for kind in CHECKS),
    }
    constants = {
        "RECONNECT": "Record<Reason, Reconnect>",
        "CLOSE_REASONS": "Record<number, Reason>",
        "FINAL_CODES": "number[]",
        "CLOSE_CODES": "Record<string, number>",
        "ERRORS": "Record<ErrorCode, number | null>",
        "SUBPROTOCOLS": "Record<string, string>",
        "STORED": "Stored[]",
        "CLIENT_MESSAGES": 'Record<ClientMessage["type"], Array<"controller" | "viewer">>',
        "SERVER_MESSAGES": 'Array<ServerMessage["type"]>',
    }
    return "".join(
        [
            *(f"\nexport type {name} = {what};\n" for name, what in tables.items()),
            *(f"\nexport const {name}: {constants[name]};\n" for name, _, _ in _TABLES),
            declarations(document()["components"]["schemas"]),
        ]
    )


def _union(messages: dict[str, Any]) -> str:
    return " | ".join(message.__name__ for message in messages.values())
