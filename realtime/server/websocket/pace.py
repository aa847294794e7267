"""Finds clients that fall behind: data has waited for them for a second, however little it is.

What the kernel has taken cannot be taken back, and it takes megabytes for a client that reads slowly: half an hour of
old states at 2 KB/s. So the listening socket (`realtime.server.process.listening`) has it take little that it cannot
send yet. The rest waits here, where its time is known.

There is one timer for all connections of an event loop, and one question to each transport, without a loop in Python.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from operator import call
from typing import Protocol
from weakref import WeakKeyDictionary

BEHIND_SECONDS = 1.0
"""How long data may wait for a client without a pause before it gets no more that a newer state supersedes."""
LOOK_SECONDS = 0.25


class Paced(Protocol):
    """A connection whose pace is looked at."""

    transport: asyncio.Transport

    def fall_behind(self) -> None:
        """Data has waited for the client for too long."""


class Pace:
    """The connections of one event loop; without any there is no timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._time = loop.time
        self._call_later = loop.call_later
        self._waits: dict[Paced, Callable[[], int]] = {}
        self._since: dict[Paced, float] = {}
        """Since when data has waited, for those for whom it does."""
        self._runs = False

    def watch(self, one: Paced) -> None:
        """Look at its pace from now on."""
        self._waits[one] = one.transport.get_write_buffer_size
        self._run()

    def forget(self, one: Paced) -> None:
        """Look at it no longer."""
        self._waits.pop(one, None)
        self._since.pop(one, None)

    def _run(self) -> None:
        if self._waits and not self._runs:
            self._runs = True
            self._call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        now = self._time()
        sizes = list(map(call, self._waits.values()))
        waiting = [one for one, size in zip(self._waits, sizes, strict=True) if size] if any(sizes) else ()
        self._since = {one: self._since.get(one, now) for one in waiting}
        for one, since in list(self._since.items()):  # one may be forgotten because of another
            if now - since >= BEHIND_SECONDS and one in self._since:
                one.fall_behind()
        self._runs = False
        self._run()


_paces: WeakKeyDictionary[asyncio.AbstractEventLoop, Pace] = WeakKeyDictionary()


def pace_of(loop: asyncio.AbstractEventLoop) -> Pace:
    """The pace of the connections of an event loop."""
    pace = _paces.get(loop)
    if pace is None:
        pace = _paces[loop] = Pace(loop)
    return pace
