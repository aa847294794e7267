"""Who is in a portal view, over a socket and over REST, on each server and store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from realtime.rooms.presence import GRACE_SECONDS, VIEWERS_SECONDS
from testing.people import Client, join_library
from testing.presence import Watcher, until_here
from testing.sockets import PortalSocket, open_socket, portal_view_path
from testing.stacks import Stack
from testing.tokens import user_id_of

AT_ONCE_SECONDS = GRACE_SECONDS / 2

pytestmark = pytest.mark.server


@asynccontextmanager
async def watching(stack: Stack, view: str, who: Client | None = None) -> AsyncIterator[Watcher]:
    """A controller's connection that follows who is here."""
    async with stack.join(view, who or stack.controller) as (socket, _):
        yield Watcher(socket)


@asynccontextmanager
async def guest(stack: Stack, view: str, token: str, **query: str) -> AsyncIterator[tuple[PortalSocket, str]]:
    """A guest's connection by a share link, and the guest's id."""
    path = portal_view_path(view)
    async with open_socket(stack.server.ws, path, query={"share": token, **query}) as socket:
        yield socket, (await socket.receive("connected"))["subject"]["id"]


def link(stack: Stack, view: str) -> tuple[str, str]:
    made = stack.controller.post(f"/api/portal-views/{view}/share-links", {})
    return made["id"], made["token"]


def disconnect(stack: Stack, view: str, who: str, by: Client | None = None, **body: object) -> dict[str, object]:
    answer: dict[str, object] = (by or stack.controller).post(
        f"/api/portal-views/{view}/presence/{who}/disconnect", body
    )
    return answer


async def test_controllers_are_told_who_is_here_once_each(stack: Stack, portal_view: str) -> None:
    async with watching(stack, portal_view) as watcher:
        first = await watcher.hear()
        mine = user_id_of(stack.controller.access)
        assert (first["event"], [one["id"] for one in first["controllers"]]) == ("snapshot", [mine])
        assert (first["viewers"], first["counts"]) == ([], {"controllers": 1, "viewers": 0})
        async with stack.join_all(portal_view, stack.viewer, stack.viewer, stack.controller) as (tab, *_):
            change = await watcher.hear()
            assert (change["event"], change["left"], change["counts"]) == (
                "change",
                [],
                {"controllers": 1, "viewers": 1},
            )
            (joined,) = change["joined"]
            assert (joined["id"], joined["role"], joined["kind"]) == (user_id_of(stack.viewer.access), "viewer", "user")
            await tab.expect_nothing_before_pong()
            listed = stack.controller.get(f"/api/portal-views/{portal_view}/presence")
            assert (listed["viewers"], listed["counts"]) == ([joined], change["counts"])
            assert listed["controllers"] == first["controllers"]


async def test_viewers_are_told_nothing(stack: Stack, portal_view: str) -> None:
    async with watching(stack, portal_view) as watcher, stack.join(portal_view, stack.viewer) as (viewer, _):
        await watcher.until(viewers=1)
        await viewer.send("ping", ref=1)
        assert (await viewer.receive(ignore=frozenset()))["type"] == "pong"
        with pytest.raises(httpx.HTTPStatusError) as refused:
            stack.viewer.get(f"/api/portal-views/{portal_view}/presence")
        assert refused.value.response.status_code == 403


async def test_a_controller_who_looks_as_a_viewer_is_not_there(stack: Stack, portal_view: str) -> None:
    path, looks = portal_view_path(portal_view), {"as": "viewer"}
    async with (
        open_socket(stack.server.ws, path, token=stack.editor.access, query=looks) as looker,
        watching(stack, portal_view) as watcher,
        open_socket(stack.server.ws, path, token=stack.viewer.access, query=looks) as viewer,
    ):
        await looker.receive("connected")
        await viewer.receive("connected")
        known = await watcher.until(viewers=1)
        assert known == {user_id_of(one.access) for one in (stack.controller, stack.viewer)}


