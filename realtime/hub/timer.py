"""A timer of the event loop that keeps the earliest of the times it was asked for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable


class Timer:
    """Calls a function once, at the earliest of the times asked for."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._handle: asyncio.TimerHandle | None = None
        self._at = math.inf  # uvloop's handles of what is due at once do not know their time

    def start(self, at: float) -> None:
        """Call it at that time of the event loop, or earlier if that was asked for before; never for `math.inf`."""
        if self._at <= at:
            return
        self.stop()
        self._at = at
        self._handle = asyncio.get_running_loop().call_at(at, self._call)

    def stop(self) -> None:
        """Do not call it."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle, self._at = None, math.inf

    def _call(self) -> None:
        self._handle, self._at = None, math.inf
        self._function()
