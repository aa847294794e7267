"""Pings (RFC 6455, section 5.5.2): a client that does not answer one before the next is cut.

There is one timer for all connections of an event loop: a timer for each took 0.4 KiB of an idle connection.
"""

from __future__ import annotations

import asyncio
from typing import Protocol
from weakref import WeakKeyDictionary

PING_SECONDS = 20.0
"""The ping interval of each connection: many proxies cut a connection that is silent for 25 s or 30 s."""
LOOK_SECONDS = 0.25
"""The maximum delay of a ping; the pings of one check are sent in one turn of the event loop."""


class Pinged(Protocol):
    """A connection that is pinged."""

    def ping(self) -> bool:
        """Send a ping, or detect that the last one was never answered; returns whether to ping again."""


class Keepalive:
    """The connections of one event loop that are pinged; without any there is no timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._time = loop.time
        self._call_later = loop.call_later
        self._due: dict[Pinged, float] = {}
        """In the order of their times, because each waits equally long."""
        self._runs = False

    def watch(self, one: Pinged) -> None:
        """Ping it from now on, first after `PING_SECONDS`."""
        self._due[one] = self._time() + PING_SECONDS
        if not self._runs:
            self._runs = True
            self._call_later(LOOK_SECONDS, self._look)

    def forget(self, one: Pinged) -> None:
        """Stop pinging it."""
        self._due.pop(one, None)

    def _look(self) -> None:
        now = self._time()
        due = []
        for one, at in self._due.items():
            if at > now:
                break
            due.append(one)
        self._runs = False
        for one in due:  # one may be removed because of another
            if self._due.pop(one, None) is not None and one.ping():
                self.watch(one)
        if self._due and not self._runs:
            self._runs = True
            self._call_later(LOOK_SECONDS, self._look)


_keepalives: WeakKeyDictionary[asyncio.AbstractEventLoop, Keepalive] = WeakKeyDictionary()


def keepalive_of(loop: asyncio.AbstractEventLoop) -> Keepalive:
    """The pings of an event loop."""
    keepalive = _keepalives.get(loop)
    if keepalive is None:
        keepalive = _keepalives[loop] = Keepalive(loop)
    return keepalive
