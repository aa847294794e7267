"""What a hub does without news: it ends credentials, and compares its rooms with what is stored."""

from __future__ import annotations

import time
from functools import partial
from uuid import UUID

import pytest
from structlog.typing import EventDict

from libraries.receipts import forget_receipts
from libraries.rules.errors import Unavailable
from libraries.rules.roles import PortalRole, Role
from libraries.selectors import Stored, pulses, roles_in, roles_on
from realtime.hub import beat, keeper
from realtime.rooms.connection import STALLED_SECONDS
from realtime.tests.clients import until
from realtime.tests.doubles import PORTAL_VIEW_ID, Person, controller, stored, viewer
from realtime.tests.houses import House

pytestmark = pytest.mark.usefixtures("quick")


async def beats(house: House, number: int = 1) -> None:
    """Wait until rooms were compared so many times more, from beginning to end."""
    for _ in range(number):
        seen = house.database.count(pulses)
        await until(partial(_more_than, house, seen), "a beat")
        await until(lambda: house.hub._beat._beating is None, "its end")


def _more_than(house: House, seen: int) -> bool:
    return house.database.count(pulses) > seen


async def member(house: House, person: Person, role: Role) -> Person:
    """Let in somebody who is a member in the database."""
    house.database.roles[person.connection.subject.id] = role
    return await house.join(person)


# --- The ends of connections -------------------------------------------------------------------------------


async def test_a_credential_that_ends_is_told_and_then_closes(house: House) -> None:
    one, other = await house.join(viewer()), await house.join(viewer())
    now = time.time()
    one.connection.extend(now + 60, now - 60)
    assert (await house.hear(one, "token-expiring"))["expiresIn"] in range(50, 61)
    one.connection.extend(now - 1, now - 2)
    assert (await house.hear(one, "error"))["code"] == "token-expired"
    assert one.outlet.closed == (1008, "token-expired")
    await house.tell(2)
    assert await house.hear_versions(other, 1) == [2]
    assert house.room.people.connections.keys() == {other.id}


async def test_who_waits_for_the_state_is_closed_too(house: House) -> None:
    one = viewer()
    house.database.gate.clear()
    one.connection.extend(time.time() - 1, time.time() - 2)
    house.enter(one)
    assert (await house.hear(one, "error"))["code"] == "token-expired"
    assert house.room.people.is_empty


async def test_who_takes_nothing_for_too_long_is_closed(house: House) -> None:
    one = await house.join(viewer())
    one.outlet.stall()
    one.outlet.stalled_since = time.monotonic() - STALLED_SECONDS
    assert (await house.hear(one, "error"))["code"] == "too-slow"
    assert one.outlet.closed == (1013, "too-slow")


async def test_an_empty_hub_does_not_tick(house: House) -> None:
    one = await house.join(viewer())
    ticker = house.hub._beat._ticker
    assert ticker is not None
    await house.leave(one)
    assert house.hub._beat._ticker is None
    await house.join(one)
    await beats(house)


# --- Changes that were missed ------------------------------------------------------------------------------


async def test_a_change_that_nobody_was_told_of_is_found(house: House) -> None:
    one = await house.join(viewer())
    house.database.stored = stored(5)
    message = await house.hear(one, "portal-view-updated")
    assert (message["version"], message["payload"]) == (5, stored(5).state)
    await beats(house, 2)
    assert one.outlet.take() == []
    assert house.database.reads == 2


async def test_a_change_that_is_on_its_way_is_waited_for(house: House) -> None:
    one = await house.join(viewer())
    house.database.stored = stored(2)
    await until(lambda: house.keeper._timer, "the timer")
    await house.tell(2)
    message = await house.hear(one, "portal-view-updated")
    assert message["payload"] == {"name": "at 2"}
    await until(lambda: house.keeper._timer is None, "the end of the timer")
    assert house.database.reads == 1


async def test_a_portal_view_that_is_gone_is_found(house: House) -> None:
    one, other = await house.join(viewer()), await house.join(controller())
    house.database.stored = None
    for person in (one, other):
        assert await house.hear(person, "portal-view-deleted") == {
            "type": "portal-view-deleted",
            "portalViewId": str(PORTAL_VIEW_ID),
        }
        assert person.outlet.closed == (1000, "portal-view-deleted")
    assert house.hub.keepers == {}


