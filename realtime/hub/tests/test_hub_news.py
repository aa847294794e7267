"""What rooms do with news of roles, of the end of a portal view, and of nothing they know."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from channels.layers import get_channel_layer
from structlog.typing import EventDict

from libraries.rules.errors import Unavailable
from libraries.rules.roles import PortalRole, Role, portal_role
from libraries.selectors import pulses, roles_on
from realtime.news.structs import portal_view_group
from realtime.tests.clients import until
from realtime.tests.doubles import PORTAL_VIEW_ID, Person, controller, news, stored, viewer
from realtime.tests.houses import House


async def change(house: House, person: Person, role: Role | None, *, told: Role | None | str = "the same") -> None:
    """Somebody's role is another by now, in the database, and news say so, or something else."""
    house.database.access_version += 1
    house.database.roles.clear()
    if role is not None:
        house.database.roles[person.connection.subject.id] = role
    said = role if told == "the same" else told
    portal = None if said is None else str(portal_role(Role(said)))
    about = {"subject": [str(person.connection.subject)], "accessVersion": house.database.access_version}
    await house.tell_of("access", role=portal, **about)


# --- Roles -------------------------------------------------------------------------------------------------


async def test_a_new_role_holds_from_the_next_frame_on(house: House) -> None:
    house.database.stored = stored(1, items=[{"id": "ogre", "hp": 3}])
    one, other = await house.join(controller()), await house.join(controller())
    await change(house, one, Role.VIEWER)
    house.database.stored = stored(2, items=[{"id": "ogre", "hp": 2}])
    await house.send(news(2, viewers=None))
    changed = await house.hear(one, "role-changed")
    assert (changed["role"], changed["state"]["items"]) == ("viewer", [{"id": "ogre"}])
    assert await house.hear_versions(other, 1) == [2]
    await house.settle()
    assert one.outlet.take() == []


async def test_a_new_role_while_the_state_is_old_comes_with_the_new_one(house: House) -> None:
    one = await house.join(viewer())
    await house.tell(2)
    await house.hear_versions(one, 1)
    house.database.stored = stored(2)
    await change(house, one, Role.EDITOR)
    changed = await house.hear(one, "role-changed")
    assert (changed["role"], changed["version"]) == ("controller", 2)


async def test_access_that_is_withdrawn_closes(house: House) -> None:
    one, other = await house.join(viewer()), await house.join(viewer())
    await change(house, one, None)
    assert (await house.hear(one, "error"))["code"] == "access-withdrawn"
    assert one.outlet.closed == (1008, "access-withdrawn")
    assert house.room.people.everybody() == [other.connection]


async def test_what_news_say_of_a_role_is_not_believed(house: House) -> None:
    # Cause: who reached the Valkey could make a viewer a controller, and close everybody.
    one, other = await house.join(viewer()), await house.join(controller())
    await change(house, one, Role.VIEWER, told=Role.OWNER)
    assert (await house.hear(one, "portal-view-updated"))["payload"]["name"] == "at 1"
    await change(house, other, Role.OWNER, told=None)
    assert (await house.hear(other, "portal-view-updated"))["payload"]["name"] == "at 1"
    assert house.database.count(roles_on) == 2
    assert [person.connection.role for person in (one, other)] == [PortalRole.VIEWER, PortalRole.CONTROLLER]
    await house.tell(2)
    for person in (one, other):
        assert await house.hear_versions(person, 1) == [2]


async def test_news_of_a_role_that_one_has_already_are_not_looked_into(house: House) -> None:
    one = await house.join(viewer())
    await change(house, one, Role.VIEWER)
    await house.settle()
    assert (house.database.count(roles_on), one.outlet.take()) == (0, [])


@pytest.mark.usefixtures("quick")
async def test_while_a_role_can_not_be_looked_up_it_stays_and_nothing_more_is_shown(house: House) -> None:
    one = await house.join(controller())
    house.database.errors = [Unavailable("Away.")] * 3
    await change(house, one, Role.VIEWER)
    await house.tell(None)
    changed = await house.hear(one, "role-changed")
    assert changed["role"] == "viewer"
    assert house.database.errors == []


async def test_a_second_change_while_the_first_is_looked_up_is_followed_too(house: House) -> None:
    one, _ = await house.join(controller()), await house.join(viewer())
    house.database.gate.clear()
    await change(house, one, Role.VIEWER)
    await until(lambda: house.database.reads == 2, "the read")
    house.database.gate.set()
    await until(lambda: house.database.count(roles_on), "the look-up, which answers with the first change")
    await change(house, one, None)
    await until(lambda: one.outlet.closed, "the end")
    assert one.outlet.closed == (1008, "access-withdrawn")
    assert one.outlet.take_types() in (["error"], ["role-changed", "error"])


async def test_a_new_role_does_not_hurry_a_change_that_is_on_its_way(house: House) -> None:
    one = await house.join(viewer())
    await house.tell(3)
    await house.tell_of("access", userId="somebody", role="viewer", accessVersion=2)
    await until(lambda: house.keeper._timer, "the timer")
    await house.tell(2)
    assert await house.hear_versions(one, 2) == [2, 3]
    assert house.database.reads == 1


# --- The end, and news that make no sense ------------------------------------------------------------------


async def test_a_portal_view_that_is_deleted_closes_all(house: House) -> None:
    here, waiting = await house.join(viewer()), viewer()
    await house.tell(2)
    await house.hear_versions(here, 1)
    house.database.gate.clear()
    house.enter(waiting)
    house.database.stored = None
    await house.tell_of("deleted")
    house.database.gate.set()
    for person in (here, waiting):
        await house.hear(person, "portal-view-deleted")
        assert person.outlet.closed == (1000, "portal-view-deleted")
    assert house.hub.keepers == {}
    layer: Any = get_channel_layer()
    await until(lambda: portal_view_group(PORTAL_VIEW_ID) not in layer.groups, "leaving the group")


async def test_what_news_say_of_the_end_is_not_believed(house: House) -> None:
    one = await house.join(viewer())
    for _ in range(3):
        await house.tell_of("deleted")
    await until(lambda: house.database.count(pulses), "the look")
    await house.tell(2)
    assert await house.hear_versions(one, 1) == [2]
    await house.settle()
    assert one.outlet.take() == []


async def test_a_portal_view_that_is_gone_when_somebody_joins_closes(house: House) -> None:
    one = viewer()
    house.database.stored = None
    house.enter(one)
    await house.hear(one, "portal-view-deleted")
    assert one.outlet.closed == (1000, "portal-view-deleted")
    assert house.hub.keepers == {}


async def test_bad_news_end_nobodys_connection(house: House, logged: list[EventDict]) -> None:
    one = await house.join(viewer())
    await house.tell_of("access", subject=[str(one.connection.subject)], role="emperor", accessVersion=2)
    await house.tell(2)
    assert await house.hear_versions(one, 1) == [2]
    assert [entry["event"] for entry in logged] == ["news_not_read"]
    assert "emperor" in logged[0]["error"]


async def test_news_of_a_kind_that_is_not_known_are_let_be(house: House, logged: list[EventDict]) -> None:
    one = await house.join(viewer())
    await house.tell_of("from-a-newer-release")
    await house.tell(2)
    assert await house.hear_versions(one, 1) == [2]
    assert logged == []


async def test_a_role_of_who_is_in_no_room_is_let_be(house: House) -> None:
    gone = viewer()
    house.hub.hear_of_role(gone.connection, None)
    assert house.hub.keepers == {}
    assert gone.outlet.closed is None
