"""The targets of faults: Postgres, Valkey and the processes of one Portal on them, each of which can be restarted.

The faults are in `faults`, and the clients in `clients`.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from chaos.clients import Entry, Table
from chaos.ledger import SHARED_ITEM, Ledger
from testing.installation import Cast, Installation, Server, ServerKind, StoreKind, installation
from testing.logged import tells
from testing.people import Client as LoggedIn
from testing.stacks import STACK_ENV
from testing.stores import Postgres, Valkey
from testing.tokens import forge_token

PROCESSES = 3
PRODUCTION = {
    "PORTAL_DEBUG": "false",
    "PORTAL_ALLOWED_HOSTS": "127.0.0.1",
    "PORTAL_HTTPS": "false",
    "PORTAL_LOG_LEVEL": "WARNING",  # the thousands who come and go are not logged
    "PORTAL_LOG_JSON": "false",
    "PORTAL_SEND_BUFFER_BYTES": "65536",  # less than the default, so that a short pause is a stall
}
"""The server's settings, in addition to those of tests."""
VIEWERS, VISITORS = 24, 16
"""The people who watch, each by several connections, and those who come and go."""
READ_SECONDS = 15.0
START_SECONDS = 30.0
LISTENING = "0A"
"""The state of a listening socket in /proc/net/tcp."""
MUST_NOT_BE_LOGGED = ("socket_crashed", "news_not_delivered", "Task exception was never retrieved")
TABLES = (("Evening", ("anna", "ben")), ("Matinee", ("carl",)), ("Gallery", ("dora",)))
"""Portal views and their controllers; the last is small, so that it can get many messages."""


@dataclass
class Stack:
    """A running installation. `tokens` are access tokens by portal role, `viewers` those of viewers, by their ids."""

    postgres: Postgres
    valkey: Valkey
    installation: Installation
    server: Server
    tables: list[Table]
    tokens: dict[str, str]
    viewers: dict[str, str]
    entry: Entry

    @property
    def workers(self) -> list[int]:
        """The processes that serve: the server's children."""
        return [pid for pid in self.server.process.descendants if b"spawn_main" in _command_line(pid)]

    async def kill_worker(self, rng: random.Random) -> None:
        """Kill one of them without warning, and wait until another has replaced it."""
        os.kill(rng.choice(self.workers), signal.SIGKILL)
        await self.complete()

    async def complete(self) -> None:
        """Wait until all processes serve; AssertionError if they do not in time."""
        deadline = time.monotonic() + START_SECONDS
        while len(self.workers) < PROCESSES or _listeners(self.server.port) < PROCESSES:
            assert time.monotonic() < deadline, f"Not all processes serve within {START_SECONDS} s."  # noqa: S101
            await asyncio.sleep(0.05)

    async def read(self, table: Table, role: str) -> dict[str, Any]:
        """The stored state as that role reads it over REST."""
        deadline = time.monotonic() + READ_SECONDS
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        url = f"{self.server.http}/api/portal-views/{table.portal_view_id}"
        async with httpx.AsyncClient(trust_env=False, timeout=READ_SECONDS, headers=headers) as http:
            while True:
                try:
                    answer = (await http.get(url)).raise_for_status()
                except httpx.HTTPError:  # it may be unavailable for a moment
                    if time.monotonic() > deadline:
                        raise
                    await asyncio.sleep(0.1)
                else:
                    state: dict[str, Any] = answer.json()
                    return state

    def keep_log(self, folder: Path) -> None:
        """Copy the server's log there, because its own folder is deleted with the run."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.server.process.log, folder)

    def bad_log_lines(self) -> list[str]:
        """Lines of the server's log that no fault explains."""
        lines = self.server.process.log.read_text(errors="replace").splitlines()
        return [line[:300] for line in lines if tells(line, events=MUST_NOT_BE_LOGGED)]


@contextmanager
def running_stack() -> Iterator[Stack]:
    """The stores, `manage.py serve` with its processes on them, and the portal views of `TABLES`.

    From now on SIGTERM ends this process in good order, so that none of them is left behind.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with ExitStack() as exits:
        made = exits.enter_context(installation(StoreKind.POSTGRES, **STACK_ENV))
        cast = made.prepare()
        server = exits.enter_context(made.server(ServerKind.SERVE, "--workers", str(PROCESSES), **PRODUCTION))
        people = {"controller": cast.controller, "viewer": cast.viewer}
        clients = {role: exits.enter_context(LoggedIn(server.http, person)) for role, person in people.items()}
        tables = [_make_table(clients["controller"], cast, name, names) for name, names in TABLES]
        tokens = {role: client.access for role, client in clients.items()}
        assert made.postgres is not None  # noqa: S101  # it was asked for
        assert made.valkey is not None  # noqa: S101
        yield Stack(
            made.postgres, made.valkey, made, server, tables, tokens, _make_viewers(made, cast), Entry(server.ws)
        )


def _make_viewers(made: Installation, cast: Cast) -> dict[str, str]:
    """Members who are viewers, each with a token."""
    code = (
        "from libraries.models import *; import json; "
        f"made = [User.objects.create_user(f'viewer-{{n}}@chaos.test') for n in range({VIEWERS + VISITORS})]; "
        f"Membership.objects.bulk_create(Membership(library_id='{cast.library_id}', user=one, role='VIEWER') "
        "for one in made); print(json.dumps([str(one.id) for one in made]))"
    )
    return {one: forge_token(made.secret_key, one) for one in json.loads(made.shell(code))}


def _make_table(owner: LoggedIn, cast: Cast, name: str, controllers: tuple[str, ...]) -> Table:
    items = [{"id": SHARED_ITEM, "type": "stat-block", "maxHp": 60, "gmNotes": "not for viewers"}]
    items += [{"id": controller, "type": "note", "text": name} for controller in controllers]
    encounter = {"round": 0, "turn": None, "order": [{"itemId": controller} for controller in controllers]}
    state = {"name": name, "items": items, "encounter": encounter, "showEncounter": True}
    made = owner.post(f"/api/libraries/{cast.library_id}/portal-views", state)
    return Table(name, str(made["id"]), Ledger(), controllers)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return b""


def _listeners(port: int) -> int:
    """The number of sockets that listen on that port; each process has its own."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(row[1].endswith(f":{port:04X}") and row[3] == LISTENING for row in rows)
