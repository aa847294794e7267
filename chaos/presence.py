"""Presence during the faults: visitors who come and go, and what each controller's client knows of who is here.

Everybody else comes back within seconds, so nobody but the visitors may be told to have left. A visitor must leave
within half a minute, once. The clients, and what they fold, are in `chaos.clients`.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle
from typing import Any

from chaos.clients import Client, Table, Watcher

LEAVE_SECONDS = 30.0
"""The time until the controllers must know that somebody has left."""

noticed: dict[str, None] = {}
"""What was seen, and is not promised (docs/guarantees.md): sentences, each once."""


class Visitors:
    """People of one portal view who come during a fault, and go after it. `tokens` are theirs, by their ids.

    The person `passing` comes and goes with the connections that some faults make, and is left out.
    """

    def __init__(
        self, table: Table, tokens: dict[str, str], make: Callable[[str, Table, str], Watcher], passing: str
    ) -> None:
        self.table = table
        self._passing = passing
        self.visits: Counter[str] = Counter()
        self._tokens = tokens
        self._turns = cycle(tokens)
        self._make = make
        self._here: dict[str, asyncio.Task[Any]] = {}
        self._gone: dict[str, float] = {}

    def come(self) -> None:
        """Let the next one come."""
        one = next(self._turns)
        visitor = self._make(f"visitor {one}", self.table, self._tokens[one])
        self.visits[one] += 1
        self._gone.pop(one, None)
        self._here[one] = asyncio.create_task(visitor.run())

    async def go(self) -> None:
        """Let all go, for good."""
        here, self._here = self._here, {}
        for one, task in here.items():
            task.cancel()
            self._gone[one] = time.monotonic()
        await asyncio.gather(*here.values(), return_exceptions=True)

    def fault_of(self, client: Client, expected: set[str]) -> str:
        """What is wrong with what a controller's client knows; empty if nothing is."""
        known, now = set(client.audience.people) - {self._passing}, time.monotonic()
        if not client.audience.counts:
            return "it was told nothing"
        leaving = {one for one, at in self._gone.items() if now - at < LEAVE_SECONDS}
        if missing := expected - known:
            return f"{len(missing)} of {len(expected)} are missing"
        if ghosts := known - expected - leaving:
            return f"{len(ghosts)} are not here any more: {sorted(ghosts)[:3]}"
        if strange := client.audience.left.keys() - self.visits.keys() - {self._passing}:
            return f"{len(strange)} who came back at once were said to have left: {sorted(strange)[:3]}"
        left = client.audience.left.items()
        if twice := {one for one, times in left if times > self.visits[one] and one != self._passing}:
            noticed[f"Presence of {client.name}: {len(twice)} left more often than they came"] = None
        return ""


def faults_of_all(clients: Iterable[Client], visitors: Sequence[Visitors], expected: dict[str, set[str]]) -> list[str]:
    """A sentence for each controller's client that knows something wrong; `expected` are ids by portal view."""
    found = []
    for one in visitors:
        for client in clients:
            if client.table is one.table and client.role == "controller":
                fault = one.fault_of(client, expected[one.table.name])
                found += [f"Presence of {client.name}: {fault}"] if fault else []
    return found
