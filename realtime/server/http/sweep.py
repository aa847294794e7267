"""Looks at connections once a second, for all of their deadlines. What is overdue is for the connection to say.

One timer for all: a timer for each connection costs more than most connections do in their life, and an accepted
WebSocket is not looked at at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Protocol
from weakref import WeakKeyDictionary

SECONDS = 1.0
"""How late a deadline may be noticed."""


class Watched(Protocol):
    """Something with deadlines."""

    def look(self, now: float) -> bool:
        """Do what is due at that time of the event loop; whether to look again."""


class Sweep:
    """The watched connections of one event loop; without any there is no timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._time = loop.time
        self._call_later = loop.call_later
        self._watched: dict[Watched, None] = {}
        """In the order of their last word: a dictionary keeps it."""
        self._runs = False

    def watch(self, one: Watched) -> None:
        """Look at it from now on, once a second; it has just said something."""
        self._watched.pop(one, None)
        self._watched[one] = None
        if not self._runs:
            self._runs = True
            self._call_later(SECONDS, self._look)

    def forget(self, one: Watched) -> None:
        """Look at it no longer."""
        self._watched.pop(one, None)

    def __iter__(self) -> Iterator[Watched]:
        """All, the one that has been silent for longest first."""
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
