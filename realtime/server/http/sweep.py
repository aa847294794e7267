"""Checks the deadlines of all connections once per second. Each connection decides what is overdue.

There is one timer for all: a timer for each connection costs more than most connections do in their life. An accepted
WebSocket is not checked at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Protocol
from weakref import WeakKeyDictionary

SECONDS = 1.0
"""The maximum delay before a missed deadline is noticed."""


class Watched(Protocol):
    """Something with deadlines."""

    def look(self, now: float) -> bool:
        """Act on the deadlines at that time of the event loop; returns whether to look again."""


class Sweep:
    """The watched connections of one event loop; without any there is no timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._time = loop.time
        self._call_later = loop.call_later
        self._watched: dict[Watched, None] = {}
        """In the order of their last input: a dictionary keeps it."""
        self._runs = False

    def watch(self, one: Watched) -> None:
        """Check it once per second from now on; it has just sent something."""
        self._watched.pop(one, None)
        self._watched[one] = None
        if not self._runs:
            self._runs = True
            self._call_later(SECONDS, self._look)

    def forget(self, one: Watched) -> None:
        """Stop checking it."""
        self._watched.pop(one, None)

    def __iter__(self) -> Iterator[Watched]:
        """All watched connections, the one silent for longest first."""
        return iter(self._watched)

    def _look(self) -> None:
        now = self._time()
        for one in tuple(self._watched):
            if not one.look(now):
                self._watched.pop(one, None)
        self._runs = bool(self._watched)
        if self._runs:
            self._call_later(SECONDS, self._look)


_sweeps: WeakKeyDictionary[asyncio.AbstractEventLoop, Sweep] = WeakKeyDictionary()


def sweep_of(loop: asyncio.AbstractEventLoop) -> Sweep:
    """The sweep of an event loop."""
    sweep = _sweeps.get(loop)
    if sweep is None:
        sweep = _sweeps[loop] = Sweep(loop)
    return sweep
