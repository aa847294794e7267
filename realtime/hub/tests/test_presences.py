"""The presence of a hub: when it looks and tells, and how it is shared with other processes through a store."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from structlog.typing import EventDict

from libraries.rules.revocations import Reason
from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Grant
from realtime.hub import beat, presence, presences, sharing
from realtime.hub.presences import Presences
from realtime.news.structs import PresenceNews
from realtime.presence import memory
from realtime.presence.shared import Read
from realtime.rooms import presence as rules
from realtime.rooms.presence import Delta
from realtime.rooms.presence import Person as Entry
from realtime.tests.audience import person
from realtime.tests.clients import until
from realtime.tests.doubles import PORTAL_VIEW_ID, Person, controller, stored, viewer
from realtime.tests.hubs import DrivenHub
from realtime.tests.stores import Shelf, ShelfPresence

pytestmark = pytest.mark.usefixtures("swift")
FAR = person(900)


@pytest.fixture
def swift(monkeypatch: pytest.MonkeyPatch, quick: None) -> None:
    """Everything that waits waits a hundredth of its time."""
    for name in ("FEW_SECONDS", "VIEWERS_SECONDS", "SETTLE_SECONDS"):
        monkeypatch.setattr(presence, name, getattr(presence, name) / 100)
    monkeypatch.setattr(presence, "READ_SECONDS", 0.1)
    for name in ("FEW_SECONDS", "MANY_SECONDS", "GRACE_SECONDS"):
        monkeypatch.setattr(rules, name, getattr(rules, name) / 100)
    monkeypatch.setattr(presences, "GAP_SECONDS", 0.01)
    monkeypatch.setattr(presences, "LIFE_SECONDS", 0.03)
    monkeypatch.setattr(memory, "_here", {})
    monkeypatch.setattr(sharing, "STEADY_SECONDS", 0.08)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A store that this process has."""
    made = Shelf()
    monkeypatch.setattr(presences, "store_url", lambda: "shelf")
    monkeypatch.setattr(presences, "SharedPresence", lambda _url, process: ShelfPresence(made, process))
    return made


def heard(one: Person, event: str = "change") -> list[dict[str, Any]]:
    return [message for message in one.outlet.presence if message["event"] == event]


def counts(one: Person) -> tuple[int, int]:
    last = one.outlet.presence[-1]["counts"]
    return last["controllers"], last["viewers"]


async def until_told(one: Person, controllers: int, viewers: int) -> None:
    await until(lambda: one.outlet.presence and counts(one) == (controllers, viewers), "the counts")


def of(driven: DrivenHub) -> Presences:
    return driven.hub.presences


def show_audience(driven: DrivenHub, shows: bool = True) -> None:
    """Let the library show viewers how many are here, as its next version says."""
    before = driven.database.stored
    assert before is not None
    driven.database.stored = replace(stored(before.version + 1), show_audience=shows)


# --- Alone --------------------------------------------------------------------------------------------------


async def test_a_newcomer_gets_everything_and_the_others_the_change(driven: DrivenHub) -> None:
    first = await driven.join(controller())
    await until_told(first, 1, 0)
    second = await driven.join(controller())
    await until_told(second, 2, 0)
    await until_told(first, 2, 0)
    assert [message["event"] for message in first.outlet.presence] == ["snapshot", "change"]
    assert [message["event"] for message in second.outlet.presence] == ["snapshot"]
    assert of(driven).subjects == 2
    assert [len(found) for found in memory.read(PORTAL_VIEW_ID)] == [2]


async def test_a_leave_waits_and_a_second_tab_is_nobody(driven: DrivenHub) -> None:
    first, tab = await driven.join(controller()), viewer()
    await driven.join(tab)
    other = await driven.join(viewer(subject=tab.connection.subject))
    await until_told(first, 1, 1)
    await driven.leave(tab)
    await driven.leave(other)
    await until_told(first, 1, 0)
    assert len(heard(first)) <= 2
    assert [one["id"] for one in heard(first)[-1]["left"]] == [str(tab.connection.subject.id)]


