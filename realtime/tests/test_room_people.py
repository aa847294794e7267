"""What connections get when they come into a room, come back to it, or get another role in it."""

from __future__ import annotations

from uuid import UUID

from libraries.roles import PortalRole
from realtime.greeting import Waiting
from realtime.tests.doubles import (
    PORTAL_VIEW_ID,
    controller,
    new_room,
    read,
    room_with,
    stored,
    update,
    versions,
    viewer,
)

# --- Coming in -----------------------------------------------------------------------------------------------


def test_nobody_is_greeted_before_the_state_is_read() -> None:
    one = viewer()
    room = new_room()
    assert not room.admit(Waiting(one.connection))
    assert room.waiting.keys() == {one.id}
    assert not room.is_empty
    room.take(update(2))
    assert one.outlet.take() == []


def test_connected_says_who_where_and_what() -> None:
    one = controller()
    room = new_room()
    room.admit(Waiting(one.connection))
    read(room, 3, epoch="two")
    [connected] = one.outlet.take()
    assert connected == {
        "type": "connected",
        "portalViewId": str(PORTAL_VIEW_ID),
        "role": "controller",
        "userId": one.connection.user_id,
        "message": "Connected to “at 3” as a controller.",
        "connectionId": one.id,
        "version": 3,
        "epoch": "two",
        "recovered": False,
        "state": stored(3).state,
    }
    assert (room.version, room.epoch) == (3, "two")


def test_a_viewer_is_shown_what_a_viewer_may_see() -> None:
    one, other = viewer(), controller()
    room_items = [{"id": "ogre", "hp": 3}]
    room = new_room()
    for person in (one, other):
        room.admit(Waiting(person.connection))
    read(room, 1, items=room_items)
    assert one.outlet.take()[0]["state"]["items"] == [{"id": "ogre"}]
    assert other.outlet.take()[0]["state"]["items"] == room_items


def test_a_snapshot_at_hand_is_used_while_nothing_changed() -> None:
    room = room_with(viewer())
    late = viewer()
    assert room.admit(Waiting(late.connection))
    assert late.outlet.take_types() == ["connected"]


def test_a_snapshot_older_than_what_was_delivered_is_not_used() -> None:
    room = room_with(viewer())
    room.take(update(2))
    late = viewer()
    assert not room.admit(Waiting(late.connection))
    read(room, 2)
    assert versions(late) == [2]


def test_a_snapshot_older_than_the_handshake_is_not_used() -> None:
    room = room_with(viewer())
    late = viewer()
    assert not room.admit(Waiting(late.connection, at_least=2))
    read(room, 1)
    assert late.outlet.take() == []
    read(room, 2)
    assert versions(late) == [2]


def test_updates_that_come_while_the_state_is_read_follow_the_snapshot() -> None:
    here, joiner, next_one = viewer(), viewer(), viewer()
    room = room_with(here)
    room.take(update(2))
    room.admit(Waiting(joiner.connection))
    read(room, 3, meanwhile=(update(3), update(4), update(None), update(5)))
    assert versions(here) == [2, 3, 4, None, 5]
    assert versions(joiner) == [3, 4, 5]
    assert room.admit(Waiting(next_one.connection))
    assert versions(next_one) == [3, 4, 5]


def test_updates_that_come_while_the_first_state_is_read_follow_it() -> None:
    one = viewer()
    room = new_room()
    room.admit(Waiting(one.connection))
    read(room, 2, meanwhile=(update(2), update(3), update(4)))
    assert versions(one) == [2, 3, 4]
    assert room.version == 4


def test_the_first_read_keeps_what_is_still_too_early() -> None:
    one = viewer()
    room = new_room()
    room.admit(Waiting(one.connection))
    read(room, 2, meanwhile=(update(4),))
    assert versions(one) == [2]
    assert room.has_gap
    room.take(update(3))
    assert versions(one) == [3, 4]


def test_a_snapshot_with_later_updates_leaves_out_the_joiners_own() -> None:
    here, joiner = viewer(), controller()
    room = room_with(here)
    room.take(update(2))
    room.admit(Waiting(joiner.connection))
    read(room, 2, meanwhile=(update(3, sender=joiner.id), update(4)))
    assert versions(joiner) == [2, 4]


def test_a_snapshot_with_later_updates_leaves_out_what_the_role_does_not_hear_of() -> None:
    here, joiner = viewer(), viewer()
    room = room_with(here)
    room.take(update(2))
    room.admit(Waiting(joiner.connection))
    read(room, 2, meanwhile=(update(3, viewers=False), update(4)))
    assert versions(joiner) == [2, 4]


def test_a_state_that_could_not_be_read_leaves_all_as_it_was() -> None:
    here, joiner = viewer(), viewer()
    room = room_with(here)
    room.take(update(2))
    room.admit(Waiting(joiner.connection))
    room.start_reading()
    room.stop_reading(None, catch_up=True)
    assert versions(joiner) == []
    assert versions(here) == [2]
    assert room.waiting.keys() == {joiner.id}


# --- Coming back ---------------------------------------------------------------------------------------------


def test_who_missed_nothing_gets_no_state() -> None:
    room = room_with(viewer(), version=4)
    back = viewer()
    room.admit(Waiting(back.connection, known_version=4, known_epoch="one"))
    [connected] = back.outlet.take()
    assert connected["recovered"] is True
    assert "state" not in connected
    assert connected["version"] == 4


