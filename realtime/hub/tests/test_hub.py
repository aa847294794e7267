"""How rooms stay up to date with the stored data: joining, gaps, leaving, slow readers."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from structlog.typing import EventDict

from libraries.rules.projection import project
from libraries.rules.roles import PortalRole
from realtime.hub import keeper
from realtime.hub.hub import current_hub
from realtime.news.layer import require_layer
from realtime.news.structs import portal_view_group, to_message
from realtime.tests.clients import DEADLINE_SECONDS, until
from realtime.tests.doubles import PORTAL_VIEW_ID, controller, news, stored, viewer
from realtime.tests.hubs import DrivenHub

GROUP = portal_view_group(PORTAL_VIEW_ID)


def members() -> int:
    """The number of channels in the portal view's group."""
    layer: Any = get_channel_layer()
    return len(layer.groups.get(GROUP, ()))


async def test_a_hub_belongs_to_one_event_loop() -> None:
    assert current_hub() is current_hub()
    other: Any = await asyncio.to_thread(lambda: asyncio.run(_hub()))
    assert other is not current_hub()


async def _hub() -> object:
    return current_hub()


# --- Joining -----------------------------------------------------------------------------------------------


async def test_the_group_is_joined_before_the_state_is_read(driven: DrivenHub) -> None:
    seen: list[int] = []
    driven.database.on_ask = lambda: seen.append(members())
    await driven.join(viewer())
    assert seen == [1]


async def test_connections_that_join_during_a_read_share_the_state(driven: DrivenHub) -> None:
    driven.database.gate.clear()
    people = [viewer(), controller(), viewer()]
    for person in people:
        driven.enter(person)
    await until(lambda: driven.database.reads, "the read")
    driven.database.gate.set()
    for person in people:
        await driven.hear(person, "connected")
    await driven.join(viewer())
    assert driven.database.reads == 1


