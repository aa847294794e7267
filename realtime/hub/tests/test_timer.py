"""A timer that is asked again before it calls, on each event loop that a server may have."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest
import uvloop

from realtime.hub.timer import Timer

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


async def calls_after(*delays: float) -> list[int]:
    """Ask a timer for some times, and wait; returns the hundredths of a second after which it called."""
    loop = asyncio.get_running_loop()
    began, calls = loop.time(), list[int]()
    timer = Timer(lambda: calls.append(int((loop.time() - began) * 100)))
    for delay in delays:
        timer.start(began + delay)
    await asyncio.sleep(0.25)
    return calls


@pytest.mark.parametrize("new_loop", LOOPS)
def test_it_calls_once_at_the_earliest_time(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def scenes() -> None:
        assert await calls_after(-1.0, 0.0, -2.0) == [0]  # what is due at once may be asked for again
        [call] = await calls_after(0.2, 0.1, 0.15, math.inf)
        assert 9 <= call < 20
        assert await calls_after(math.inf) == []

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenes())


@pytest.mark.parametrize("new_loop", LOOPS)
def test_it_can_be_stopped_and_asked_again(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def scene() -> list[str]:
        calls = list[str]()
        timer = Timer(lambda: calls.append("called"))
        now = asyncio.get_running_loop().time()
        timer.start(now)
        timer.stop()
        await asyncio.sleep(0.01)
        timer.start(now)
        await asyncio.sleep(0.01)
        timer.start(now)
        await asyncio.sleep(0.01)
        return calls

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(scene()) == ["called"] * 2
