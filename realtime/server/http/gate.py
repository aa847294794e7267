"""The gate of requests: some begin in one turn of the event loop, and other sockets come in between.

Clients that were told something at one moment ask for more of it at one moment, and the kernel hands all of their
requests over together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from weakref import WeakKeyDictionary

AT_ONCE = 4
"""The number of requests that begin in one turn of the loop."""


class Gate:
    """The requests of one event loop that begin in this turn, and those that wait."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._call_soon = loop.call_soon
        self._free = AT_ONCE
        self._waiting: deque[Callable[[], None]] = deque()

    def enter(self, begin: Callable[[], None]) -> bool:
        """Whether a request may begin now; if not, `begin` is called in a later turn."""
        if self._free == AT_ONCE:
            self._call_soon(self._turn)
        if self._free and not self._waiting:
            self._free -= 1
            return True
        self._waiting.append(begin)
        return False

    def _turn(self) -> None:
        self._free = AT_ONCE
        if self._waiting:
            self._call_soon(self._turn)
        while self._waiting and self._free:
            self._free -= 1
            self._waiting.popleft()()


_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, Gate] = WeakKeyDictionary()


def gate_of(loop: asyncio.AbstractEventLoop) -> Gate:
    """The gate of an event loop."""
    gate = _gates.get(loop)
    if gate is None:
        gate = _gates[loop] = Gate(loop)
    return gate
