"""The cost of counting: a broadcast's metric calls, timed alone, beside the whole broadcast's CPU.

Run it with `.venv/bin/python -m bench.metrics`. A real room writes to real TCP connections, whose other ends another
process reads. A broadcast begins with its news, and ends when everything is written; the channel layer before it, and
the database, are not counted. It also prints what a scrape costs. Nothing is written to RESULTS.md.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import django

VIEWERS = (50, 500)
AT_MOST = 0.01
ROUNDS = 15
BROADCASTS = 100
CALLS = 20_000
END_SECONDS = 10
PORTAL_VIEW_ID = UUID(int=1)


def read_all(port: int, count: int) -> None:
    """Open so many connections, and read them until they end: the other process."""
    found = selectors.DefaultSelector()
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port))
        one.setblocking(False)
        found.register(one, selectors.EVENT_READ)
    while found.get_map():
        for key, _ in found.select():
            end: Any = key.fileobj
            with suppress(BlockingIOError):
                if not end.recv(1 << 20):
                    found.unregister(end)
                    end.close()


class Broadcasts:
    """One room with its viewers."""

    def __init__(self, transports: list[asyncio.Transport]) -> None:
        from libraries.rules.roles import PortalRole
        from libraries.rules.subjects import Grant, Subject
        from realtime.delivery.outlet import Member, Raw
        from realtime.delivery.prepared import Framing, form
        from realtime.rooms.connection import Connection
        from realtime.rooms.room import Room

        class Wired(Member):
            """An outlet on a transport, as `realtime.server.websocket.sender` is one."""

            def __init__(self, transport: asyncio.Transport) -> None:
                super().__init__(form(Framing.PLAIN))
                self.write = transport.write
                end = transport.get_extra_info("socket")
                self.raw = Raw(getattr(end, "_sock", end).fileno, transport.get_write_buffer_size)

        self.room = Room(PORTAL_VIEW_ID, lambda request: None)
        self.form = form(Framing.PLAIN)
        for transport in transports:
            outlet: Any = Wired(transport)
            made = Connection(
                connection_id=uuid4().hex,
                grant=Grant(Subject(uuid4())),
                portal_view_id=PORTAL_VIEW_ID,
                role=PortalRole.VIEWER,
                outlet=outlet,
            )
            self.room.people.stay(made)
            self.room._seats.put_level(made)
        self.room.order.version = 1
        self._version = 1
        self._text = ""

    def news(self) -> dict[str, Any]:
        """A stored update of about 300 bytes, as it comes from the channel layer."""
        from realtime.news.compose import patch_news
        from realtime.news.structs import to_message

        self._version += 1
        version, payload = self._version, {"name": "x" * 240}
        made = patch_news(PORTAL_VIEW_ID, payload, viewers=payload, version=version, viewers_version=version)
        self._text = made.viewers or ""
        return {**to_message(made), "committedAt": time.time()}

    def send(self, message: dict[str, Any]) -> None:
        """One broadcast."""
        from realtime.news.structs import from_message
        from realtime.rooms.updates import Update

        news: Any = from_message(message)
        self.room.take(Update.of(news))

    def metric_calls(self, count: int) -> Callable[[], None]:
        """All that such a broadcast to so many counts."""
        from realtime.delivery.prepared import Prepared
        from realtime.rooms.tally import Tally, count_broadcast, count_deliveries, count_written

        tally, message, committed_at = Tally(time.monotonic()), Prepared(self._text), time.time()
        size = len(message.in_form(self.form))

        def calls() -> None:
            count_broadcast(tally)
            count_deliveries(tally, message, count, size)
            count_written(committed_at)

        return calls


def timed(calls: Callable[[], None]) -> float:
    """CPU microseconds of one run, without the loop around it."""
    began = time.thread_time()
    for _ in range(CALLS):
        calls()
    whole = time.thread_time() - began
    began = time.thread_time()
    for _ in range(CALLS):
        pass
    return (whole - (time.thread_time() - began)) / CALLS * 1e6


async def measure(count: int) -> tuple[float, float]:
    """CPU microseconds of a broadcast to so many viewers, and of its metric calls."""
    loop, transports, everybody = asyncio.get_running_loop(), [], asyncio.Event()

    class Taken(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made: Any = transport
            transports.append(made)
            if len(transports) == count:
                everybody.set()

    server = await loop.create_server(Taken, "127.0.0.1", 0, backlog=1024)
    reader = multiprocessing.get_context("spawn").Process(
        target=read_all, daemon=True, args=(server.sockets[0].getsockname()[1], count)
    )
    reader.start()
    await everybody.wait()
    broadcasts = Broadcasts(transports)
    wholes, alone = [], []
    for _ in range(ROUNDS):
        used = 0.0
        for _ in range(BROADCASTS):
            message = broadcasts.news()
            began = time.thread_time()
            broadcasts.send(message)
            used += time.thread_time() - began
            await asyncio.sleep(0.001)
        wholes.append(used / BROADCASTS * 1e6)
        alone.append(timed(broadcasts.metric_calls(count)))
    delivered = broadcasts.room.tally.deliveries
    for transport in transports:
        transport.close()
    server.close()
    await asyncio.to_thread(reader.join, END_SECONDS)
    if delivered != count * ROUNDS * BROADCASTS:
        raise SystemExit(f"Only {delivered} messages were delivered.")
    return median(wholes), median(alone)


def scrape() -> tuple[float, float]:
    """CPU microseconds of a process's report, each second, and of the text of a scrape."""
    from realtime.metrics.exposition import exposed
    from realtime.metrics.names import REST_SECONDS
    from realtime.metrics.reports import pack, take_report

    for route in range(60):
        REST_SECONDS.observe(0.02, "GET", f"/api/{route}")
    runs = 200
    began = time.thread_time()
    for _ in range(runs):
        pack(take_report(gauges=False))
    reports = time.thread_time() - began
    began = time.thread_time()
    for _ in range(runs):
        exposed(take_report(gauges=True))
    return reports / runs * 1e6, (time.thread_time() - began) / runs * 1e6


def main() -> int:
    """Measure and print; returns 1 if the metric calls cost more than they may."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from realtime.server.process.loop import fast_loop

    print(
        f"CPU microseconds, medians of {ROUNDS} rounds of {BROADCASTS} broadcasts. Python {sys.version.split()[0]}.\n"
    )
    print(f"{'viewers':>8}{'a broadcast':>14}{'its metric calls':>19}{'part':>9}")
    worst = 0.0
    for count in VIEWERS:
        with asyncio.Runner(loop_factory=fast_loop) as runner:
            whole, alone = runner.run(measure(count))
        worst = max(worst, alone / whole)
        print(f"{count:8}{whole:14.1f}{alone:19.2f}{alone / whole:9.2%}")
    report, text = scrape()
    print(f"\nA process's report each second: {report:.0f}. The text of a scrape, with 60 routes: {text:.0f}.")
    print(f"The metric calls are {'' if worst < AT_MOST else 'NOT '}under {AT_MOST:.0%} of the broadcast.")
    return 0 if worst < AT_MOST else 1


if __name__ == "__main__":
    sys.exit(main())
