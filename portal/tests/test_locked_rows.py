"""A locked row in Postgres delays the connections of that portal view, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import psycopg
import pytest

from testing.installation import ServerKind, StoreKind, installation
from testing.sockets import PortalSocket
from testing.stacks import STACK_ENV, Stack, running

pytestmark = [pytest.mark.server, pytest.mark.postgres, pytest.mark.valkey]

LOCKED, OTHERS = 2, 8
HELD_SECONDS = 5.0
ROUNDS = 5


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with (
        installation(StoreKind.POSTGRES, **STACK_ENV) as made,
        running(made, made.prepare(), ServerKind.SERVE) as stack,
    ):
        yield stack


async def store(socket: PortalSocket, name: str) -> None:
    """Store an update."""
    await socket.send("portal-view-update", ref=name, payload={"name": name})
    assert (await socket.receive("ack"))["ref"] == name


async def test_other_portal_views_are_stored_while_rows_are_locked(stack: Stack) -> None:
    # Cause: all sockets of a process had one thread for the database.
    locked = [stack.new_portal_view() for _ in range(LOCKED)]
    others = [stack.new_portal_view() for _ in range(OTHERS)]
    async with AsyncExitStack() as exits:
        sockets = [(await exits.enter_async_context(stack.join(one, stack.controller)))[0] for one in locked + others]
        held_up, free = sockets[:LOCKED], sockets[LOCKED:]
        assert stack.installation.postgres is not None
        url = stack.installation.postgres.url("portal")
        session = await exits.enter_async_context(await psycopg.AsyncConnection.connect(url))
        await session.execute("SELECT id FROM libraries_portalview WHERE id = ANY(%s::uuid[]) FOR UPDATE", [locked])
        waiting = [asyncio.create_task(store(socket, "late")) for socket in held_up]
        until = asyncio.get_running_loop().time() + HELD_SECONDS
        for number in range(ROUNDS):
            async with asyncio.timeout_at(until):
                await asyncio.gather(*(store(socket, str(number)) for socket in free))
        async with asyncio.timeout_at(until), stack.join(stack.new_portal_view(), stack.viewer) as (socket, _):
            await socket.expect_nothing_before_pong()
        assert not any(task.done() for task in waiting)
        await session.rollback()
        await asyncio.gather(*waiting)
