"""Turns: the work for many requests in small steps, so that sockets of others come in between.

A step is what a request does from one wait to the next: 0.1 to 0.4 ms of the event loop. At most one is made in a turn
of the loop, and after some of them they all rest, so that together they take a quarter of the loop at most.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

WORK_SECONDS = 0.0003
"""What the steps take before they rest."""
REST_SECONDS = 0.002
"""Twice the shortest time of the loop's clock."""


class Turns:
    """Those that wait, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._worked = 0.0
        self._is_running = False

    async def next(self) -> None:
        """Wait for a turn; the step is what follows, until the next wait."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        if not self._is_running:
            self._is_running = True
            loop.call_soon(self._begin, loop)
        await turn

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # its request may have been cancelled
                turn.set_result(None)
                loop.call_soon(self._end, loop, time.perf_counter())  # right after the step
                return
        self._is_running = False

    def _end(self, loop: asyncio.AbstractEventLoop, began: float) -> None:
        self._worked += time.perf_counter() - began
        if self._worked < WORK_SECONDS:
            loop.call_soon(self._begin, loop)
        else:
            self._worked = 0.0
            loop.call_later(REST_SECONDS, self._begin, loop)
