"""Presence over several processes: a process that dies, people who move, and a Valkey that was away.

Two servers share one Postgres and one Valkey. The rules that are told and stored are tested in `realtime.rooms`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import pytest

from testing.installation import ServerKind, StoreKind, installation
from testing.presence import Watcher, until_here
from testing.sockets import open_socket, portal_view_path
from testing.stacks import STACK_ENV, Stack, running
from testing.stores import Valkey
from testing.tokens import user_id_of

pytestmark = [pytest.mark.server, pytest.mark.postgres, pytest.mark.valkey]

PROMISED_SECONDS = 30.0
GUESTS = 5


@dataclass(frozen=True)
class Two:
    """Two servers on the same stores: people are logged in at `here`, and `there` may be killed."""

    here: Stack
    there: Stack
    valkey: Valkey


@pytest.fixture(scope="module")
def two() -> Iterator[Two]:
    """Two servers."""
    with installation(StoreKind.POSTGRES, **STACK_ENV) as made:
        assert made.valkey is not None
        with running(made, made.prepare(), ServerKind.SERVE) as here, made.server() as other:
            yield Two(here, replace(here, server=other), made.valkey)


@pytest.fixture
def portal_view(two: Two) -> str:
    """The id of a new portal view."""
    return two.here.new_portal_view()


@asynccontextmanager
async def watching(stack: Stack, view: str) -> AsyncIterator[Watcher]:
    """A controller's connection that follows who is here, once it has been told."""
    async with stack.join(view, stack.controller) as (socket, _):
        watcher = Watcher(socket)
        await watcher.hear()
        yield watcher


async def test_a_killed_process_is_one_leave_for_each_within_half_a_minute(two: Two, portal_view: str) -> None:
    token = two.here.controller.post(f"/api/portal-views/{portal_view}/share-links", {})["token"]
    path, asked = portal_view_path(portal_view), {"share": token}
    with two.here.installation.server() as doomed:
        async with watching(two.here, portal_view) as watcher, watching(two.there, portal_view) as other:
            guests = []
            for _ in range(GUESTS):
                async with open_socket(two.here.server.ws, path, query=asked) as socket:
                    guests.append(await socket.receive("connected"))
            async with AsyncExitStack() as sockets:
                for one in guests:
                    offered = ["portal.v1.json", f"guest.{one['guest']}"]
                    await sockets.enter_async_context(open_socket(doomed.ws, path, subprotocols=offered))
                viewer = open_socket(doomed.ws, path, token=two.here.viewer.access)
                await sockets.enter_async_context(viewer)
                await watcher.until(viewers=GUESTS + 1)
                await other.until(viewers=GUESTS + 1)
                doomed.process.kill()
                began = time.monotonic()
            # One of them comes back in time
            back = ["portal.v1.json", f"guest.{guests[0]['guest']}"]
            async with open_socket(two.there.server.ws, path, subprotocols=back):
                for follower in (watcher, other):
                    await follower.until(PROMISED_SECONDS, viewers=1)
                print("seconds until they were gone:", round(time.monotonic() - began, 1))
                assert time.monotonic() - began < PROMISED_SECONDS
                gone = {*(one["subject"]["id"] for one in guests[1:]), user_id_of(two.here.viewer.access)}
                for follower in (watcher, other):
                    assert follower.left == dict.fromkeys(gone, 1)
                    assert set(follower.joined.values()) == {1}
                listed = two.here.controller.get(f"/api/portal-views/{portal_view}/presence")
                assert listed["counts"] == {"controllers": 1, "viewers": 1}
                assert [one["id"] for one in listed["viewers"]] == [guests[0]["subject"]["id"]]


async def test_a_move_to_another_process_is_no_event(two: Two, portal_view: str) -> None:
    async with watching(two.here, portal_view) as watcher:
        async with two.here.join(portal_view, two.here.viewer):
            await watcher.until(viewers=1)
        async with two.there.join(portal_view, two.here.viewer):
            await until_here(two.here.controller, portal_view, 2)
            with pytest.raises(TimeoutError):
                await watcher.hear(12.0)
        async with two.there.join(portal_view, two.here.editor):
            await watcher.until(controllers=2)
    assert (watcher.left, set(watcher.joined.values())) == ({}, {1})


async def test_after_a_loss_of_the_store_everybody_is_known_again(two: Two, portal_view: str) -> None:
    path = f"/api/portal-views/{portal_view}/presence"
    async with watching(two.here, portal_view) as watcher, two.there.join(portal_view, two.here.viewer) as (viewer, _):
        await watcher.until(viewers=1)
        two.valkey.process.kill()
        try:
            with pytest.raises(httpx.HTTPStatusError) as refused:
                two.here.controller.get(path)
            assert refused.value.response.status_code == 503
            async with two.here.join(portal_view, two.here.editor):  # who comes to this process is told nevertheless
                await watcher.until(controllers=2)
        finally:
            two.valkey.start()
        async with two.there.join(portal_view, two.here.editor):
            await until_here(two.here.controller, portal_view, 3, PROMISED_SECONDS)
            await viewer.expect_nothing_before_pong()
            with pytest.raises(TimeoutError):
                print(await watcher.hear(12.0))  # the news of nothing
    assert (watcher.left, watcher.counts) == ({}, {"controllers": 2, "viewers": 1})


async def test_lost_news_are_found(two: Two, portal_view: str) -> None:
    async with watching(two.here, portal_view) as watcher:
        two.valkey.process.suspend()  # for longer than a round trip may take
        try:
            async with two.there.join(portal_view, two.here.viewer) as (viewer, _):
                await asyncio.sleep(2)
                two.valkey.process.resume()
                await watcher.until(PROMISED_SECONDS, viewers=1)
                await viewer.expect_nothing_before_pong()
        finally:
            two.valkey.process.resume()
