"""After two thousand sockets the server is as before: it keeps no room, no group, no task and no memory.

The server runs in a thread of this process, set up like `manage.py serve`, so that its event loop can be inspected.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from channels.layers import InMemoryChannelLayer, get_channel_layer
from rest_framework_simplejwt.tokens import AccessToken

from libraries.models import PortalView, User
from realtime.hub.hub import current_hub
from realtime.rooms.connection import Connection
from realtime.server.http.sweep import sweep_of
from realtime.server.websocket.connection import WebSocketConnection
from realtime.server.websocket.inbox import Inbox
from realtime.server.websocket.intake import Intake
from realtime.server.websocket.wire import PortalServerProtocol
from realtime.sessions.consumer import PortalViewConsumer
from testing.in_process import InProcessServer, wait_until
from testing.sockets import open_socket, portal_view_path

SOCKETS = 2000
AT_ONCE = 50
WARM_UP = 400  # caches grow, threads start, pools grow
OF_A_CONNECTION = (WebSocketConnection, PortalServerProtocol, Inbox, Intake, PortalViewConsumer, Connection)
# CPython counts the existing small objects. One leaked object per socket would be 2,000, and a real leak would be
# dozens per socket; growing caches add far fewer.
BLOCKS = 1000
# The allocators' own reserve varies by some MiB; one leaked buffer of 64 KiB per socket is 125 MiB.
RESIDENT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Census:
    """The objects in the server's event loop, and in this process in total."""

    rooms: int
    groups: int
    tasks: int
    blocks: int
    resident: int


class CountedServer(InProcessServer):
    """A server whose event loop can be counted."""

    def rooms(self) -> int:
        """The number of rooms."""
        return self.ask(_count())[0]

    def census(self) -> Census:
        """Count, once the server has noticed that everybody left and the garbage is collected."""
        state = self.server.server_state
        wait_until(lambda: not (state.connections or state.tasks or self.rooms() or self.ask(_is_watching())))
        gc.collect()
        return Census(*self.ask(_count()), sys.getallocatedblocks(), _resident_bytes())


async def _count() -> tuple[int, int, int]:
    layer = get_channel_layer()
    assert isinstance(layer, InMemoryChannelLayer)
    return len(current_hub().keepers), len(layer.groups), len(asyncio.all_tasks())


async def _is_watching() -> bool:
    """Whether the server still watches a connection that was at HTTP a moment ago."""
    return bool(sweep_of(asyncio.get_running_loop())._watched)


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.fixture
def server(transactional_db: None, no_limits: None) -> Iterator[CountedServer]:
    """A server on the test database."""
    started = CountedServer()
    started.start()
    yield started
    started.stop()


@pytest.fixture
def quiet() -> Iterator[None]:
    """Switch pytest's record of log entries off, which would look like a leak."""
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


async def test_two_thousand_sockets_leave_nothing_behind(
    server: CountedServer, quiet: None, portal_view: PortalView, viewer: User
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


async def test_a_connection_forms_no_cycle_and_needs_no_garbage_collector(
    server: CountedServer, quiet: None, portal_view: PortalView, viewer: User
) -> None:
    path, token = portal_view_path(str(portal_view.id)), str(AccessToken.for_user(viewer))
    await come_and_go(server, path, token, AT_ONCE)
    await asyncio.to_thread(server.census)
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        await come_and_go(server, path, token, 2 * AT_ONCE)
        await asyncio.to_thread(server.census)
        left = [type(one) for one in gc.garbage if issubclass(type(one), OF_A_CONNECTION)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == []


async def come_and_go(server: CountedServer, path: str, token: str, sockets: int) -> None:
    """Open that many sockets, `AT_ONCE` at a time; every second one disconnects without a close frame."""
    for _ in range(sockets // AT_ONCE):
        async with AsyncExitStack() as exits:
            opening = (exits.enter_async_context(open_socket(server.ws, path, token=token)) for _ in range(AT_ONCE))
            opened = await asyncio.gather(*opening)
            for socket in opened:
                await socket.receive("connected")
            assert await asyncio.to_thread(server.rooms) == 1
            for socket in opened[::2]:
                socket.connection.transport.abort()
