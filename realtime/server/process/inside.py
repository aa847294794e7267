"""The code inside one of the processes of `manage.py serve`: a server that lives as long as its supervisor."""

from __future__ import annotations

import signal
import socket

import structlog
import uvicorn

from realtime.server.metrics.page import read_from
from realtime.server.metrics.reporting import Reporting
from realtime.server.metrics.wire import Wire
from realtime.server.process.drain import DrainingServer
from realtime.server.process.files import raise_file_limit
from realtime.server.process.run import Place, config

TICKS_A_BEAT = 10
"""In uvicorn's ticks of 100 ms: a process shows every second that its event loop runs."""

log = structlog.get_logger(__name__)


def work(place: Place, lifeline: socket.socket) -> None:
    """Serve in this process, on a port shared with other processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches all processes; this one must serve first
    raise_file_limit()
    server = WorkerServer(config(place.host, place.port, place.drain_seconds), Wire(lifeline), place.drain_delay)
    server.run(sockets=place.bind(shared=True))


class WorkerServer(DrainingServer):
    """A server that lives as long as its supervisor."""

    def __init__(self, uvicorn_config: uvicorn.Config, wire: Wire, drain_delay: int = 0) -> None:
        super().__init__(uvicorn_config, drain_delay)
        self._reporting = Reporting(wire)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and to report."""
        await super().startup(sockets)
        self._reporting.begin()
        read_from(self._reporting.sum)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, and report the last counts."""
        await super().shutdown(sockets)
        self._reporting.end()

    async def on_tick(self, counter: int) -> bool:
        """Show that the loop runs, and check whether the supervisor is still there."""
        try:
            if counter % TICKS_A_BEAT == 0:
                self._reporting.show()
            else:
                self._reporting.flush()
        except OSError:
            log.warning("supervisor_gone")
            self.stop()
        return await super().on_tick(counter)
