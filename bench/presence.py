"""The cost of presence: messages, Valkey commands and CPU while 10 to 10,000 viewers join, and while they stay.

Run it with `.venv/bin/python -m bench.presence`, or with the numbers of viewers. Guests join a portal view on two
processes with Postgres and Valkey, 200 a second, with the caps and limits off; a last run has the default limits, one
address, and no more guests than the default cap, and says whether everybody is in. Viewers are told the counts. The CPU
of the signs of life is measured alone, in one process, for 10,000 people in one portal view and in 5,000.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import django
import httpx
import redis
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.load import run
from bench.servers import Portal, portal
from testing.installation import ServerKind, StoreKind
from testing.limits import NO_LIMITS
from testing.stores import valkey

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from libraries.rules.roles import PortalRole  # noqa: E402  # these need the settings
from libraries.rules.subjects import Grant, Subject  # noqa: E402
from realtime.delivery.outlet import QueueOutlet  # noqa: E402
from realtime.hub.hub import Hub  # noqa: E402
from realtime.hub.keeper import Keeper  # noqa: E402
from realtime.hub.presence import PresenceKeeper  # noqa: E402
from realtime.hub.presences import LIFE_SECONDS  # noqa: E402
from realtime.hub.sharing import TURNS, Sharing  # noqa: E402
from realtime.presence.shared import SharedPresence  # noqa: E402
from realtime.rooms.connection import Connection  # noqa: E402

COUNTS = (10, 100, 1_000, 10_000)
JOINS_A_SECOND = 200
AT_ONCE = 40
REST_SECONDS = 10.0
DEFAULT_VIEWERS = 1_900
"""Fewer than the default cap of a portal view."""


@dataclass(frozen=True)
class Row:
    """The figures of one run: messages about presence, Valkey commands, seconds, and CPU as a part of one core."""

    viewers: int
    inside: int
    seconds: float
    to_controller: int
    to_viewer: int
    commands: int
    at_rest: float
    commands_at_rest: int
    told: int


@dataclass
class Tally:
    """What the clients have heard."""

    to_controller: int = 0
    told: int = 0
    to_viewers: dict[int, int] = field(default_factory=dict)
    inside: int = 0
    refused: int = 0


class Heard(WSListener):
    """A client that counts the messages about presence; number 0 is the controller."""

    def __init__(self, number: int, tally: Tally, ready: asyncio.Event) -> None:
        super().__init__()
        self.number = number
        self.tally = tally
        self.ready = ready

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Handle a frame."""
        payload = frame.get_payload_as_bytes()
        if frame.msg_type == WSMsgType.PING:
            transport.send_pong(payload)
        elif payload.startswith(b'{"type":"connected"'):
            self.tally.inside += 1
            self.ready.set()
        elif payload.startswith(b'{"type":"error"'):
            self.tally.refused += 1
            self.ready.set()
        elif payload.startswith(b'{"type":"presence"'):
            if self.number:
                self.tally.to_viewers[self.number] = self.tally.to_viewers.get(self.number, 0) + 1
            else:
                self.tally.to_controller += 1
                self.tally.told = json.loads(payload)["counts"]["viewers"]


class Usage:
    """The commands that a Valkey has done, and the CPU of the processes of a server."""

    def __init__(self, url: str, pid: int) -> None:
        self._client = redis.Redis.from_url(url)
        self._pid = pid

    def commands(self) -> int:
        """The scripts, reads and writes so far, with those of the counts for limits: two a second and process.

        Subscriptions and publications are not counted.
        """
        stats: Any = self._client.info("commandstats")
        counted = ("eval", "hgetall", "mget", "set")
        return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in counted)

    def cpu(self) -> float:
        """The seconds so far."""
        total = 0.0
        for pid in [self._pid, *map(int, _children(self._pid))]:
            with open(f"/proc/{pid}/schedstat") as file:
                total += int(file.read().split()[0]) / 1e9
        return total


def _children(pid: int) -> list[str]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()


async def join(base: str, controller: str, share: str, viewers: int, usage: Usage) -> Row:
    """Let a controller and so many guests join, wait until all is told, and then rest."""
    tally, transports = Tally(), []
    transports.append(await _open(f"{base}?token={controller}", 0, tally))
    await asyncio.sleep(2)
    commands, began, turn = usage.commands(), time.monotonic(), asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Any:
        await asyncio.sleep(max(0.0, began + number / JOINS_A_SECOND - time.monotonic()))
        async with turn:
            return await _open(f"{base}?share={share}", number, tally)

    transports += await asyncio.gather(*(one(number) for number in range(1, viewers + 1)))
    seconds = time.monotonic() - began
    deadline = time.monotonic() + 30
    while tally.told < viewers and time.monotonic() < deadline:  # noqa: ASYNC110  # an event would cost clients time
        await asyncio.sleep(0.05)
    await asyncio.sleep(3)
    commands = usage.commands() - commands
    row = Row(
        viewers=viewers,
        inside=tally.inside - 1,
        seconds=seconds,
        to_controller=tally.to_controller,
        to_viewer=max(tally.to_viewers.values(), default=0),
        commands=commands,
        at_rest=0.0,
        commands_at_rest=0,
        told=tally.told,
    )
    before, cpu = usage.commands(), usage.cpu()
    await asyncio.sleep(REST_SECONDS)
    rest = (usage.cpu() - cpu) / REST_SECONDS
    at_rest = usage.commands() - before
    for transport in transports:
        transport.disconnect()
    return Row(**{**row.__dict__, "at_rest": rest, "commands_at_rest": at_rest})