async def test_a_reload_is_no_event(stack: Stack, portal_view: str) -> None:
    async with watching(stack, portal_view) as watcher:
        await watcher.hear()
        for _ in range(3):
            async with stack.join(portal_view, stack.viewer):
                await watcher.until(viewers=1)
        async with stack.join(portal_view, stack.editor):
            assert (await watcher.hear())["joined"][0]["id"] == user_id_of(stack.editor.access)
        assert (watcher.joined[user_id_of(stack.viewer.access)], watcher.left) == (1, {})


@pytest.fixture
def library(stack: Stack) -> Iterator[str]:
    """The id of a new library, with a viewer."""
    made = stack.controller.post("/api/libraries", {"name": "Hall"})["id"]
    join_library(stack.controller, stack.stranger, made, "VIEWER")
    yield made
    stack.controller.delete(f"/api/libraries/{made}")


@pytest.fixture
def hall(stack: Stack, library: str) -> str:
    """The id of a portal view in it."""
    made: str = stack.controller.post(f"/api/libraries/{library}/portal-views", {"name": "Evening"})["id"]
    return made


async def test_who_is_no_member_any_more_leaves_at_once(stack: Stack, library: str, hall: str) -> None:
    member = f"/api/libraries/{library}/members/{user_id_of(stack.stranger.access)}"
    async with watching(stack, hall) as watcher, stack.join(hall, stack.stranger) as (socket, _):
        await watcher.until(viewers=1)
        stack.controller.delete(member)
        assert (await socket.refused())[0]["code"] == "access-withdrawn"
        gone = await watcher.hear(AT_ONCE_SECONDS)
        assert [one["id"] for one in gone["left"]] == [user_id_of(stack.stranger.access)]


async def test_whose_link_is_withdrawn_leaves_at_once(stack: Stack, portal_view: str) -> None:
    link_id, token = link(stack, portal_view)
    async with watching(stack, portal_view) as watcher, guest(stack, portal_view, token) as (socket, ann):
        await watcher.until(viewers=1)
        stack.controller.delete(f"/api/portal-views/{portal_view}/share-links/{link_id}")
        assert (await socket.refused())[0]["code"] == "link-withdrawn"
        assert [one["id"] for one in (await watcher.hear(AT_ONCE_SECONDS))["left"]] == [ann]


async def test_viewers_get_counts_and_no_names_while_the_library_allows_it(
    stack: Stack, library: str, hall: str
) -> None:
    path, token = f"/api/libraries/{library}", link(stack, hall)[1]

    async def told(*sockets: PortalSocket, **counts: int) -> None:
        """All of them get these counts, and nothing else."""
        for socket in sockets:
            message = await socket.receive(ignore=frozenset())
            while message["type"] == "presence" and message["counts"] != counts:
                message = await socket.receive(ignore=frozenset())
            assert message == {"type": "presence", "event": "snapshot", "counts": counts}

    async with (
        watching(stack, hall) as watcher,
        stack.join(hall, stack.stranger) as (viewer, _),
        guest(stack, hall, token, name="Ann") as (visitor, _),
    ):
        await watcher.until(viewers=2)
        for socket in (viewer, visitor):
            await socket.expect_nothing_before_pong()
        stack.controller.patch(path, {"showAudience": True})
        for socket in (viewer, visitor):
            await socket.receive("portal-view-updated")
        await told(viewer, visitor, controllers=1, viewers=2)
        async with guest(stack, hall, token) as (third, _):
            await third.expect_nothing_before_pong()
            await told(viewer, visitor, third, controllers=1, viewers=3)
            stack.controller.patch(path, {"showAudience": False})
            for socket in (viewer, visitor, third):
                await socket.receive("portal-view-updated")
            async with guest(stack, hall, token):
                await watcher.until(viewers=4)
                await asyncio.sleep(VIEWERS_SECONDS + 0.5)
                for socket in (viewer, visitor, third):
                    await socket.send("ping")
                    assert (await socket.receive(ignore=frozenset()))["type"] == "pong"


