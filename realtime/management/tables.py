"""The server's tables as the clients in `realtime.client` have them: one text for each client's file.

A client is installed without the server, so it has a copy. `manage.py client_tables --write` writes the copies, and a
test compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from libraries.rules.octets import BYTES_KEY
from libraries.rules.state import FIELDS, READ_ONLY
from realtime.protocol.closing import CLOSE_REASONS, ERRORS, RECONNECT, CloseCode, Reconnect
from realtime.protocol.encodings import PREFIXES, Encoding
from realtime.protocol.events import SERVER_MESSAGES
from realtime.protocol.requests import CLIENT_MESSAGES, StoredRequest

Table = list[str] | list[int] | dict[str, str] | str

_HEAD = "Made by `manage.py client_tables --write` from the server's tables; change those instead."
_UNSTATED = {"portal-view-deleted": CloseCode.NORMAL, "going-away": CloseCode.RESTART}
"""The codes of the close reasons that have no error before them."""


def tables() -> dict[str, tuple[Table, str]]:
    """Each table by its name, with the sentence that describes it."""
    stored = [kind for kind, message in CLIENT_MESSAGES.items() if issubclass(message, StoredRequest)]
    return {
        "CLIENT_TYPES": (list(CLIENT_MESSAGES), "The types of the messages that a client sends."),
        "STORED_TYPES": (stored, "Those of them that are stored, and can be sent again."),
        "SERVER_TYPES": (list(SERVER_MESSAGES), "The types of the messages that the server sends."),
        "ERROR_CODES": (list(ERRORS), "The codes of `error`."),
        "RECONNECT": (
            {reason: advice.value for reason, advice in RECONNECT.items()},
            "What a client does after a close, by its reason. After an unknown reason: with back-off.",
        ),
        "FINAL_CLOSE_CODES": (_final(), "The close codes after which a client never comes back, whatever the reason."),
        "STATE_KEYS": (sorted({*FIELDS, *READ_ONLY} - {"epoch"}), "The keys of a state; others are commands."),
        "READ_ONLY_KEYS": (sorted(READ_ONLY), "The keys of a state that no message changes."),
        "ENCODINGS": ({one.name.lower(): one.value for one in Encoding}, "The subprotocol of each encoding."),
        "CREDENTIALS": (dict(PREFIXES), "The credentials in subprotocols, by the part before the first dot."),
        "BYTES_KEY": (BYTES_KEY, "The one key of an object that stands for bytes in JSON."),
    }


def _final() -> list[int]:
    reasons: dict[CloseCode, set[Reconnect]] = {}
    closing = {**ERRORS, **{reason: CloseCode(code) for code, reason in CLOSE_REASONS.items()}, **_UNSTATED}
    for reason, code in closing.items():
        if code is not None:
            reasons.setdefault(code, set()).add(RECONNECT[reason])
    return sorted(int(code) for code, advice in reasons.items() if advice == {Reconnect.NEVER})


def in_python(named: Mapping[str, tuple[Table, str]]) -> str:
    """The tables as a Python module."""
    parts = [f'"""The tables of the protocol.\n\n{_HEAD}\n"""\n\nfrom __future__ import annotations\n']
    for name, (table, sentence) in named.items():
        parts.append(f'{name}: {_python_type(table)} = {_python_value(table)}\n"""{sentence}"""\n')
    return "\n".join(parts)


def _python_type(table: Table) -> str:
    if isinstance(table, str):
        return "str"
    if isinstance(table, dict):
        return "dict[str, str]"
    return f"frozenset[{type(table[0]).__name__}]"


def _python_value(table: Table) -> str:
    if isinstance(table, str):
        return _quoted(table)
    if isinstance(table, dict):
        return "{\n" + "".join(f"    {_quoted(key)}: {_quoted(value)},\n" for key, value in table.items()) + "}"
    lines = "".join(f"        {_quoted(one)},\n" for one in table)
    return "frozenset(\n    {\n" + lines + "    }\n)"


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


CLIENTS = settings.BASE_DIR / "realtime" / "client"
FILES: dict[Path, Callable[[Mapping[str, tuple[Table, str]]], str]] = {
    CLIENTS / "python" / "portal_client" / "tables.py": in_python,
}
"""The function that makes each client's file."""
