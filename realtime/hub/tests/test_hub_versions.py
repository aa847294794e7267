"""The two versions in a hub: what hidden changes send viewers, and news that only asks for a read."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.rules.projection import epoch_seen
from libraries.rules.roles import PortalRole, Role
from libraries.selectors import pulses, roles_on
from realtime.hub import beat
from realtime.tests.clients import until
from realtime.tests.doubles import Person, controller, stored, viewer
from realtime.tests.hubs import DrivenHub

SEEN = 3
"""The viewers' version, while the stored one is 7 or more."""


@pytest.fixture
def no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave it to news alone to find changes."""
    monkeypatch.setattr(beat, "BEAT_TICKS", 10**9)


def now_is(driven: DrivenHub, version: int, seen: int = SEEN, **more: Any) -> None:
    """Store a state of that version, in which viewers have seen `seen`."""
    driven.database.stored = stored(version, viewersVersion=seen, **more)


async def two(driven: DrivenHub) -> tuple[Person, Person]:
    """A viewer and a controller, while the stored version is 7."""
    now_is(driven, 7)
    return await driven.join(viewer()), await driven.join(controller())


async def settled(driven: DrivenHub, *people: Person) -> list[list[int]]:
    """The versions of the messages that each of these people got in the meantime."""
    await driven.settle()
    return [[message["version"] for message in person.outlet.take()] for person in people]


# --- Changes that viewers don't see ------------------------------------------------------------------------


@pytest.mark.usefixtures("no_beat")
async def test_a_missed_hidden_change_sends_viewers_nothing(driven: DrivenHub) -> None:
    one, other = await two(driven)
    now_is(driven, 9)
    await driven.tell(9, viewers_version=SEEN, viewers=None)
    assert await driven.hear_versions(other, 1) == [9]
    assert await settled(driven, one, other) == [[], []]
    assert (driven.room.version, driven.room.viewers_version) == (9, SEEN)


@pytest.mark.usefixtures("quick")
async def test_hidden_changes_without_news_send_viewers_nothing(driven: DrivenHub) -> None:
    one, other = await two(driven)
    now_is(driven, 12)
    assert await driven.hear_versions(other, 1) == [12]
    assert await settled(driven, one) == [[]]
    now_is(driven, 13, SEEN + 1)
    assert (await driven.hear(one, "portal-view-updated"))["version"] == SEEN + 1


@pytest.mark.usefixtures("no_beat")
async def test_a_slow_viewer_who_skipped_hidden_changes_gets_no_state(driven: DrivenHub) -> None:
    slow, other = await two(driven)
    slow.outlet.stall()
    await driven.tell(8, 9, viewers_version=SEEN, viewers=None)
    await driven.hear_versions(other, 2)
    slow.outlet.drain()
    assert await settled(driven, slow) == [[]]
    assert driven.database.reads == 1


async def test_a_viewer_who_was_away_for_hidden_changes_is_recovered(driven: DrivenHub) -> None:
    one, other = await two(driven)
    await driven.leave(one)
    now_is(driven, 9)
    await driven.tell(8, 9, viewers_version=SEEN, viewers=None)
    await driven.hear_versions(other, 2)
    back = viewer()
    epoch = epoch_seen("one", PortalRole.VIEWER)
    driven.enter(back, at_least=9, known_version=SEEN, known_epoch=epoch)
    connected = await driven.hear(back, "connected")
    assert (connected["recovered"], connected["version"], "state" in connected) == (True, SEEN, False)


# --- News that asks for a read -----------------------------------------------------------------------------


@pytest.mark.usefixtures("no_beat")
async def test_a_change_of_the_release_before_is_read_and_not_believed(driven: DrivenHub) -> None:
    one, other = await two(driven)
    now_is(driven, 8, SEEN + 1, name="stored")
    await driven.tell(8, viewers_version=None)
    seen = await driven.hear(one, "portal-view-updated")
    known = await driven.hear(other, "portal-view-updated")
    assert (seen["version"], seen["payload"]["version"], seen["payload"]["name"]) == (SEEN + 1, SEEN + 1, "stored")
    assert (known["version"], known["payload"]["version"], known["payload"]["name"]) == (8, 8, "stored")


@pytest.mark.usefixtures("no_beat")
async def test_other_rules_are_applied_at_once(driven: DrivenHub) -> None:
    one, other = await two(driven)
    now_is(driven, 8, SEEN + 1)
    await driven.tell_of("stale")
    assert (await driven.hear_versions(one, 1), await driven.hear_versions(other, 1)) == ([SEEN + 1], [8])
    assert driven.database.count(pulses) == 1


@pytest.mark.usefixtures("no_beat")
async def test_stale_news_is_not_believed(driven: DrivenHub) -> None:
    one, other = await two(driven)
    await driven.tell_of("stale")
    await until(lambda: driven.database.count(pulses), "the look")
    assert await settled(driven, one, other) == [[], []]
    assert driven.database.reads == 1


# --- Controllers who see what viewers see ------------------------------------------------------------------


def as_viewer() -> Person:
    """The connection of a controller with `as=viewer`."""
    person = viewer()
    person.connection.as_viewer = True
    return person


async def access_is(driven: DrivenHub, person: Person, role: Role | None) -> None:
    """Change the role of a person, and send the news of it."""
    driven.database.access_version += 1
    driven.database.roles = {} if role is None else {person.connection.subject.id: role}
    portal_role = None if role is None else "viewer" if role is Role.VIEWER else "controller"
    about = {"subject": [str(person.connection.subject)], "accessVersion": driven.database.access_version}
    await driven.tell_of("access", role=portal_role, **about)


@pytest.mark.usefixtures("no_beat")
async def test_a_change_of_role_does_not_touch_it(driven: DrivenHub) -> None:
    await two(driven)
    one = await driven.join(as_viewer())
    for role in (Role.OWNER, Role.VIEWER, Role.EDITOR):
        await access_is(driven, one, role)
    assert await settled(driven, one) == [[]]
    assert (one.connection.role, driven.database.count(roles_on)) == (PortalRole.VIEWER, 0)


@pytest.mark.usefixtures("quick")
async def test_a_look_up_of_all_roles_does_not_touch_it(driven: DrivenHub) -> None:
    one = await driven.join(as_viewer())
    driven.database.roles[one.connection.subject.id] = Role.OWNER
    driven.database.tells_roles = True
    driven.database.access_version = 2
    await until(lambda: driven.database.count(roles_on), "the look-up")
    turns = driven.hub._beat
    await until(lambda: turns._turn > 0, "a turn")
    await until(lambda: turns._turn == 0, "the end of the round")
    assert (one.connection.role, one.outlet.take()) == (PortalRole.VIEWER, [])


@pytest.mark.usefixtures("no_beat")
async def test_it_is_closed_without_access(driven: DrivenHub) -> None:
    await two(driven)
    one = await driven.join(as_viewer())
    await access_is(driven, one, None)
    assert (await driven.hear(one, "error"))["code"] == "access-withdrawn"
    assert one.outlet.closed == (1008, "access-withdrawn")


async def test_it_is_no_controller_to_ask(driven: DrivenHub) -> None:
    now_is(driven, 7)
    one, asker = await driven.join(as_viewer()), await driven.join(viewer())
    assert not driven.room.has_controller
    await driven.hub.ask(asker.connection)
    assert (await driven.hear(asker, "sync-response"))["version"] == SEEN
    assert one.outlet.take() == []
