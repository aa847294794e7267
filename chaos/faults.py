"""The faults, as one table: the name of each, its effect, and its duration.

A fault begins with its coroutine, and is over, with everything running again, when that returns. `rounds` finds out its
effects on clients.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from redis.asyncio import Redis

from chaos.clients import Client, half_frame, whole_frame
from chaos.controllers import Controller
from chaos.crowd import Crowd, wait_until
from chaos.stack import PROCESSES
from testing.processes import Process
from testing.sockets import portal_view_path

AWAY_SECONDS, LONG_AWAY_SECONDS = 1.5, 6.0
PAUSE_SECONDS = 5.0
CUT_TIMES, CUT_EVERY_SECONDS = 6, 0.3
SHARE_CUT = 0.15
SHARE_STALLED = 0.2
STALL_PADDING, STALL_PER_SECOND, STALL_SECONDS = "x" * 60_000, 25.0, 20.0
STALL_VERSIONS = 75
"""This many heavy updates exceed the kernel's buffers of a connection (some 3 MB) and the server's together."""
RAW_SOCKETS = 10
FLOOD_BYTES, FLOOD_MESSAGES, FLOODS, FLOOD_PAUSE_SECONDS = 60_000, 800, 10, 0.5
PUBSUB_LIMIT_BYTES = 1_000_000

T = TypeVar("T")
Act = Callable[[Crowd, random.Random], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """One way to break something. `how` is a phrase for the table of results.

    `stalls` if it must make clients too slow for their messages.
    """

    name: str
    how: str
    act: Act
    stalls: bool = False


class NothingHappened(Exception):
    """A fault had no effect, so the round would prove nothing."""


async def kill_valkey(crowd: Crowd, rng: random.Random) -> None:
    """Kill Valkey without warning, and start an empty one."""
    await _crash(crowd.stack.valkey.process, crowd.stack.valkey.start)


async def kill_postgres(crowd: Crowd, rng: random.Random) -> None:
    """Kill Postgres without warning; it recovers from its log."""
    await _crash(crowd.stack.postgres.process, crowd.stack.postgres.start)


async def _crash(process: Process, start: Callable[[], None]) -> None:
    await asyncio.to_thread(process.kill)
    await asyncio.sleep(AWAY_SECONDS)
    await asyncio.to_thread(start)


async def restart_postgres(crowd: Crowd, rng: random.Random) -> None:
    """Stop Postgres in good order, as an upgrade would, and start it."""
    await asyncio.to_thread(crowd.stack.postgres.process.stop)
    await asyncio.sleep(LONG_AWAY_SECONDS)
    await asyncio.to_thread(crowd.stack.postgres.start)


async def pause_valkey(crowd: Crowd, rng: random.Random) -> None:
    """Freeze Valkey: connections stay open, and nothing answers."""
    process = crowd.stack.valkey.process
    process.suspend()
    try:
        await asyncio.sleep(PAUSE_SECONDS)
    finally:
        process.resume()


async def drop_connections(crowd: Crowd, rng: random.Random) -> None:
    """Make Valkey cut all its connections, for listening and for publishing, several times."""
    async with _valkey(crowd) as redis:
        dropped = 0
        for _ in range(3):
            dropped += await redis.client_kill_filter(_type="pubsub") + await redis.client_kill_filter(_type="normal")
            await asyncio.sleep(rng.uniform(0.2, 0.6))
    if dropped < PROCESSES:
        raise NothingHappened(f"Valkey had only {dropped} connections to drop.")


async def kill_worker(crowd: Crowd, rng: random.Random) -> None:
    """Kill one of the server's processes without warning; its supervisor starts another."""
    await crowd.stack.kill_worker(rng)


async def overflow_layer(crowd: Crowd, rng: random.Random) -> None:
    """Publish more than Valkey buffers for slow subscribers: it drops them and their buffers."""
    async with _valkey(crowd) as redis:
        before = (await redis.info("stats"))["client_output_buffer_limit_disconnections"]
        await redis.config_set("client-output-buffer-limit", f"pubsub {PUBSUB_LIMIT_BYTES} {PUBSUB_LIMIT_BYTES} 1")
        try:
            for _ in range(FLOODS):
                await _flood(redis)
                after = (await redis.info("stats"))["client_output_buffer_limit_disconnections"]
                if after > before:
                    return
                await asyncio.sleep(FLOOD_PAUSE_SECONDS)  # nobody may have been subscribed at that moment
        finally:
            await redis.config_set("client-output-buffer-limit", "pubsub 33554432 8388608 60")
    raise NothingHappened("Valkey dropped no subscriber.")


