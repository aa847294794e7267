"""What rooms do with news of roles, of the end of a portal view, and of nothing they know."""

from __future__ import annotations

from typing import Any

from channels.layers import get_channel_layer
from structlog.typing import EventDict

from realtime.groups import portal_view_group
from realtime.tests.clients import until
from realtime.tests.doubles import PORTAL_VIEW_ID, controller, news, stored, viewer
from realtime.tests.houses import House

# --- Roles -------------------------------------------------------------------------------------------------


async def test_a_new_role_holds_from_the_next_frame_on(house: House) -> None:
    house.database.stored = stored(1, items=[{"id": "ogre", "hp": 3}])
    one, other = await house.join(controller()), await house.join(controller())
    await house.tell_of("access", userId=one.connection.user_id, role="viewer")
    hidden = news(2)
    del hidden["viewers"]
    await house.send(hidden)
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
    await house.tell_of("access", userId=one.connection.user_id, role="controller")
    changed = await house.hear(one, "role-changed")
    assert (changed["role"], changed["version"]) == ("controller", 2)


async def test_access_that_is_withdrawn_closes(house: House) -> None:
    one, other = await house.join(viewer()), await house.join(viewer())
    await house.tell_of("access", userId=one.connection.user_id, role=None)
    assert (await house.hear(one, "error"))["code"] == "access-withdrawn"
    assert one.outlet.closed == (1008, "access-withdrawn")
    assert house.room.everybody() == [other.connection]


async def test_a_new_role_does_not_hurry_a_change_that_is_on_its_way(house: House) -> None:
    one = await house.join(viewer())
    await house.tell(3)
    await house.tell_of("access", userId="somebody", role="viewer")
    await until(lambda: house.room.timer, "the timer")
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
    await house.tell_of("deleted")
    for person in (here, waiting):
        await house.hear(person, "portal-view-deleted")
        assert person.outlet.closed == (1000, "portal-view-deleted")
    assert house.hub.rooms == {}
    layer: Any = get_channel_layer()
    await until(lambda: portal_view_group(PORTAL_VIEW_ID) not in layer.groups, "leaving the group")


async def test_a_portal_view_that_is_gone_when_somebody_joins_closes(house: House) -> None:
    one = viewer()
    house.database.stored = None
    house.enter(one)
    await house.hear(one, "portal-view-deleted")
    assert one.outlet.closed == (1000, "portal-view-deleted")
    assert house.hub.rooms == {}


async def test_bad_news_end_nobodys_connection(house: House, logged: list[EventDict]) -> None:
    one = await house.join(viewer())
    await house.tell_of("access", userId=one.connection.user_id, role="emperor")
    await house.tell(2)
    assert await house.hear_versions(one, 1) == [2]
    assert [entry["event"] for entry in logged] == ["news_not_delivered"]
    assert "emperor" in logged[0]["exception"]


async def test_news_of_a_kind_that_is_not_known_are_let_be(house: House, logged: list[EventDict]) -> None:
    one = await house.join(viewer())
    await house.tell_of("from-a-newer-release")
    await house.tell(2)
    assert await house.hear_versions(one, 1) == [2]
    assert logged == []
