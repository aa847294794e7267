"""Protocol, sections 2 and 6: the effects of changes of a membership on open connections."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from testing.sockets import Closed
from testing.stacks import Stack
from testing.tokens import user_id_of

GOBLIN = {"id": "goblin", "name": "Goblin", "hp": 7}


@dataclass(frozen=True)
class Club:
    """A library for one test: the stack's controller owns it, the stranger is a member."""

    stack: Stack
    members: str
    portal_view: str

    def set_role(self, role: str) -> None:
        """Give the member another role."""
        self.stack.controller.patch(self._member, {"role": role})

    def remove(self) -> None:
        """End the membership."""
        self.stack.controller.delete(self._member)

    @property
    def _member(self) -> str:
        return f"{self.members}/{user_id_of(self.stack.stranger.access)}"


@pytest.fixture
def club(stack: Stack) -> Club:
    """The stranger starts as a VIEWER; health is hidden from viewers."""
    library = stack.controller.post("/api/libraries", {"name": "Club"})["id"]
    members = f"/api/libraries/{library}/members"
    stack.controller.post(members, {"email": stack.stranger.person.email, "role": "VIEWER"})
    state = {"name": "Club table", "items": [GOBLIN], "showHealth": False}
    portal_view = stack.controller.post(f"/api/libraries/{library}/portal-views", state)["id"]
    return Club(stack, members, portal_view)


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


async def test_a_change_between_controller_roles_changes_no_visible_state(stack: Stack, club: Club) -> None:
    club.set_role("EDITOR")
    async with stack.join(club.portal_view, stack.stranger) as (member, _):
        club.set_role("OWNER")
        await member.send("portal-view-update", ref=1, payload={"zoom": 2})
        while (reply := await member.receive())["type"] == "role-changed":
            assert reply["role"] == "controller"
        assert reply["type"] == "ack"