@pytest.mark.parametrize("past", [stored(3, "one"), stored(9, "two")], ids=["older", "another-epoch"])
async def test_a_restored_backup_starts_the_room_anew(house: House, past: Stored, logged: list[EventDict]) -> None:
    house.database.stored = stored(5)
    people = [await house.join(viewer()) for _ in range(5)]
    house.database.stored = past
    waits = [(await house.hear(person, "going-away"))["retryAfter"] for person in people]
    assert all(0 <= wait < keeper.RETRY_AFTER_MILLISECONDS for wait in waits)
    assert len(set(waits)) > 1
    assert {person.outlet.closed for person in people} == {(1012, "going-away")}
    assert [entry["event"] for entry in logged] == ["stored_state_is_older"]
    late = await house.join(viewer())
    assert late.connection.newest_version == past.version


async def test_a_restored_backup_is_noticed_by_a_read_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beat, "BEAT_TICKS", 10**9)
    house.database.stored = stored(5)
    one = await house.join(viewer())
    await house.tell(7)
    house.database.stored = stored(3)
    await house.hear(one, "going-away")
    assert house.hub.keepers == {}


async def test_a_room_that_was_left_while_rooms_are_compared_is_let_be(house: House) -> None:
    one = await house.join(viewer())
    seen = house.database.count(pulses)
    house.database.gate.clear()
    house.database.stored = None
    await until(partial(_more_than, house, seen), "a beat that begins")
    await house.leave(one)
    house.database.gate.set()
    await until(lambda: house.hub._beat._beating is None, "the end of the beat")
    assert one.outlet.take() == []


async def test_a_database_that_is_away_is_asked_again(house: House, logged: list[EventDict]) -> None:
    one = await house.join(viewer())
    house.database.errors = [Unavailable("Away."), ZeroDivisionError("a bug")]
    await beats(house, 3)
    away, bug = logged
    assert (away["event"], away["log_level"]) == ("rooms_not_compared", "warning")
    assert (bug["event"], bug["log_level"]) == ("rooms_not_compared", "error")
    assert "ZeroDivisionError" in bug["exception"]
    house.database.stored = stored(2)
    assert await house.hear_versions(one, 1) == [2]


async def test_old_receipts_are_forgotten_now_and_then(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beat, "FORGET_TICKS", 3 * beat.BEAT_TICKS)
    await house.join(viewer())
    await until(lambda: house.database.count(forget_receipts) == 2, "the second time")
    assert house.database.count(pulses) in {6, 7}


# --- Roles that changed without a word ---------------------------------------------------------------------


async def test_changes_of_access_that_were_missed_are_found(house: House) -> None:
    house.database.stored = stored(1, items=[{"id": "ogre", "hp": 3}])
    demoted, dismissed = await member(house, controller(), Role.EDITOR), await member(house, viewer(), Role.VIEWER)
    promoted, same = await member(house, viewer(), Role.VIEWER), await member(house, controller(), Role.OWNER)
    house.database.roles[demoted.connection.subject.id] = Role.VIEWER
    house.database.roles[promoted.connection.subject.id] = Role.OWNER
    del house.database.roles[dismissed.connection.subject.id]
    house.database.access_version = 2
    less = await house.hear(demoted, "role-changed")
    assert (less["role"], less["state"]["items"]) == ("viewer", [{"id": "ogre"}])
    more = await house.hear(promoted, "role-changed")
    assert (more["role"], more["state"]["items"]) == ("controller", [{"id": "ogre", "hp": 3}])
    assert (await house.hear(dismissed, "error"))["code"] == "access-withdrawn"
    assert dismissed.outlet.closed == (1008, "access-withdrawn")
    assert same.outlet.take() == []


async def test_a_role_that_changes_while_the_state_is_old_is_told_with_the_new_state(house: House) -> None:
    one = await member(house, controller(), Role.EDITOR)
    house.database.stored = stored(2)
    await house.tell(2)
    await house.hear_versions(one, 1)
    house.database.roles[one.connection.subject.id] = Role.VIEWER
    house.database.access_version = 2
    assert (await house.hear(one, "role-changed"))["version"] == 2