async def _open(url: str, number: int, tally: Tally) -> Any:
    ready = asyncio.Event()
    transport, _ = await ws_connect(lambda: Heard(number, tally, ready), url)
    await asyncio.wait_for(ready.wait(), 60)
    return transport


@contextmanager
def served(place: Portal, *, limits: bool) -> Iterator[tuple[str, str, str, str, Usage]]:
    """A server of two processes; the address of a new portal view's sockets, two credentials, and the usage."""
    env = {} if limits else NO_LIMITS
    with place.place.server(ServerKind.SERVE, "--workers", "2", **env) as server:
        headers = {"Authorization": f"Bearer {place.tokens['controller']}"}
        with httpx.Client(base_url=f"{server.http}/api", headers=headers, trust_env=False) as client:
            client.patch(f"/libraries/{place.library_id}", json={"showAudience": True}).raise_for_status()
            view = client.post(f"/libraries/{place.library_id}/portal-views", json={"name": "bench"}).json()["id"]
            share = client.post(f"/portal-views/{view}/share-links", json={}).json()["token"]
        assert place.place.valkey is not None  # noqa: S101  # it was asked for
        usage = Usage(place.place.valkey.url, server.process.pid)
        yield f"ws://127.0.0.1:{server.port}/ws/portal-view/{view}", place.tokens["controller"], share, view, usage


def show(row: Row, note: str = "") -> None:
    """Print a line of the curve."""
    clients = f"{row.viewers:>7,} {row.inside:>7,} {row.told:>7,} {row.seconds:>7.1f} {row.to_controller:>10}"
    rest = f"{row.to_viewer:>7} {row.commands:>9} {row.at_rest:>8.2%} {row.commands_at_rest:>9}"
    print(f"{clients} {rest}  {note}", flush=True)


# --- The signs of life, alone -------------------------------------------------------------------------------


def fill(hub: Hub, people: int, views: int) -> None:
    """Put so many viewers into so many portal views of a hub, and look at them."""

    async def nothing(_: Any) -> None:
        return None

    ids = [uuid4() for _ in range(views)]
    for one in ids:
        hub.keepers[one] = Keeper(one, hub)
        hub.keepers[one].subscribed = True
    for number in range(people):
        connection = Connection(
            connection_id=str(number),
            grant=Grant(Subject(UUID(int=number + 1))),
            portal_view_id=ids[number % views],
            role=PortalRole.VIEWER,
            outlet=QueueOutlet(nothing),
        )
        hub.keepers[connection.portal_view_id].room.people.stay(connection)
    for one in ids:
        hub.presences.keepers[one] = PresenceKeeper(one, hub.presences)
        hub.presences.keepers[one].look()


async def signs_of_life(url: str, people: int, views: int) -> float:
    """The CPU of the signs of life of a process with so many people, as a part of one core."""
    hub = Hub()
    presences = hub.presences
    sharing = presences._sharing = Sharing(presences, SharedPresence(url, presences.name))  # before anybody came
    fill(hub, people, views)
    await asyncio.sleep(10)
    assert presences.subjects == people  # noqa: S101  # else nothing was measured
    used = 0.0
    for beat in range(2 * TURNS):  # the first round of turns reads what is stored
        began = time.process_time()
        presences._tick()
        while (working := sharing._working) is not None:
            await working
        used += (time.process_time() - began) / TURNS if beat >= TURNS else 0.0
    for keeper in presences.keepers.values():
        keeper.stop()
    return used / LIFE_SECONDS


def main(arguments: list[str]) -> None:
    """Print the curve."""
    counts = [int(one) for one in arguments] or list(COUNTS)
    logging.disable(logging.INFO)  # of the clients
    with valkey() as store:
        for people, views in ((10_000, 1), (10_000, 5_000)):
            share = asyncio.run(signs_of_life(store.url, people, views))
            print(f"signs of life, {people:,} people in {views:,} portal views: {share:.3%} of a core", flush=True)
    print("viewers  inside    told seconds controller  viewer  commands  at rest  commands (10 s)")
    with portal(StoreKind.POSTGRES) as place:
        for count in counts:
            with served(place, limits=False) as (base, controller, token, _, usage):
                show(run(join(base, controller, token, count, usage)))
        with served(place, limits=True) as (base, controller, token, _, usage):
            row = run(join(base, controller, token, min(max(counts), DEFAULT_VIEWERS), usage))
            show(
                row, "default limits, one address: " + ("all are in" if row.inside == row.viewers else "NOT all are in")
            )


if __name__ == "__main__":
    main(sys.argv[1:])
