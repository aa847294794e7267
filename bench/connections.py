"""Connects per second, and the memory of idle connections in the server: before, among and after them."""

from __future__ import annotations

import asyncio
import time
from array import array
from typing import Any

from bench.load import connect
from bench.servers import Running

SOME = 2000
SETTLE_SECONDS = 1.0
MIB = 1 << 20


async def idle(running: Running, count: int, warm_up: int = 100) -> dict[str, float]:
    """Open connections up to `count`, after some that warm the server up, and leave them idle while memory is read.

    Gives connects per second, and CPU microseconds and bytes (PSS) for each of those after the warm-up.
    """
    seen = _memory(running, 0)
    transports: list[Any] = []
    seconds = cpu = 0.0
    warm = 0
    for until in (warm_up, *(step for step in (SOME, count) if warm_up < step <= count)):
        used, began = running.cpu_seconds(), time.monotonic()
        transports += await connect(running.wire, until - len(transports), array("d"), silent=running.silent)
        if until > warm_up:
            seconds, cpu = seconds + time.monotonic() - began, cpu + running.cpu_seconds() - used
        if until == warm_up:
            warm = running.memory_bytes()
        else:
            await asyncio.sleep(SETTLE_SECONDS)
            seen |= _memory(running, until)
    timed = count - warm_up
    each = {"per second": timed / seconds, "cpu": cpu / timed * 1e6, "bytes": (running.memory_bytes() - warm) / timed}
    for transport in transports:
        transport.disconnect()
    return {**each, **seen}


def _memory(running: Running, connections: int) -> dict[str, float]:
    return {f"{kind.upper()} at {connections:,}": running.memory_bytes(kind) / MIB for kind in ("Pss", "Rss")}
