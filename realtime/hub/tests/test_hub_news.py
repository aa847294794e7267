"""How rooms handle news of roles, of the deletion of a portal view, and of unknown kinds."""

from __future__ import annotations

from typing import Any

import pytest
from channels.layers import get_channel_layer
from structlog.typing import EventDict

from libraries.rules.errors import Unavailable
from libraries.rules.roles import PortalRole, Role, portal_role
from libraries.selectors import pulses, roles_on
from realtime.news.structs import portal_view_group
from realtime.tests.clients import until
from realtime.tests.doubles import PORTAL_VIEW_ID, Person, controller, news, stored, viewer
from realtime.tests.hubs import DrivenHub


async def change(driven: DrivenHub, person: Person, role: Role | None, *, told: Role | None | str = "the same") -> None:
    """Change somebody's role in the database, and send news of that role or of another one."""
    driven.database.access_version += 1
    driven.database.roles.clear()
    if role is not None:
        driven.database.roles[person.connection.subject.id] = role
    said = role if told == "the same" else told
    portal = None if said is None else str(portal_role(Role(said)))
    about = {"subject": [str(person.connection.subject)], "accessVersion": driven.database.access_version}
    await driven.tell_of("access", role=portal, **about)


# --- Roles -------------------------------------------------------------------------------------------------


async def test_a_new_role_applies_from_the_next_frame_on(driven: DrivenHub) -> None:
    driven.database.stored = stored(1, items=[{"id": "ogre", "hp": 3}])
    one, other = await driven.join(controller()), await driven.join(controller())
    await change(driven, one, Role.VIEWER)
    driven.database.stored = stored(2, items=[{"id": "ogre", "hp": 2}])
    await driven.send(news(2, viewers=None))
    changed = await driven.hear(one, "role-changed")
    assert (changed["role"], changed["state"]["items"]) == ("viewer", [{"id": "ogre"}])
    assert await driven.hear_versions(other, 1) == [2]
    await driven.settle()
    assert one.outlet.take() == []


