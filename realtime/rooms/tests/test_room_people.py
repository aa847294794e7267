"""What connections get when they enter a room, or return to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from libraries.rules.projection import project
from libraries.rules.roles import PortalRole
from realtime.rooms.snapshots import Entry
from realtime.tests.doubles import (
    PORTAL_VIEW_ID,
    Person,
    controller,
    new_room,
    read,
    room_with,
    stored,
    update,
    versions,
    viewer,
)

Cast = Callable[[], Person]


# --- Coming in -----------------------------------------------------------------------------------------------


def test_nobody_gets_connected_before_the_state_is_read() -> None:
    one = viewer()
    room = new_room()
    assert not room.serve(Entry(one.connection))
    assert room.people.waiting.keys() == {one.id}
    assert not room.people.is_empty
    room.take(update(2))
    assert one.outlet.take() == []


def test_connected_has_the_person_the_room_and_the_state() -> None:
    one = controller()
    room = new_room()
    room.serve(Entry(one.connection, name="Ilse", reconnect_within=700))
    read(room, 3, epoch="two")
    [connected] = one.outlet.take()
    assert connected == {
        "type": "connected",
        "portalViewId": str(PORTAL_VIEW_ID),
        "role": "controller",
        "subject": {"kind": "user", "id": str(one.connection.subject), "name": "Ilse"},
        "userId": str(one.connection.subject),
        "message": "Connected to “at 3” as a controller.",
        "connectionId": one.id,
        "version": 3,
        "epoch": "two",
        "recovered": False,
        "reconnectWithin": 700,
        "state": project(stored(3).state, PortalRole.CONTROLLER),
    }
    assert (room.version, room.order.epoch) == (3, "two")


def test_a_viewer_gets_the_state_that_viewers_may_see() -> None:
    one, other = viewer(), controller()
    room_items = [{"id": "ogre", "hp": 3}]
    room = new_room()
    for person in (one, other):
        room.serve(Entry(person.connection))
    read(room, 1, items=room_items)
    assert one.outlet.take()[0]["state"]["items"] == [{"id": "ogre"}]
    assert other.outlet.take()[0]["state"]["items"] == room_items


def test_a_snapshot_is_reused_while_nothing_changed() -> None:
    room = room_with(viewer())
    late = viewer()
    assert room.serve(Entry(late.connection))
    assert late.outlet.take_types() == ["connected"]


def test_a_snapshot_older_than_the_delivered_version_is_not_used() -> None:
    room = room_with(viewer())
    room.take(update(2))
    late = viewer()
    assert not room.serve(Entry(late.connection))
    read(room, 2)
    assert versions(late) == [2]


def test_a_snapshot_older_than_the_handshake_is_not_used() -> None:
    room = room_with(viewer())
    late = viewer()
    assert not room.serve(Entry(late.connection, at_least=2))
    read(room, 1)
    assert late.outlet.take() == []
    read(room, 2)
    assert versions(late) == [2]


def test_updates_during_a_read_follow_the_snapshot() -> None:
    here, joiner = viewer(), viewer()
    room = room_with(here)
    room.take(update(2))
    room.serve(Entry(joiner.connection))
    read(room, 3, meanwhile=(update(3), update(4), update(None), update(5)))
    assert versions(here) == [2, 3, 4, None, 5]
    assert versions(joiner) == [3, 4, 5]


def test_a_newcomer_after_those_updates_does_not_get_the_older_state() -> None:
    room, first, late = room_with(viewer()), viewer(), viewer()
    room.take(update(2))
    room.serve(Entry(first.connection))
    read(room, 2, meanwhile=(update(3),))
    assert not room.serve(Entry(late.connection))  # the state at 2 still shows what 3 hides
    assert late.outlet.take() == []
    read(room, 3)
    assert versions(late) == [3]


def test_a_newcomer_during_a_read_does_not_get_an_outdated_state() -> None:
    room, first, late = room_with(viewer()), viewer(), viewer()
    room.take(update(2))
    room.serve(Entry(first.connection))
    room.order.start_reading()
    room.take(update(3))
    room.serve(Entry(late.connection))
    room.stop_reading(stored(2), catch_up=False)
    assert versions(first) == [2, 3]
    assert late.outlet.take() == []
    read(room, 3)
    assert versions(late) == [3]


def test_a_new_viewer_does_not_get_a_state_that_viewers_know_is_outdated() -> None:
    room, demoted = room_with(viewer()), controller()
    room.take(update(2))
    room.serve(Entry(demoted.connection))
    read(room, 2, meanwhile=(update(3),))
    assert versions(demoted) == [2, 3]
    room.change_roles({demoted.connection.subject: PortalRole.VIEWER})
    assert demoted.outlet.take() == []
    read(room, 3)
    assert versions(demoted) == [3]


def test_a_command_with_flags_older_than_their_snapshot_is_withheld_from_viewers() -> None:
    room, one, other = room_with(viewer()), viewer(), controller()
    for person in (one, other):
        room.serve(Entry(person.connection, at_least=3))
    read(room, 3)
    for version in (2, 3):
        room.take(update(None, as_of=version))
    assert room.version == 1
    assert versions(one) == [3, None]
    assert versions(other) == [3, None, None]


def test_updates_during_the_first_read_follow_it() -> None:
    one = viewer()
    room = new_room()
    room.serve(Entry(one.connection))
    read(room, 2, meanwhile=(update(2), update(3), update(4)))
    assert versions(one) == [2, 3, 4]
    assert room.version == 4


def test_the_first_read_keeps_early_updates() -> None:
    one = viewer()
    room = new_room()
    room.serve(Entry(one.connection))
    read(room, 2, meanwhile=(update(4),))
    assert versions(one) == [2]
    assert room.has_gap
    room.take(update(3))
    assert versions(one) == [3, 4]


def test_a_snapshot_with_later_updates_omits_the_joiners_own() -> None:
    here, joiner = viewer(), controller()
    room = room_with(here)
    room.take(update(2))
    room.serve(Entry(joiner.connection))
    read(room, 2, meanwhile=(update(3, sender=joiner.id), update(4)))
    assert versions(joiner) == [2, 4]


def test_a_snapshot_with_later_updates_omits_those_the_role_does_not_get() -> None:
    here, joiner = viewer(), viewer()
    room = room_with(here)
    room.take(update(2))
    room.serve(Entry(joiner.connection))
    read(room, 2, meanwhile=(update(3, viewers=False), update(4)))
    assert versions(joiner) == [2, 4]


def test_a_failed_read_changes_nothing() -> None:
    here, joiner = viewer(), viewer()
    room = room_with(here)
    room.take(update(2))
    room.serve(Entry(joiner.connection))
    room.order.start_reading()
    room.stop_reading(None, catch_up=True)
    assert versions(joiner) == []
    assert versions(here) == [2]
    assert room.people.waiting.keys() == {joiner.id}


# --- Coming back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", PortalRole)
def test_a_client_that_missed_nothing_gets_no_state(role: PortalRole) -> None:
    room, first, back = room_with(viewer(), version=4), Person(role), Person(role)
    room.serve(Entry(first.connection))
    [known] = first.outlet.take()
    room.serve(Entry(back.connection, known_version=known["version"], known_epoch=known["epoch"]))
    [connected] = back.outlet.take()
    assert connected["recovered"] is True
    assert "state" not in connected
    assert (connected["version"], connected["epoch"]) == (4, known["epoch"])


def test_a_client_with_an_older_version_or_another_epoch_gets_the_state() -> None:
    room = room_with(viewer(), version=4)
    for version, epoch in ((3, "one"), (5, "one"), (4, "two"), (4, None), (None, "one"), (None, None)):
        back = controller()
        room.serve(Entry(back.connection, known_version=version, known_epoch=epoch))
        [connected] = back.outlet.take()
        assert connected["recovered"] is False
        assert connected["state"]["version"] == 4


@pytest.mark.parametrize(("before", "now"), [(viewer, controller), (controller, viewer)])
def test_a_client_that_returns_in_another_role_gets_the_state(before: Cast, now: Cast) -> None:
    room, first, back = room_with(viewer()), before(), now()
    room.serve(Entry(first.connection))
    [known] = first.outlet.take()
    room.serve(Entry(back.connection, known_version=known["version"], known_epoch=known["epoch"]))
    assert back.outlet.take()[0]["recovered"] is False


def test_a_client_that_missed_nothing_does_not_get_the_later_updates_again() -> None:
    room = room_with(viewer(), version=4)
    room.take(update(5))
    room.serve(Entry(viewer().connection))
    read(room, 5, meanwhile=(update(6),))
    back = controller()
    room.serve(Entry(back.connection, known_version=6, known_epoch="one"))
    [connected] = back.outlet.take()
    assert (connected["recovered"], connected["version"]) == (True, 6)
    room.take(update(7))
    assert versions(back) == [7]
