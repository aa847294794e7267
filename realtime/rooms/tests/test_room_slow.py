"""Connections that are behind the others in a room, or ahead of them."""

from __future__ import annotations

from uuid import UUID

from libraries.rules.roles import PortalRole
from realtime.protocol.events import SyncRequested
from realtime.rooms.connection import Connection
from realtime.rooms.room import Room
from realtime.rooms.snapshots import Answer, CatchUp, Entry, RoleChange, SnapshotRequest
from realtime.tests.doubles import Person, controller, new_room, read, room_with, update, versions, viewer


def slow_in_a_room() -> tuple[Person, Room, list[Connection]]:
    """A person in a room that has read version 1, and a list of the persons to be brought up to date."""
    drained: list[Connection] = []
    slow = viewer()
    room = new_room(drained)
    room.serve(Entry(slow.connection))
    read(room, 1)
    return slow, room, drained


def test_a_stalled_connection_skips_updates_and_is_brought_up_to_date_once() -> None:
    drained: list[Connection] = []
    slow, quick = viewer(), viewer()
    room = new_room(drained)
    for person in (slow, quick):
        room.serve(Entry(person.connection))
    read(room, 1)
    slow.outlet.take()
    slow.outlet.stall()
    room.take(update(2))
    room.take(update(3))
    assert versions(quick)[1:] == [2, 3]
    assert versions(slow) == []
    assert drained == []
    slow.outlet.drain()
    assert drained == [slow.connection]
    room.take(update(4))
    assert versions(slow) == []  # it waits for the state


def test_a_slow_connection_that_skipped_nothing_gets_no_version_twice() -> None:
    slow, room, drained = slow_in_a_room()
    room.take(update(2))
    slow.outlet.stall()
    slow.outlet.drain()
    assert drained == []
    room.take(update(3))
    assert versions(slow) == [1, 2, 3]


def test_a_state_larger_than_the_send_buffer_is_sent_once() -> None:
    slow, room, drained = slow_in_a_room()
    slow.outlet.stall()
    room.take(update(2))
    slow.outlet.drain()
    assert drained == [slow.connection]
    room.serve(CatchUp(slow.connection))
    read(room, 2)
    slow.outlet.stall()  # by the state itself
    slow.outlet.drain()
    assert drained == [slow.connection]
    room.take(update(3))
    assert versions(slow) == [1, 2, 3]


def test_a_connection_that_stalls_at_connected_is_brought_up_to_date_too() -> None:
    drained: list[Connection] = []
    slow = viewer()
    room = new_room(drained)
    slow.outlet.stall()
    room.serve(Entry(slow.connection))
    read(room, 1)
    room.take(update(2))
    assert versions(slow) == [1]
    slow.outlet.drain()
    assert drained == [slow.connection]


def test_a_slow_connection_that_left_is_not_brought_up_to_date() -> None:
    slow, room, drained = slow_in_a_room()
    slow.outlet.stall()
    room.take(update(2))
    room.remove(slow.connection)
    slow.outlet.drain()
    assert drained == []


def test_a_connection_ahead_of_the_room_gets_only_newer_updates() -> None:
    here, ahead = viewer(), controller()
    room = room_with(here)
    room.serve(Entry(ahead.connection, at_least=3))
    read(room, 3)
    for bulletin in (update(2), update(None), update(3), update(4, sender=ahead.id), update(5)):
        room.take(bulletin)
    assert versions(here) == [2, None, 3, 4, 5]
    assert versions(ahead) == [3, None, 5]


def test_a_connection_that_is_ahead_and_stalls_skips_updates_too() -> None:
    drained: list[Connection] = []
    ahead = viewer()
    room = new_room(drained)
    room.serve(Entry(viewer().connection))
    read(room, 1)
    room.serve(Entry(ahead.connection, at_least=3))
    read(room, 3)
    ahead.outlet.stall()
    for version in (2, 3, 4):
        room.take(update(version))
    assert versions(ahead) == [3]
    ahead.outlet.drain()
    assert drained == [ahead.connection]