async def _flood(redis: Redis) -> None:
    # No message of this site, so that it is only heavy; group names cannot be guessed, but the store knows them.
    [group, *_] = sorted(await redis.pubsub_channels("portal__group__*")) or ["portal__group__nobody"]
    async with redis.pipeline(transaction=False) as pipeline:
        for _ in range(FLOOD_MESSAGES):
            pipeline.publish(group, b"x" * FLOOD_BYTES)
        await pipeline.execute()


async def cut_clients(crowd: Crowd, rng: random.Random) -> None:
    """Cut lines with a reset: in the middle of a frame, after a whole one, and in the middle of a handshake."""
    for _ in range(CUT_TIMES):
        for watcher in _some(crowd.watchers, SHARE_CUT, rng):
            watcher.cut(half_frame(json.dumps({"type": "ping", "ref": "x" * 200})))
        for controller in rng.sample(crowd.controllers, 2):
            controller.cut_amid("slot", rng.choice((half_frame, whole_frame)))
        await asyncio.gather(*(_half_handshake(crowd, rng) for _ in range(RAW_SOCKETS)))
        await asyncio.sleep(CUT_EVERY_SECONDS)


async def half_open(crowd: Crowd, rng: random.Random) -> None:
    """Some clients stop reading, with open sockets, until the server has more for them than its send buffer holds."""
    loud = crowd.controllers[-1]
    at_small = [viewer for viewer in crowd.viewers if viewer.table is loud.table]
    stalled = at_small[: len(at_small) * 3 // 4] + _some(crowd.viewers, SHARE_STALLED, rng)
    silent = [await _silent_socket(crowd, rng) for _ in range(RAW_SOCKETS)]
    try:
        with _stalled(stalled), _heavy(loud):
            loud.update("name")  # this ends a blackout
            last = loud.portal.version + STALL_VERSIONS
            await asyncio.sleep(PAUSE_SECONDS)
            await wait_until(lambda: loud.portal.version >= last, STALL_SECONDS)
    finally:
        for writer in silent:
            writer.transport.abort()


@contextmanager
def _stalled(clients: Sequence[Client]) -> Iterator[None]:
    for client in clients:
        client.goes_on.clear()
    try:
        yield
    finally:
        for client in clients:
            client.goes_on.set()


@contextmanager
def _heavy(controller: Controller) -> Iterator[None]:
    usual = controller.per_second
    controller.padding, controller.per_second = STALL_PADDING, STALL_PER_SECOND
    try:
        yield
    finally:
        controller.padding, controller.per_second = "", usual


async def _half_handshake(crowd: Crowd, rng: random.Random) -> None:
    writer = await _say(crowd, rng, whole=False)
    if writer is not None:
        writer.transport.abort()


async def _silent_socket(crowd: Crowd, rng: random.Random) -> asyncio.StreamWriter:
    """A client that requests a WebSocket, and then neither reads nor sends."""
    writer = await _say(crowd, rng, whole=True)
    if writer is None:
        raise NothingHappened("The server took no connection.")
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a transport that reads
    return writer


async def _say(crowd: Crowd, rng: random.Random, *, whole: bool) -> asyncio.StreamWriter | None:
    parts, table = urlsplit(crowd.stack.entry.url), rng.choice(crowd.stack.tables)
    request = (
        f"GET {portal_view_path(table.portal_view_id)}?token={crowd.stack.tokens['viewer']} HTTP/1.1\r\n"
        f"Host: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    try:
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except OSError:  # the previous fault has not ended yet
        return None
    writer.write(request.encode() if whole else request.encode()[: len(request) // 2])
    return writer


def _some(all_of_them: Sequence[T], share: float, rng: random.Random) -> list[T]:
    return rng.sample(all_of_them, round(len(all_of_them) * share))


def _valkey(crowd: Crowd) -> Redis:
    return Redis(host="127.0.0.1", port=crowd.stack.valkey.port, single_connection_client=True)


FAULTS: tuple[Fault, ...] = (
    Fault("Valkey killed", "kill -9, away for 1.5 s, started empty", kill_valkey),
    Fault("Valkey paused", "SIGSTOP for 5 s", pause_valkey),
    Fault("Valkey drops connections", "CLIENT KILL of publishers and subscribers, three times", drop_connections),
    Fault("Server process killed", "kill -9 of one of three, replaced by their supervisor", kill_worker),
    Fault("Postgres restarted", "stopped in good order, away for 6 s", restart_postgres),
    Fault("Postgres killed", "kill -9, away for 1.5 s, recovers from its log", kill_postgres),
    Fault(
        "Layer overflows",
        "48 MB published at once, while Valkey drops those for whom more than 1 MB waits",
        overflow_layer,
    ),
    Fault("Clients cut", "a reset in mid-frame, behind a frame, in mid-handshake; 15 % of all, six times", cut_clients),
    Fault("Clients half open", "a fifth of the viewers read nothing for 5 s; ten more never do", half_open, True),
)