async def test_a_connection_that_joins_after_a_change_gets_a_new_state(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    driven.database.stored = stored(2)
    await driven.tell(2)
    assert await driven.hear_versions(one, 1) == [2]
    other = viewer()
    driven.enter(other)
    assert (await driven.hear(other, "connected"))["version"] == 2
    assert driven.database.reads == 2


async def test_a_connection_that_joins_during_updates_misses_none(driven: DrivenHub) -> None:
    here, joiner = await driven.join(viewer()), viewer()
    driven.database.stored = stored(2)
    await driven.tell(2)
    await driven.hear_versions(here, 1)
    driven.database.gate.clear()
    driven.enter(joiner)
    await until(lambda: driven.database.reads == 2, "the read")
    await driven.tell(3, 4)
    assert await driven.hear_versions(here, 2) == [3, 4]
    driven.database.gate.set()
    assert (await driven.hear(joiner, "connected"))["version"] == 2
    assert await driven.hear_versions(joiner, 2) == [3, 4]
    await driven.tell(5)
    assert await driven.hear_versions(joiner, 1) == [5]
    assert driven.database.reads == 2


async def test_the_first_connection_that_joins_during_updates_misses_none(driven: DrivenHub) -> None:
    one = viewer()
    driven.database.gate.clear()
    driven.enter(one)
    await until(lambda: driven.database.reads, "the read")
    await driven.tell(2, 3)
    await until(lambda: driven.room.has_gap, "the news")
    driven.database.gate.set()
    assert (await driven.hear(one, "connected"))["version"] == 1
    assert await driven.hear_versions(one, 2) == [2, 3]
    assert driven.database.reads == 1


async def test_the_version_of_a_connection_is_that_of_its_room(driven: DrivenHub) -> None:
    one = viewer()
    assert one.connection.newest_version == 0
    await driven.join(one)
    await driven.tell(2)
    await driven.hear_versions(one, 1)
    assert one.connection.newest_version == 2
    one.connection.viewers_version = 3
    assert one.connection.newest_version == 3


# --- Gaps --------------------------------------------------------------------------------------------------


async def test_a_change_missing_for_50_ms_is_read(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    driven.database.stored = stored(4)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await driven.tell(3, 4)
    message = await driven.hear(one, "portal-view-updated")
    assert loop.time() - began >= keeper.GAP_SECONDS
    assert (message["version"], message["payload"]) == (4, project(stored(4).state, PortalRole.VIEWER))
    await driven.settle()
    assert one.outlet.take() == []
    assert driven.database.reads == 2


async def test_a_change_that_is_slightly_late_is_no_gap(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    await driven.tell(3)
    await until(lambda: driven.keeper._timer, "the timer")
    await driven.tell(2)
    assert await driven.hear_versions(one, 2) == [2, 3]
    await until(lambda: driven.keeper._timer is None, "the end of the timer")
    assert driven.database.reads == 1


async def test_a_state_older_than_the_gap_is_read_again(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    await driven.tell(4)
    await until(lambda: driven.database.reads == 2, "a read that comes too early")
    driven.database.stored = stored(4)
    assert await driven.hear_versions(one, 1) == [4]


# --- Leaving -----------------------------------------------------------------------------------------------


async def test_the_last_to_leave_closes_the_room(driven: DrivenHub) -> None:
    one, other = await driven.join(viewer()), await driven.join(viewer())
    await driven.leave(one)
    assert members() == 1
    await driven.leave(other)
    assert (members(), driven.hub.keepers) == (0, {})
    await driven.leave(other)


async def test_a_closed_room_leaves_the_others_open(driven: DrivenHub) -> None:
    one, other = await driven.join(viewer()), viewer()
    other.connection.portal_view_id = UUID(int=99)
    await driven.join(other)
    await driven.leave(one)
    assert driven.hub.keepers.keys() == {UUID(int=99)}
    assert driven.hub._beat._ticker is not None
    await driven.send(news(2, portal_view_id=UUID(int=99)))
    assert await driven.hear_versions(other, 1) == [2]


async def test_the_read_ends_when_the_last_connection_leaves(driven: DrivenHub) -> None:
    one = viewer()
    driven.database.gate.clear()
    driven.enter(one)
    await until(lambda: driven.database.reads, "the read")
    reading = driven.keeper._reading
    assert reading is not None
    await driven.leave(one)
    await asyncio.wait([reading], timeout=DEADLINE_SECONDS)
    assert reading.cancelled()
    assert one.outlet.take() == []


async def test_a_connection_that_joins_as_the_last_leaves_keeps_the_group(driven: DrivenHub) -> None:
    one, other = await driven.join(viewer()), viewer()
    leaving = asyncio.create_task(driven.hub.leave(one.connection))
    await asyncio.sleep(0)
    driven.enter(other)
    await leaving
    await driven.hear(other, "connected")
    assert members() == 1
    await driven.tell(2)
    assert await driven.hear_versions(other, 1) == [2]


async def test_a_timer_ends_with_its_room(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    await driven.tell(3)
    await until(lambda: driven.keeper._timer, "the timer")
    timer = driven.keeper._timer
    await driven.leave(one)
    assert timer is not None
    assert timer.cancelled()


async def test_news_of_an_unknown_room_is_dropped(driven: DrivenHub, logged: list[EventDict]) -> None:
    one = await driven.join(viewer())
    await require_layer().group_send(GROUP, to_message(news(2, portal_view_id=UUID(int=99))))
    await driven.settle()
    assert one.outlet.take() == []
    assert logged == []


# --- Slow readers ------------------------------------------------------------------------------------------


async def test_a_slow_reader_gets_the_newest_state_and_continues(driven: DrivenHub) -> None:
    slow, quick = await driven.join(viewer()), await driven.join(viewer())
    slow.outlet.stall()
    driven.database.stored = stored(3)
    await driven.tell(2, 3)
    assert await driven.hear_versions(quick, 2) == [2, 3]
    slow.outlet.drain()
    message = await driven.hear(slow, "portal-view-updated")
    assert (message["version"], message["payload"]["name"]) == (3, "at 3")
    await driven.tell(4)
    assert await driven.hear_versions(slow, 1) == [4]


async def test_a_slow_reader_that_waits_for_a_state_gets_it_once(driven: DrivenHub) -> None:
    slow = await driven.join(viewer())
    await driven.tell(2)
    await driven.hear_versions(slow, 1)
    driven.database.stored = stored(3)
    driven.database.gate.clear()
    slow.outlet.stall()
    await driven.tell(3)
    await until(lambda: driven.room.version == 3, "the news")
    slow.outlet.drain()
    await until(lambda: driven.database.reads == 2, "the read")
    slow.outlet.stall()
    slow.outlet.drain()
    driven.database.gate.set()
    assert await driven.hear_versions(slow, 1) == [3]
    await driven.settle()
    assert slow.outlet.take() == []
