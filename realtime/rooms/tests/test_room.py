"""The order in which a room's connections get changes, even if some come late, twice or never."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from libraries.selectors import Pulse
from realtime.protocol.events import SyncRequested
from realtime.rooms.snapshots import Answer, Entry
from realtime.tests.doubles import controller, new_room, read, room_with, update, versions, viewer

# --- Order ---------------------------------------------------------------------------------------------------


def test_changes_come_in_order() -> None:
    one, other = viewer(), controller()
    room = room_with(one, other)
    for version in (2, 3, 4):
        room.take(update(version))
    assert versions(one) == versions(other) == [2, 3, 4]
    assert room.version == 4


def test_an_early_change_is_held() -> None:
    one = viewer()
    room = room_with(one)
    room.take(update(4))
    room.take(update(3))
    assert versions(one) == []
    assert room.has_gap
    room.take(update(2))
    assert versions(one) == [2, 3, 4]
    assert not room.has_gap


def test_a_known_change_is_dropped() -> None:
    one = viewer()
    room = room_with(one, version=5)
    for version in (5, 4, 6, 6, 1):
        room.take(update(version))
    assert versions(one) == [6]


def test_the_sender_gets_no_copy_but_all_later_changes() -> None:
    sender, other = controller(), controller()
    room = room_with(sender, other)
    room.take(update(2, sender=sender.id))
    assert versions(sender) == []
    assert versions(other) == [2]
    read(room, 2, catch_up=True)
    room.take(update(3))
    assert versions(sender) == [3]


def test_the_sender_gets_no_copy_of_an_early_change_either() -> None:
    sender = controller()
    room = room_with(sender)
    room.take(update(3, sender=sender.id))
    room.take(update(2))
    assert versions(sender) == [2]


def test_a_change_that_a_role_does_not_get_still_counts() -> None:
    one, other = viewer(), controller()
    room = room_with(one, other)
    room.take(update(2, viewers=False))
    room.take(update(3))
    assert versions(one) == [3]
    assert versions(other) == [2, 3]


def test_a_message_for_one_connection_reaches_no_other() -> None:
    one, other = viewer(), viewer()
    room = room_with(one, other)
    room.take(update(None, to=other.id))
    assert versions(one) == []
    assert versions(other) == [None]


def test_a_message_for_an_absent_or_unauthorised_connection_reaches_nobody() -> None:
    one, other = viewer(), controller()
    room = room_with(one, other)
    for to in ("somebody", one.id):
        room.take(update(None, to=to, viewers=False))
    assert one.outlet.take() == other.outlet.take() == []


def test_a_command_is_not_held_and_not_counted() -> None:
    one = viewer()
    room = room_with(one)
    room.take(update(3))
    room.take(update(None))
    assert versions(one) == [None]
    assert room.version == 1


def test_a_command_with_older_flags_is_withheld_from_viewers_only() -> None:
    one, other = viewer(), controller()
    room = room_with(one, other, version=5)
    room.take(update(None, as_of=4))
    assert versions(one) == []
    assert versions(other) == [None]


def test_a_command_with_current_or_newer_flags_is_delivered() -> None:
    one = viewer()
    room = room_with(one, version=5)
    room.take(update(None, as_of=5))
    room.take(update(None, as_of=6))
    assert versions(one) == [None, None]


COMING = st.lists(st.integers(2, 12), max_size=40)


@given(coming=COMING, newest=st.integers(12, 14), sender=st.sampled_from(["nobody", "one"]))
def test_after_lost_late_or_repeated_changes_the_newest_state_comes_last(
    coming: list[int], newest: int, sender: str
) -> None:
    one, other = viewer(connection_id="one"), controller()
    room = room_with(one, other)
    for version in coming:
        room.take(update(version, sender=sender))
    read(room, newest, catch_up=True)
    for person in (one, other):
        seen = person.outlet.take()
        told = [message["version"] for message in seen]
        assert told == sorted(set(told))
        assert room.version == newest
        if room_missed(coming, newest):
            assert seen[-1]["payload"]["name"] == f"at {newest}"
    assert not room.has_gap


def room_missed(coming: list[int], newest: int) -> bool:
    """Whether a change up to the newest never came."""
    return not set(range(2, newest + 1)) <= set(coming)


@given(order=st.permutations(range(2, 9)), doubled=st.lists(st.integers(2, 8)))
def test_in_any_order_and_repeated_each_change_comes_once_in_order(order: list[int], doubled: list[int]) -> None:
    one = viewer()
    room = room_with(one)
    for version in [*doubled[:3], *order, *doubled[3:]]:
        room.take(update(version))
    assert versions(one) == list(range(2, 9))


@given(before=COMING, meanwhile=COMING, after=COMING, read_at=st.integers(6, 12))
def test_a_connection_that_joins_during_updates_gets_each_once_in_order(
    before: list[int], meanwhile: list[int], after: list[int], read_at: int
) -> None:
    # A state that is read contains all changes published before the read began.
    room = room_with(viewer(), version=1)
    for version in before:
        room.take(update(min(version, read_at)))
    joiner = viewer()
    if not room.serve(Entry(joiner.connection)):
        read(room, read_at, meanwhile=[update(version) for version in meanwhile])
    for version in after:
        room.take(update(version))
    read(room, 12, catch_up=True)
    connected, *seen = joiner.outlet.take()
    told = [connected["version"], *(message["version"] for message in seen)]
    assert connected["type"] == "connected"
    assert told == sorted(set(told))
    assert told[-1] == 12


# --- Catching up ---------------------------------------------------------------------------------------------


def test_with_a_gap_everybody_gets_the_whole_state() -> None:
    one, other = viewer(), controller()
    room = room_with(one, other)
    room.take(update(3))
    read(room, 4, catch_up=True, items=[{"id": "ogre", "hp": 3}])
    [seen], [known] = one.outlet.take(), other.outlet.take()
    assert (seen["type"], seen["version"], seen["payload"]["name"]) == ("portal-view-updated", 4, "at 4")
    assert seen["payload"]["items"] == [{"id": "ogre"}]
    assert known["payload"]["items"] == [{"id": "ogre", "hp": 3}]
    assert not room.has_gap


def test_changes_newer_than_the_state_follow_it() -> None:
    one = viewer()
    room = room_with(one)
    room.take(update(4))
    read(room, 3, catch_up=True)
    assert versions(one) == [3, 4]


def test_without_a_gap_a_read_sends_nothing() -> None:
    one = viewer()
    room = room_with(one)
    read(room, 2)
    assert versions(one) == []
    room.take(update(2))
    assert versions(one) == [2]


def test_a_state_that_everybody_has_is_not_sent_again() -> None:
    one = viewer()
    room = room_with(one, version=3)
    read(room, 3, catch_up=True)
    assert versions(one) == []


def test_a_stored_version_beyond_the_rooms_is_a_gap_until_it_is_reached() -> None:
    one = viewer()
    room = room_with(one)
    room.note(Pulse(UUID(int=7), version=3, epoch="one", access_version=1))
    assert room.has_gap
    room.take(update(2))
    assert room.has_gap
    room.take(update(3))
    assert not room.has_gap


def test_another_epoch_or_a_lower_version_is_another_past() -> None:
    room = room_with(viewer(), version=5)
    assert not room.order.is_other_past("one", 5, 5)
    assert not room.order.is_other_past("one", 4, 4)  # requested before 5 was delivered
    assert room.order.is_other_past("one", 4, 5)
    assert room.order.is_other_past("two", 6, 5)
    assert not new_room().order.is_other_past("two", 1, 0)


# --- Questions -----------------------------------------------------------------------------------------------


def test_only_controllers_are_asked() -> None:
    one, other = viewer(), controller()
    room = room_with(one, other)
    assert room.ask_controllers(SyncRequested(subject_id=UUID(int=5), connection_id=one.id))
    assert other.outlet.take() == [{"type": "sync-requested", "from": str(UUID(int=5)), "connectionId": one.id}]
    assert one.outlet.take() == []


def test_without_a_controller_nobody_is_asked() -> None:
    one = viewer()
    room = room_with(one)
    assert not room.ask_controllers(SyncRequested(subject_id=UUID(int=5), connection_id=one.id))
    assert not room.has_controller


def test_the_servers_answer_is_the_state() -> None:
    one = viewer()
    room = room_with(one, version=3)
    room.serve(Answer(one.connection))
    [answer] = one.outlet.take()
    assert (answer["type"], answer["source"], answer["version"]) == ("sync-response", "server", 3)
    assert answer["payload"]["name"] == "at 3"
