"""`python -m chaos.revocations`: end access in every way while 200 sockets on two processes hear of it.

Each way has people, a library and sockets of its own. A controller writes all the time, so frames would arrive. It is
measured from the answer to the request, or the return of the statement: when the last of the sockets was told, and when
the last frame came that it should not have got. Exit status 1 if a promise was broken. The ways themselves are in
`revocation_ways`.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from chaos import report
from chaos.stack import PRODUCTION
from testing.installation import Cast, Installation, Server, ServerKind, StoreKind, installation
from testing.processes import STOP_SECONDS
from testing.sockets import portal_view_path
from testing.stacks import STACK_ENV

SOCKETS = 200
PROCESSES = 2
OPENING_AT_ONCE = 40
AT_ONCE = 3
"""The ways that are measured together while Valkey is away."""
WRITE_SECONDS = 0.05
FRAMES_SECONDS = 5.0
"""How long it may take until each socket has got a frame: only then access ends."""
LAST_MESSAGES = ('"error"', '"portal-view-deleted"')
"""What says that it is over."""
UP, AWAY, ROWS = "Valkey up", "Valkey away", "many rows"
PROMISED = {UP: 1.0, AWAY: 5.0, ROWS: 60.0}
"""Seconds until everybody is told: by a service, a page or `save`, and by a statement on many rows."""


@dataclass(slots=True)
class Heard:
    """What one socket heard: its last frame, and the moment that it was told, of the monotonic clock."""

    last_frame: float = 0.0
    told_at: float | None = None
    how: str = ""


@dataclass
class Result:
    """What was measured of one way; seconds, and sentences about broken promises."""

    way: str
    condition: str
    told: float = 0.0
    frames: float = 0.0
    broken: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Site:
    """A running Portal, whose database this process can change as a shell would."""

    installation: Installation
    server: Server
    cast: Cast


@contextmanager
def running() -> Iterator[Site]:
    """Stores, two processes on them, and Django in this process on the same database and channel layer."""
    with ExitStack() as exits:
        made = exits.enter_context(installation(StoreKind.POSTGRES, **STACK_ENV))
        cast = made.prepare()
        options = ("--workers", str(PROCESSES))
        # In production the admin's pages would need `collectstatic`
        settings = {**PRODUCTION, "PORTAL_DEBUG": "true"}
        server = exits.enter_context(made.server(ServerKind.SERVE, *options, **settings))
        wanted = ("PORTAL_", "DATABASE_URL", "REDIS_URL")
        os.environ.update({name: value for name, value in made.env.items() if name.startswith(wanted)})
        os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
        import_module("django").setup()
        logging.getLogger("httpx").setLevel(logging.WARNING)
        yield Site(made, server, cast)
        # A busy machine may need all of the seconds that a process gives itself to end
        server.process.stop(2 * STOP_SECONDS)


async def listen(address: str, subprotocols: Sequence[str], heard: Heard, opened: asyncio.Event) -> None:
    """One socket from its opening to its end."""
    offered = [Subprotocol(one) for one in subprotocols]
    async with connect(address, subprotocols=offered, proxy=None, max_size=None, compression=None) as socket:
        with suppress(ConnectionClosed):
            await _take(socket, heard, opened)
        if heard.told_at is None and socket.close_reason:
            heard.told_at, heard.how = time.monotonic(), socket.close_reason


async def _take(socket: ClientConnection, heard: Heard, opened: asyncio.Event) -> None:
    async for text in socket:
        now = time.monotonic()
        if '"connected"' in text[:30]:
            opened.set()
        elif '"role-changed"' in text[:30]:
            heard.told_at, heard.how = now, "role-changed"
        elif heard.told_at is None and not any(last in text[:40] for last in LAST_MESSAGES):
            heard.last_frame = now


async def measure(site: Site, way: Any, condition: str, sockets: int) -> Result:
    """Open the sockets, end their access, and wait until the last of them was told, or too long."""
    result = Result(way.name, condition)
    scene = await asyncio.to_thread(way.prepare, site)
    all_heard = [Heard() for _ in range(sockets)]
    address = site.server.ws + portal_view_path(scene.portal_view_id)
    tasks = await _open(address, scene.credentials, all_heard)
    writing = asyncio.create_task(_write(scene))
    await _until(lambda: all(heard.last_frame for heard in all_heard), FRAMES_SECONDS)
    try:
        await asyncio.to_thread(scene.end)
        ended_at = time.monotonic()
        with_margin = PROMISED[condition] * 1.5 + 1
        await _until(lambda: all(heard.told_at for heard in all_heard), with_margin)
    finally:
        writing.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(scene.close)
    _judge(result, way.how, all_heard, ended_at)
    return result


async def _open(
    address: str, credentials: Sequence[tuple[str, ...]], all_heard: Sequence[Heard]
) -> list[asyncio.Task[None]]:
    tasks: list[asyncio.Task[None]] = []
    places = asyncio.Semaphore(OPENING_AT_ONCE)
    all_opened = [asyncio.Event() for _ in all_heard]

    async def run(number: int) -> None:
        async with places:
            task = asyncio.create_task(
                listen(address, credentials[number % len(credentials)], all_heard[number], all_opened[number])
            )
            tasks.append(task)
            waiting = asyncio.create_task(all_opened[number].wait())
            done, _ = await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if task in done:
                raise RuntimeError(f"a socket was refused: {all_heard[number].how or task.exception()!r}")

    await asyncio.gather(*(run(number) for number in range(len(all_heard))))
    return tasks


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def _write(scene: Any) -> None:
    """Write all the time, until the portal view is gone."""
    number = 0
    while True:
        number += 1
        await asyncio.to_thread(scene.write, number)
        await asyncio.sleep(WRITE_SECONDS)


def _judge(result: Result, how: str, all_heard: Sequence[Heard], ended_at: float) -> None:
    promised = PROMISED[result.condition]
    untold = sum(heard.told_at is None for heard in all_heard)
    if untold:
        result.broken.append(f"{untold} of {len(all_heard)} were told nothing.")
    others = {heard.how for heard in all_heard if heard.told_at is not None} - {how}
    if others:
        result.broken.append(f"some were told {', '.join(sorted(others))} instead of {how}.")
    if not all(heard.last_frame for heard in all_heard):
        result.broken.append("some got no frame before the end: this proves nothing.")
    result.told = max((heard.told_at or ended_at) - ended_at for heard in all_heard)
    result.frames = max(heard.last_frame - ended_at for heard in all_heard)
    for what, seconds in (("told", result.told), ("heard a frame", result.frames)):
        if seconds > promised:
            result.broken.append(f"somebody {what} after {seconds:.2f} s, and {promised:.0f} s are promised.")


def table(results: Sequence[Result]) -> str:
    """The results as a Markdown table."""
    lines = ["| Way | Condition | Promised | Last told | Last frame |", "|---|---|---:|---:|---:|"]
    for one in results:
        frames = f"{one.frames:.2f} s" if one.frames > 0 else "before"
        cells = (f"{PROMISED[one.condition]:.0f} s", f"{max(0.0, one.told):.2f} s", frames)
        lines.append(f"| {one.way} | {one.condition} | {' | '.join(cells)} |")
    return "\n".join(lines)


async def run(site: Site, options: argparse.Namespace) -> list[Result]:
    """Every way with Valkey up and away, and those of many rows if there is time."""
    ways = import_module("chaos.revocation_ways")  # it needs Django
    chosen = [way for way in ways.WAYS if not options.only or options.only in way.name]
    results = [await measure(site, way, UP, options.sockets) for way in chosen]
    valkey = site.installation.valkey
    assert valkey is not None  # noqa: S101  # it was asked for
    await asyncio.to_thread(valkey.process.kill)
    try:
        for at in range(0, len(chosen), AT_ONCE):  # each waits for a beat: together they wait for the same one
            some = chosen[at : at + AT_ONCE]
            results += await asyncio.gather(*(measure(site, way, AWAY, options.sockets) for way in some))
    finally:
        await asyncio.to_thread(valkey.start)
    if options.rows:
        few = max(1, options.sockets // len(ways.OF_MANY_ROWS))
        results += await asyncio.gather(*(measure(site, way, ROWS, few) for way in ways.OF_MANY_ROWS))
    return results


def main() -> int:
    """Run, and print the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m chaos.revocations", description=__doc__)
    parser.add_argument("--sockets", type=int, default=SOCKETS, help="sockets of each way (default: %(default)s)")
    parser.add_argument("--only", help="only the ways with this in their name")
    parser.add_argument("--rows", action="store_true", help="statements on many rows too, which take a minute")
    parser.add_argument("--write", type=Path, help="put the table between the marks of this page")
    options = parser.parse_args()
    with running() as site, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(run(site, options))
    text = table(results)
    print(text)
    if options.write:
        report.write(options.write, text, "make chaos-revocations")
    broken = [f"{one.way}, {one.condition}: {sentence}" for one in results for sentence in one.broken]
    print("\nBroken promises:", *broken, sep="\n  ") if broken else print("\nEvery promise was kept.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
