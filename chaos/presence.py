"""Presence during the faults: visitors who come and go, and what each controller's client knows of who is here.

Everybody else comes back within seconds, so nobody but the visitors may be told to have left. A visitor must leave
within half a minute, and neither come nor leave more often than they did. That is counted from each snapshot on, which
replaces what the client knew: another process may know of a leave some seconds later. The clients, and what they fold,
are in `chaos.clients`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle
from typing import Any

from chaos.clients import Client, Table, Watcher

LEAVE_SECONDS = 30.0
"""The time until the controllers must know that somebody has left."""


class Visitors:
    """People of one portal view who come during a fault, and go after it. `tokens` are theirs, by their ids.

    The person `passing` comes and goes with the connections that some faults make, and is left out.
    """

    def __init__(
        self, table: Table, tokens: dict[str, str], make: Callable[[str, Table, str], Watcher], passing: str
    ) -> None:
        self.table = table
        self._passing = passing
        self._visits: dict[str, list[float]] = {}
        """When the visits of each ended; `math.inf` for one that goes on."""
        self._tokens = tokens
        self._turns = cycle(tokens)
        self._make = make
        self._here: dict[str, asyncio.Task[Any]] = {}

    def come(self) -> None:
        """Let the next one come."""
        one = next(self._turns)
        visitor = self._make(f"visitor {one}", self.table, self._tokens[one])
        self._visits.setdefault(one, []).append(math.inf)
        self._here[one] = asyncio.create_task(visitor.run())

    async def go(self) -> None:
        """Let all go, for good."""
        here, self._here = self._here, {}
        for one, task in here.items():
            task.cancel()
            self._visits[one][-1] = time.monotonic()
        await asyncio.gather(*here.values(), return_exceptions=True)

    def fault_of(self, client: Client, expected: set[str]) -> str:
        """What is wrong with what a controller's client knows; empty if nothing is."""
        known, now = set(client.audience.people) - {self._passing}, time.monotonic()
        if not client.audience.counts:
            return "it was told nothing"
        leaving = {one for one in self._visits if self._visits_since(one, now)}
        if missing := expected - known:
            return f"{len(missing)} of {len(expected)} are missing"
        if ghosts := known - expected - leaving:
            return f"{len(ghosts)} are not here any more: {sorted(ghosts)[:3]}"
        if strange := client.audience.left.keys() - self._visits.keys() - {self._passing}:
            return f"{len(strange)} who came back at once were said to have left: {sorted(strange)[:3]}"
        if often := [one for one in self._visits if self._is_told_too_often(one, client)]:
            return f"{len(often)} came or left more often than they did: {sorted(often)[:3]}"
        return ""

    def _is_told_too_often(self, one: str, client: Client) -> bool:
        """Whether a client was told of more visits than there were, or of more ends than of visits."""
        audience = client.audience
        was_known = one in audience.known_first
        told = was_known + audience.changes["joined"][one]
        visits = max(was_known, self._visits_since(one, audience.snapshot_at))
        return told > visits or audience.changes["left"][one] > told

    def _visits_since(self, one: str, since: float) -> int:
        """How many visits of a person were not over for so long then that everybody had to know."""
        return sum(since - ended < LEAVE_SECONDS for ended in self._visits[one])


def faults_of_all(clients: Iterable[Client], visitors: Sequence[Visitors], expected: dict[str, set[str]]) -> list[str]:
    """A sentence for each controller's client that knows something wrong; `expected` are ids by portal view."""
    found = []
    for one in visitors:
        for client in clients:
            if client.table is one.table and client.role == "controller":
                fault = one.fault_of(client, expected[one.table.name])
                found += [f"Presence of {client.name}: {fault}"] if fault else []
    return found
