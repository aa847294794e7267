"""`manage.py client_tables`: the server's tables and messages as files of the clients.

`tables.js` and `tables.py` have the close codes, error codes and message types. `tables.d.ts` has their types, made
from the same schemas as `docs/asyncapi.yaml`.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from libraries.rules.changes import CHECKS
from libraries.rules.octets import BYTES_KEY
from libraries.rules.state import FIELDS, READ_ONLY
from realtime.management.commands.asyncapi import document
from realtime.management.python import constants
from realtime.management.schemas import IN_BATCH
from realtime.management.typescript import declarations, literals
from realtime.protocol.closing import CLOSE_REASONS, ERRORS, RECONNECT, CloseCode, Reconnect
from realtime.protocol.encodings import Encoding
from realtime.protocol.events import SERVER_MESSAGES
from realtime.protocol.policy import ALLOWED
from realtime.protocol.requests import CLIENT_MESSAGES

CLIENTS = settings.BASE_DIR / "realtime" / "client"
JAVASCRIPT = CLIENTS / "js" / "src"
PYTHON = CLIENTS / "python" / "portal_client" / "tables.py"

_MADE = "Made by `manage.py client_tables --write`; change the code of the server instead."
_HEAD = f"// {_MADE}\n"
_PYTHON_HEAD = f'"""The tables of the protocol.\n\n{_MADE}\n"""\n\nfrom __future__ import annotations\n'


class Command(BaseCommand):
    """Compares the files with the server, or writes them."""

    help = "Compare the tables of the clients with the server's; --write writes the files that differ."
    requires_system_checks = ()  # it only reads code

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Called by Django."""
        parser.add_argument("--write", action="store_true", help="write the files that differ")

    def handle(self, *args: Any, **options: Any) -> None:
        """Called by Django; CommandError if a file differs and is not written."""
        wanted = render()
        stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
        for path in stale if options["write"] else ():
            path.write_text(wanted[path])
            self.stdout.write(f"Wrote {path}")
        if stale and not options["write"]:
            names = ", ".join(map(str, stale))
            raise CommandError(f"Not as the server's tables: {names}. manage.py client_tables --write writes them.")


def render() -> dict[Path, str]:
    """The text of each file."""
    return {
        JAVASCRIPT / "tables.js": _HEAD
        + "".join(f"\n// {why}\nexport const {name} = {_js(value)};\n" for name, why, value in _TABLES),
        JAVASCRIPT / "tables.d.ts": _HEAD + _types(),
        PYTHON: _PYTHON_HEAD + constants([*_TABLES, *_MORE]),
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
        {kind: tuple(sorted(map(str, roles))) for kind, roles in ALLOWED.items()},
    ),
    ("SERVER_MESSAGES", "What the server sends", list(SERVER_MESSAGES)),
    ("READ_ONLY_KEYS", "The keys of a state that no message changes", sorted(READ_ONLY)),
]
_MORE: list[tuple[str, str, Any]] = [
    ("STATE_KEYS", "The keys of a state; others are commands", sorted({*FIELDS, *READ_ONLY} - {"epoch"})),
    ("BYTES_KEY", "The one key of an object that stands for bytes in JSON", BYTES_KEY),
]
"""What only the Python client has as a table."""


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
        "READ_ONLY_KEYS": "string[]",
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
