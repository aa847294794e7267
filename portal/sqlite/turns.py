"""A queue for writers: one writes at a time, and those for whom they write take turns."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from contextvars import ContextVar

WRITES_FOR: ContextVar[str] = ContextVar("WRITES_FOR", default="")
"""For whom the present context writes; all of sockets' writes are the same one's, and take turns among themselves."""


class Turns:
    """One at a time: those of one asker in the order in which they came, and askers in turn."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: OrderedDict[str, deque[threading.Lock]] = OrderedDict()

    def take(self, seconds: float) -> bool:
        """Wait for one's turn, for so long at most; whether it has come."""
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
        """Let the next one have their turn."""
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
