"""What a connection has written itself: it needs no copy, unless its `ack` came before a snapshot without it."""

from __future__ import annotations

import pytest

from libraries.rules.projection import epoch_seen
from libraries.rules.roles import PortalRole
from realtime.rooms.room import Room
from realtime.rooms.snapshots import CatchUp, Entry
from realtime.tests.doubles import Person, controller, read, room_with, update, versions

VIEWER, CONTROLLER = PortalRole.VIEWER, PortalRole.CONTROLLER


def in_a_room() -> tuple[Person, Room]:
    one = controller()
    room = room_with(one)
    one.connection.room = room
    return one, room


def acknowledge(one: Person, version: int) -> None:
    """Tell the client that its update is stored, as a job does."""
    one.connection.note_own(version)
    one.connection.reply_ack("r", version)
    assert one.outlet.take_types() == ["ack"]


def test_the_sender_gets_no_copy_of_what_was_acknowledged() -> None:
    one, room = in_a_room()
    acknowledge(one, 2)
    room.take(update(2, sender=one.id))
    assert versions(one) == []


@pytest.mark.parametrize("roles", [[VIEWER], [VIEWER, CONTROLLER]])
def test_a_new_role_gets_what_was_acknowledged_to_the_old_one(roles: list[PortalRole]) -> None:
    one, room = in_a_room()
    acknowledge(one, 2)
    for role in roles:
        room.change_roles({one.connection.subject: role})
        assert versions(one) == [1]
    room.take(update(2, sender=one.id))
    assert versions(one) == [2]
    acknowledge(one, 3)
    room.take(update(3, sender=one.id))
    assert versions(one) == ([3] if roles[-1] is VIEWER else [])


def test_a_viewer_gets_what_it_wrote_as_a_controller() -> None:
    one, room = in_a_room()
    room.change_roles({one.connection.subject: VIEWER})
    one.outlet.take()
    acknowledge(one, 2)
    room.take(update(2, sender=one.id))
    assert versions(one) == [2]


def test_an_ack_after_the_snapshot_still_counts() -> None:
    one, room = in_a_room()
    acknowledge(one, 2)
    for role in (VIEWER, CONTROLLER):
        room.change_roles({one.connection.subject: role})
    one.outlet.take()
    acknowledge(one, 3)
    for version in (2, 3):
        room.take(update(version, sender=one.id))
    assert versions(one) == [2]


def test_what_is_acknowledged_before_connected_comes_again() -> None:
    other, room = in_a_room()
    one = controller()
    room.take(update(2))
    room.serve(Entry(one.connection))
    acknowledge(one, 3)
    read(room, 2, meanwhile=[update(3, sender=one.id)])
    assert versions(one) == [2, 3]
    assert versions(other) == [2, 3]


def test_a_command_never_comes_back() -> None:
    one, room = in_a_room()
    acknowledge(one, 2)
    room.change_roles({one.connection.subject: VIEWER})
    one.outlet.take()
    room.take(update(None, sender=one.id))
    assert versions(one) == []


# --- The newest version that a connection was told -----------------------------------------------------------------


def test_a_connection_that_skips_changes_is_told_the_version_that_it_has() -> None:
    one, room = in_a_room()
    room.take(update(2))
    assert one.connection.newest_version == 2
    one.outlet.stall()
    room.take(update(3))
    assert one.connection.newest_version == 2
    one.outlet.drain()
    assert one.connection.newest_version == 2
    read(room, 3)
    assert room.serve(CatchUp(one.connection))
    assert one.connection.newest_version == 3


def test_a_connection_that_waits_for_the_state_is_told_the_version_that_it_has() -> None:
    one, room = in_a_room()
    room.take(update(2))
    request = CatchUp(one.connection)
    assert not room.serve(request)
    room.take(update(3))
    assert one.connection.newest_version == 2
    read(room, 3)
    assert one.connection.newest_version == 3


def test_a_new_role_has_its_own_epoch() -> None:
    one, room = in_a_room()
    for role in (VIEWER, CONTROLLER):
        room.change_roles({one.connection.subject: role})
        assert one.outlet.take()[0]["epoch"] == epoch_seen("one", role)
