"""What connections get when their role changes."""

from __future__ import annotations

from uuid import UUID

from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Subject
from realtime.rooms.snapshots import Answer, CatchUp, Entry, RoleChange
from realtime.tests.doubles import (
    controller,
    new_room,
    read,
    room_with,
    update,
    versions,
    viewer,
)


def test_a_demoted_connection_sees_nothing_hidden_from_the_next_frame_on() -> None:
    one, other = controller(), controller()
    room = room_with(one, other, items=[{"id": "ogre", "hp": 3}])
    room.change_roles({one.connection.subject: PortalRole.VIEWER})
    [changed] = one.outlet.take()
    assert (changed["type"], changed["role"], changed["version"]) == ("role-changed", "viewer", 1)
    assert changed["state"]["items"] == [{"id": "ogre"}]
    room.take(update(2, viewers=False))
    assert versions(one) == []
    assert versions(other) == [2]


def test_a_promoted_connection_gets_the_whole_state() -> None:
    one = viewer()
    room = room_with(one, items=[{"id": "ogre", "hp": 3}])
    room.change_roles({one.connection.subject: PortalRole.CONTROLLER})
    [changed] = one.outlet.take()
    assert (changed["role"], changed["state"]["items"]) == ("controller", [{"id": "ogre", "hp": 3}])
    assert room.has_controller


def test_a_role_that_changes_while_the_state_is_old_comes_with_the_new_state() -> None:
    one = controller()
    room = room_with(one)
    room.take(update(2))
    one.outlet.take()
    room.change_roles({one.connection.subject: PortalRole.VIEWER})
    room.take(update(3, viewers=False))
    assert one.outlet.take() == []
    read(room, 3)
    assert [(m["type"], m["version"]) for m in one.outlet.take()] == [("role-changed", 3)]


def test_a_connection_that_waits_for_connected_gets_it_in_the_new_role() -> None:
    one = controller()
    room = new_room()
    room.serve(Entry(one.connection, at_least=2))
    room.change_roles({one.connection.subject: PortalRole.VIEWER})
    read(room, 2, items=[{"id": "ogre", "hp": 3}])
    [connected] = one.outlet.take()
    assert (connected["type"], connected["role"]) == ("connected", "viewer")
    assert connected["state"]["items"] == [{"id": "ogre"}]


def test_a_connection_that_waits_for_a_state_gets_its_new_role() -> None:
    for reason in (Answer, CatchUp, RoleChange):
        one = viewer()
        room = room_with(one)
        room.take(update(2))
        one.outlet.take()
        assert not room.serve(reason(one.connection))
        room.change_roles({one.connection.subject: PortalRole.CONTROLLER})
        read(room, 2)
        [changed] = one.outlet.take()
        assert (changed["type"], changed["role"]) == ("role-changed", "controller")


def test_all_connections_of_the_person_and_no_others_change() -> None:
    mine = [viewer(subject=Subject(UUID(int=900))), viewer(subject=Subject(UUID(int=900)))]
    other = viewer()
    room = room_with(*mine, other)
    room.change_roles({Subject(UUID(int=900)): PortalRole.CONTROLLER})
    assert [person.outlet.take_types() for person in mine] == [["role-changed"], ["role-changed"]]
    assert other.outlet.take() == []


def test_an_unchanged_role_sends_nothing() -> None:
    one = viewer()
    room = room_with(one)
    room.change_roles({one.connection.subject: PortalRole.VIEWER})
    assert one.outlet.take() == []


def test_without_a_role_the_connection_is_closed_and_forgotten() -> None:
    here, joiner = controller(subject=Subject(UUID(int=901))), viewer(subject=Subject(UUID(int=901)))
    room = room_with(here)
    room.take(update(2))
    here.outlet.take()
    room.serve(Entry(joiner.connection))
    room.change_roles({Subject(UUID(int=901)): None})
    for person in (here, joiner):
        [error] = person.outlet.take()
        assert (error["type"], error["code"]) == ("error", "access-withdrawn")
        assert person.outlet.closed == (1008, "access-withdrawn")
        assert person.connection.closed
    assert room.people.is_empty
    room.take(update(3))


def test_the_oldest_look_up_of_the_roles_is_remembered() -> None:
    room = room_with(viewer())
    assert room.access_version is None
    for access_version, expected in ((5, 5), (7, 5), (4, 4)):
        room.serve(Entry(viewer().connection, access_version=access_version))
        assert room.access_version == expected
