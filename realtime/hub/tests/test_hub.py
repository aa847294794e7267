"""How rooms keep up with what is stored: joining, gaps, leaving, slow readers."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from structlog.typing import EventDict

from realtime.hub import keeper
from realtime.hub.hub import current_hub
from realtime.news.layer import require_layer
from realtime.news.structs import portal_view_group, to_message
from realtime.tests.clients import DEADLINE_SECONDS, until
from realtime.tests.doubles import PORTAL_VIEW_ID, controller, news, stored, viewer
from realtime.tests.houses import House

GROUP = portal_view_group(PORTAL_VIEW_ID)


def members() -> int:
    """How many channels are in the portal view's group."""
    layer: Any = get_channel_layer()
    return len(layer.groups.get(GROUP, ()))


async def test_a_hub_belongs_to_one_event_loop() -> None:
    assert current_hub() is current_hub()
    other: Any = await asyncio.to_thread(lambda: asyncio.run(_hub()))
    assert other is not current_hub()


async def _hub() -> object:
    return current_hub()


# --- Joining -----------------------------------------------------------------------------------------------


async def test_the_group_is_joined_before_the_state_is_read(house: House) -> None:
    seen: list[int] = []
    house.database.on_ask = lambda: seen.append(members())
    await house.join(viewer())
    assert seen == [1]


async def test_who_joins_while_the_state_is_read_shares_it(house: House) -> None:
    house.database.gate.clear()
    people = [viewer(), controller(), viewer()]
    for person in people:
        house.enter(person)
    await until(lambda: house.database.reads, "the read")
    house.database.gate.set()
    for person in people:
        await house.hear(person, "connected")
    await house.join(viewer())
    assert house.database.reads == 1


async def test_who_joins_after_a_change_gets_a_new_state(house: House) -> None:
    one = await house.join(viewer())
    house.database.stored = stored(2)
    await house.tell(2)
    assert await house.hear_versions(one, 1) == [2]
    other = viewer()
    house.enter(other)
    assert (await house.hear(other, "connected"))["version"] == 2
    assert house.database.reads == 2


async def test_who_joins_while_updates_come_misses_none(house: House) -> None:
    here, joiner = await house.join(viewer()), viewer()
    house.database.stored = stored(2)
    await house.tell(2)
    await house.hear_versions(here, 1)
    house.database.gate.clear()
    house.enter(joiner)
    await until(lambda: house.database.reads == 2, "the read")
    await house.tell(3, 4)
    assert await house.hear_versions(here, 2) == [3, 4]
    house.database.gate.set()
    assert (await house.hear(joiner, "connected"))["version"] == 2
    assert await house.hear_versions(joiner, 2) == [3, 4]
    await house.tell(5)
    assert await house.hear_versions(joiner, 1) == [5]
    assert house.database.reads == 2


async def test_the_first_who_joins_while_updates_come_misses_none(house: House) -> None:
    one = viewer()
    house.database.gate.clear()
    house.enter(one)
    await until(lambda: house.database.reads, "the read")
    await house.tell(2, 3)
    await until(lambda: house.room.has_gap, "the news")
    house.database.gate.set()
    assert (await house.hear(one, "connected"))["version"] == 1
    assert await house.hear_versions(one, 2) == [2, 3]
    assert house.database.reads == 1


async def test_the_version_of_a_connection_is_that_of_its_room(house: House) -> None:
    one = viewer()
    assert one.connection.newest_version == 0
    await house.join(one)
    await house.tell(2)
    await house.hear_versions(one, 1)
    assert one.connection.newest_version == 2
    one.connection.version = 3
    assert one.connection.newest_version == 3


# --- Gaps --------------------------------------------------------------------------------------------------


async def test_a_change_that_is_missed_for_50_ms_is_read(house: House) -> None:
    one = await house.join(viewer())
    house.database.stored = stored(4)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await house.tell(3, 4)
    message = await house.hear(one, "portal-view-updated")
    assert loop.time() - began >= keeper.GAP_SECONDS
    assert (message["version"], message["payload"]) == (4, stored(4).state)
    await house.settle()
    assert one.outlet.take() == []
    assert house.database.reads == 2


