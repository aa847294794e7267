"""The supervisor's side of one process. The code in the process is in `realtime.server.process.inside`."""

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

from realtime.server.metrics.scrapes import Scrapes
from realtime.server.metrics.wire import Wire
from realtime.server.process.run import Place
from realtime.server.process.spawned import begin

HUNG_SECONDS = 20.0
"""How long, in addition to its time to end, a process may give no sign of life."""

log = structlog.get_logger(__name__)
# A fresh interpreter: it shares none of the supervisor's connections and locks.
_spawn = multiprocessing.get_context("spawn")


class Worker:
    """A place for a process, used or not. `failures` counts consecutive processes that ended too soon."""

    def __init__(self, place: Place, scrapes: Scrapes) -> None:
        self._place = place
        self._scrapes = scrapes
        self.process: SpawnProcess | None = None
        self.wire: Wire | None = None
        self.failures = 0
        self.start_at = 0.0
        self.started_at = 0.0
        self.has_served = False
        self.told_to_end = False
        self.is_mute = False
        """Whether its end of the wire is closed: there is nothing more to hear."""
        self._silent_seconds = 0.0
        self._looked_at = 0.0

    def start(self) -> None:
        """Start a process."""
        ours, theirs = socket.socketpair()
        self.wire = Wire(ours)
        self.process = _spawn.Process(target=begin, args=(*astuple(self._place), theirs))
        self.process.start()
        theirs.close()
        self.has_served = self.told_to_end = self.is_mute = False
        self.started_at = self._looked_at = time.monotonic()
        self._silent_seconds = 0.0
        log.info("worker_started", worker=self.process.pid)

    def look(self, longest: float) -> None:
        """Hear the process, and check whether it runs.

        Of the time since the last look, at most `longest` seconds count as silence.
        If more time has passed, this process was frozen, and then the others may have been frozen too.
        """
        now = time.monotonic()
        self._silent_seconds += min(now - self._looked_at, longest)
        self._looked_at = now
        try:
            self._hear()
        except (EOFError, ConnectionError):  # it has ended, or is about to
            self.is_mute = True

    def _hear(self) -> None:
        if self.wire is None:
            return
        for kind, body in self.wire.receive():
            self.has_served = True
            self._silent_seconds = 0.0
            self._scrapes.hear(self, kind, body)
        self.wire.flush()

    @property
    def is_hung(self) -> bool:
        """Whether a process that was serving gives no sign of life."""
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
        """Forget the process, which has ended; returns its exit status."""
        with suppress(EOFError, ConnectionError):  # its last report
            self._hear()
        self._scrapes.bury(self)
        process, wire = self.process, self.wire
        self.process = self.wire = None
        if process is None or wire is None:
            return 0
        process.join()
        status = process.exitcode or 0
        process.close()
        wire.socket.close()
        return status
