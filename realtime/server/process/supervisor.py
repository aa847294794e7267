"""`manage.py serve --workers N`: keeps N processes on one port, and ends with them.

Each process opens the port itself (SO_REUSEPORT), so that the kernel distributes connections evenly, and stops
distributing to a process the moment it ends. With one inherited socket the fastest process takes as many as it can: of
300 connections at once one process of three got 219 and another 19 (with SO_REUSEPORT 113, 99 and 88), and sockets stay
for hours.

Uvicorn's own supervisor is not sufficient. It restarts without a pause a process that ends at once, it waits for ever
for a process that does not stop, and its processes keep the port when it is killed.
"""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from math import inf
from multiprocessing import connection
from typing import Any

import structlog

from realtime.server.metrics.port import answer_on
from realtime.server.metrics.scrapes import Scrapes
from realtime.server.process.reload import Watch
from realtime.server.process.run import Place
from realtime.server.process.worker import Worker

LOOK_SECONDS = 0.5
"""The longest time until changed files and silent processes are noticed; the end of a process is noticed at once."""
STEADY_SECONDS = 10.0
"""A process that ends sooner has failed. The first failure is replaced at once, later ones after growing delays."""
LONGEST_PAUSE_SECONDS = 30.0
KILL_SECONDS = 1.0
"""How long after its time a process that has not ended is killed."""

log = structlog.get_logger(__name__)


class Supervisor:
    """The parent of the processes. `run` may be called once, in the main thread."""

    def __init__(self, place: Place, workers: int, watch: Watch | None = None) -> None:
        self._place = place
        self._scrapes = Scrapes()
        self._workers = [Worker(place, self._scrapes) for _ in range(workers)]
        self._watch = watch
        self._heard: list[int] = []
        self._any_has_served = False
        self._status = 0

    def run(self) -> int:
        """Serve until a signal ends it; returns the exit status. CannotListen if the port cannot be opened."""
        with ExitStack() as exits:
            for reserved in self._place.bind():  # never listens: it only reserves the port
                exits.enter_context(reserved)
            own = self._place.bind_metrics()
            bell, button = exits.enter_context(self._signals())
            if own:
                exits.callback(answer_on(own, self._scrapes, lambda: _ring(button)))
            exits.callback(self._end, bell)
            while not self._heard and not self._status:
                self._tend()
                self._wait(bell, LOOK_SECONDS)
        return self._status

    @contextmanager
    def _signals(self) -> Iterator[tuple[socket.socket, socket.socket]]:
        """A socket that becomes readable when a signal has come, and its other end."""
        bell, button = socket.socketpair()
        bell.setblocking(False)
        button.setblocking(False)
        with bell, button:
            before = signal.set_wakeup_fd(button.fileno(), warn_on_full_buffer=False)
            handlers = {
                number: signal.signal(number, lambda heard, _frame: self._heard.append(heard))
                for number in (signal.SIGINT, signal.SIGTERM)
            }
            try:
                yield bell, button
            finally:
                for number, handler in handlers.items():
                    signal.signal(number, handler)
                signal.set_wakeup_fd(before)

    def _wait(self, bell: socket.socket, seconds: float) -> None:
        """Wait until a process ends or says something, a signal comes, or somebody asks for the metrics."""
        heard: list[Any] = [bell]
        for worker in self._workers:
            if worker.process is not None and worker.wire is not None:
                heard.append(worker.process.sentinel)
                if not worker.is_mute:
                    heard.append(worker.wire.socket)
        connection.wait(heard, self._scrapes.wait_seconds(seconds, self._workers))
        with suppress(BlockingIOError):
            bell.recv(1024)

    # While serving.

    def _tend(self) -> None:
        now = time.monotonic()
        if self._watch is not None and (changed := self._watch.changed()):
            log.info("files_changed", files=[str(path) for path in changed])
            for worker in self._workers:
                worker.start_at = now
                worker.told_to_end = True
                worker.send_signal(signal.SIGTERM)
        for worker in self._workers:
            worker.look(2 * LOOK_SECONDS)
            self._any_has_served |= worker.has_served
            if worker.process is None:
                if now >= worker.start_at:
                    worker.start()
            elif not worker.is_alive:
                self._replace(worker, now)
            elif worker.is_hung:
                log.error("worker_hung", worker=worker.process.pid)
                worker.send_signal(signal.SIGKILL)
        self._scrapes.tend(self._workers)

    def _replace(self, worker: Worker, now: float) -> None:
        """Decide when a new process replaces one that has ended."""
        pid = worker.process.pid if worker.process is not None else None
        told, served, age = worker.told_to_end, worker.has_served, now - worker.started_at
        status = worker.bury()
        worker.failures = 0 if told or age > STEADY_SECONDS else worker.failures + 1
        pause = 0.0 if worker.failures < 2 else min(2.0 ** (worker.failures - 2), LONGEST_PAUSE_SECONDS)
        if not told and not served and self._watch is not None:
            pause = inf
            log.error("worker_did_not_start", worker=pid, status=status, next="when a file changes")
        elif not told and not self._any_has_served:
            # No process can start with this configuration.
            log.error("worker_did_not_start", worker=pid, status=status)
            self._status = 1
        else:
            log.warning("worker_ended", worker=pid, status=status, seconds=round(age, 1), replacedIn=pause)
        worker.start_at = now + pause

    # Ending.

    def _end(self, bell: socket.socket) -> None:
        for worker in self._workers:
            worker.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self._place.drain_delay + self._place.drain_seconds + KILL_SECONDS
        while any(worker.is_alive for worker in self._workers):
            for worker in self._workers:
                worker.look(2 * LOOK_SECONDS)
            self._scrapes.tend(self._workers)
            if self._heard.count(signal.SIGINT) > 1:  # a second Ctrl+C
                self._heard.clear()
                for worker in self._workers:
                    worker.send_signal(signal.SIGINT)
            if time.monotonic() > deadline:
                for worker in self._workers:
                    worker.send_signal(signal.SIGKILL)
            self._wait(bell, LOOK_SECONDS)
        statuses = [worker.bury() for worker in self._workers if worker.process is not None]
        if any(status not in (0, -signal.SIGTERM) for status in statuses):
            log.error("workers_ended_badly", statuses=statuses)
            self._status = 1


def _ring(button: socket.socket) -> None:
    """Wake the supervisor; if it has been woken often enough to fill the socket, it wakes anyway."""
    with suppress(BlockingIOError, OSError):
        button.send(b"m")
