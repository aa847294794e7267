"""What a reveal does to others without Portal: nginx sends the same picture, and another process answers the pings.

Both are on the core where Portal was, and nothing else is. nginx sends at such a pace that the last client has the
picture about when the last guest of Portal had it.
"""

from __future__ import annotations

import asyncio
import time

from bench.abuse.stage import child
from bench.guests import Fetch, NotShown, Shown
from bench.load import Window, of_pings, run
from bench.servers import pictures, pongs

STOP_SECONDS = 30.0
DEADLINE_SECONDS = 60.0
VIEWERS = 10

Row = dict[str, float]


def measure(
    picture: bytes, seconds: float, *, clients: int, reveals: int, quiet: float, rest: float, ping: float
) -> tuple[Row, Row]:
    """A row of figures with nothing to do (for `quiet` seconds), and one of reveals that take so many seconds each."""
    with pongs() as port, pictures(picture, round(len(picture) / seconds)) as at:
        address = f"ws://127.0.0.1:{port}/"
        order = {"controller": address, "newcomer": address, "viewers": [address] * VIEWERS, "ping_seconds": ping}
        with child("bench.abuse.probe", order) as probe:
            still, shown = run(_windows(at, clients, reveals, quiet, rest))
            saw = probe.result(STOP_SECONDS)
    return of_pings(saw["ping"], [still]), of_pings(saw["ping"], shown)


async def _windows(port: int, clients: int, reveals: int, quiet: float, rest: float) -> tuple[Window, list[Window]]:
    await asyncio.sleep(rest)
    began = time.monotonic()
    await asyncio.sleep(quiet)
    still = began, time.monotonic()
    shown = []
    for _ in range(reveals):
        shown.append(await _reveal(port, clients))
        await asyncio.sleep(rest)
    return still, shown


async def _reveal(port: int, clients: int) -> Window:
    """All clients get the picture at once, on a new connection each."""
    request = f"GET /picture HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    shown = Shown(clients)
    began = time.monotonic()
    loop = asyncio.get_running_loop()
    await asyncio.gather(
        *(loop.create_connection(lambda: Fetch(request, shown), "127.0.0.1", port) for _ in range(clients))
    )
    await asyncio.wait_for(shown.done.wait(), DEADLINE_SECONDS)
    if shown.faults:
        raise NotShown(f"{len(shown.got)} of {clients} clients got the picture: {sorted(set(shown.faults))}")
    return began, max(shown.got)
