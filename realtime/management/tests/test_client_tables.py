"""The clients' copies of the server's tables are the server's, and `client_tables` says so if they are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from libraries.rules.state import FIELDS, READ_ONLY
from realtime.client.python.portal_client import tables
from realtime.management.commands import client_tables
from realtime.protocol.closing import ERRORS, RECONNECT
from realtime.protocol.encodings import Encoding
from realtime.protocol.events import SERVER_MESSAGES
from realtime.protocol.policy import ALLOWED


def test_the_files_are_as_the_server() -> None:
    call_command("client_tables")


def test_the_copy_of_python_has_the_values_of_the_server() -> None:
    assert {kind: set(roles) for kind, roles in tables.CLIENT_MESSAGES.items()} == ALLOWED
    assert SERVER_MESSAGES.keys() == tables.SERVER_MESSAGES
    assert tables.ERRORS == ERRORS
    assert tables.RECONNECT == RECONNECT
    assert {*FIELDS, *READ_ONLY} == tables.STATE_KEYS | {"epoch"}
    assert set(tables.SUBPROTOCOLS.values()) == {one.value for one in Encoding}
    assert frozenset({1000, 1003, 1009}) == tables.FINAL_CODES
    assert ALLOWED.keys() - tables.STORED == {
        *("ping", "request-sync", "sync-response", "activity", "pointer", "auth"),
    }


def test_a_stale_file_is_named_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tables.py"
    file.write_text("old")
    monkeypatch.setattr(client_tables, "render", lambda: {file: "new"})
    with pytest.raises(CommandError, match=r"tables\.py.*--write"):
        call_command("client_tables")
    call_command("client_tables", write=True)
    assert file.read_text() == "new"
    call_command("client_tables")
