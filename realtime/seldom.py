"""Limits how often something is logged that clients can cause at will. The caller writes the entry."""

from __future__ import annotations

import time

SECONDS = 1.0
"""The minimum time between two log entries about the same thing."""


class Seldom:
    """Counts events, and says when they may be logged again."""

    __slots__ = ("_again_at", "_times")

    def __init__(self) -> None:
        self._times = 0
        self._again_at = 0.0

    def count(self) -> int:
        """The number of events since the last log entry if one may be written now; otherwise 0."""
        self._times += 1
        now = time.monotonic()
        if now < self._again_at:
            return 0
        self._again_at = now + SECONDS
        times, self._times = self._times, 0
        return times
