"""The queue of an application's events behaves like asyncio's for one reader, and a connection takes little memory."""

from __future__ import annotations

import asyncio

import pytest

from realtime.server.tests.echo import EchoServer
from realtime.server.websocket.inbox import Inbox

SHARED_KEYS = 30
"""In CPython 3.11 instances with more attributes have their own dictionary (SHARED_KEYS_MAX_SIZE)."""


async def turn() -> None:
    """Let all tasks run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_events_come_in_order() -> None:
    inbox = Inbox()
    assert inbox.is_empty
    for event in range(3):
        inbox.put(event)
    assert [await inbox.get(), await inbox.get()] == [0, 1]
    inbox.put(3)
    assert [await inbox.get(), await inbox.get()] == [2, 3]


async def test_a_reader_waits_for_the_next_event() -> None:
    inbox = Inbox()
    reader = asyncio.create_task(inbox.get())
    await turn()
    assert not reader.done()
    inbox.put("first")
    inbox.put("second")
    assert await reader == "first"
    assert await inbox.get() == "second"


async def test_a_reader_that_was_cancelled_takes_nothing() -> None:
    inbox = Inbox()
    reader = asyncio.create_task(inbox.get())
    await turn()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    inbox.put("kept")
    assert await inbox.get() == "kept"


async def test_a_reader_cancelled_as_an_event_comes_leaves_the_event() -> None:
    inbox = Inbox()
    reader = asyncio.create_task(inbox.get())
    await turn()
    inbox.put("kept")
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert not inbox.is_empty
    assert await inbox.get() == "kept"


# --- A connection -----------------------------------------------------------------------------------------------


def test_a_connection_has_no_dictionary_before_or_after_a_delivery(echo: EchoServer) -> None:
    peer = echo.open()
    for _ in range(2):
        assert not hasattr(echo.protocol, "__dict__")
        assert len(vars(echo.protocol.wire)) <= SHARED_KEYS
        peer.answers()
