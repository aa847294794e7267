"""The periodic work of a hub: it expires credentials, and compares its rooms with the stored data."""

from __future__ import annotations

import time
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from structlog.typing import EventDict

from libraries.receipts import forget_receipts_in_turn
from libraries.rules.errors import Unavailable
from libraries.rules.projection import project
from libraries.rules.roles import PortalRole, Role
from libraries.selectors import Pulse, Stored, pulses, roles_in, roles_on
from realtime.hub import beat, keeper
from realtime.rooms.connection import STALLED_SECONDS
from realtime.rooms.room import Room
from realtime.tests.clients import until
from realtime.tests.doubles import PORTAL_VIEW_ID, Person, controller, stored, viewer
from realtime.tests.hubs import DrivenHub

pytestmark = pytest.mark.usefixtures("quick")

PULSE = Pulse(library_id=UUID(int=7), version=1, epoch="one", access_version=1)


async def test_a_room_that_ends_while_its_roles_are_checked_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_after: list[UUID] = []
    keepers: dict[UUID, Any] = {}
    for number in range(2):
        room = Room(UUID(int=number), lambda _request: None)
        keepers[room.id] = SimpleNamespace(room=room, look_after=partial(looked_after.append, room.id))

    async def find_changed(_rooms: object) -> None:
        del keepers[UUID(int=0)]

    monkeypatch.setattr(beat, "TURNS", 1)
    monkeypatch.setattr(beat, "find_changed", find_changed)
    home: Any = SimpleNamespace(keepers=keepers)
    await beat.Beat(home)._check_turn(dict.fromkeys(keepers, PULSE))
    assert looked_after == [UUID(int=1)]


def test_a_beat_may_end_before_it_began() -> None:
    home: Any = SimpleNamespace(keepers={})
    beat.Beat(home).end()


async def beats(driven: DrivenHub, number: int = 1) -> None:
    """Wait for this many more complete comparisons of the rooms."""
    for _ in range(number):
        seen = driven.database.count(pulses)
        await until(partial(_more_than, driven, seen), "a beat")
        await until(lambda: driven.hub._beat._beating is None, "its end")


def _more_than(driven: DrivenHub, seen: int) -> bool:
    return driven.database.count(pulses) > seen


async def member(driven: DrivenHub, person: Person, role: Role) -> Person:
    """Let in a person who is a member in the database."""
    driven.database.roles[person.connection.subject.id] = role
    return await driven.join(person)


# --- The ends of connections -------------------------------------------------------------------------------


async def test_an_expiring_credential_is_warned_of_and_then_closed(driven: DrivenHub) -> None:
    one, other = await driven.join(viewer()), await driven.join(viewer())
    now = time.time()
    one.connection.extend(now + 60, now - 60)
    assert (await driven.hear(one, "token-expiring"))["expiresIn"] in range(50, 61)
    one.connection.extend(now - 1, now - 2)
    assert (await driven.hear(one, "error"))["code"] == "token-expired"
    assert one.outlet.closed == (1008, "token-expired")
    await driven.tell(2)
    assert await driven.hear_versions(other, 1) == [2]
    assert driven.room.people.connections.keys() == {other.id}


async def test_a_connection_that_waits_for_the_state_expires_too(driven: DrivenHub) -> None:
    one = viewer()
    driven.database.gate.clear()
    one.connection.extend(time.time() - 1, time.time() - 2)
    driven.enter(one)
    assert (await driven.hear(one, "error"))["code"] == "token-expired"
    assert driven.room.people.is_empty


