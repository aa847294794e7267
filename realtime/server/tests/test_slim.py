"""The slim queue and event behave as asyncio's do, as far as uvicorn's protocol uses them; and a slim connection."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from realtime.server.tests.echo import EchoServer
from realtime.server.websocket.slim import Gate, Inbox


async def turn() -> None:
    """Let everything go on that can."""
    for _ in range(5):
        await asyncio.sleep(0)


# --- Inbox ------------------------------------------------------------------------------------------------------


async def test_events_come_in_order() -> None:
    inbox = Inbox()
    assert inbox.empty()
    for event in range(3):
        inbox.put_nowait(event)
    assert [await inbox.get(), await inbox.get()] == [0, 1]
    inbox.put_nowait(3)
    assert not inbox.empty()
    assert [await inbox.get(), await inbox.get()] == [2, 3]
    assert inbox.empty()


async def test_a_reader_waits_for_the_next_event() -> None:
    inbox = Inbox()
    reader = asyncio.create_task(inbox.get())
    await turn()
    assert not reader.done()
    inbox.put_nowait("first")
    inbox.put_nowait("second")
    assert await reader == "first"
    assert await inbox.get() == "second"


async def test_a_reader_that_was_cancelled_takes_nothing() -> None:
    inbox = Inbox()
    reader = asyncio.create_task(inbox.get())
    await turn()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    inbox.put_nowait("kept")
    assert await inbox.get() == "kept"


async def test_a_reader_that_is_cancelled_as_an_event_comes_leaves_it() -> None:
    inbox = Inbox()
    reader = asyncio.create_task(inbox.get())
    await turn()
    inbox.put_nowait("kept")
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert not inbox.empty()
    assert await inbox.get() == "kept"


async def test_many_events_are_taken_as_quickly_as_few() -> None:
    async def seconds_each(count: int) -> float:
        inbox = Inbox()
        for event in range(count):
            inbox.put_nowait(event)
        start = time.process_time()
        for event in range(count):
            assert await inbox.get() == event
        return (time.process_time() - start) / count

    few = min([await seconds_each(1_000) for _ in range(5)])
    assert await seconds_each(100_000) < 5 * few


# --- Gate -------------------------------------------------------------------------------------------------------


def waiters(gate: Gate, count: int = 3) -> list[asyncio.Task[Any]]:
    """Tasks that wait at the gate."""
    return [asyncio.create_task(gate.wait()) for _ in range(count)]


def done(tasks: list[asyncio.Task[Any]]) -> list[bool]:
    """Which of them went on."""
    return [task.done() for task in tasks]


async def test_all_go_on_when_the_gate_opens() -> None:
    gate = Gate()
    tasks = waiters(gate)
    await turn()
    assert done(tasks) == [False] * 3
    gate.set()
    await turn()
    assert done(tasks) == [True] * 3
    await gate.wait()


async def test_opening_twice_is_opening_once() -> None:
    gate = Gate()
    gate.set()
    gate.set()
    await gate.wait()


async def test_a_gate_that_was_shut_again_is_waited_at() -> None:
    gate = Gate()
    gate.set()
    gate.clear()
    tasks = waiters(gate)
    await turn()
    gate.set()
    gate.clear()
    await turn()
    assert done(tasks) == [False] * 3
    gate.set()
    await asyncio.gather(*tasks)


async def test_one_who_gives_up_does_not_take_the_others_along() -> None:
    gate = Gate()
    tasks = waiters(gate)
    await turn()
    tasks[0].cancel()
    await turn()
    assert done(tasks) == [True, False, False]
    gate.set()
    await asyncio.gather(*tasks[1:])


# --- A connection -----------------------------------------------------------------------------------------------


def test_what_uvicorn_keeps_of_a_connection_is_in_slots(echo: EchoServer) -> None:
    echo.open()
    assert vars(echo.protocol).keys() <= {"told", "_leaving"}
