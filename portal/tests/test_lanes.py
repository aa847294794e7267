"""The lanes of requests: which are answered, which wait, whose turn is next, and which are refused."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from portal.lanes import ClientGone, Lane, LaneFull, Lanes, Row, table
from realtime.scheduling import NICENESS

ANY = re.compile("")


async def never() -> None:
    """A client that stays."""
    await asyncio.get_running_loop().create_future()


def lane(at_once: int = 1, waiting: int = 4) -> Lane:
    """A new lane."""
    return Lane(Row("any", ANY, at_once, waiting))


async def waiting(lane: Lane, network: str, gone: Any = never) -> asyncio.Task[ThreadPoolExecutor]:
    """A request that waits."""
    before = lane.waits
    task = asyncio.create_task(lane.enter(network, gone))
    await asyncio.sleep(0)
    assert lane.waits == before + 1
    return task


async def test_a_thread_serves_one_request_after_the_other() -> None:
    one = lane()
    thread = await one.enter("a", never)
    task = await waiting(one, "a")
    one.leave(thread)
    assert await task is thread
    assert (one.busy, one.waits) == (1, 0)
    one.leave(thread)
    assert await one.enter("b", never) is thread
    assert one.busy == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ranks threads")
async def test_only_its_threads_have_a_lower_priority() -> None:
    thread = await lane().enter("a", never)

    def rank() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert await asyncio.wrap_future(thread.submit(rank)) == rank() + NICENESS


async def test_networks_take_turns() -> None:
    one = lane(waiting=8)
    thread = await one.enter("a", never)
    names = ["a", "a", "a", "b", "c", "b"]
    tasks = [await waiting(one, name) for name in names]
    order = []
    while tasks:
        one.leave(thread)
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        (task,) = done
        order.append(names[tasks.index(task)])
        names.pop(tasks.index(task))
        tasks.remove(task)
    assert order == ["a", "b", "c", "a", "b", "a"]
    assert one.waits == 0


async def test_one_network_has_half_of_the_places_at_most(caplog: pytest.LogCaptureFixture) -> None:
    one = lane(waiting=4)
    thread = await one.enter("a", never)
    tasks = [await waiting(one, "a") for _ in range(2)]
    for _ in range(20):
        with pytest.raises(LaneFull):
            await one.enter("a", never)
    tasks += [await waiting(one, name) for name in ("b", "c")]
    with pytest.raises(LaneFull):
        await one.enter("d", never)
    assert caplog.text.count("requests_refused") == 1  # at most once per second
    for _ in tasks:
        one.leave(thread)
    await asyncio.gather(*tasks)
    assert (one.busy, one.waits) == (1, 0)


async def test_a_client_that_leaves_while_waiting_leaves_no_trace() -> None:
    one = lane()
    thread = await one.enter("a", never)
    goes = asyncio.Event()
    gone, stays = await waiting(one, "a", goes.wait), await waiting(one, "a")
    goes.set()
    with pytest.raises(ClientGone):
        await gone
    assert one.waits == 1
    one.leave(thread)
    assert await stays is thread
    one.leave(thread)
    assert (one.busy, one.waits, one._queues) == (0, 0, {})


async def test_a_client_that_leaves_at_its_turn_passes_it_on() -> None:
    one = lane()
    thread = await one.enter("a", never)
    goes = asyncio.Event()
    gone, stays = await waiting(one, "a", goes.wait), await waiting(one, "b")
    goes.set()
    one.leave(thread)
    with pytest.raises(ClientGone):
        await gone
    assert await stays is thread


async def test_a_cancelled_request_passes_its_turn_on() -> None:
    one = lane()
    thread = await one.enter("a", never)
    first, second = await waiting(one, "a"), await waiting(one, "a")
    one.leave(thread)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second is thread


async def test_no_limits() -> None:
    one = lane(at_once=0)
    threads = {await one.enter("a", never) for _ in range(50)}
    assert len(threads) == 50
    full = lane(at_once=1, waiting=0)
    await full.enter("a", never)
    tasks = [await waiting(full, "a") for _ in range(500)]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert full.waits == 0


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/health", "health"),
        ("/api/health/ready/", "health"),
        ("/api/healthy", "other"),
        ("/static/admin/x.css", "static"),
        ("/api/auth/token", "log-in"),
        ("/api/auth/token/", "log-in"),
        ("/api/auth/token/refresh", "other"),
        ("/api/auth/register", "log-in"),
        ("/admin/login/", "log-in"),
        ("/login", "log-in"),
        ("/register", "log-in"),
        ("/new-password", "log-in"),
        ("/account/password", "log-in"),
        ("/account/delete", "log-in"),
        ("/account", "other"),
        ("/view/login", "other"),
        ("/admin/", "other"),
        ("/", "other"),
        ("", "other"),
    ],
)
def test_the_lane_of_a_path(path: str, name: str) -> None:
    assert Lanes(table()).of(path).row.name == name
