"""The herd: 2,000 clients whose server is restarted, and how they come back.

Run it with `.venv/bin/python -m bench.herd`, or with the number of clients. They are guests of one portal view on the
Python client (`realtime.client.python`), in this process; the server is one process on SQLite. It is ended by SIGTERM,
and then by SIGKILL, and started again at once on the same port, each time after all clients have pinged. The caps and
limits on clients are off. A last part has the default limits, and all clients come from one address: everybody must end
in, and nobody may be told a final code.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from bench.figures import table
from bench.load import run
from bench.servers import Portal, portal
from realtime.client.python.portal_client import PortalClient
from realtime.client.python.portal_client.events import Event
from testing.installation import Server, ServerKind, StoreKind
from testing.limits import NO_LIMITS, NO_LIMITS_SENTENCE

CLIENTS = 2_000
JOINS_A_SECOND = 200
SETTLE_SECONDS = 27.0
"""Each client has pinged by then, and knows within which time it should come back."""
BACK_SECONDS = 120.0
BACK_WITHIN_SECONDS = 10.0
BUSIEST_PART = 1 / 3
LOOK_SECONDS = 0.01
INSIDE_SECONDS = 0.1
"""How often all clients are looked at: in between they have the process to themselves."""
FAULTS: dict[str, Callable[[Server], None]] = {
    "SIGTERM": lambda server: server.process.stop(),
    "kill -9": lambda server: server.process.kill(),
}


@dataclass
class Herd:
    """All clients, and the moments (seconds of the monotonic clock) when they were let in, or ended for good."""

    clients: list[PortalClient] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    ended: list[PortalClient] = field(default_factory=list)
    attempts: int = 0

    def add(self, base: str, portal_view_id: str, share: str) -> PortalClient:
        """A new client, which is not connected yet."""
        client = PortalClient(base, portal_view_id, get_credential=lambda: {"share": share}, open_timeout=None)
        client.on("status", lambda event: self._hear(client, event))
        self.clients.append(client)
        return client

    def _hear(self, client: PortalClient, event: Event) -> None:
        match event.data.kind:
            case "open":
                self.opened.append(time.monotonic())
            case "connecting":
                self.attempts += 1
            case "closed":
                self.ended.append(client)

    @property
    def inside(self) -> int:
        """How many are connected."""
        return sum(client.status.kind == "open" for client in self.clients)

    async def join(self, base: str, portal_view_id: str, share: str, count: int) -> float:
        """Let so many connect, `JOINS_A_SECOND`, and wait until they are in; returns the seconds that it took."""
        began = time.monotonic()
        tasks = []
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / JOINS_A_SECOND - time.monotonic()))
            tasks.append(asyncio.create_task(self.add(base, portal_view_id, share).connect()))
        async with asyncio.timeout(BACK_SECONDS + count / JOINS_A_SECOND):
            await asyncio.gather(*tasks)
        return time.monotonic() - began

    async def all_in(self) -> None:
        """Wait until everybody is connected; TimeoutError after `BACK_SECONDS`."""
        async with asyncio.timeout(BACK_SECONDS):
            while self.inside < len(self.clients):  # noqa: ASYNC110  # an event would cost clients time
                await asyncio.sleep(INSIDE_SECONDS)

    async def leave(self) -> None:
        """Disconnect everybody."""
        await asyncio.gather(*(client.close() for client in self.clients))


@dataclass(frozen=True)
class Row:
    """How the clients came back; times in seconds since the new process listened, or since the loss."""

    fault: str
    away: float
    last: float
    busiest: float
    """The largest part of all clients that came within one second."""
    seconds: tuple[int, ...]
    """How many came in each second."""
    attempts: int
    final: int

    @property
    def is_kept(self) -> bool:
        """Whether it is as it should be."""
        return self.last <= BACK_WITHIN_SECONDS and self.busiest <= BUSIEST_PART and not self.final


async def come_back(herd: Herd, server: Server, fault: str) -> Row:
    """End the server, start it again, and wait until everybody is back."""
    await asyncio.sleep(SETTLE_SECONDS)
    herd.opened.clear()
    herd.ended.clear()
    before, began = herd.attempts, time.monotonic()
    listening = asyncio.create_task(asyncio.to_thread(_listens_again, server))
    await asyncio.to_thread(FAULTS[fault], server)
    await asyncio.to_thread(server.start)
    since = await listening
    await herd.all_in()
    return Row(
        fault=fault,
        away=since - began,
        last=max(herd.opened) - since,
        busiest=_busiest(herd.opened) / len(herd.clients),
        seconds=_by_second(herd.opened, since),
        attempts=herd.attempts - before,
        final=len(herd.ended),
    )


def _listens_again(server: Server) -> float:
    """The moment when a process listens, after one that has ended."""
    was_away, deadline = False, time.monotonic() + BACK_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except OSError:
            was_away = True
        else:
            if was_away:
                return time.monotonic()
        time.sleep(LOOK_SECONDS)
    raise TimeoutError("The server does not listen again.")


def _busiest(moments: list[float]) -> int:
    """The most moments within any one second."""
    ordered = sorted(moments)
    return max(bisect_left(ordered, moment + 1) - place for place, moment in enumerate(ordered))


def _by_second(moments: list[float], since: float) -> tuple[int, ...]:
    counts = Counter(int(moment - since) for moment in moments)
    return tuple(counts[second] for second in range(max(counts) + 1))


@contextmanager
def served(place: Portal, *, limits: bool) -> Iterator[tuple[Server, str, str]]:
    """A server, a new portal view, and the token of its share link."""
    with place.place.server(ServerKind.SERVE, **({} if limits else NO_LIMITS)) as server:
        headers = {"Authorization": f"Bearer {place.tokens['controller']}"}
        with httpx.Client(base_url=f"{server.http}/api", headers=headers, trust_env=False) as client:
            path = f"/libraries/{place.library_id}/portal-views"
            view = client.post(path, json={"name": "herd"}).raise_for_status().json()["id"]
            share = client.post(f"/portal-views/{view}/share-links", json={}).raise_for_status().json()["token"]
        yield server, view, share


async def restarts(server: Server, view: str, share: str, count: int) -> list[Row]:
    """Both ways to end a server."""
    herd = Herd()
    await herd.join(server.http, view, share, count)
    rows = []
    for fault in FAULTS:
        rows.append(await come_back(herd, server, fault))
        _say(f"{fault}: all are back {rows[-1].last:.1f} s after the server listened")
    await herd.leave()
    return rows


async def with_defaults(server: Server, view: str, share: str, count: int) -> list[Row]:
    """The default limits, all clients from one address; they join, and then the server is killed."""
    herd = Herd()
    took = await herd.join(server.http, view, share, count)
    _say(f"default limits, one address: {herd.inside:,} are in after {took:.1f} s, with {herd.attempts:,} attempts")
    row = await come_back(herd, server, "kill -9")
    await herd.leave()
    return [row]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def show(rows: list[Row], note: str) -> None:
    """Print a table."""
    head = ["", "away, s", "last back, s", "busiest second", "by second", "attempts", "final codes", ""]
    lines = [
        [
            row.fault,
            f"{row.away:.1f}",
            f"{row.last:.1f}",
            f"{row.busiest:.0%}",
            " ".join(map(str, row.seconds)),
            f"{row.attempts:,}",
            str(row.final),
            "kept" if row.is_kept else "NOT KEPT",
        ]
        for row in rows
    ]
    print(f"{note}\n\n{table(head, lines)}\n", flush=True)


def main(arguments: list[str]) -> int:
    """Print both tables; 1 if a promise was not kept. With the default limits only the final codes count."""
    count = int(arguments[0]) if arguments else CLIENTS
    logging.disable(logging.INFO)
    with portal(StoreKind.SQLITE) as place:
        with served(place, limits=False) as (server, view, share):
            free = run(restarts(server, view, share, count))
        with served(place, limits=True) as (server, view, share):
            limited = run(with_defaults(server, view, share, count))
    show(free, f"{count:,} clients. {NO_LIMITS_SENTENCE}")
    show(limited, f"{count:,} clients from one address, with the default limits.")
    return int(not all(row.is_kept for row in free) or any(row.final for row in limited))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
