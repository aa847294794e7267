"""Looking as a viewer over a socket: a viewer in all, whatever the person's role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from realtime.protocol.policy import ALLOWED
from testing.people import Client, join_library
from testing.sockets import Message, PortalSocket, portal_view_path
from testing.stacks import Stack
from testing.tokens import user_id_of

OGRE = {"id": "ogre", "name": "Ogre", "gmNotes": "asleep", "hp": 7}
SHOWN = {"id": "ogre", "name": "Ogre"}
BODIES: dict[str, dict[str, Any]] = {
    "portal-view-update": {"payload": {"name": "x"}},
    "sync-response": {"payload": {"name": "x"}},
    "item-update": {"payload": {"itemId": "ogre", "name": "x"}},
    "item-add": {"payload": {"name": "x"}},
    "item-remove": {"itemId": "ogre"},
    "item-move": {"itemId": "ogre", "index": 0},
    "batch": {"changes": [{"type": "item-remove", "itemId": "ogre"}]},
    "activity": {"state": "editing"},
    "pointer": {"itemId": "ogre", "x": 0, "y": 0},
}
REFUSED = {kind: BODIES.get(kind, {}) for kind in ALLOWED if kind not in {"ping", "auth"}}


@pytest.fixture
def portal_view(stack: Stack) -> str:
    return stack.new_portal_view(items=[{"id": "trap", "visible": False}, OGRE])


@asynccontextmanager
async def looking(
    stack: Stack, portal_view: str, who: Client, **query: str
) -> AsyncIterator[tuple[PortalSocket, Message]]:
    """A socket of `who` that looks as a viewer, and its `connected`."""
    path = portal_view_path(portal_view)
    async with stack.open(path, token=who.access, query={"as": "viewer", **query}) as socket:
        yield socket, await socket.receive("connected")


async def test_it_gets_what_viewers_get(stack: Stack, portal_view: str) -> None:
    async with (
        looking(stack, portal_view, stack.controller) as (looker, mine),
        stack.join_all(portal_view, stack.controller, stack.viewer) as (sender, viewer),
        stack.join(portal_view, stack.viewer) as (_, theirs),
    ):
        assert mine["role"] == "viewer"
        assert mine["state"] == theirs["state"]
        assert mine["state"]["items"] == [SHOWN]
        assert (mine["version"], mine["epoch"]) == (theirs["version"], theirs["epoch"])
        await sender.send("item-update", ref=1, payload={"itemId": "ogre", "hp": 3, "text": "Awake"})
        await sender.receive("ack")
        assert await looker.receive() == await viewer.receive()
        await sender.send("item-update", ref=2, payload={"itemId": "ogre", "hp": 2})
        await sender.receive("ack")
        await looker.expect_nothing_before_pong()


async def test_it_may_send_ping_and_auth_alone(stack: Stack, portal_view: str) -> None:
    stack.controller.patch(f"/api/portal-views/{portal_view}", {"viewersMayPoint": True})
    async with (
        looking(stack, portal_view, stack.controller) as (looker, _),
        stack.join(portal_view, stack.editor) as (controller, _),
    ):
        for kind, body in REFUSED.items():
            await looker.send(kind, ref=kind, **body)
            error = await looker.receive("error")
            assert (error["code"], error["ref"]) == ("forbidden", kind)
        await controller.expect_nothing_before_pong()
        await looker.send("auth", ref=2, token=stack.controller.access)
        assert (await looker.receive("ack"))["ref"] == 2
        await looker.expect_nothing_before_pong()


async def test_it_is_not_asked(stack: Stack, portal_view: str) -> None:
    async with (
        looking(stack, portal_view, stack.controller) as (looker, _),
        stack.join(portal_view, stack.viewer) as (viewer, _),
    ):
        await viewer.send("request-sync")
        assert (await viewer.receive("sync-response"))["source"] == "server"
        await looker.expect_nothing_before_pong()


async def test_it_recovers_as_a_viewer(stack: Stack, portal_view: str) -> None:
    async with looking(stack, portal_view, stack.controller) as (_, first):
        known = {"version": str(first["version"]), "epoch": first["epoch"]}
    stack.controller.patch(f"/api/portal-views/{portal_view}", {"items": [{**OGRE, "hp": 1}]})
    async with looking(stack, portal_view, stack.controller, **known) as (_, again):
        assert again["recovered"] is True
    path = portal_view_path(portal_view)
    async with stack.open(path, token=stack.controller.access, query=known) as socket:
        connected = await socket.receive("connected")
    assert (connected["recovered"], connected["role"]) == (False, "controller")


@pytest.mark.parametrize("wish", ["viewer", "", "owner", "controller"])
async def test_any_wish_to_look_means_as_a_viewer(stack: Stack, portal_view: str, wish: str) -> None:
    path = f"{portal_view_path(portal_view)}?as={wish}&token={stack.controller.access}"
    async with stack.open(path) as socket:
        connected = await socket.receive("connected")
    assert (connected["role"], connected["state"]["items"]) == ("viewer", [SHOWN])


async def test_a_new_role_never_makes_it_a_controller_and_none_closes_it(stack: Stack) -> None:
    owner, member = stack.controller, stack.stranger
    library = owner.post("/api/libraries", {"name": "Ours"})["id"]
    join_library(owner, member, library, "VIEWER")
    membership = f"/api/libraries/{library}/members/{user_id_of(member.access)}"
    view = owner.post(f"/api/libraries/{library}/portal-views", {"name": "Evening", "items": [OGRE]})["id"]
    async with looking(stack, view, member) as (looker, _):
        for role in ("EDITOR", "VIEWER", "OWNER"):
            owner.patch(membership, {"role": role})
            await looker.expect_nothing_before_pong()
            await looker.send("portal-view-update", ref=1, payload={"name": "x"})
            assert (await looker.receive("error"))["code"] == "forbidden"
        owner.delete(membership)
        error, closed = await looker.refused()
        assert (error["code"], closed.code) == ("access-withdrawn", 1008)
    owner.delete(f"/api/libraries/{library}")
