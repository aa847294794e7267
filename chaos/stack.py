"""What is broken: Postgres, Valkey and the processes of one Portal on them, each of which can be ended and come back.

Clients choose a server by chance, as a balancer would for them. What a fault does is said in `faults`.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from chaos.clients import Door, Table
from chaos.ledger import SHARED_ITEM, Ledger
from portal.testing.installation import Cast, Installation, Server, StoreKind, installation
from portal.testing.people import Client as LoggedIn
from portal.testing.stacks import STACK_ENV
from portal.testing.stores import Postgres, Valkey, postgres, valkey

PROCESSES = 3
SEND_BUFFER_BYTES = 65_536
"""What may wait for a slow client: less than by default, so that a short stall is one."""
READ_SECONDS = 15.0
MUST_NOT_BE_LOGGED = ("socket_crashed", "news_not_delivered", "Task exception was never retrieved")
TABLES = (("Evening", ("anna", "ben")), ("Matinee", ("carl",)), ("Gallery", ("dora",)))
"""Portal views and their controllers; the last is small, so that much can be sent to it."""


@dataclass
class Stack:
    """A running installation. `tokens` are access tokens by the role that they give."""

    postgres: Postgres
    valkey: Valkey
    installation: Installation
    servers: list[Server]
    tables: list[Table]
    tokens: dict[str, str]
    door: Door

    async def read(self, table: Table, role: str) -> dict[str, Any]:
        """The stored state as that role reads it over REST, from whichever server answers first."""
        deadline = time.monotonic() + READ_SECONDS
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        failures: list[str] = []
        async with httpx.AsyncClient(trust_env=False, timeout=READ_SECONDS, headers=headers) as http:
            while time.monotonic() < deadline:
                for server in self.servers:
                    try:
                        answer = await http.get(f"{server.http}/api/portal-views/{table.portal_view_id}")
                        answer.raise_for_status()
                    except httpx.HTTPError as error:  # it may be away for a moment yet
                        failures.append(repr(error))
                        continue
                    state: dict[str, Any] = answer.json()
                    return state
                await asyncio.sleep(0.1)
        raise AssertionError(f"The state could not be read within {READ_SECONDS} s: {failures[-3:]}")

    def keep_logs(self, folder: Path) -> None:
        """Copy the servers' logs there, as their own folder goes with the run."""
        folder.mkdir(parents=True, exist_ok=True)
        for server in self.servers:
            shutil.copy(server.process.log, folder)

    def bad_log_lines(self) -> list[str]:
        """Lines of the servers' logs that no fault excuses."""
        found = []
        for server in self.servers:
            lines = server.process.log.read_text(errors="replace").splitlines()
            found += [line[:300] for line in lines if any(bad in line for bad in MUST_NOT_BE_LOGGED)]
        return found


@contextmanager
def running_stack(processes: int = PROCESSES) -> Iterator[Stack]:
    """The stores, so many server processes on them, and the portal views of `TABLES`."""
    with ExitStack() as exits:
        database, layer = exits.enter_context(postgres()), exits.enter_context(valkey())
        env = {
            **STACK_ENV,
            "PORTAL_LOG_LEVEL": "WARNING",  # the thousands who come and go say nothing
            "PORTAL_SEND_BUFFER_BYTES": str(SEND_BUFFER_BYTES),
            "DATABASE_URL": database.create_database("portal"),
            "REDIS_URL": layer.url,
        }
        made = exits.enter_context(installation(StoreKind.SQLITE, **env))  # which our addresses overrule
        cast = made.prepare()
        servers = [exits.enter_context(made.server()) for _ in range(processes)]
        people = {"controller": cast.controller, "viewer": cast.viewer}
        clients = {role: exits.enter_context(LoggedIn(servers[0].http, person)) for role, person in people.items()}
        tables = [_make_table(clients["controller"], cast, name, names) for name, names in TABLES]
        tokens = {role: client.access for role, client in clients.items()}
        yield Stack(database, layer, made, servers, tables, tokens, Door([server.ws for server in servers]))


def _make_table(owner: LoggedIn, cast: Cast, name: str, controllers: tuple[str, ...]) -> Table:
    items = [{"id": SHARED_ITEM, "type": "stat-block", "maxHp": 60, "gmNotes": "not for viewers"}]
    items += [{"id": controller, "type": "note", "text": name} for controller in controllers]
    made = owner.post(f"/api/libraries/{cast.library_id}/portal-views", {"name": name, "items": items})
    return Table(name, str(made["id"]), Ledger(), controllers)
