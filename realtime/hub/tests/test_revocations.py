"""Credentials that end while their connections are open: which close, when, and what they still hear."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from libraries.grants import Access, Ended
from libraries.rules.revocations import SENTENCES, Reason
from libraries.rules.roles import PortalRole, Role
from libraries.rules.subjects import Grant, Subject
from realtime.hub import beat, revocations
from realtime.hub.roster import Roster
from realtime.news.layer import publish
from realtime.news.structs import RevokedNews
from realtime.tests.clients import until
from realtime.tests.doubles import PORTAL_VIEW_ID, Person, viewer
from realtime.tests.hubs import DrivenHub

SESSION, LINK = UUID(int=7001), UUID(int=7002)


def of_user(number: int = 1, *, session: UUID | None = SESSION, auth_version: int = 0) -> Grant:
    """The grant of a user."""
    return Grant(Subject(UUID(int=number)), session, auth_version)


def of_guest(number: int = 1, *, link: UUID = LINK) -> Grant:
    """The grant of a guest."""
    return Grant(Subject(UUID(int=9000 + number), is_guest=True), link_id=link)


async def hear_of(driven: DrivenHub, *ended: Ended) -> None:
    """Store revocations, and send the news."""
    driven.database.revocations += ended
    seen = len(driven.database.revocation_reads)
    await publish(RevokedNews())
    await until(lambda: len(driven.database.revocation_reads) > seen, "the reading")
    await asyncio.sleep(0)


def closed_with(person: Person) -> str | None:
    """The reason that a connection was closed with; the error before it says it, too."""
    if not person.connection.closed:
        return None
    [error] = person.outlet.take()
    assert error["message"] == SENTENCES[Reason(error["code"])]
    assert person.outlet.closed is not None
    assert person.outlet.closed[1] == error["code"]
    return str(error["code"])


async def joined(driven: DrivenHub, *grants: Grant) -> list[Person]:
    """People who are connected, and have read `connected`."""
    people = [await driven.join(viewer(grant=grant)) for grant in grants]
    await until(lambda: driven.database.revocation_reads, "the first reading")
    return people


@pytest.mark.parametrize(
    ("ended", "concerned"),
    [
        (Ended(SESSION, None, Reason.SESSION_ENDED), [True, False, False, False]),
        (Ended(UUID(int=1), 1, Reason.SESSION_ENDED), [True, True, False, False]),
        (Ended(UUID(int=1), 2, Reason.USER_UNAVAILABLE), [True, True, True, False]),
        (Ended(LINK, None, Reason.LINK_WITHDRAWN), [False, False, False, True]),
        (Ended(uuid4(), None, Reason.LINK_WITHDRAWN), [False, False, False, False]),
        (Ended(uuid4(), 5, Reason.SESSION_ENDED), [False, False, False, False]),
    ],
)
async def test_only_what_ended_is_closed(driven: DrivenHub, ended: Ended, concerned: list[bool]) -> None:
    others = uuid4()
    people = await joined(
        driven, of_user(), of_user(session=others), of_user(session=others, auth_version=1), of_guest()
    )
    await hear_of(driven, ended)
    assert [closed_with(one) for one in people] == [ended.reason if one else None for one in concerned]


async def test_who_was_sent_away_is_closed_in_that_portal_view_until_then(driven: DrivenHub) -> None:
    until_then = datetime.now(UTC) + timedelta(minutes=2)
    [one] = await joined(driven, of_user())
    who = one.connection.subject.id
    await hear_of(driven, Ended(who, None, Reason.DISCONNECTED, uuid4(), until_then))
    await hear_of(driven, Ended(who, None, Reason.DISCONNECTED, PORTAL_VIEW_ID, datetime.now(UTC)))
    assert not one.connection.closed
    await hear_of(driven, Ended(who, None, Reason.DISCONNECTED, PORTAL_VIEW_ID, until_then))
    [error] = one.outlet.take()
    assert (error["code"], one.outlet.closed) == ("disconnected", (1013, "disconnected"))
    assert 110_000 < error["retryAfter"] <= 120_000
    late = viewer(grant=of_user())
    driven.enter(late)
    assert late.outlet.closed == (1013, "disconnected")


async def test_a_closed_connection_hears_nothing_more(driven: DrivenHub) -> None:
    one, other = await joined(driven, of_guest(1), of_guest(2, link=uuid4()))
    await hear_of(driven, Ended(LINK, None, Reason.LINK_WITHDRAWN))
    assert closed_with(one) == "link-withdrawn"
    await driven.tell(2)
    await driven.hear(other, "portal-view-updated")
    assert one.outlet.take() == []


async def test_many_news_cost_one_reading(driven: DrivenHub) -> None:
    await joined(driven, of_user())
    await asyncio.sleep(0.05)
    seen = len(driven.database.revocation_reads)
    for _ in range(50):
        driven.hub.revocations.read_soon()
    await asyncio.sleep(0.05)
    assert len(driven.database.revocation_reads) == seen + 1


async def test_without_news_the_beat_finds_it(driven: DrivenHub, quick: None) -> None:
    [one] = await joined(driven, of_user())
    driven.database.revocations.append(Ended(SESSION, None, Reason.SESSION_ENDED))
    await until(lambda: one.connection.closed, "the close")
    assert closed_with(one) == "session-ended"


async def test_a_reading_goes_back_to_the_one_before_and_a_minute(
    driven: DrivenHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    await joined(driven, of_user())
    now[0] += 300  # the database was away, say
    await driven.hub.revocations.read()
    assert driven.database.revocation_reads == [60.0, 360.0]


async def test_while_the_database_is_away_everybody_stays(driven: DrivenHub, logged: list[Any], quick: None) -> None:
    [one] = await joined(driven, of_user())
    driven.database.is_away = True
    driven.database.revocations.append(Ended(SESSION, None, Reason.SESSION_ENDED))
    await publish(RevokedNews())
    await until(lambda: any(entry["event"] == "revocations_not_read" for entry in logged), "the log entry")
    assert not one.connection.closed
    driven.database.is_away = False
    await until(lambda: one.connection.closed, "the close after the database is back")


async def test_a_bug_in_a_reading_is_logged(
    driven: DrivenHub, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await joined(driven, of_user())

    async def fail(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(revocations, "in_database", fail)
    await publish(RevokedNews())
    await until(lambda: any("ZeroDivisionError" in entry.get("exception", "") for entry in logged), "the log entry")


# --- On the way in -------------------------------------------------------------------------------------------


async def test_a_newcomer_whose_session_ended_on_the_way_in_is_refused(driven: DrivenHub) -> None:
    await joined(driven, of_user(2, session=uuid4()))
    await hear_of(driven, Ended(SESSION, None, Reason.SESSION_ENDED))
    late = viewer(grant=of_user())
    driven.enter(late)
    assert closed_with(late) == "session-ended"
    assert late.connection.id not in driven.room.people.connections
    await driven.join(viewer(grant=of_user(session=uuid4())))


async def test_the_first_newcomer_is_checked_once_the_table_was_read(driven: DrivenHub) -> None:
    driven.database.revocations.append(Ended(SESSION, None, Reason.SESSION_ENDED))
    first = viewer(grant=of_user())
    driven.enter(first)
    await until(lambda: first.connection.closed, "the close")


async def test_who_left_before_the_table_was_read_leaves_nothing_behind(driven: DrivenHub) -> None:
    one = viewer(grant=of_user())
    driven.enter(one)
    await driven.leave(one)
    assert driven.hub.roster.of(SESSION) == []


# --- What statements on many rows ended -----------------------------------------------------------------------


async def test_what_no_revocation_tells_is_found_in_turn(
    driven: DrivenHub, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beat, "TURNS", 1)
    one, other = await joined(driven, of_user(), of_user(2))
    driven.database.ended[one.connection.grant] = Reason.USER_UNAVAILABLE
    await until(lambda: one.connection.closed, "the close")
    assert closed_with(one) == "user-unavailable"
    assert not other.connection.closed


# --- Guests who become users ----------------------------------------------------------------------------------


async def test_a_connection_that_changed_hands_ends_with_its_new_credential(driven: DrivenHub) -> None:
    [one] = await joined(driven, of_guest())
    driven.database.roles[UUID(int=1)] = Role.EDITOR
    access = Access(Role.EDITOR, 1, 1, name="Ilse")
    driven.hub.become(one.connection, of_user(), access, PortalRole.CONTROLLER)
    changed = await driven.hear(one, "role-changed")
    assert changed["subject"] == {"kind": "user", "id": str(UUID(int=1)), "name": "Ilse"}
    assert changed["role"] == "controller"
    await hear_of(driven, Ended(LINK, None, Reason.LINK_WITHDRAWN))
    assert closed_with(one) is None
    await hear_of(driven, Ended(SESSION, None, Reason.SESSION_ENDED))
    assert closed_with(one) == "session-ended"


async def test_a_guest_who_becomes_a_user_on_the_way_in_comes_in_as_the_user(driven: DrivenHub) -> None:
    driven.database.gate.clear()
    one = viewer(grant=of_guest())
    driven.enter(one, name="Ann", guest="the guest's own credential")
    driven.hub.become(one.connection, of_user(), Access(Role.EDITOR, 1, 1, name="Ilse"), PortalRole.CONTROLLER)
    driven.database.gate.set()
    connected = await driven.hear(one, "connected")
    assert connected["subject"] == {"kind": "user", "id": str(UUID(int=1)), "name": "Ilse"}
    assert connected["role"] == "controller"
    assert "guest" not in connected
    assert one.outlet.take() == []


async def test_a_connection_of_no_room_is_left_alone(driven: DrivenHub) -> None:
    one = viewer(grant=of_guest())
    driven.hub.become(one.connection, of_user(), Access(Role.EDITOR, 1, 1), PortalRole.CONTROLLER)
    driven.hub.end(one.connection, Reason.SESSION_ENDED)
    assert one.connection.grant == of_guest()
    assert not one.connection.closed
    assert driven.hub.roster.of(SESSION) == []


def test_a_roster_forgets_who_left() -> None:
    roster, one, other = Roster(), viewer(grant=of_guest(1)).connection, viewer(grant=of_guest(2)).connection
    roster.add(one)
    roster.add(other)
    assert set(roster.of(LINK)) == {one, other}
    roster.remove(one)
    roster.remove(one)
    assert roster.of(LINK) == [other]
    roster.remove(other)
    assert roster.of(LINK) == []
    assert roster._by_key == {}
