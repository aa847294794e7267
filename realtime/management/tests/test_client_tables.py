"""The clients' copies of the server's tables are the server's, and `client_tables` says so if they are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from libraries.rules.state import FIELDS, READ_ONLY
from realtime.client.python.portal_client import tables as copy
from realtime.management import tables
from realtime.management.commands import client_tables
from realtime.protocol.closing import ERRORS, RECONNECT
from realtime.protocol.encodings import Encoding
from realtime.protocol.events import SERVER_MESSAGES
from realtime.protocol.policy import ALLOWED


def test_the_files_are_as_the_server() -> None:
    call_command("client_tables")


def test_the_copy_of_python_has_the_values_of_the_server() -> None:
    assert ALLOWED.keys() == copy.CLIENT_TYPES
    assert SERVER_MESSAGES.keys() == copy.SERVER_TYPES
    assert ERRORS.keys() == copy.ERROR_CODES
    assert copy.RECONNECT == RECONNECT
    assert {*FIELDS, *READ_ONLY} == copy.STATE_KEYS | {"epoch"}
    assert set(copy.ENCODINGS.values()) == {one.value for one in Encoding}
    assert frozenset({1000, 1003, 1009}) == copy.FINAL_CLOSE_CODES
    assert ALLOWED.keys() - copy.STORED_TYPES == {
        *("ping", "request-sync", "sync-response", "activity", "pointer", "auth"),
    }


def test_a_stale_file_is_named_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tables.py"
    file.write_text("old")
    monkeypatch.setattr(client_tables, "FILES", {file: tables.in_python})
    with pytest.raises(CommandError, match=r"tables\.py.*--write"):
        call_command("client_tables")
    call_command("client_tables", write=True)
    call_command("client_tables")
