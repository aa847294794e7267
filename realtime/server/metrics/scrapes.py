"""The supervisor's side: it has the reports of its processes, and gives their sum to those who ask.

A request for /metrics reaches one of the processes, or the port of the supervisor's own. Both ask here; then each
process is asked for its gauges, and the sum is complete as soon as all have answered, or after `ANSWER_SECONDS`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from typing import Protocol

import structlog

from realtime.metrics.reports import Report, Sums, pack, unpack
from realtime.server.metrics.wire import Kind, Wire

ANSWER_SECONDS = 2.0
"""How long a process may take: a check of its database takes up to one second. Then its last report counts."""
SUM_SECONDS = ANSWER_SECONDS + 1.0
"""How long the sum may take for who asks."""
FLUSH_SECONDS = 0.02
"""The time until a process is offered again what it has not taken."""

log = structlog.get_logger(__name__)

Answer = Callable[[Report], None]


class Reporter(Hashable, Protocol):
    """A place for a process."""

    has_served: bool

    @property
    def wire(self) -> Wire | None:
        """The wire to the process, if there is one."""


class Scrapes:
    """The reports of the processes, and the requests for their sum."""

    def __init__(self) -> None:
        self._sums = Sums()
        self._asked: deque[Answer] = deque()
        """Other threads append to it."""
        self._answers: list[Answer] = []
        self._awaited: list[Reporter] = []
        self._until = 0.0

    def ask(self, answer: Answer) -> None:
        """Call `answer` with the sum, from the supervisor's thread; may be called in any thread."""
        self._asked.append(answer)

    def hear(self, process: Reporter, kind: Kind, body: bytes) -> None:
        """Handle a message of a process."""
        if kind in (Kind.COUNTS, Kind.ALL):
            try:
                self._sums.hear(process, unpack(body))
            except ValueError as error:  # to supervise is more than to count
                log.warning("report_not_read", error=str(error))
        if kind is Kind.ALL and process in self._awaited:
            self._awaited.remove(process)
        if kind is Kind.ASK:
            self.ask(lambda report: _tell(process, report))

    def bury(self, process: Reporter) -> None:
        """A process has ended."""
        self._sums.bury(process)
        if process in self._awaited:
            self._awaited.remove(process)

    def tend(self, processes: Iterable[Reporter]) -> None:
        """Ask the processes if somebody has asked, and answer if they have."""
        now = time.monotonic()
        if not self._answers and self._asked:
            while self._asked:
                self._answers.append(self._asked.popleft())
            self._awaited = [one for one in processes if one.has_served and _want(one)]
            self._until = now + ANSWER_SECONDS
        if self._answers and (not self._awaited or now >= self._until):
            total = self._sums.total()
            answers, self._answers, self._awaited = self._answers, [], []
            for answer in answers:
                answer(total)

    def wait_seconds(self, longest: float, processes: Iterable[Reporter]) -> float:
        """The time until `tend` is due, at most `longest`."""
        if self._asked and not self._answers:
            return 0.0
        if any(one.wire is not None and one.wire.has_unsent for one in processes):
            return FLUSH_SECONDS
        return min(longest, max(self._until - time.monotonic(), 0.0)) if self._answers else longest


def _want(process: Reporter) -> bool:
    if process.wire is None:
        return False
    with suppress(OSError):  # it has just ended
        process.wire.send(Kind.WANT)
        return True
    return False


def _tell(process: Reporter, report: Report) -> None:
    if process.wire is not None:
        with suppress(OSError):
            process.wire.send(Kind.SUM, pack(report))
