"""The JavaScript client: its own tests, which run in Node, for the source and for the file that is shipped."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime.management.commands.client_tables import JAVASCRIPT
from testing.installation import ServerKind, StoreKind, installation
from testing.stacks import STACK_ENV, Stack, running

pytestmark = pytest.mark.long

TESTS: Path = JAVASCRIPT.parent / "tests"
SECONDS = 120
FILES = ["portal-client.js", "portal-client.min.js"]


def run(folder: Path, file: str, **env: str) -> None:
    """Run the tests in a folder; their output is that of the failure."""
    tests = sorted(str(path) for path in folder.glob("*.test.js"))
    assert tests
    done = subprocess.run(
        ["node", "--test", "--test-reporter=spec", "--test-timeout=60000", *tests],  # noqa: S607
        env={**os.environ, "PORTAL_CLIENT": file, **env},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", FILES)
def test_without_a_server(file: str) -> None:
    run(TESTS, file)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """One server with the demo."""
    with installation(StoreKind.SQLITE, **STACK_ENV) as made, running(made, made.prepare(), ServerKind.SERVE) as one:
        yield one


@pytest.mark.server
@pytest.mark.parametrize("file", FILES)
def test_with_a_real_server(file: str, stack: Stack) -> None:
    server = {
        "url": stack.server.http,
        "libraryId": stack.cast.library_id,
        "controller": stack.controller.access,
        "viewer": stack.viewer.access,
    }
    run(TESTS / "real", file, PORTAL_SERVER=json.dumps(server))