async def test_a_new_role_while_the_state_is_old_comes_with_the_new_state(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    await driven.tell(2)
    await driven.hear_versions(one, 1)
    driven.database.stored = stored(2)
    await change(driven, one, Role.EDITOR)
    changed = await driven.hear(one, "role-changed")
    assert (changed["role"], changed["version"]) == ("controller", 2)


async def test_withdrawn_access_closes_the_connection(driven: DrivenHub) -> None:
    one, other = await driven.join(viewer()), await driven.join(viewer())
    await change(driven, one, None)
    assert (await driven.hear(one, "error"))["code"] == "access-withdrawn"
    assert one.outlet.closed == (1008, "access-withdrawn")
    assert driven.room.people.everybody() == [other.connection]


async def test_a_role_in_news_is_not_believed(driven: DrivenHub) -> None:
    # Cause: anybody who could reach the Valkey could make a viewer a controller, and close everybody's connections.
    one, other = await driven.join(viewer()), await driven.join(controller())
    await change(driven, one, Role.VIEWER, told=Role.OWNER)
    assert (await driven.hear(one, "portal-view-updated"))["payload"]["name"] == "at 1"
    await change(driven, other, Role.OWNER, told=None)
    assert (await driven.hear(other, "portal-view-updated"))["payload"]["name"] == "at 1"
    assert driven.database.count(roles_on) == 2
    assert [person.connection.role for person in (one, other)] == [PortalRole.VIEWER, PortalRole.CONTROLLER]
    await driven.tell(2)
    for person in (one, other):
        assert await driven.hear_versions(person, 1) == [2]


async def test_news_of_an_unchanged_role_is_not_looked_up(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    await change(driven, one, Role.VIEWER)
    await driven.settle()
    assert (driven.database.count(roles_on), one.outlet.take()) == (0, [])


@pytest.mark.usefixtures("quick")
async def test_without_a_look_up_a_role_stays_and_nothing_more_is_shown(driven: DrivenHub) -> None:
    one = await driven.join(controller())
    driven.database.errors = [Unavailable("Away.")] * 3
    await change(driven, one, Role.VIEWER)
    await driven.tell(None)
    changed = await driven.hear(one, "role-changed")
    assert changed["role"] == "viewer"
    assert driven.database.errors == []


async def test_a_second_change_during_the_look_up_is_applied_too(driven: DrivenHub) -> None:
    one, _ = await driven.join(controller()), await driven.join(viewer())
    driven.database.gate.clear()
    await change(driven, one, Role.VIEWER)
    await until(lambda: driven.database.reads == 2, "the read")
    driven.database.gate.set()
    await until(lambda: driven.database.count(roles_on), "the look-up, which answers with the first change")
    await change(driven, one, None)
    await until(lambda: one.outlet.closed, "the end")
    assert one.outlet.closed == (1008, "access-withdrawn")
    assert one.outlet.take_types() in (["error"], ["role-changed", "error"])


async def test_a_new_role_does_not_hurry_a_delayed_change(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    await driven.tell(3)
    await driven.tell_of("access", userId="somebody", role="viewer", accessVersion=2)
    await until(lambda: driven.keeper._timer, "the timer")
    await driven.tell(2)
    assert await driven.hear_versions(one, 2) == [2, 3]
    assert driven.database.reads == 1


# --- Deletion, and invalid news ----------------------------------------------------------------------------


async def test_a_deleted_portal_view_closes_all(driven: DrivenHub) -> None:
    here, waiting = await driven.join(viewer()), viewer()
    await driven.tell(2)
    await driven.hear_versions(here, 1)
    driven.database.gate.clear()
    driven.enter(waiting)
    driven.database.stored = None
    await driven.tell_of("deleted")
    driven.database.gate.set()
    for person in (here, waiting):
        await driven.hear(person, "portal-view-deleted")
        assert person.outlet.closed == (1000, "portal-view-deleted")
    assert driven.hub.keepers == {}
    layer: Any = get_channel_layer()
    await until(lambda: portal_view_group(PORTAL_VIEW_ID) not in layer.groups, "leaving the group")


async def test_a_deletion_in_news_is_not_believed(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    for _ in range(3):
        await driven.tell_of("deleted")
    await until(lambda: driven.database.count(pulses), "the look")
    await driven.tell(2)
    assert await driven.hear_versions(one, 1) == [2]
    await driven.settle()
    assert one.outlet.take() == []


async def test_joining_a_deleted_portal_view_closes_the_connection(driven: DrivenHub) -> None:
    one = viewer()
    driven.database.stored = None
    driven.enter(one)
    await driven.hear(one, "portal-view-deleted")
    assert one.outlet.closed == (1000, "portal-view-deleted")
    assert driven.hub.keepers == {}


async def test_bad_news_ends_no_connection(driven: DrivenHub, logged: list[EventDict]) -> None:
    one = await driven.join(viewer())
    await driven.tell_of("access", subject=[str(one.connection.subject)], role="emperor", accessVersion=2)
    await driven.tell(2)
    assert await driven.hear_versions(one, 1) == [2]
    assert [entry["event"] for entry in logged] == ["news_not_read"]
    assert "emperor" in logged[0]["error"]


async def test_news_of_an_unknown_kind_is_ignored(driven: DrivenHub, logged: list[EventDict]) -> None:
    one = await driven.join(viewer())
    await driven.tell_of("from-a-newer-release")
    await driven.tell(2)
    assert await driven.hear_versions(one, 1) == [2]
    assert logged == []


async def test_a_role_of_a_person_in_no_room_is_ignored(driven: DrivenHub) -> None:
    gone = viewer()
    driven.hub.hear_of_role(gone.connection, None)
    assert driven.hub.keepers == {}
    assert gone.outlet.closed is None
