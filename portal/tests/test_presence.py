"""Presence over several processes: a process that dies, people who move or are in two, and a Valkey that was away.

Also who is sent away by one process and connected to the other, and what counts for a person in both.

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

from libraries.services.disconnecting import USUAL_MINUTES
from realtime.limits.occupancy import PREVIEWS
from realtime.rooms.gestures import RELAY_SECONDS
from realtime.rooms.presence import GRACE_SECONDS
from testing.admin import AdminClient
from testing.installation import ServerKind, StoreKind, installation
from testing.presence import Watcher, until_here
from testing.sockets import Message, PortalSocket, open_socket, portal_view_path
from testing.stacks import STACK_ENV, Stack, running
from testing.stores import Valkey
from testing.tokens import user_id_of

pytestmark = [pytest.mark.server, pytest.mark.postgres, pytest.mark.valkey, pytest.mark.long]

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


async def test_two_tabs_in_two_processes_are_one_person_who_leaves_with_the_last(two: Two, portal_view: str) -> None:
    someone = user_id_of(two.here.viewer.access)
    async with watching(two.here, portal_view) as watcher, watching(two.there, portal_view) as other:
        async with two.there.join(portal_view, two.here.viewer):
            async with two.here.join(portal_view, two.here.viewer):
                for follower in (watcher, other):
                    assert someone in await follower.until(viewers=1)
                listed = await until_here(two.here.controller, portal_view, 2)
                assert [one["id"] for one in listed["viewers"]] == [someone]
            for follower in (watcher, other):
                with pytest.raises(TimeoutError):
                    await follower.hear(GRACE_SECONDS + 2)
        for follower in (watcher, other):
            await follower.until(GRACE_SECONDS + 5, viewers=0)
            assert follower.left == {someone: 1}
            assert follower.joined[someone] <= 1


# --- Sending away --------------------------------------------------------------------------------------------


async def refused(socket: PortalSocket) -> Message:
    """The error that a connection is closed with."""
    error, closed = await socket.refused()
    assert (closed.code, closed.reason) == (1013 if "retryAfter" in error else 1008, error["code"])
    return error


async def refused_again(server: Stack, view: str) -> float:
    """The seconds after which a new connection of the viewer may succeed."""
    async with open_socket(server.server.ws, portal_view_path(view), token=server.viewer.access) as socket:
        error = await refused(socket)
        assert error["code"] == "disconnected"
        return float(error["retryAfter"]) / 1000


async def test_who_is_in_the_other_process_can_be_sent_away(two: Two, portal_view: str) -> None:
    someone = user_id_of(two.here.viewer.access)
    async with watching(two.here, portal_view) as watcher, two.there.join(portal_view, two.here.viewer) as (socket, _):
        await watcher.until(viewers=1)
        two.here.controller.post(f"/api/portal-views/{portal_view}/presence/{someone}/disconnect", {})
        assert (await refused(socket))["code"] == "disconnected"
        assert [one["id"] for one in (await watcher.hear(GRACE_SECONDS / 2))["left"]] == [someone]
        first = await refused_again(two.here, portal_view)
        await asyncio.sleep(1)
        second = await refused_again(two.there, portal_view)
        assert 60 * USUAL_MINUTES - 10 < second <= first - 1 < 60 * USUAL_MINUTES


async def test_the_withdrawn_link_counts_the_guests_of_both_processes(two: Two, portal_view: str) -> None:
    made = two.here.controller.post(f"/api/portal-views/{portal_view}/share-links", {})
    path, asked = portal_view_path(portal_view), {"share": made["token"]}
    async with watching(two.here, portal_view) as watcher, AsyncExitStack() as sockets:
        guests = [
            await sockets.enter_async_context(open_socket(stack.server.ws, path, query=asked))
            for stack in (two.here, two.there, two.there)
        ]
        ids = [(await one.receive("connected"))["subject"]["id"] for one in guests]
        await watcher.until(viewers=3)
        await until_here(two.here.controller, portal_view, 4)
        answer = two.here.controller.post(
            f"/api/portal-views/{portal_view}/presence/{ids[1]}/disconnect", {"withdrawLink": True}
        )
        assert (answer["withdrawnLinkId"], answer["others"]) == (made["id"], 2)
        codes = [(await refused(one))["code"] for one in guests]
        assert (codes[0], codes[2]) == ("link-withdrawn", "link-withdrawn")
        await watcher.until(GRACE_SECONDS / 2, viewers=0)


async def test_the_admin_lists_and_sends_away_who_is_in_the_other_process(two: Two, portal_view: str) -> None:
    page, someone = f"/admin/libraries/portalview/{portal_view}/presence/", user_id_of(two.here.viewer.access)
    with AdminClient(two.here.server.http, two.here.cast.admin) as admin:
        assert "0 controllers, 0 viewers" in admin.page(page)
        async with two.there.join(portal_view, two.here.viewer) as (socket, _):
            await until_here(two.here.controller, portal_view, 1)
            assert "0 controllers, 1 viewers" in admin.page(f"{page}?list")
            admin.post(page, {"subject": someone, "minutes": "5"})
            assert (await refused(socket))["code"] == "disconnected"
        await until_here(two.here.controller, portal_view, 0, GRACE_SECONDS / 2)
        assert await refused_again(two.here, portal_view) <= 300
        assert "0 controllers, 0 viewers" in admin.page(f"{page}?list")


# --- What counts for a person --------------------------------------------------------------------------------


async def test_activity_is_told_once_a_second_for_a_person_in_both(two: Two, portal_view: str) -> None:
    seconds, began = 4, time.monotonic()
    async with (
        two.here.join(portal_view, two.here.editor) as (watcher, _),
        two.here.join(portal_view, two.here.controller) as (tab, _),
        two.there.join(portal_view, two.here.controller) as (other, _),
    ):
        for number in range(seconds * 10):
            for socket in (tab, other):
                await socket.send("activity", state="editing", target=str(number))
            await asyncio.sleep(0.1)
        for socket in (tab, other):
            await socket.send("activity", state="idle")
        told: list[tuple[float, Message]] = []
        while not told or told[-1][1]["state"] == "editing":
            message = await watcher.receive("activity")
            told.append((time.monotonic(), message))
        assert {one["from"] for _, one in told} == {user_id_of(two.here.controller.access)}
        took = time.monotonic() - began  # on a busy machine it is longer than what was meant
        assert 2 < len(told) <= took / RELAY_SECONDS + 2


async def test_looks_as_a_viewer_have_a_cap_of_their_own(two: Two, portal_view: str) -> None:
    path, token = portal_view_path(portal_view), two.here.controller.access
    installation = two.here.installation
    with installation.server(PORTAL_CONNECTIONS_PER_USER_AND_VIEW="1", PORTAL_CONNECTIONS_PER_USER="0") as server:

        async def enter(sockets: AsyncExitStack, **query: str) -> PortalSocket:
            socket = await sockets.enter_async_context(open_socket(server.ws, path, token=token, query=query))
            await socket.receive("connected")
            return socket

        async def is_full(**query: str) -> bool:
            async with open_socket(server.ws, path, token=token, query=query) as socket:
                return str((await refused(socket))["code"]) == "too-many-connections"

        async with AsyncExitStack() as sockets:
            looks = [await enter(sockets, **{"as": "viewer"}) for _ in range(PREVIEWS)]
            assert await is_full(**{"as": "viewer"})
            await enter(sockets)  # is not among them
            assert await is_full()
            await looks[0].connection.close()
            assert await is_full()
            await enter(sockets, **{"as": "viewer"})
