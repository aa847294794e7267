"""How often something may be said that happens as often as a client likes. What is said does not belong here."""

from __future__ import annotations

import time

SECONDS = 1.0
"""How far apart two lines of the log about the same thing are at least."""


class Seldom:
    """Counts what happens, and says when it may be logged again."""

    __slots__ = ("_again_at", "_times")

    def __init__(self) -> None:
        self._times = 0
        self._again_at = 0.0

    def count(self) -> int:
        """How often it has happened since it was last logged, if it may be logged now; otherwise 0."""
        self._times += 1
        now = time.monotonic()
        if now < self._again_at:
            return 0
        self._again_at = now + SECONDS
        times, self._times = self._times, 0
        return times