async def test_a_client_that_reads_nothing_for_too_long_is_closed(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    one.outlet.stall()
    one.outlet.stalled_since = time.monotonic() - STALLED_SECONDS
    assert (await driven.hear(one, "error"))["code"] == "too-slow"
    assert one.outlet.closed == (1013, "too-slow")


async def test_an_empty_hub_does_not_tick(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    ticker = driven.hub._beat._ticker
    assert ticker is not None
    await driven.leave(one)
    assert driven.hub._beat._ticker is None
    await driven.join(one)
    await beats(driven)


# --- Changes that were missed ------------------------------------------------------------------------------


async def test_a_change_without_news_is_found(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    driven.database.stored = stored(5)
    message = await driven.hear(one, "portal-view-updated")
    assert (message["version"], message["payload"]) == (5, project(stored(5).state, PortalRole.VIEWER))
    await beats(driven, 2)
    assert one.outlet.take() == []
    assert driven.database.reads == 2


async def test_a_change_with_delayed_news_is_waited_for(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    driven.database.stored = stored(2)
    await until(lambda: driven.keeper._timer, "the timer")
    await driven.tell(2)
    message = await driven.hear(one, "portal-view-updated")
    assert message["payload"] == {"name": "at 2"}
    await until(lambda: driven.keeper._timer is None, "the end of the timer")
    assert driven.database.reads == 1


async def test_a_deleted_portal_view_is_found(driven: DrivenHub) -> None:
    one, other = await driven.join(viewer()), await driven.join(controller())
    driven.database.stored = None
    for person in (one, other):
        assert await driven.hear(person, "portal-view-deleted") == {
            "type": "portal-view-deleted",
            "portalViewId": str(PORTAL_VIEW_ID),
        }
        assert person.outlet.closed == (1000, "portal-view-deleted")
    assert driven.hub.keepers == {}


@pytest.mark.parametrize("past", [stored(3, "one"), stored(9, "two")], ids=["older", "another-epoch"])
async def test_a_restored_backup_restarts_the_room(driven: DrivenHub, past: Stored, logged: list[EventDict]) -> None:
    driven.database.stored = stored(5)
    people = [await driven.join(viewer()) for _ in range(5)]
    driven.database.stored = past
    waits = [(await driven.hear(person, "going-away"))["retryAfter"] for person in people]
    assert all(0 <= wait < keeper.RETRY_AFTER_MILLISECONDS for wait in waits)
    assert len(set(waits)) > 1
    assert {person.outlet.closed for person in people} == {(1012, "going-away")}
    assert [entry["event"] for entry in logged] == ["stored_state_is_older"]
    late = await driven.join(viewer())
    assert late.connection.newest_version == past.version


async def test_a_restored_backup_is_noticed_by_a_read_too(driven: DrivenHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beat, "BEAT_TICKS", 10**9)
    driven.database.stored = stored(5)
    one = await driven.join(viewer())
    await driven.tell(7)
    driven.database.stored = stored(3)
    await driven.hear(one, "going-away")
    assert driven.hub.keepers == {}


async def test_a_room_left_during_the_comparison_is_ignored(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    seen = driven.database.count(pulses)
    driven.database.gate.clear()
    driven.database.stored = None
    await until(partial(_more_than, driven, seen), "a beat that begins")
    await driven.leave(one)
    driven.database.gate.set()
    await until(lambda: driven.hub._beat._beating is None, "the end of the beat")
    assert one.outlet.take() == []


async def test_an_unavailable_database_is_asked_again(driven: DrivenHub, logged: list[EventDict]) -> None:
    one = await driven.join(viewer())
    driven.database.errors = [Unavailable("Away."), ZeroDivisionError("a bug")]
    await beats(driven, 3)
    away, bug = logged
    assert (away["event"], away["log_level"]) == ("rooms_not_compared", "warning")
    assert (bug["event"], bug["log_level"]) == ("rooms_not_compared", "error")
    assert "ZeroDivisionError" in bug["exception"]
    driven.database.stored = stored(2)
    assert await driven.hear_versions(one, 1) == [2]


async def test_old_receipts_are_deleted_regularly(driven: DrivenHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beat, "FORGET_TICKS", 3 * beat.BEAT_TICKS)
    await driven.join(viewer())
    await until(lambda: driven.database.count(forget_receipts_in_turn) == 2, "the second time")
    assert driven.database.count(pulses) in range(4, 8), "six beats; a busy machine leaves one out"


# --- Roles changed without news ----------------------------------------------------------------------------


async def test_missed_changes_of_access_are_found(driven: DrivenHub) -> None:
    driven.database.stored = stored(1, items=[{"id": "ogre", "hp": 3}])
    demoted, dismissed = await member(driven, controller(), Role.EDITOR), await member(driven, viewer(), Role.VIEWER)
    promoted, same = await member(driven, viewer(), Role.VIEWER), await member(driven, controller(), Role.OWNER)
    driven.database.roles[demoted.connection.subject.id] = Role.VIEWER
    driven.database.roles[promoted.connection.subject.id] = Role.OWNER
    del driven.database.roles[dismissed.connection.subject.id]
    driven.database.access_version = 2
    less = await driven.hear(demoted, "role-changed")
    assert (less["role"], less["state"]["items"]) == ("viewer", [{"id": "ogre"}])
    more = await driven.hear(promoted, "role-changed")
    assert (more["role"], more["state"]["items"]) == ("controller", [{"id": "ogre", "hp": 3}])
    assert (await driven.hear(dismissed, "error"))["code"] == "access-withdrawn"
    assert dismissed.outlet.closed == (1008, "access-withdrawn")
    assert same.outlet.take() == []


async def test_a_role_changed_while_the_state_is_old_comes_with_the_new_state(driven: DrivenHub) -> None:
    one = await member(driven, controller(), Role.EDITOR)
    driven.database.stored = stored(2)
    await driven.tell(2)
    await driven.hear_versions(one, 1)
    driven.database.roles[one.connection.subject.id] = Role.VIEWER
    driven.database.access_version = 2
    assert (await driven.hear(one, "role-changed"))["version"] == 2


async def test_roles_are_looked_up_once_for_each_change_of_access(driven: DrivenHub) -> None:
    one = await member(driven, viewer(), Role.VIEWER)
    await beats(driven, 2)
    assert driven.database.count(roles_on) == 0
    driven.database.access_version = 2
    await beats(driven, 3)
    assert driven.database.count(roles_on) == 1
    assert one.outlet.take() == []


async def test_a_newcomer_during_a_look_up_of_roles_is_looked_up_next(driven: DrivenHub) -> None:
    await member(driven, viewer(), Role.VIEWER)
    late = controller()
    driven.database.roles[late.connection.subject.id] = Role.VIEWER  # since its handshake
    driven.database.access_version = 2

    def enter_once() -> None:
        if driven.database.asked[-1] == roles_on.__name__ and late.id not in driven.room.people.connections:
            driven.enter(late, access_version=1)

    driven.database.on_ask = enter_once
    assert (await driven.hear(late, "connected"))["role"] == "controller"
    assert (await driven.hear(late, "role-changed"))["role"] == "viewer"
    await beats(driven, 2)
    assert driven.database.count(roles_on) == 2


async def test_a_room_left_during_a_look_up_of_roles_is_ignored(driven: DrivenHub) -> None:
    one = await member(driven, viewer(), Role.VIEWER)
    driven.keeper.subscribed = False
    driven.database.access_version = 2
    driven.database.on_ask = lambda: (
        driven.database.gate.clear() if driven.database.asked[-1] == roles_on.__name__ else None
    )
    await until(lambda: driven.database.count(roles_on), "the look-up")
    await driven.leave(one)
    reads = driven.database.reads
    driven.database.gate.set()
    await until(lambda: driven.hub._beat._beating is None, "the end of the beat")
    assert driven.database.reads == reads
    assert one.connection.role is PortalRole.VIEWER


# --- Roles changed without the services --------------------------------------------------------------------


async def turns(driven: DrivenHub, number: int = beat.TURNS) -> None:
    """Wait until the roles of all rooms, or of `number` turns, were looked up."""
    for _ in range(number):
        turn = driven.hub._beat._turn
        await until(lambda before=turn: driven.hub._beat._turn != before, "the next turn")  # type: ignore[misc]


async def test_roles_changed_without_news_are_found(driven: DrivenHub) -> None:
    demoted, dismissed = await member(driven, controller(), Role.EDITOR), await member(driven, viewer(), Role.VIEWER)
    promoted, same = await member(driven, viewer(), Role.VIEWER), await member(driven, controller(), Role.OWNER)
    driven.database.tells_roles = True
    await turns(driven)
    assert driven.database.count(roles_on) == 0
    driven.database.roles[demoted.connection.subject.id] = Role.VIEWER
    driven.database.roles[promoted.connection.subject.id] = Role.OWNER
    del driven.database.roles[dismissed.connection.subject.id]
    await turns(driven)
    assert (await driven.hear(demoted, "role-changed"))["role"] == "viewer"
    assert (await driven.hear(promoted, "role-changed"))["role"] == "controller"
    assert (await driven.hear(dismissed, "error"))["code"] == "access-withdrawn"
    assert same.outlet.take() == []


async def test_the_roles_of_a_room_are_looked_up_once_per_round(driven: DrivenHub) -> None:
    await member(driven, viewer(), Role.VIEWER)
    await turns(driven)
    looked_up = driven.database.count(roles_in)
    await turns(driven, 3 * beat.TURNS)
    assert driven.database.count(roles_in) == looked_up + 3


async def test_a_failed_turn_is_repeated(driven: DrivenHub) -> None:
    one = await member(driven, controller(), Role.EDITOR)
    driven.database.tells_roles = True
    driven.database.roles[one.connection.subject.id] = Role.VIEWER
    failed: list[str] = []

    def fail_twice() -> None:
        if driven.database.asked[-1] == roles_in.__name__ and len(failed) < 2:
            failed.append(roles_in.__name__)
            driven.database.errors.append(Unavailable("Away."))

    driven.database.on_ask = fail_twice
    await turns(driven)
    assert len(failed) == 2
    assert (await driven.hear(one, "role-changed"))["role"] == "viewer"
