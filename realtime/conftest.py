"""Sockets without a network. Each test is checked to leave nothing behind: no room, no group, no task."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from channels.layers import get_channel_layer
from structlog.processors import format_exc_info
from structlog.testing import capture_logs
from structlog.typing import EventDict

from realtime.hub import beat, gestures, keeper, revocations
from realtime.hub import roles as access
from realtime.hub.hub import current_hub
from realtime.news import layer
from realtime.tests.clients import DEADLINE_SECONDS, Client, Connect, open_client
from realtime.tests.doubles import as_lane
from realtime.tests.hubs import Database, DrivenHub

SERVER_TESTS = Path(__file__).parent / "server"


@pytest.fixture(autouse=True)
def _nothing_left(request: pytest.FixtureRequest) -> None:
    of_a_server = SERVER_TESTS in request.path.parents  # these tests have servers with loops of their own
    if inspect.iscoroutinefunction(request.function) and not of_a_server:
        request.getfixturevalue("nothing_left")


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """After the test the hub has no rooms, the process is in no group, and every task has ended without an error."""
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: unhandled.append(context))
    yield
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        _, others = await asyncio.wait(others, timeout=DEADLINE_SECONDS)
    assert not others, f"these tasks go on: {others}"
    assert current_hub().keepers == {}
    assert getattr(get_channel_layer(), "groups", {}) == {}
    gc.collect()  # a task with an exception that was never retrieved reports it when it is collected
    assert unhandled == []


@pytest.fixture(autouse=True)
def _layer_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reset the state of the channel layer, so that one test does not affect the next."""
    monkeypatch.setattr(layer._Condition, "away", False)
    monkeypatch.setattr(layer._Condition, "try_again_at", 0.0)


@pytest.fixture
async def connect(transactional_db: None, nothing_left: None) -> AsyncIterator[Connect]:
    """A function that opens sockets; those still open at the end of the test are disconnected."""
    clients: list[Client] = []

    async def connect(*args: Any, **kwargs: Any) -> Client:
        clients.append(await open_client(*args, **kwargs))
        return clients[-1]

    yield connect
    for client in clients:
        await client.leave()


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    """The log entries, with exceptions as text."""
    with capture_logs(processors=[format_exc_info]) as entries:
        yield entries


@pytest.fixture
async def driven(nothing_left: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DrivenHub]:
    """The hub of the test's event loop, with a database that the test controls."""
    database = Database()
    for module in (access, beat):
        monkeypatch.setattr(module, "in_database", database)
    monkeypatch.setattr(keeper, "in_lane", as_lane(database))
    monkeypatch.setattr(gestures, "in_lane", as_lane(database))
    monkeypatch.setattr(revocations, "in_database", database.read_revocations)
    driven = DrivenHub(current_hub(), database)
    yield driven
    database.gate.set()
    await driven.empty()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that ticks and retries a hundred times as fast."""
    monkeypatch.setattr(beat, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(keeper, "RETRY_SECONDS", 0.01)