async def test_a_guest_is_named_and_can_be_disconnected(stack: Stack, portal_view: str) -> None:
    _, token = link(stack, portal_view)
    async with (
        watching(stack, portal_view) as watcher,
        guest(stack, portal_view, token, name="Ann") as (socket, ann),
        guest(stack, portal_view, token) as (other, _),
    ):
        await watcher.until(viewers=2)
        assert (watcher.people[ann]["name"], watcher.people[ann]["kind"]) == ("Ann", "guest")
        answer = disconnect(stack, portal_view, ann, minutes=3)
        assert (answer["subjectId"], answer["withdrawnLinkId"], answer["others"]) == (ann, None, 0)
        error, closed = await socket.refused()
        assert (error["code"], closed) == ("disconnected", (1013, "disconnected"))
        assert 170_000 < error["retryAfter"] <= 180_000
        gone = await watcher.hear()
        assert [one["id"] for one in gone["left"]] == [ann]
        await other.expect_nothing_before_pong()


async def test_who_was_disconnected_is_refused_until_then(stack: Stack, portal_view: str) -> None:
    path = portal_view_path(portal_view)
    async with watching(stack, portal_view) as watcher, stack.join(portal_view, stack.editor) as (editor, _):
        await watcher.until(controllers=2)
        disconnect(stack, portal_view, user_id_of(stack.editor.access))
        await editor.refused()
        async with open_socket(stack.server.ws, path, token=stack.editor.access) as socket:
            error, closed = await socket.refused()
            assert (error["code"], closed.code) == ("disconnected", 1013)
            assert 590_000 < error["retryAfter"] <= 600_000
        async with stack.join(stack.new_portal_view(), stack.editor) as (elsewhere, _):
            await elsewhere.expect_nothing_before_pong()


async def test_the_link_can_be_withdrawn_with_it(stack: Stack, portal_view: str) -> None:
    link_id, token = link(stack, portal_view)
    async with (
        watching(stack, portal_view) as watcher,
        guest(stack, portal_view, token) as (socket, ann),
        guest(stack, portal_view, token) as (other, _),
        guest(stack, portal_view, link(stack, portal_view)[1]) as (third, _),
    ):
        await watcher.until(viewers=3)
        answer = disconnect(stack, portal_view, ann, withdrawLink=True)
        assert (answer["withdrawnLinkId"], answer["others"]) == (link_id, 1)
        assert (await socket.refused())[0]["code"] in {"disconnected", "link-withdrawn"}
        assert (await other.refused())[0]["code"] == "link-withdrawn"
        await third.expect_nothing_before_pong()


async def test_not_everybody_can_be_disconnected(stack: Stack, portal_view: str) -> None:
    mine, theirs = user_id_of(stack.controller.access), user_id_of(stack.editor.access)
    async with watching(stack, portal_view) as watcher, stack.join(portal_view, stack.editor):
        await watcher.until(controllers=2)
        for who, by, body, status in (
            (mine, stack.controller, {}, 403),
            (mine, stack.editor, {}, 403),
            (theirs, stack.controller, {"withdrawLink": True}, 400),
            (theirs, stack.controller, {"minutes": 0}, 400),
            (user_id_of(stack.stranger.access), stack.controller, {}, 404),
        ):
            with pytest.raises(httpx.HTTPStatusError) as refused:
                disconnect(stack, portal_view, who, by, **body)
            assert refused.value.response.status_code == status


async def test_a_library_counts_who_is_in_each_portal_view(stack: Stack, portal_view: str) -> None:
    async with watching(stack, portal_view) as watcher, stack.join(portal_view, stack.viewer):
        await watcher.until(viewers=1)
        await until_here(stack.controller, portal_view, 2)
        counts = stack.controller.get(f"/api/libraries/{stack.cast.library_id}/presence")["portalViews"]
        found = {one["portalViewId"]: one["counts"] for one in counts}
        assert found[portal_view] == {"controllers": 1, "viewers": 1}
        assert {"controllers": 0, "viewers": 0} in found.values()