async def test_roles_are_looked_up_once_for_each_change_of_access(house: House) -> None:
    one = await member(house, viewer(), Role.VIEWER)
    await beats(house, 2)
    assert house.database.count(roles_on) == 0
    house.database.access_version = 2
    await beats(house, 3)
    assert house.database.count(roles_on) == 1
    assert one.outlet.take() == []


async def test_who_comes_while_roles_are_looked_up_is_looked_up_next(house: House) -> None:
    await member(house, viewer(), Role.VIEWER)
    late = controller()
    house.database.roles[late.connection.subject.id] = Role.VIEWER  # since its handshake
    house.database.access_version = 2

    def enter_once() -> None:
        if house.database.asked[-1] == roles_on.__name__ and late.id not in house.room.people.connections:
            house.enter(late, access_version=1)

    house.database.on_ask = enter_once
    assert (await house.hear(late, "connected"))["role"] == "controller"
    assert (await house.hear(late, "role-changed"))["role"] == "viewer"
    await beats(house, 2)
    assert house.database.count(roles_on) == 2


async def test_a_room_that_is_left_while_roles_are_looked_up_is_let_be(house: House) -> None:
    one = await member(house, viewer(), Role.VIEWER)
    house.keeper.subscribed = False
    house.database.access_version = 2
    house.database.on_ask = lambda: (
        house.database.gate.clear() if house.database.asked[-1] == roles_on.__name__ else None
    )
    await until(lambda: house.database.count(roles_on), "the look-up")
    await house.leave(one)
    reads = house.database.reads
    house.database.gate.set()
    await until(lambda: house.hub._beat._beating is None, "the end of the beat")
    assert house.database.reads == reads
    assert one.connection.role is PortalRole.VIEWER


# --- Roles that were changed behind the services' backs ----------------------------------------------------


async def turns(house: House, number: int = beat.TURNS) -> None:
    """Wait until the roles of all rooms were looked up, or those of some."""
    for _ in range(number):
        turn = house.hub._beat._turn
        await until(lambda before=turn: house.hub._beat._turn != before, "the next turn")  # type: ignore[misc]


async def test_roles_that_were_changed_without_a_word_are_found(house: House) -> None:
    demoted, dismissed = await member(house, controller(), Role.EDITOR), await member(house, viewer(), Role.VIEWER)
    promoted, same = await member(house, viewer(), Role.VIEWER), await member(house, controller(), Role.OWNER)
    house.database.tells_roles = True
    await turns(house)
    assert house.database.count(roles_on) == 0
    house.database.roles[demoted.connection.subject.id] = Role.VIEWER
    house.database.roles[promoted.connection.subject.id] = Role.OWNER
    del house.database.roles[dismissed.connection.subject.id]
    await turns(house)
    assert (await house.hear(demoted, "role-changed"))["role"] == "viewer"
    assert (await house.hear(promoted, "role-changed"))["role"] == "controller"
    assert (await house.hear(dismissed, "error"))["code"] == "access-withdrawn"
    assert same.outlet.take() == []


async def test_the_roles_of_a_room_are_looked_up_once_in_a_round(house: House) -> None:
    await member(house, viewer(), Role.VIEWER)
    await turns(house)
    looked_up = house.database.count(roles_in)
    await turns(house, 3 * beat.TURNS)
    assert house.database.count(roles_in) == looked_up + 3


async def test_a_turn_that_fails_is_taken_again(house: House) -> None:
    one = await member(house, controller(), Role.EDITOR)
    house.database.tells_roles = True
    house.database.roles[one.connection.subject.id] = Role.VIEWER
    failed: list[str] = []

    def fail_twice() -> None:
        if house.database.asked[-1] == roles_in.__name__ and len(failed) < 2:
            failed.append(roles_in.__name__)
            house.database.errors.append(Unavailable("Away."))

    house.database.on_ask = fail_twice
    await turns(house)
    assert len(failed) == 2
    assert (await house.hear(one, "role-changed"))["role"] == "viewer"
