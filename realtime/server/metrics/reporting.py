"""A process's side of the wire to its supervisor: it shows that it runs, reports its numbers, and asks for the sum."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from realtime.metrics.reports import Report, pack, take_report, unpack
from realtime.server.metrics.gauges import full_report
from realtime.server.metrics.page import NoReport
from realtime.server.metrics.scrapes import SUM_SECONDS
from realtime.server.metrics.wire import Kind, Wire


class Reporting:
    """The reports of one process; belongs to its event loop from `begin` on."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._asked: list[asyncio.Future[Report]] = []
        self._report: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Hear the supervisor from now on."""
        asyncio.get_running_loop().add_reader(self._wire.socket.fileno(), self._hear)

    def end(self) -> None:
        """Report the last counts, which stay in the sum. The supervisor may be gone."""
        asyncio.get_running_loop().remove_reader(self._wire.socket.fileno())
        with suppress(OSError):
            self._wire.send(Kind.COUNTS, pack(take_report(gauges=False)))

    def flush(self) -> None:
        """Send what the supervisor has not taken yet; OSError if it is gone."""
        self._wire.flush()

    def show(self) -> None:
        """Show that the event loop runs, and report the counts; OSError if the supervisor is gone."""
        if self._wire.has_unsent:  # it is frozen; what it has not read yet is enough
            self._wire.flush()
            return
        self._wire.send(Kind.ALIVE)
        self._wire.send(Kind.COUNTS, pack(take_report(gauges=False)))

    async def sum(self) -> Report:
        """The numbers of all processes; NoReport if the supervisor does not answer in time."""
        asked: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        try:
            self._wire.send(Kind.ASK)
            async with asyncio.timeout(SUM_SECONDS):
                return await asked
        except OSError as error:  # TimeoutError is one
            raise NoReport("The process that has the numbers of all does not answer.") from error
        finally:
            if asked in self._asked:
                self._asked.remove(asked)

    def _hear(self) -> None:
        try:
            messages = self._wire.receive()
        except (EOFError, OSError):  # it is gone, which the next `show` notices, too
            asyncio.get_running_loop().remove_reader(self._wire.socket.fileno())
            return
        for kind, body in messages:
            if kind is Kind.WANT and self._report is None:
                self._report = asyncio.create_task(self._tell_all())
            elif kind is Kind.SUM:
                report = unpack(body)
                for asked in self._asked:
                    if not asked.done():
                        asked.set_result(report)

    async def _tell_all(self) -> None:
        try:
            report = await full_report()
            with suppress(OSError):
                self._wire.send(Kind.ALL, pack(report))
        finally:
            self._report = None
