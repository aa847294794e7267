"""Connects a second, and what an idle connection weighs in the server: PSS before and after, by the number of them."""

from __future__ import annotations

import asyncio
import time
from array import array
from dataclasses import dataclass

from bench.load import connect
from bench.servers import Running


@dataclass(frozen=True)
class Idle:
    """One run: connections opened, how many a second, CPU microseconds and bytes of memory for each."""

    connections: int
    per_second: float
    cpu_microseconds: float
    bytes_each: float


async def idle(running: Running, count: int, warm_up: int = 100) -> Idle:
    """Open `count` connections after some that warm the server up, and leave them idle while memory is read."""
    nobody: array[float] = array("d")
    transports = await connect(running.wire, warm_up, nobody, silent=running.silent)
    memory, cpu, began = running.memory_bytes(), running.cpu_seconds(), time.monotonic()
    transports += await connect(running.wire, count, nobody, silent=running.silent)
    seconds, cpu_used = time.monotonic() - began, running.cpu_seconds() - cpu
    await asyncio.sleep(1)
    bytes_each = (running.memory_bytes() - memory) / count
    for transport in transports:
        transport.disconnect()
    return Idle(count, count / seconds, cpu_used / count * 1e6, bytes_each)
