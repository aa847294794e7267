"""The tests of those who write at the same moment, on Postgres: there transactions run side by side, and lock rows."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from testing.installation import ROOT
from testing.stores import postgres

SERVICES = "libraries/services/tests"
FILES = (
    "test_invitations_at_once.py",
    "test_links_at_once.py",
    "test_sessions_at_once.py",
    "test_tickets.py",
)
SECONDS = 300


@pytest.mark.postgres
def test_they_pass_on_postgres_too() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"{SERVICES}/{one}" for one in FILES)]
    with postgres() as server:
        env["DATABASE_URL"] = server.create_database("at_once")
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-5_000:]
