"""Protocol, sections 2, 4 and 6: what another membership, or disclosure, of a library does to open connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from testing.people import join_library
from testing.sockets import Closed, PortalSocket
from testing.stacks import Stack
from testing.tokens import user_id_of

GOBLIN = {"id": "goblin", "name": "Goblin", "hp": 7}
RECORD = {"id": "ogre", "name": "Ogre", "size": "Large", "armor_class": [{"value": 11}], "hit_points": 59}


@dataclass(frozen=True)
class Club:
    """A library for one test: the stack's controller owns it, the stranger is a member."""

    stack: Stack
    library: str
    portal_view: str

    def set_role(self, role: str) -> None:
        """Give the member another role."""
        self.stack.controller.patch(self._member, {"role": role})

    def remove(self) -> None:
        """End the membership."""
        self.stack.controller.delete(self._member)

    @property
    def _member(self) -> str:
        return f"{self.library}/members/{user_id_of(self.stack.stranger.access)}"


@pytest.fixture
def club(stack: Stack) -> Club:
    """The stranger starts as a VIEWER; health is hidden from viewers."""
    library_id = stack.controller.post("/api/libraries", {"name": "Club"})["id"]
    library = f"/api/libraries/{library_id}"
    join_library(stack.controller, stack.stranger, library_id, "VIEWER")
    state = {"name": "Club table", "items": [GOBLIN], "showHealth": False}
    portal_view = stack.controller.post(f"{library}/portal-views", state)["id"]
    return Club(stack, library, portal_view)


async def test_a_removed_member_is_told_and_disconnected(stack: Stack, club: Club) -> None:
    async with stack.join_all(club.portal_view, stack.controller, stack.stranger, stack.stranger) as (owner, *members):
        club.remove()
        for socket in members:
            error, closed = await socket.refused()
            assert error["code"] == "access-withdrawn"
            assert closed == Closed(1008, "access-withdrawn")
        await owner.expect_nothing_before_pong()


async def test_a_promotion_shows_more_and_allows_more(stack: Stack, club: Club) -> None:
    async with (
        stack.join(club.portal_view, stack.controller) as (owner, _),
        stack.join(club.portal_view, stack.stranger) as (member, connected),
    ):
        assert "hp" not in connected["state"]["items"][0]
        club.set_role("EDITOR")
        changed = await member.receive("role-changed")
        assert changed["role"] == "controller"
        assert changed["state"]["items"] == [GOBLIN]
        await member.send("portal-view-update", ref=1, payload={"zoom": 2})
        await member.receive("ack")
        await owner.receive("portal-view-updated")


async def test_a_demotion_hides_and_forbids(stack: Stack, club: Club) -> None:
    club.set_role("EDITOR")
    async with (
        stack.join(club.portal_view, stack.controller) as (owner, _),
        stack.join(club.portal_view, stack.stranger) as (member, connected),
    ):
        assert connected["state"]["items"] == [GOBLIN]
        club.set_role("VIEWER")
        changed = await member.receive("role-changed")
        assert changed["role"] == "viewer"
        assert changed["state"]["items"] == [{"id": "goblin", "name": "Goblin"}]
        await member.send("portal-view-update", ref=1, payload={"zoom": 2})
        assert (await member.receive("error"))["code"] == "forbidden"
        await owner.send("item-update", ref=1, payload={"itemId": "goblin", "hp": 1})
        await owner.receive("ack")
        await member.expect_nothing_before_pong()


async def test_a_new_role_is_told_its_own_version(stack: Stack, club: Club) -> None:
    for hp in (5, 3):
        stack.controller.patch(f"/api/portal-views/{club.portal_view}", {"items": [{**GOBLIN, "hp": hp}]})
    async with stack.join(club.portal_view, stack.stranger) as (member, connected):
        assert connected["version"] == connected["state"]["version"] == 1
        for role, version in (("EDITOR", 3), ("VIEWER", 1)):
            club.set_role(role)
            changed = await member.receive("role-changed")
            assert changed["version"] == changed["state"]["version"] == version
        await member.send("request-sync", ref=1)
        assert (await member.receive("ack"))["version"] == 1


async def test_a_change_between_controller_roles_changes_no_visible_state(stack: Stack, club: Club) -> None:
    club.set_role("EDITOR")
    async with stack.join(club.portal_view, stack.stranger) as (member, _):
        club.set_role("OWNER")
        await member.send("portal-view-update", ref=1, payload={"zoom": 2})
        while (reply := await member.receive())["type"] == "role-changed":
            assert reply["role"] == "controller"
        assert reply["type"] == "ack"


async def test_another_disclosure_shows_another_state(stack: Stack, club: Club) -> None:
    owner, plain = stack.controller, {"id": "ogre", "name": "Ogre"}
    owner.patch(f"/api/portal-views/{club.portal_view}", {"items": [RECORD], "showAC": True})
    [preset] = [one for one in owner.get("/api/disclosure-presets") if one["name"] == "dnd5e-api"]
    async with stack.join_all(club.portal_view, owner, stack.stranger, stack.stranger) as (controller, *viewers):
        for disclosure, version, seen in (
            (preset["disclosure"], 3, {**plain, "size": "Large", "ac": 11}),
            ({}, 4, plain),
        ):
            owner.patch(club.library, {"disclosure": disclosure})
            await is_told(controller, version, [RECORD])
            for viewer in viewers:
                await is_told(viewer, version, [seen])


async def is_told(socket: PortalSocket, version: int, items: list[Any]) -> None:
    """Check that the connection got the whole state, once."""
    message = await socket.receive("portal-view-updated")
    assert (message["version"], message["payload"]["version"]) == (version, version)
    assert message["payload"]["items"] == items
    await socket.expect_nothing_before_pong()
