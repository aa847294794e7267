"""Two thousand sockets come and go, and the server is as it was: no room, no group, no task, no memory is kept.

The server runs in a thread of this process, as `manage.py serve` sets it up, so that its event loop can be looked at.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import connections
from rest_framework_simplejwt.tokens import AccessToken

from libraries.models import PortalView, User
from portal.testing.processes import ReservedPort
from portal.testing.sockets import open_socket, portal_view_path
from realtime import server as realtime_server
from realtime.hub import current_hub

SOCKETS = 2000
AT_ONCE = 50
WARM_UP = 400  # caches fill, threads start, pools grow
SECONDS = 20
# CPython counts the small objects that exist. One kept for each socket would be 2,000, and in truth some dozens are
# made for each; what caches grow by meanwhile is far less.
BLOCKS = 1000
# What the allocators keep for themselves moves by some MiB; one kept buffer of 64 KiB for each socket is 125 MiB.
RESIDENT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Census:
    """What the server's event loop holds, and this process in all."""

    rooms: int
    groups: int
    tasks: int
    blocks: int
    resident: int


class InProcessServer:
    """uvicorn in a thread; `census()` looks into its event loop."""

    def __init__(self, port: int) -> None:
        self._config = realtime_server.config("127.0.0.1", port)
        self._server = uvicorn.Server(self._config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="server")
        self.url = f"ws://127.0.0.1:{port}"

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._config.get_loop_factory()) as runner:
            self._loop = runner.get_loop()
            runner.run(self._server.serve())

    def start(self) -> None:
        """Return once it accepts connections."""
        self._thread.start()
        _wait_until(lambda: self._server.started or not self._thread.is_alive())
        assert self._server.started, "the server ended while it started"

    def rooms(self) -> int:
        """How many rooms there are."""
        return self._count_in_loop()[0]

    def census(self) -> Census:
        """Count, once the server has noticed that everybody left and the garbage is collected."""
        state = self._server.server_state
        _wait_until(lambda: not (state.connections or state.tasks or self.rooms()))
        gc.collect()
        return Census(*self._count_in_loop(), sys.getallocatedblocks(), _resident_bytes())

    def _count_in_loop(self) -> tuple[int, int, int]:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(_count(), self._loop).result(SECONDS)

    def stop(self) -> None:
        """Return once the thread has ended."""
        assert self._loop is not None
        closing = sync_to_async(connections.close_all)()  # those of the thread that the application's queries use
        asyncio.run_coroutine_threadsafe(closing, self._loop).result(SECONDS)
        self._server.should_exit = True
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()


async def _count() -> tuple[int, int, int]:
    layer = get_channel_layer()
    assert isinstance(layer, InMemoryChannelLayer)
    return len(current_hub().rooms), len(layer.groups), len(asyncio.all_tasks())


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {SECONDS} s"
        time.sleep(0.01)


@pytest.fixture
def server(transactional_db: None) -> Iterator[InProcessServer]:
    """A server on the test database."""
    port = ReservedPort()
    started = InProcessServer(port.number)
    started.start()
    yield started
    started.stop()
    port.close()


@pytest.fixture
def quiet() -> Iterator[None]:
    """pytest keeps a record of what is logged, which would look like a leak."""
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


async def test_two_thousand_sockets_leave_nothing_behind(
    server: InProcessServer, quiet: None, portal_view: PortalView, viewer: User
) -> None:
    path, token = portal_view_path(str(portal_view.id)), str(AccessToken.for_user(viewer))
    await come_and_go(server, path, token, WARM_UP)
    before = await asyncio.to_thread(server.census)
    assert (before.rooms, before.groups) == (0, 0)
    await come_and_go(server, path, token, SOCKETS)
    after = await asyncio.to_thread(server.census)
    assert (after.rooms, after.groups, after.tasks) == (0, 0, before.tasks)
    assert after.blocks - before.blocks < BLOCKS
    assert after.resident - before.resident < RESIDENT_BYTES


async def come_and_go(server: InProcessServer, path: str, token: str, sockets: int) -> None:
    """Open that many sockets, `AT_ONCE` at a time; every second one breaks off without a word."""
    for _ in range(sockets // AT_ONCE):
        async with AsyncExitStack() as exits:
            opening = (exits.enter_async_context(open_socket(server.url, path, token=token)) for _ in range(AT_ONCE))
            opened = await asyncio.gather(*opening)
            for socket in opened:
                await socket.receive("connected")
            assert await asyncio.to_thread(server.rooms) == 1
            for socket in opened[::2]:
                socket.connection.transport.abort()
