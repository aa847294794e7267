"""All clients: four controllers, two more who only watch, and the viewers.

They start and end together. This module has the waiting times, and checks whether all clients have the stored state.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from chaos.clients import Client, Onlooker, Table, Watcher
from chaos.controllers import Controller
from chaos.presence import Visitors, faults_of_all
from chaos.stack import VISITORS, Stack
from testing.tokens import user_id_of

ANSWER_SECONDS = 15.0
"""The longest wait of a controller for its last answer after the fault, including retries."""
SETTLE_SECONDS = 15.0
"""The time after the last answer until all clients must be connected, and have the stored state."""
POLL_SECONDS = 0.02
EVERY_COMPRESSED, EVERY_SMALL, EVERY_AT_SMALL = 4, 10, 20
"""Every Nth viewer offers compression, has small buffers, or is at the small table."""

C = TypeVar("C", bound=Client)


class Crowd:
    """The clients of a run."""

    def __init__(self, stack: Stack, viewers: int, rng: random.Random) -> None:
        self.stack = stack
        self.rng = rng
        self.watchers: list[Watcher] = []
        self.controllers: list[Controller] = []
        for table in stack.tables:
            self.watchers.append(self._make(Onlooker, f"the onlooker of {table.name}", table))
            self.controllers += [self._make(Controller, name, table) for name in table.controllers]
        visitor_ids, viewer_ids = list(stack.viewers)[:VISITORS], list(stack.viewers)[VISITORS:]
        self._subjects: dict[str, set[str]] = {
            table.name: {user_id_of(stack.tokens["controller"])} for table in stack.tables
        }
        *large, small = stack.tables
        tokens = {one: stack.viewers[one] for one in visitor_ids}
        passing = user_id_of(stack.tokens["viewer"])
        self.visitors = [Visitors(table, tokens, self._make_visitor, passing) for table in stack.tables]
        for number in range(viewers):
            table = small if number % EVERY_AT_SMALL == 0 else large[number % len(large)]
            viewer = self._make(Watcher, f"viewer {number}", table, viewer_ids[number % len(viewer_ids)])
            viewer.compression = "deflate" if number % EVERY_COMPRESSED == 1 else None
            viewer.small_buffer = number % EVERY_SMALL == 0
            self.watchers.append(viewer)

    def _make(self, kind: type[C], name: str, table: Table, person: str = "") -> C:
        token = self.stack.viewers[person] if person else self.stack.tokens[kind.role]
        if person:
            self._subjects[table.name].add(person)
        return kind(name, table, token, self.stack.entry, random.Random(self.rng.random()))  # noqa: S311

    def _make_visitor(self, name: str, table: Table, token: str) -> Watcher:
        return Watcher(name, table, token, self.stack.entry, random.Random(self.rng.random()))  # noqa: S311

    @property
    def clients(self) -> list[Client]:
        """All clients."""
        return [*self.watchers, *self.controllers]

    @property
    def viewers(self) -> list[Watcher]:
        """The viewers."""
        return [watcher for watcher in self.watchers if watcher.role == "viewer"]

    @property
    def skipped(self) -> int:
        """The number of times that an open connection got the whole state instead of updates."""
        return sum(client.reader.skips for client in self.clients)

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """Everybody is connected when the block begins, and disconnected when it ends."""
        work = [client.run() for client in self.clients] + [controller.speak() for controller in self.controllers]
        tasks = [asyncio.create_task(one) for one in work]
        try:
            await wait_until(lambda: all(client.is_open.is_set() for client in self.clients), ANSWER_SECONDS)
            yield
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            for result in ended:
                if isinstance(result, Exception):
                    raise result

    def speak(self) -> None:
        """Let the controllers send."""
        for controller in self.controllers:
            controller.forget_checked()
            controller.speaks.set()

    def hush(self) -> None:
        """Let them send nothing new."""
        for controller in self.controllers:
            controller.speaks.clear()

    async def answered(self) -> None:
        """Wait until every update is acknowledged; a late acknowledgement breaks a promise."""
        if await wait_until(lambda: not any(one.pending for one in self.controllers), ANSWER_SECONDS):
            return
        for controller in self.controllers:
            if controller.pending:
                numbers = sorted(controller.pending)
                sentence = f"{len(numbers)} updates of {controller.name} were never answered: {numbers[:5]}"
                controller.table.ledger.break_promise(sentence)
                controller.pending.clear()

    async def presence_settled(self, seconds: float = SETTLE_SECONDS) -> None:
        """Wait until every controller's client knows who is here; what is still wrong breaks a promise."""
        clients, visitors = self.clients, self.visitors
        await wait_until(lambda: not faults_of_all(clients, visitors, self._subjects), seconds)
        for sentence in faults_of_all(clients, visitors, self._subjects):
            self.stack.tables[0].ledger.break_promise(sentence)

    async def settled(self, since: float) -> float:
        """Wait until all clients have the stored state, and check the books.

        Returns the slowest time in seconds from `since`. A client that was not connected then is timed from its own
        `connected`.
        """
        stored = {
            (table.name, role): await self.stack.read(table, role)
            for table in self.stack.tables
            for role in ("controller", "viewer")
        }
        await wait_until(lambda: all(_is_at(client, stored) for client in self.clients), SETTLE_SECONDS)
        for client in self.clients:
            if not _is_at(client, stored):
                client.table.ledger.break_promise(_how_it_differs(client, stored[client.table.name, client.role]))
        for table in self.stack.tables:
            table.ledger.check(stored[table.name, "controller"])
        return max(max(0.0, client.changed_at - max(since, client.connected_at)) for client in self.clients)


def _is_at(client: Client, stored: Mapping[tuple[str, str], dict[str, Any]]) -> bool:
    state = stored[client.table.name, client.role]
    return client.is_open.is_set() and client.is_at(state)


def _how_it_differs(client: Client, state: dict[str, Any]) -> str:
    if not client.is_open.is_set():
        return f"{client.name} did not get back in within {SETTLE_SECONDS} s"
    where = client.differs_in(state) or ["version"]
    known = f"version {client.portal.version}, {state['version']} is stored"
    return f"{client.name} does not show what is stored after {SETTLE_SECONDS} s ({known}): {', '.join(where)}"


async def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition holds within this many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True
