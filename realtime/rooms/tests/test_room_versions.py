"""The two versions of a room: the stored one orders the changes, and viewers are told of their own alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.projection import epoch_seen
from libraries.rules.roles import PortalRole
from realtime.rooms.connection import Connection
from realtime.rooms.room import Room
from realtime.rooms.snapshots import Answer, CatchUp, Entry
from realtime.rooms.updates import Update
from realtime.tests.doubles import Person, controller, new_room, read, room_with, update, versions, viewer

SEEN = 3
"""The viewers' version in the rooms of these tests, while the stored one is 7."""


def hidden(version: int) -> Update:
    """A change that viewers don't see."""
    return update(version, seen=SEEN, viewers=False)


def of_the_release_before(version: int) -> Update:
    """A change from a process that does not know the viewers' version."""
    return replace(update(version), viewers_version=None)


def hidden_room(*people: Person) -> Room:
    """A room with people, and with a stored version that viewers must not learn."""
    room = room_with(*people, version=7, viewersVersion=SEEN)
    for person in people:
        person.connection.room = room
    return room


# --- What each role is told ----------------------------------------------------------------------------------


def test_each_role_is_told_its_own_version_at_the_entry() -> None:
    one, other = viewer(), controller()
    room = new_room()
    for person in (one, other):
        room.serve(Entry(person.connection))
    read(room, 7, viewersVersion=SEEN, viewersUpdatedAt="2026-11-23T18:00:00.000Z")
    [seen], [known] = one.outlet.take(), other.outlet.take()
    assert (seen["version"], known["version"]) == (SEEN, 7)
    assert (seen["state"]["version"], seen["state"]["updatedAt"]) == (SEEN, "2026-11-23T18:00:00.000Z")
    assert (known["state"]["version"], known["state"]["updatedAt"]) == (7, "2026-11-23T19:00:00.000Z")
    for connected in (seen, known):
        assert not {"viewersVersion", "viewersUpdatedAt"} & connected["state"].keys()


@pytest.mark.parametrize("request_type", [Answer, CatchUp])
def test_each_role_is_told_its_own_version_with_the_state(request_type: type[Answer | CatchUp]) -> None:
    one, other = viewer(), controller()
    room = hidden_room(one, other)
    for person in (one, other):
        room.serve(request_type(person.connection))
    assert (versions(one), versions(other)) == ([SEEN], [7])


@pytest.mark.parametrize(
    ("before", "role", "version"), [(controller, PortalRole.VIEWER, SEEN), (viewer, PortalRole.CONTROLLER, 7)]
)
def test_a_new_role_is_told_its_own_version(before: Any, role: PortalRole, version: int) -> None:
    one: Person = before()
    hidden_room(one).change_roles({one.connection.subject: role})
    [changed] = one.outlet.take()
    assert (changed["role"], changed["version"], changed["state"]["version"]) == (role, version, version)
    assert one.connection.newest_version == version


def test_an_ack_has_the_version_of_the_role() -> None:
    one, other = viewer(), controller()
    room = hidden_room(one, other)
    room.take(hidden(8))
    assert versions(other) == [8]
    for person in (one, other):
        person.connection.reply_ack("r")
    assert (versions(one), versions(other)) == ([SEEN], [8])


def test_a_controller_that_became_a_viewer_gets_neither_the_stored_version_nor_warnings() -> None:
    one = controller()
    room = hidden_room(one)
    room.change_roles({one.connection.subject: PortalRole.VIEWER})
    one.outlet.take()
    one.connection.reply_ack("r", 8, ["public.hp looks like health and is shown"])
    assert one.outlet.take() == [{"type": "ack", "ref": "r", "version": SEEN}]


def test_a_connection_in_no_room_knows_its_own_versions() -> None:
    one = viewer().connection
    one.version, one.viewers_version = 7, SEEN
    assert (one.newest_version, one.newest_for(PortalRole.CONTROLLER)) == (SEEN, 7)


# --- Changes -------------------------------------------------------------------------------------------------


