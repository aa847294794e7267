"""What `TCP_NOTSENT_LOWAT` costs on a link of 100 ms: the same states to 1 and to 20 readers, with it and without it.

Run it as root with `.venv/bin/python -m bench.slow_links`, or with the number of rounds. The readers are in a network
namespace of their own. A process carries each packet between two TUN devices, and keeps it for 50 ms: that needs no
queueing discipline of the kernel. Two servers of the same installation run all the time, one of them without the
option, and are measured in turn. Everything that was set up is gone at the end.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import select
import statistics
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from bench.servers import Portal, portal
from testing.installation import Server, ServerKind
from testing.limits import NO_LIMITS
from testing.sockets import portal_view_path

NAMESPACE, OURS, THEIRS = "portal-bench", "portal-near", "portal-far"
ADDRESS, THEIR_ADDRESS, PREFIX = "198.18.0.1", "198.18.0.2", 30  # of the range for measurements (RFC 2544)
DELAY_SECONDS = 0.05
QUEUED_PACKETS = "20000"
IFF_TUN, IFF_NO_PI, TUNSETIFF = 1, 0x1000, 0x400454CA
STATE_ITEMS, ITEM_CHARACTERS, CHANGES = 100, 10_000, 5
LAST = "the last"
READERS, ROUNDS = (1, 20), 7
READER_SECONDS = 60.0
UNBOUNDED = (
    "import runpy, sys; from realtime.server.process import listening; listening.UNSENT_BYTES = 0; "
    "sys.argv = sys.argv[2:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)
"""Starts the server that is named behind it without the option: 0 is what the system has, which is no bound."""


# --- The link ------------------------------------------------------------------------------------------------


@contextmanager
def long_link() -> Iterator[None]:
    """A link from here to the namespace, with a delay in each direction."""
    ends = [_tun(OURS), _tun(THEIRS)]
    try:
        _ip("netns", "add", NAMESPACE)
        try:
            _ip("link", "set", THEIRS, "netns", NAMESPACE)
            for where, device, address in (((), OURS, ADDRESS), (("-n", NAMESPACE), THEIRS, THEIR_ADDRESS)):
                _ip(*where, "address", "add", f"{address}/{PREFIX}", "dev", device)
                _ip(*where, "link", "set", device, "up", "txqueuelen", QUEUED_PACKETS)
            carrier = get_context("fork").Process(target=carry, args=(*ends,), daemon=True)
            carrier.start()
            try:
                yield
            finally:
                carrier.kill()
                carrier.join()
        finally:
            _ip("netns", "delete", NAMESPACE)
    finally:
        for end in ends:
            os.close(end)


def _tun(name: str) -> int:
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return end


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)  # noqa: S603, S607  # our own command line


def carry(near: int, far: int) -> None:
    """Carry packets from each device to the other, each after the delay, for ever."""
    waiting: dict[int, deque[tuple[float, bytes]]] = {near: deque(), far: deque()}
    while True:
        next_at = min((queue[0][0] for queue in waiting.values() if queue), default=None)
        wait = None if next_at is None else max(0.0, next_at - time.monotonic())
        for end in select.select([near, far], [], [], wait)[0]:
            queue = waiting[far if end == near else near]
            try:
                while True:
                    queue.append((time.monotonic() + DELAY_SECONDS, os.read(end, 65_536)))
            except BlockingIOError:  # that was all
                pass
        now = time.monotonic()
        for end, queue in waiting.items():
            while queue and queue[0][0] <= now:
                os.write(end, queue.popleft()[1])


# --- The readers, in the namespace ---------------------------------------------------------------------------


async def read(url: str, count: int) -> None:
    """Connect, say so, and say when all have read the last change.

    Two lines of JSON: the seconds of a handshake and of `connected` behind it, for the first reader; and then the time
    of the monotonic clock when everybody had the last change, and how many octets all have read since they connected.
    """
    async with asyncio.timeout(READER_SECONDS):
        began = time.monotonic()
        first = await connect(url, max_size=None, compression=None, proxy=None)
        opened = time.monotonic()
        await first.recv()
        print(json.dumps([opened - began, time.monotonic() - opened]), flush=True)
        others = await asyncio.gather(*(_join(url) for _ in range(count - 1)))
        print("ready", flush=True)
        times, octets = zip(*await asyncio.gather(*map(_read_on, [first, *others])), strict=True)
        print(json.dumps([max(times), sum(octets)]), flush=True)
        for socket in (first, *others):
            socket.transport.abort()


async def _join(url: str) -> ClientConnection:
    socket = await connect(url, max_size=None, compression=None, proxy=None)
    await socket.recv()
    return socket


async def _read_on(socket: ClientConnection) -> tuple[float, int]:
    octets = 0
    async for message in socket:
        octets += len(message)
        if f'"text":"{LAST}' in str(message[:500]):
            break
    return time.monotonic(), octets


# --- The measurement -----------------------------------------------------------------------------------------


@contextmanager
def servers(made: Portal) -> Iterator[dict[str, Server]]:
    """A server with the option, and one without it."""
    options = ("--host", "0.0.0.0")  # noqa: S104  # the readers are in another namespace
    env = NO_LIMITS | {"PORTAL_ALLOWED_HOSTS": f"127.0.0.1,{ADDRESS}"}
    with ExitStack() as exits:

        def start(*launcher: str) -> Server:
            return exits.enter_context(made.place.server(ServerKind.SERVE, *options, launcher=launcher, **env))

        yield {"with": start(), "without": start(sys.executable, "-c", UNBOUNDED)}


def measure(made: Portal, server: Server, readers: int) -> tuple[float, float, float]:
    """The seconds of a handshake and of a state to a new reader, and the octets of changes per second to all."""
    path = f"{portal_view_path(made.portal_view_id)}?token={made.tokens['viewer']}"
    url = f"ws://{ADDRESS}:{server.port}{path}"
    command = ["ip", "netns", "exec", NAMESPACE, sys.executable, "-m", "bench.slow_links", "--read", url, str(readers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reading:  # noqa: S603  # our own command line
        assert reading.stdout is not None  # noqa: S101  # it was asked for
        handshake, first = json.loads(reading.stdout.readline())
        assert reading.stdout.readline() == "ready\n"  # noqa: S101  # else it said why it ended
        sent = time.monotonic()
        for number in range(CHANGES):
            write_state(made, server, LAST if number == CHANGES - 1 else "")
        last, octets = json.loads(reading.stdout.readline())
    return handshake, first, octets / (last - sent)


def write_state(made: Portal, server: Server, mark: str = "") -> None:
    """Store another state of the same length over REST."""
    mark += os.urandom(8).hex()
    items: list[dict[str, Any]] = [
        {"id": str(number), "text": (mark * ITEM_CHARACTERS)[:ITEM_CHARACTERS]} for number in range(STATE_ITEMS)
    ]
    httpx.patch(
        f"{server.http}/api/portal-views/{made.portal_view_id}",
        json={"items": items},
        headers={"Authorization": f"Bearer {made.tokens['controller']}"},
        timeout=READER_SECONDS,
        trust_env=False,
    ).raise_for_status()


def main(arguments: Sequence[str]) -> None:
    """Measure in turn, and print a table."""
    rounds = int(arguments[0]) if arguments else ROUNDS
    found: dict[tuple[int, str], list[tuple[float, float, float]]] = {}
    with long_link(), portal() as made, servers(made) as both:
        write_state(made, both["with"])
        for number in range(rounds):
            for readers in READERS:
                for name, server in sorted(both.items(), reverse=bool(number % 2)):
                    found.setdefault((readers, name), []).append(measure(made, server, readers))
    report(found, rounds)


def report(found: dict[tuple[int, str], list[tuple[float, float, float]]], rounds: int) -> None:
    """Print the medians, and the ratios of those without the option to those with it."""
    medians = {key: [statistics.median(column) for column in zip(*rows, strict=True)] for key, rows in found.items()}
    print(
        f"Medians of {rounds} rounds: states of {STATE_ITEMS * ITEM_CHARACTERS / 1e6:.1f} MB, {CHANGES} changes of as"
        f" much, {DELAY_SECONDS * 2000:.0f} ms there and back.\n"
    )
    print("| Readers | TCP_NOTSENT_LOWAT | Handshake | First state | Changes to all |")
    print("|---:|---|---:|---:|---:|")
    for (readers, name), (handshake, first, rate) in medians.items():
        print(f"| {readers} | {name} | {handshake:.2f} s | {first:.2f} s | {rate / 1e6:.1f} MB/s |")
    for readers in READERS:
        bound, free = medians[readers, "with"], medians[readers, "without"]
        print(f"\n{readers} readers: with the option {bound[2] / free[2]:.2f} of the throughput without it,", end="")
        print(f" and {free[1] / bound[1]:.2f} for a first state.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        asyncio.run(read(sys.argv[2], int(sys.argv[3])))
    else:
        main(sys.argv[1:])
