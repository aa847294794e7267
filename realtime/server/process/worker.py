"""One of the processes of `manage.py serve`, from both sides: what runs in it, and what its supervisor holds of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import time
from contextlib import suppress
from dataclasses import astuple
from multiprocessing.context import SpawnProcess

import structlog
import uvicorn

from realtime.server.process.drain import DrainingServer
from realtime.server.process.files import raise_file_limit
from realtime.server.process.run import Place, config
from realtime.server.process.spawned import begin

TICKS_A_BEAT = 10
"""Of uvicorn's ticks of 100 ms: a process shows each second that its event loop runs."""
HUNG_SECONDS = 20.0
"""How long, besides the time it may take to end, a process may show nothing."""

log = structlog.get_logger(__name__)
# A fresh interpreter: nothing that the supervisor has open, connections and locks, is shared.
_spawn = multiprocessing.get_context("spawn")


def work(place: Place, lifeline: socket.socket) -> None:
    """Serve in a process of its own, on a port that it shares with others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches all processes; until we serve, the supervisor ends us
    lifeline.setblocking(False)
    raise_file_limit()
    server = WorkerServer(config(place.host, place.port, place.drain_seconds), lifeline, place.drain_delay)
    server.run(sockets=place.bind(shared=True))


class WorkerServer(DrainingServer):
    """A server that lives while its supervisor does."""

    def __init__(self, uvicorn_config: uvicorn.Config, lifeline: socket.socket, drain_delay: int = 0) -> None:
        super().__init__(uvicorn_config, drain_delay)
        self._lifeline = lifeline

    async def on_tick(self, counter: int) -> bool:
        """Show that we run, and see that we are still wanted."""
        if counter % TICKS_A_BEAT == 0:
            try:
                self._lifeline.send(b".")
            except BlockingIOError:
                pass  # the supervisor is frozen; what it has not read yet says enough
            except OSError:
                log.warning("supervisor_gone")
                self.stop()
        return await super().on_tick(counter)


class Worker:
    """A place for a process, taken or not. `failures` counts processes in a row that ended soon."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.process: SpawnProcess | None = None
        self.lifeline: socket.socket | None = None
        self.failures = 0
        self.start_at = 0.0
        self.started_at = 0.0
        self.has_served = False
        self.told_to_end = False
        self._silent_seconds = 0.0
        self._looked_at = 0.0

    def start(self) -> None:
        """Start a process."""
        self.lifeline, theirs = socket.socketpair()
        self.lifeline.setblocking(False)
        self.process = _spawn.Process(target=begin, args=(*astuple(self._place), theirs))
        self.process.start()
        theirs.close()
        self.has_served = self.told_to_end = False
        self.started_at = self._looked_at = time.monotonic()
        self._silent_seconds = 0.0
        log.info("worker_started", worker=self.process.pid)

    def look(self, longest: float) -> None:
        """Hear whether the process runs. Of the time since the last look, at most `longest` seconds count as silence.

        More has passed only if we were frozen ourselves, and then all of them may have been.
        """
        now = time.monotonic()
        self._silent_seconds += min(now - self._looked_at, longest)
        self._looked_at = now
        with suppress(BlockingIOError, ConnectionError):  # nothing new, or it has ended
            if self.lifeline is not None and self.lifeline.recv(1024):
                self.has_served = True
                self._silent_seconds = 0.0

    @property
    def is_hung(self) -> bool:
        """Whether a process that has served shows no sign of life."""
        return (
            self.has_served
            and self._silent_seconds > HUNG_SECONDS + self._place.drain_delay + self._place.drain_seconds
        )

    @property
    def is_alive(self) -> bool:
        """Whether there is a process."""
        return self.process is not None and self.process.is_alive()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if there is one."""
        if self.process is not None and self.process.is_alive() and self.process.pid is not None:
            os.kill(self.process.pid, number)

    def bury(self) -> int:
        """Forget the process, which has ended; its exit status."""
        process, lifeline = self.process, self.lifeline
        self.process = self.lifeline = None
        if process is None or lifeline is None:
            return 0
        process.join()
        status = process.exitcode or 0
        process.close()
        lifeline.close()
        return status