def test_a_hidden_change_moves_only_the_stored_version() -> None:
    one, other = viewer(), controller()
    room = hidden_room(one, other)
    for version in (8, 9):
        room.take(hidden(version))
    room.take(update(10, seen=SEEN + 1))
    assert (versions(one), versions(other)) == ([SEEN + 1], [8, 9, 10])
    assert (room.version, room.viewers_version) == (10, SEEN + 1)


def test_a_change_of_the_release_before_is_a_gap() -> None:
    one, other = viewer(), controller()
    room = hidden_room(one, other)
    room.take(of_the_release_before(8))
    assert one.outlet.take() == other.outlet.take() == []
    assert room.has_gap
    read(room, 8, catch_up=True, viewersVersion=SEEN + 1)
    assert (versions(one), versions(other)) == ([SEEN + 1], [8])
    assert not room.has_gap


def test_a_known_change_of_the_release_before_is_dropped() -> None:
    room = hidden_room(viewer())
    room.take(of_the_release_before(7))
    assert not room.has_gap


def test_an_earlier_change_of_the_release_before_closes_no_gap() -> None:
    room = hidden_room(viewer())
    for version in (9, 8):
        room.take(of_the_release_before(version))
    room.take(hidden(8))
    assert room.has_gap
    read(room, 9, catch_up=True, viewersVersion=SEEN)
    assert not room.has_gap


# --- Gaps and stalls -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("moved", [0, 1])
def test_after_a_gap_viewers_get_the_state_only_if_they_missed_something(moved: int) -> None:
    one, other = viewer(), controller()
    room = hidden_room(one, other)
    room.take(hidden(9))
    read(room, 9, catch_up=True, viewersVersion=SEEN + moved)
    assert (versions(one), versions(other)) == ([SEEN + 1] * moved, [9])
    assert (room.version, room.viewers_version) == (9, SEEN + moved)
    room.take(update(10, seen=SEEN + moved + 1))
    assert versions(one) == [SEEN + moved + 1]


@pytest.mark.parametrize("moved", [0, 1])
def test_a_viewer_ahead_of_the_room_gets_the_state_only_if_they_missed_something(moved: int) -> None:
    here, ahead = viewer(), viewer()
    room = hidden_room(here)
    room.serve(Entry(ahead.connection, at_least=9))
    read(room, 9, viewersVersion=SEEN + 1)
    assert versions(ahead) == [SEEN + 1]
    read(room, 10, catch_up=True, viewersVersion=SEEN + 1 + moved)
    assert (versions(here), versions(ahead)) == ([SEEN + 1 + moved], [SEEN + 2] * moved)
    room.take(update(11, seen=SEEN + 3))
    assert (versions(here), versions(ahead)) == ([SEEN + 3], [SEEN + 3])


def stalled(*people: Person) -> tuple[Room, list[Connection]]:
    """A room with people who have stopped reading, and a list of those to be brought up to date."""
    drained: list[Connection] = []
    room = new_room(drained)
    for person in people:
        room.serve(Entry(person.connection))
    read(room, 7, viewersVersion=SEEN)
    for person in people:
        person.outlet.take()
        person.outlet.stall()
    return room, drained


def test_a_viewer_who_skipped_only_hidden_changes_gets_no_state() -> None:
    one, other = viewer(), controller()
    room, drained = stalled(one, other)
    room.take(hidden(8))
    room.take(hidden(9))
    for person in (one, other):
        person.outlet.drain()
    assert drained == [other.connection]
    room.take(update(10, seen=SEEN + 1))
    assert versions(one) == [SEEN + 1]


def test_a_viewer_who_skipped_a_change_among_hidden_ones_gets_the_state() -> None:
    one = viewer()
    room, drained = stalled(one)
    room.take(hidden(8))
    room.take(update(9, seen=SEEN + 1))
    one.outlet.drain()
    assert drained == [one.connection]


def test_a_viewer_who_stalls_again_is_level_with_what_was_delivered() -> None:
    one = viewer()
    room, drained = stalled(one)
    room.take(hidden(8))
    one.outlet.drain()
    room.take(update(9, seen=SEEN + 1))
    assert versions(one) == [SEEN + 1]
    one.outlet.stall()
    room.take(update(10, seen=SEEN + 1, viewers=False))
    one.outlet.drain()
    assert (drained, one.outlet.take()) == ([], [])


