"""A queue for writers: one writes at a time, and the clients that they write for take turns."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from contextvars import ContextVar

WRITES_FOR: ContextVar[str] = ContextVar("WRITES_FOR", default="")
"""The client of the present context. All writes of sockets have the same client, and take turns among themselves."""


class Turns:
    """One writer at a time: those of one client in the order of arrival, and the clients in turn."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: OrderedDict[str, deque[threading.Lock]] = OrderedDict()

    def take(self, seconds: float) -> bool:
        """Wait for a turn for at most `seconds`; returns whether it came."""
        asker = WRITES_FOR.get()
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.setdefault(asker, deque()).append(mine)
        if mine.acquire(timeout=seconds):
            return True
        with self._guard:
            if mine not in self._waiting.get(asker, ()):
                return True  # it came at the last moment
            self._leave(asker, mine)
        return False

    def give(self) -> None:
        """End the turn: the next writer is on."""
        with self._guard:
            if not self._waiting:
                self._taken = False
                return
            asker = next(iter(self._waiting))
            turn = self._waiting[asker][0]
            self._leave(asker, turn)
            if asker in self._waiting:
                self._waiting.move_to_end(asker)
            turn.release()

    def _leave(self, asker: str, turn: threading.Lock) -> None:
        queue = self._waiting[asker]
        queue.remove(turn)
        if not queue:
            del self._waiting[asker]