async def test_the_last_who_goes_is_forgotten(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    await until(lambda: of(driven).subjects == 1, "the entry")
    await driven.leave(one)
    await until(lambda: not of(driven).keepers, "the end")
    assert memory.read(PORTAL_VIEW_ID) == []


async def test_who_is_ended_leaves_at_once(driven: DrivenHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "GRACE_SECONDS", 1000.0)
    first, second = await driven.join(controller()), await driven.join(viewer())
    await until_told(first, 1, 1)
    driven.hub.end(second.connection, Reason.DISCONNECTED, 5.0)
    await until_told(first, 1, 0)
    assert second.outlet.closed == (1013, "disconnected")
    assert second.outlet.messages[-1]["retryAfter"] == 5000
    of(driven).keepers.clear()
    of(driven).expel(second.connection)


async def test_who_has_no_role_any_more_leaves_with_the_socket(
    driven: DrivenHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "GRACE_SECONDS", 1000.0)
    first, second = await driven.join(controller()), await driven.join(viewer())
    await until_told(first, 1, 1)
    driven.room.change_roles({second.connection.subject: None})
    assert second.outlet.closed == (1008, "access-withdrawn")
    await driven.leave(second)
    await until_told(first, 1, 0)


async def test_a_look_as_a_viewer_is_nobody(driven: DrivenHub) -> None:
    first, looker = await driven.join(controller()), controller()
    looker.connection.as_viewer, looker.connection.role = True, PortalRole.VIEWER
    await driven.join(looker)
    closed = await driven.join(viewer())
    closed.connection.close(1000, "done")
    await driven.join(viewer())
    await until_told(first, 1, 1)


async def test_a_client_that_does_not_read_gets_everything_later(driven: DrivenHub) -> None:
    first, slow = await driven.join(controller()), await driven.join(controller())
    await until_told(slow, 2, 0)
    slow.outlet.stall()
    await driven.join(viewer())
    await until_told(first, 2, 1)
    assert counts(slow) == (2, 0)
    slow.outlet.drain()
    await until_told(slow, 2, 1)
    assert slow.outlet.presence[-1]["event"] == "snapshot"


async def test_another_role_is_found(driven: DrivenHub) -> None:
    first, second = await driven.join(controller()), await driven.join(viewer())
    await until_told(first, 1, 1)
    driven.room.change_roles({second.connection.subject: PortalRole.CONTROLLER})
    await until_told(first, 2, 0)
    assert [one["id"] for one in heard(first)[-1]["controllers"]] == [str(second.connection.subject.id)]
    await until_told(second, 2, 0)


async def test_a_guest_who_becomes_a_user_is_another(driven: DrivenHub) -> None:
    first, second = await driven.join(controller()), await driven.join(viewer())
    await until_told(first, 1, 1)
    access = type("Access", (), {"name": "Ann", "access_version": 1})()
    driven.hub.become(second.connection, Grant(viewer().connection.subject), access, PortalRole.VIEWER)
    await until(lambda: heard(first) and heard(first)[-1]["joined"][0]["name"] == "Ann", "the user")


# --- Viewers ------------------------------------------------------------------------------------------------


async def test_viewers_are_told_counts_if_the_library_says_so(driven: DrivenHub) -> None:
    show_audience(driven)
    one, slow = await driven.join(viewer()), await driven.join(viewer())
    await until_told(one, 0, 2)
    assert one.outlet.presence == [
        {"type": "presence", "event": "snapshot", "counts": {"controllers": 0, "viewers": 2}}
    ]
    tab = await driven.join(viewer(subject=one.connection.subject))
    await until_told(tab, 0, 2)
    assert len(one.outlet.presence) == 1
    await until_told(slow, 0, 2)
    slow.outlet.stall()
    await driven.join(controller())
    await until_told(one, 1, 2)
    assert counts(slow) == (0, 2)
    slow.outlet.drain()
    await until_told(slow, 1, 2)


async def test_they_are_told_from_then_on_and_no_more_after(driven: DrivenHub) -> None:
    one, first = await driven.join(viewer()), await driven.join(controller())
    await until_told(first, 1, 1)
    show_audience(driven)
    await until_told(one, 1, 1)
    show_audience(driven, False)
    await until(lambda: not driven.room.shows_audience, "the flag")
    second = await driven.join(viewer())
    await until_told(first, 1, 2)
    show_audience(driven)
    await until_told(second, 1, 2)
    await until_told(one, 1, 2)


async def test_a_count_is_not_told_after_the_library_has_forbidden_it(driven: DrivenHub) -> None:
    show_audience(driven)
    one, first = await driven.join(viewer()), await driven.join(controller())
    await until_told(one, 1, 1)
    keeper = of(driven).keepers[PORTAL_VIEW_ID]
    show_audience(driven, False)
    await until(lambda: not driven.room.shows_audience, "the flag")
    told = len(one.outlet.presence)
    keeper.count()
    await driven.join(viewer())
    await until_told(first, 1, 2)
    assert len(one.outlet.presence) == told


# --- With others --------------------------------------------------------------------------------------------


async def test_the_people_of_the_others_are_read_first(driven: DrivenHub, shelf: Shelf) -> None:
    shelf.put("other", PORTAL_VIEW_ID, FAR)
    shelf.put("dead", PORTAL_VIEW_ID, person(901))
    shelf.alive.discard("dead")
    first = await driven.join(controller())
    await until_told(first, 1, 1)
    assert [message["event"] for message in first.outlet.presence] == ["snapshot"]
    await until(lambda: of(driven).name in shelf.entries[PORTAL_VIEW_ID], "the entry")


def wrote(at: int, *came: Entry, gone: Entry | None = None, is_told: bool = True) -> PresenceNews:
    news = PresenceNews(portal_view_id=PORTAL_VIEW_ID, process="other", at=at)
    if not is_told:
        return news
    entries = [msgspec.to_builtins(one) for one in came]
    return msgspec.structs.replace(news, came=entries, gone=[] if gone is None else [gone.id])


async def test_news_of_the_others_are_told(driven: DrivenHub, shelf: Shelf) -> None:
    first = await driven.join(controller())
    await until_told(first, 1, 0)
    await until(lambda: of(driven).keepers[PORTAL_VIEW_ID].elsewhere.version, "the own write")
    at = shelf.put("other", PORTAL_VIEW_ID, FAR)
    await driven.send(wrote(at, FAR))
    await until_told(first, 1, 1)
    at = shelf.put("other", PORTAL_VIEW_ID)
    await driven.send(wrote(at, gone=FAR))
    await until_told(first, 1, 0)
    reads = shelf.asked.count("read")
    shelf.put("other", PORTAL_VIEW_ID, FAR)  # whose news are lost
    at = shelf.put("other", PORTAL_VIEW_ID, FAR, person(901))
    await driven.send(wrote(at, person(901)))
    await until_told(first, 1, 2)
    assert shelf.asked.count("read") > reads
    at = shelf.put("other", PORTAL_VIEW_ID, FAR)
    await driven.send(wrote(at, is_told=False))
    await until_told(first, 1, 1)
    await driven.send(msgspec.structs.replace(wrote(9), portal_view_id=person(5).id))


async def test_lost_news_are_found_by_the_version(driven: DrivenHub, shelf: Shelf) -> None:
    first = await driven.join(controller())
    await until_told(first, 1, 0)
    shelf.put("other", PORTAL_VIEW_ID, FAR)
    await until_told(first, 1, 1)


class SlowPresence(ShelfPresence):
    """A store whose answers to readings wait until they are `released`."""

    def __init__(self, shelf: Shelf, process: str) -> None:
        super().__init__(shelf, process)
        self.released = asyncio.Event()

    async def read(self, portal_view_ids: Collection[UUID]) -> dict[UUID, Read]:
        """Read, and wait."""
        found = await super().read(portal_view_ids)
        await self.released.wait()
        return found


async def test_news_that_come_before_an_older_answer_stay(
    driven: DrivenHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowPresence(shelf, of(driven).name)
    slow.released.set()
    monkeypatch.setattr(presences, "SharedPresence", lambda _url, _process: slow)
    shelf.put("other", PORTAL_VIEW_ID, FAR)
    first = await driven.join(controller())
    await until_told(first, 1, 1)
    slow.released.clear()
    reads = shelf.asked.count("read")
    shelf.put("other", PORTAL_VIEW_ID, FAR)  # whose news are lost
    await until(lambda: shelf.asked.count("read") > reads, "a reading")
    await driven.send(wrote(shelf.versions[PORTAL_VIEW_ID], FAR))
    await driven.send(wrote(shelf.put("other", PORTAL_VIEW_ID), gone=FAR))
    await until_told(first, 1, 0)
    slow.released.set()
    await until(lambda: not of(driven)._sharing._being_read, "the answer")  # type: ignore[union-attr]  # it has one
    await driven.join(viewer())
    await until_told(first, 1, 1)
    assert str(FAR.id) not in [one["id"] for message in heard(first) for one in message["joined"]]


async def test_nobody_is_told_who_is_here_before_a_slow_first_answer(
    driven: DrivenHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowPresence(shelf, of(driven).name)
    monkeypatch.setattr(presences, "SharedPresence", lambda _url, _process: slow)
    monkeypatch.setattr(presence, "READ_SECONDS", 60.0)
    shelf.put("other", PORTAL_VIEW_ID, FAR)
    first = await driven.join(controller())
    await until(lambda: "read" in shelf.asked, "the reading")
    await asyncio.sleep(0.1)
    assert first.outlet.presence == []
    slow.released.set()
    await until_told(first, 1, 1)
    assert [message["event"] for message in first.outlet.presence] == ["snapshot"]


async def test_the_people_of_a_dead_process_leave_once(
    driven: DrivenHub, shelf: Shelf, logged: list[EventDict]
) -> None:
    shelf.put("other", PORTAL_VIEW_ID, FAR)
    first = await driven.join(controller())
    await until_told(first, 1, 1)
    shelf.alive.discard("other")
    await until_told(first, 1, 0)
    assert [one["id"] for one in heard(first)[-1]["left"]] == [str(FAR.id)]
    await until(lambda: "other" not in shelf.entries[PORTAL_VIEW_ID], "the sweep")
    assert "process_has_died" in [entry["event"] for entry in logged]


async def test_who_is_in_another_process_has_not_left_though_the_news_of_it_were_lost(
    driven: DrivenHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "READ_SECONDS", 60.0)
    first, second = await driven.join(controller()), await driven.join(viewer())
    await until_told(first, 1, 1)
    await until(lambda: len(shelf.entries[PORTAL_VIEW_ID].get(of(driven).name, {})) == 2, "the entries")
    monkeypatch.setattr(presences, "LIFE_SECONDS", 1000.0)  # no look finds it by chance
    await asyncio.sleep(0.05)
    shelf.put("other", PORTAL_VIEW_ID, person(second.connection.subject.id.int))  # whose news are lost
    await driven.leave(second)
    elsewhere = of(driven).keepers[PORTAL_VIEW_ID].elsewhere
    await until(lambda: elsewhere.version == shelf.versions[PORTAL_VIEW_ID], "the reading")
    await asyncio.sleep(0.2)
    assert counts(first) == (1, 1)
    assert [one for message in heard(first) for one in message["left"]] == []


async def test_who_went_from_a_dead_process_to_another_has_not_left(
    driven: DrivenHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "READ_SECONDS", 60.0)
    shelf.put("dead", PORTAL_VIEW_ID, FAR, person(901))
    first = await driven.join(controller())
    await until_told(first, 1, 2)
    monkeypatch.setattr(sharing, "TURNS", 1000)  # no look at versions finds it by chance
    shelf.put("other", PORTAL_VIEW_ID, FAR)  # whose news are lost
    shelf.alive.discard("dead")
    await until_told(first, 1, 1)
    assert [one["id"] for message in heard(first) for one in message["left"]] == [str(person(901).id)]
    assert [one for message in heard(first) for one in message["joined"]] == []


async def test_while_the_store_does_not_answer_a_leave_waits_only_so_long(
    driven: DrivenHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = asyncio.Event()

    class Stuck(ShelfPresence):
        async def write(self, deltas: Mapping[UUID, Delta]) -> dict[UUID, int]:
            if any(delta.gone for delta in deltas.values()):
                await answered.wait()
            return await super().write(deltas)

    monkeypatch.setattr(presences, "SharedPresence", lambda _url, process: Stuck(shelf, process))
    first, second = await driven.join(controller()), await driven.join(viewer())
    await until_told(first, 1, 1)
    await driven.leave(second)
    await until_told(first, 1, 0)
    answered.set()


async def test_a_process_lives_while_the_last_who_went_may_come_back(
    driven: DrivenHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "GRACE_SECONDS", 1000.0)
    one = await driven.join(viewer())
    await until(lambda: of(driven).name in shelf.entries.get(PORTAL_VIEW_ID, {}), "the entry")
    await driven.leave(one)
    shelf.alive.clear()
    await until(lambda: of(driven).name in shelf.alive, "a sign of life")
    assert of(driven).room_of(PORTAL_VIEW_ID) is None
    assert of(driven).subjects == 1


async def test_after_an_outage_a_process_lives_before_it_writes(
    driven: DrivenHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presences, "LIFE_SECONDS", 1000.0)
    one = await driven.join(viewer())
    await until(lambda: of(driven).name in shelf.entries.get(PORTAL_VIEW_ID, {}), "the entry")
    shelf.is_away = True
    await driven.join(viewer())
    await until(lambda: of(driven)._sharing._is_away, "an attempt")  # type: ignore[union-attr]  # it has one
    shelf.lose()
    shelf.is_away = False
    await driven.leave(one)
    await until(lambda: shelf.entries, "the entries")
    assert shelf.alive == {of(driven).name}


async def test_while_the_store_is_away_people_here_are_told(
    driven: DrivenHub, shelf: Shelf, logged: list[EventDict]
) -> None:
    shelf.put("other", PORTAL_VIEW_ID, FAR)
    first = await driven.join(controller())
    await until_told(first, 1, 1)
    shelf.is_away = True
    second = await driven.join(viewer())
    await until_told(first, 1, 2)
    shelf.lose()
    shelf.is_away = False
    shelf.alive.add("other")
    await until(lambda: len(shelf.entries.get(PORTAL_VIEW_ID, {}).get(of(driven).name, {})) == 2, "the entries")
    assert counts(first) == (1, 2)  # although the other process has not written again yet
    shelf.put("other", PORTAL_VIEW_ID, FAR)
    await driven.leave(second)
    await until_told(first, 1, 1)
    assert heard(first)[-1]["left"][0]["id"] == str(second.connection.subject.id)
    events = [entry["event"] for entry in logged]
    assert (events.count("presence_not_shared"), events.count("presence_shared")) == (1, 1)


async def test_while_the_store_is_away_a_leave_does_not_wait_for_it(
    driven: DrivenHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "READ_SECONDS", 60.0)
    first, second = await driven.join(controller()), await driven.join(viewer())
    await until_told(first, 1, 1)
    shelf.is_away = True
    await driven.leave(second)
    await until_told(first, 1, 0)


async def test_a_store_that_is_away_from_the_beginning(driven: DrivenHub, shelf: Shelf) -> None:
    shelf.is_away = True
    first = await driven.join(controller())
    await until_told(first, 1, 0)
    await driven.leave(first)
    await until(lambda: not of(driven).keepers, "the end")


async def test_a_reading_that_fails_is_done_later(
    driven: DrivenHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(ShelfPresence):
        async def read(self, portal_view_ids: Any) -> Any:
            monkeypatch.setattr(Late, "read", ShelfPresence.read)
            raise ConnectionError("late")

    monkeypatch.setattr(presences, "SharedPresence", lambda _url, process: Late(shelf, process))
    shelf.put("other", PORTAL_VIEW_ID, FAR)
    first = await driven.join(controller())
    await until_told(first, 1, 1)


async def test_what_the_store_lost_is_written_again(driven: DrivenHub, shelf: Shelf) -> None:
    first = await driven.join(controller())
    await until_told(first, 1, 0)
    await until(lambda: shelf.entries.get(PORTAL_VIEW_ID), "the entry")
    shelf.entries[PORTAL_VIEW_ID].clear()
    shelf.versions[PORTAL_VIEW_ID] += 1
    await until(lambda: of(driven).name in shelf.entries[PORTAL_VIEW_ID], "the entry again")


async def test_people_whom_the_store_does_not_have_any_more_go_in_the_end(driven: DrivenHub, shelf: Shelf) -> None:
    shelf.put("other", PORTAL_VIEW_ID, FAR)
    first = await driven.join(controller())
    await until_told(first, 1, 1)
    shelf.lose()
    shelf.alive.add("other")
    await until_told(first, 1, 0)


async def test_the_connection_is_closed_with_the_last_portal_view(driven: DrivenHub, shelf: Shelf) -> None:
    first = await driven.join(controller())
    await until_told(first, 1, 0)
    await driven.leave(first)
    await until(lambda: not of(driven).keepers, "the end")
    made = of(driven)._sharing
    assert made is not None
    await until(lambda: made._store.closed, "the close")  # type: ignore[attr-defined]  # of the double
    assert shelf.entries[PORTAL_VIEW_ID][of(driven).name] == {}


async def test_a_bug_does_not_end_the_work(
    driven: DrivenHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, logged: list[EventDict]
) -> None:
    class Broken(ShelfPresence):
        async def write(self, deltas: Any) -> Any:
            monkeypatch.setattr(Broken, "write", ShelfPresence.write)
            raise ValueError("a bug")

    monkeypatch.setattr(presences, "SharedPresence", lambda _url, process: Broken(shelf, process))
    first = await driven.join(controller())
    await until(lambda: "presence_not_shared" in [entry["event"] for entry in logged], "the log")
    await until(lambda: of(driven).name in shelf.entries.get(PORTAL_VIEW_ID, {}), "the entry")
    assert beat.TICK_SECONDS < 1
    await until_told(first, 1, 0)


# --- Between two looks --------------------------------------------------------------------------------------


async def test_before_the_others_are_read_nobody_is_looked_at(
    driven: DrivenHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await driven.join(viewer())
    await until(lambda: of(driven).subjects == 1, "the entry")
    keeper = of(driven).keepers[PORTAL_VIEW_ID]
    with monkeypatch.context() as patch:
        patch.setattr(of(driven), "is_complete", lambda _: False)
        patch.setattr(presence, "READ_SECONDS", 60.0)
        await driven.join(viewer())
        keeper.look()
        assert set(keeper.here.people) == {one.connection.subject.id}
    await until(lambda: of(driven).subjects == 2, "the other entry")


async def test_viewers_alone_are_owed_nothing_while_the_library_does_not_say_so(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    await until(lambda: of(driven).subjects == 1, "the entry")
    room = driven.hub.room_of(PORTAL_VIEW_ID)
    assert room is not None
    assert not of(driven).keepers[PORTAL_VIEW_ID]._owes(room)
    assert one.outlet.presence == []


async def test_a_gap_of_a_portal_view_that_is_over(driven: DrivenHub, shelf: Shelf) -> None:
    await driven.join(controller())
    await until(lambda: PORTAL_VIEW_ID in of(driven).keepers, "the keeper")
    of(driven)._check_gap(PORTAL_VIEW_ID)  # it has been closed in between
    of(driven)._check_gap(uuid4())
    found = of(driven)._sharing
    assert found is not None
    assert PORTAL_VIEW_ID in of(driven).keepers


async def test_what_is_read_of_a_portal_view_that_is_over_is_dropped(
    driven: DrivenHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await driven.join(controller())
    await until_told(one, 1, 0)
    found = of(driven)._sharing
    assert found is not None
    read, over = found._store.read, uuid4()

    async def read_more(asked: Any) -> Any:
        known = await read(asked)
        return {over: next(iter(known.values())), **known}

    monkeypatch.setattr(found._store, "read", read_more)
    found.forget(over)  # another one is still here
    found._unread.add(PORTAL_VIEW_ID)
    await found._read()
    assert over not in of(driven).keepers
    assert counts(one) == (1, 0)


async def test_a_controller_who_knows_nothing_is_owed_everything(driven: DrivenHub) -> None:
    one = await driven.join(controller())
    await until_told(one, 1, 0)
    keeper, room = of(driven).keepers[PORTAL_VIEW_ID], driven.hub.room_of(PORTAL_VIEW_ID)
    assert room is not None
    assert not keeper._owes(room)
    keeper._knowing.clear()
    assert keeper._owes(room)


async def test_without_a_room_nobody_is_told(driven: DrivenHub) -> None:
    presence.PresenceKeeper(uuid4(), of(driven)).tell()
    assert of(driven).keepers == {}