@given(
    visible=st.lists(st.booleans(), min_size=1, max_size=12),
    coming=st.lists(st.integers(2, 13), max_size=30),
    stall_at=st.integers(0, 30),
    drain_at=st.integers(0, 30),
)
def test_viewers_are_told_each_of_their_versions_at_most_once_and_the_newest_in_the_end(
    visible: list[bool], coming: list[int], stall_at: int, drain_at: int
) -> None:
    seen = [0, 1]  # by stored version
    for sees in visible:
        seen.append(seen[-1] + sees)
    newest, one, drained = len(seen) - 1, viewer(), list[Connection]()
    room = new_room(drained)
    room.serve(Entry(one.connection))
    read(room, 1, name="seen 1")
    one.outlet.take()
    for place, version in enumerate(coming):
        if place == stall_at:
            one.outlet.stall()
        if place == drain_at and one.outlet.stalled_since is not None:
            one.outlet.drain()
        if version <= newest:
            sees, name = visible[version - 2], f"seen {seen[version]}"
            room.take(update(version, seen=seen[version], viewers=sees, name=name))
    if one.outlet.stalled_since is not None:
        one.outlet.drain()
    for connection in drained:
        room.serve(CatchUp(connection))
    read(room, newest, catch_up=True, viewersVersion=seen[newest], name=f"seen {seen[newest]}")
    messages = one.outlet.take()
    told = [message["version"] for message in messages]
    assert told == sorted(set(told))
    assert [message["payload"]["name"] for message in messages] == [f"seen {version}" for version in told]
    assert (told or [1])[-1] == seen[newest]


# --- Coming back ---------------------------------------------------------------------------------------------


def back_in(room: Room, person: Person, version: int, epoch: str | None = None) -> dict[str, Any]:
    """The `connected` of a client that returns with that version, by default in its role's epoch."""
    known = epoch_seen("one", person.connection.role) if epoch is None else epoch
    room.serve(Entry(person.connection, known_version=version, known_epoch=known))
    connected: dict[str, Any] = person.outlet.take()[0]
    return connected


def test_a_viewer_who_missed_only_hidden_changes_is_recovered() -> None:
    room, back = hidden_room(viewer()), viewer()
    for version in range(8, 20):
        room.take(hidden(version))
    read(room, 19, viewersVersion=SEEN)
    connected = back_in(room, back, SEEN)
    assert (connected["recovered"], connected["version"], "state" in connected) == (True, SEEN, False)
    room.take(update(20, seen=SEEN + 1))
    assert versions(back) == [SEEN + 1]


def test_a_viewer_is_recovered_with_the_updates_since_the_snapshot() -> None:
    room, older = hidden_room(viewer()), viewer()
    room.take(hidden(8))
    room.serve(Entry(viewer().connection))
    since = (update(9, seen=SEEN + 1), update(10, seen=SEEN + 1, viewers=False))
    read(room, 8, viewersVersion=SEEN, meanwhile=since)
    connected = back_in(room, viewer(), SEEN + 1)
    assert (connected["recovered"], connected["version"]) == (True, SEEN + 1)
    room.serve(Entry(older.connection, known_version=SEEN, known_epoch=epoch_seen("one", PortalRole.VIEWER)))
    assert older.outlet.take() == []
    read(room, 10, viewersVersion=SEEN + 1)
    assert (older.outlet.messages[0]["recovered"], versions(older)) == (False, [SEEN + 1])


def test_only_its_own_version_in_its_own_epoch_recovers_a_client() -> None:
    room = hidden_room(viewer())
    for version, epoch in ((7, None), (SEEN, "one"), (SEEN, "one-viewer-00000000")):
        assert back_in(room, viewer(), version, epoch)["recovered"] is False
    assert back_in(room, controller(), SEEN)["recovered"] is False
    assert back_in(room, controller(), 7)["recovered"] is True