async def test_a_change_that_comes_a_little_late_is_no_gap(house: House) -> None:
    one = await house.join(viewer())
    await house.tell(3)
    await until(lambda: house.keeper._timer, "the timer")
    await house.tell(2)
    assert await house.hear_versions(one, 2) == [2, 3]
    await until(lambda: house.keeper._timer is None, "the end of the timer")
    assert house.database.reads == 1


async def test_a_state_that_is_older_than_the_gap_is_read_again(house: House) -> None:
    one = await house.join(viewer())
    await house.tell(4)
    await until(lambda: house.database.reads == 2, "a read that comes too early")
    house.database.stored = stored(4)
    assert await house.hear_versions(one, 1) == [4]


# --- Leaving -----------------------------------------------------------------------------------------------


async def test_the_last_to_leave_closes_the_room(house: House) -> None:
    one, other = await house.join(viewer()), await house.join(viewer())
    await house.leave(one)
    assert members() == 1
    await house.leave(other)
    assert (members(), house.hub.keepers) == (0, {})
    await house.leave(other)


async def test_a_room_that_closes_leaves_the_others_open(house: House) -> None:
    one, other = await house.join(viewer()), viewer()
    other.connection.portal_view_id = UUID(int=99)
    await house.join(other)
    await house.leave(one)
    assert house.hub.keepers.keys() == {UUID(int=99)}
    assert house.hub._beat._ticker is not None
    await house.send(news(2, portal_view_id=UUID(int=99)))
    assert await house.hear_versions(other, 1) == [2]


async def test_who_leaves_while_the_state_is_read_ends_the_reading(house: House) -> None:
    one = viewer()
    house.database.gate.clear()
    house.enter(one)
    await until(lambda: house.database.reads, "the read")
    reading = house.keeper._reading
    assert reading is not None
    await house.leave(one)
    await asyncio.wait([reading], timeout=DEADLINE_SECONDS)
    assert reading.cancelled()
    assert one.outlet.take() == []


async def test_who_comes_as_the_last_leaves_keeps_the_group(house: House) -> None:
    one, other = await house.join(viewer()), viewer()
    leaving = asyncio.create_task(house.hub.leave(one.connection))
    await asyncio.sleep(0)
    house.enter(other)
    await leaving
    await house.hear(other, "connected")
    assert members() == 1
    await house.tell(2)
    assert await house.hear_versions(other, 1) == [2]


async def test_a_timer_ends_with_its_room(house: House) -> None:
    one = await house.join(viewer())
    await house.tell(3)
    await until(lambda: house.keeper._timer, "the timer")
    timer = house.keeper._timer
    await house.leave(one)
    assert timer is not None
    assert timer.cancelled()


async def test_news_of_a_room_that_is_not_here_are_dropped(house: House, logged: list[EventDict]) -> None:
    one = await house.join(viewer())
    await require_layer().group_send(GROUP, to_message(news(2, portal_view_id=UUID(int=99))))
    await house.settle()
    assert one.outlet.take() == []
    assert logged == []


# --- Slow readers ------------------------------------------------------------------------------------------


async def test_who_was_slow_gets_the_newest_state_and_goes_on(house: House) -> None:
    slow, quick = await house.join(viewer()), await house.join(viewer())
    slow.outlet.stall()
    house.database.stored = stored(3)
    await house.tell(2, 3)
    assert await house.hear_versions(quick, 2) == [2, 3]
    slow.outlet.drain()
    message = await house.hear(slow, "portal-view-updated")
    assert (message["version"], message["payload"]["name"]) == (3, "at 3")
    await house.tell(4)
    assert await house.hear_versions(slow, 1) == [4]


async def test_who_drains_while_it_waits_for_a_state_gets_it_once(house: House) -> None:
    slow = await house.join(viewer())
    await house.tell(2)
    await house.hear_versions(slow, 1)
    house.database.stored = stored(3)
    house.database.gate.clear()
    slow.outlet.stall()
    await house.tell(3)
    await until(lambda: house.room.version == 3, "the news")
    slow.outlet.drain()
    await until(lambda: house.database.reads == 2, "the read")
    slow.outlet.stall()
    slow.outlet.drain()
    house.database.gate.set()
    assert await house.hear_versions(slow, 1) == [3]
    await house.settle()
    assert slow.outlet.take() == []