def test_who_missed_something_or_knows_another_epoch_gets_the_state() -> None:
    room = room_with(viewer(), version=4)
    for version, epoch in ((3, "one"), (5, "one"), (4, "two"), (4, None), (None, "one"), (None, None)):
        back = viewer()
        room.admit(Waiting(back.connection, known_version=version, known_epoch=epoch))
        [connected] = back.outlet.take()
        assert connected["recovered"] is False
        assert connected["state"]["version"] == 4


def test_who_missed_nothing_is_not_told_again_what_came_after_the_snapshot() -> None:
    room = room_with(viewer(), version=4)
    room.take(update(5))
    room.admit(Waiting(viewer().connection))
    read(room, 5, meanwhile=(update(6),))
    back = viewer()
    room.admit(Waiting(back.connection, known_version=6, known_epoch="one"))
    [connected] = back.outlet.take()
    assert (connected["recovered"], connected["version"]) == (True, 6)
    room.take(update(7))
    assert versions(back) == [7]


# --- Roles ---------------------------------------------------------------------------------------------------


def test_a_demoted_connection_sees_nothing_hidden_from_the_next_frame_on() -> None:
    one, other = controller(), controller()
    room = room_with(one, other, items=[{"id": "ogre", "hp": 3}])
    room.change_role(one.connection.user_id, PortalRole.VIEWER)
    [changed] = one.outlet.take()
    assert (changed["type"], changed["role"], changed["version"]) == ("role-changed", "viewer", 1)
    assert changed["state"]["items"] == [{"id": "ogre"}]
    room.take(update(2, viewers=False))
    assert versions(one) == []
    assert versions(other) == [2]


def test_a_promoted_connection_is_given_all_of_the_state() -> None:
    one = viewer()
    room = room_with(one, items=[{"id": "ogre", "hp": 3}])
    room.change_role(one.connection.user_id, PortalRole.CONTROLLER)
    [changed] = one.outlet.take()
    assert (changed["role"], changed["state"]["items"]) == ("controller", [{"id": "ogre", "hp": 3}])
    assert room.has_controller


def test_a_role_that_changes_while_the_state_is_old_comes_with_the_new_one() -> None:
    one = controller()
    room = room_with(one)
    room.take(update(2))
    one.outlet.take()
    room.change_role(one.connection.user_id, PortalRole.VIEWER)
    room.take(update(3, viewers=False))
    assert one.outlet.take() == []
    read(room, 3)
    assert [(m["type"], m["version"]) for m in one.outlet.take()] == [("role-changed", 3)]


def test_who_waits_to_be_greeted_is_greeted_in_the_new_role() -> None:
    one = controller()
    room = new_room()
    room.admit(Waiting(one.connection, at_least=2))
    room.change_role(one.connection.user_id, PortalRole.VIEWER)
    read(room, 2, items=[{"id": "ogre", "hp": 3}])
    [connected] = one.outlet.take()
    assert (connected["type"], connected["role"]) == ("connected", "viewer")
    assert connected["state"]["items"] == [{"id": "ogre"}]


def test_who_waits_for_a_state_and_gets_another_role_is_told_the_role() -> None:
    for greeting in ("sync-response", "portal-view-updated", "role-changed"):
        one = viewer()
        room = room_with(one)
        room.take(update(2))
        one.outlet.take()
        assert not room.admit(Waiting(one.connection, greeting))
        room.change_role(one.connection.user_id, PortalRole.CONTROLLER)
        read(room, 2)
        [changed] = one.outlet.take()
        assert (changed["type"], changed["role"]) == ("role-changed", "controller")


def test_all_connections_of_the_person_and_nobody_elses_change() -> None:
    mine = [viewer(user_id=str(UUID(int=900))), viewer(user_id=str(UUID(int=900)))]
    other = viewer()
    room = room_with(*mine, other)
    room.change_role(str(UUID(int=900)), PortalRole.CONTROLLER)
    assert [person.outlet.take_types() for person in mine] == [["role-changed"], ["role-changed"]]
    assert other.outlet.take() == []


def test_a_role_that_is_the_same_is_no_news() -> None:
    one = viewer()
    room = room_with(one)
    room.change_role(one.connection.user_id, PortalRole.VIEWER)
    assert one.outlet.take() == []


def test_without_a_role_the_connection_is_closed_and_forgotten() -> None:
    here, joiner = controller(user_id=str(UUID(int=901))), viewer(user_id=str(UUID(int=901)))
    room = room_with(here)
    room.take(update(2))
    here.outlet.take()
    room.admit(Waiting(joiner.connection))
    room.change_role(str(UUID(int=901)), None)
    for person in (here, joiner):
        [error] = person.outlet.take()
        assert (error["type"], error["code"]) == ("error", "access-withdrawn")
        assert person.outlet.closed == (1008, "access-withdrawn")
        assert person.connection.closed
    assert room.is_empty
    room.take(update(3))


def test_the_oldest_look_at_the_roles_is_remembered() -> None:
    room = room_with(viewer())
    assert room.access_version is None
    for access_version, expected in ((5, 5), (7, 5), (4, 4)):
        room.admit(Waiting(viewer().connection, access_version=access_version))
        assert room.access_version == expected