def test_a_connection_that_is_ahead_and_skipped_nothing_stays_ahead() -> None:
    ahead, room, drained = slow_in_a_room()
    room.serve(Answer(ahead.connection, at_least=3))
    read(room, 3)
    ahead.outlet.stall()
    ahead.outlet.drain()
    assert drained == []
    for version in (2, 3, 4):
        room.take(update(version))
    assert versions(ahead) == [1, 3, 4]


def test_a_stall_of_an_unknown_connection_is_ignored() -> None:
    slow, room, drained = slow_in_a_room()
    room.people.remove(slow.connection)
    slow.outlet.stall()
    slow.outlet.drain()
    room.take(update(2))
    assert (versions(slow), drained) == ([1], [])


def test_a_connection_closed_on_the_way_in_is_not_written_to() -> None:
    one = viewer()
    room = new_room()
    room.serve(Entry(one.connection))
    one.connection.closed = True
    read(room, 1)
    assert one.outlet.take_types() == ["connected"]
    room.take(update(2))
    assert one.outlet.take() == []


def test_a_slow_connection_gets_the_newest_state_as_an_update() -> None:
    slow = viewer()
    room = room_with(slow, version=3)
    assert room.serve(CatchUp(slow.connection))
    [message] = slow.outlet.take()
    assert (message["type"], message["version"], message["payload"]["name"]) == ("portal-view-updated", 3, "at 3")


def test_a_connection_that_does_not_read_gets_a_new_role_once_it_reads() -> None:
    slow, room, _ = slow_in_a_room()
    owed: list[SnapshotRequest] = []
    room._on_drain = owed.append
    slow.outlet.take()
    slow.outlet.stall()
    for role in [PortalRole.CONTROLLER, PortalRole.VIEWER] * 50 + [PortalRole.CONTROLLER]:
        room.change_roles({slow.connection.subject: role})
    assert slow.outlet.take() == []
    assert slow.connection.role is PortalRole.CONTROLLER
    slow.outlet.drain()
    assert [(one.connection, type(one)) for one in owed] == [(slow.connection, RoleChange)]
    room.serve(owed[0])
    assert [message["role"] for message in slow.outlet.take()] == ["controller"]
    room.take(update(2))
    assert versions(slow) == [2]


def test_a_connection_that_does_not_read_gets_no_relayed_commands() -> None:
    slow, sender = viewer(), controller()
    room = room_with(slow, sender)
    slow.outlet.stall()
    room.take(update(None, to=slow.id))
    room.take(update(None))
    assert slow.outlet.take() == []
    slow.outlet.drain()
    room.take(update(None, to=slow.id))
    assert len(slow.outlet.take()) == 1


def test_a_controller_that_does_not_read_is_not_asked() -> None:
    slow, other = controller(), controller()
    room = room_with(slow, other)
    question = SyncRequested(subject_id=UUID(int=5), connection_id="hers")
    slow.outlet.stall()
    assert room.ask_controllers(question)
    assert (slow.outlet.take(), other.outlet.take_types()) == ([], ["sync-requested"])
    other.outlet.stall()
    assert not room.ask_controllers(question)


def test_a_connection_that_is_owed_a_new_role_is_owed_nothing_less() -> None:
    slow, room, _ = slow_in_a_room()
    owed: list[SnapshotRequest] = []
    room._on_drain = owed.append
    slow.outlet.stall()
    room.change_roles({slow.connection.subject: PortalRole.CONTROLLER})
    room.serve(Answer(slow.connection))
    slow.outlet.drain()
    assert [type(one) for one in owed] == [RoleChange]


def test_a_connection_that_left_is_owed_nothing() -> None:
    slow, room, _ = slow_in_a_room()
    slow.outlet.stall()
    room.change_roles({slow.connection.subject: PortalRole.CONTROLLER})
    room.remove(slow.connection)
    assert room.people.owed == {}
    assert room.people.is_empty
