"""When activities and pointers are relayed, and when they end: pure, with times of the tests."""

from __future__ import annotations

import math
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.roles import PortalRole
from libraries.rules.sight import Pointed
from libraries.rules.subjects import Subject
from realtime.rooms.gestures import (
    HOLD_SECONDS,
    RELAY_SECONDS,
    VIEWERS_AT_ONCE,
    Doing,
    Editors,
    Outbox,
    Pointers,
)
from realtime.tests.doubles import controller, viewer

EDITING, IDLE = Doing(True, "map"), Doing(False)
ONE = UUID(int=1)

# --- What is relayed ---------------------------------------------------------------------------------------


def test_the_first_activity_is_relayed_at_once_and_the_newest_of_the_next_second() -> None:
    outbox, one = Outbox(), controller().connection
    outbox.put(one, EDITING)
    assert outbox.next_at == -math.inf
    assert outbox.take(10.0) == [(one, EDITING)]
    for target in ("a", "b", "c"):
        outbox.put(one, Doing(True, target))
        assert outbox.take(10.5) == []
    assert outbox.next_at == 10.0 + RELAY_SECONDS
    assert outbox.take(outbox.next_at) == [(one, Doing(True, "c"))]
    assert outbox.next_at == 11.0 + HOLD_SECONDS
    assert outbox.take(outbox.next_at) == []
    assert outbox.next_at == math.inf


def test_several_tabs_are_one_person() -> None:
    outbox, subject = Outbox(), Subject(ONE)
    one, other = controller(subject=subject).connection, controller(subject=subject).connection
    outbox.put(one, EDITING)
    outbox.put(other, Doing(True, "b"))
    assert outbox.take(10.0) == [(other, Doing(True, "b"))]
    assert not outbox.leave(one)
    assert outbox.leave(other)
    assert not outbox.leave(other)


def test_an_end_of_nothing_says_nothing() -> None:
    outbox, one = Outbox(), controller().connection
    outbox.put(one, IDLE)
    assert outbox.next_at == math.inf
    outbox.put(one, EDITING)
    outbox.put(one, IDLE)  # before anybody was told
    assert outbox.take(10.0) == []
    outbox.put(one, EDITING)
    assert outbox.take(10.0) == [(one, EDITING)]
    outbox.put(one, IDLE)
    assert outbox.take(11.0) == [(one, IDLE)]
    outbox.put(one, IDLE)
    assert outbox.take(12.0) == []
    assert not outbox.leave(one)


def test_who_is_no_controller_any_more_edits_no_more() -> None:
    outbox, one = Outbox(), controller().connection
    outbox.put(one, EDITING)
    outbox.take(10.0)
    outbox.put(one, Doing(True, "secret"))
    one.role = PortalRole.VIEWER
    assert outbox.take(11.0) == [(one, IDLE)]


@given(st.lists(st.tuples(st.sampled_from([0, 0.25, 0.5, 1, 3, 6]), st.integers(0, 2), st.booleans()), max_size=60))
def test_nobody_is_relayed_more_than_once_a_second(steps: list[tuple[float, int, bool]]) -> None:
    """Whatever they send; what is relayed last is what they sent last, unless it had ended by itself before."""
    outbox, people = Outbox(), [controller().connection for _ in range(3)]
    now, told = 0.0, [[(-math.inf, IDLE)] for _ in people]
    wanted, wanted_at = [IDLE] * 3, [0.0] * 3

    def take() -> None:
        for connection, doing in outbox.take(now):
            told[people.index(connection)].append((now, doing))

    for number, (pause, who, is_editing) in enumerate(steps):
        until = now + pause
        while outbox.next_at <= until:
            now = max(now, outbox.next_at)
            take()
        now = until
        wanted[who], wanted_at[who] = Doing(is_editing, str(number) if is_editing else None), now
        outbox.put(people[who], wanted[who])
    while outbox.next_at < math.inf:
        now = max(now, outbox.next_at)
        take()
    for log, last, last_at in zip(told, wanted, wanted_at, strict=True):
        assert all(later - earlier >= RELAY_SECONDS for (earlier, _), (later, _) in pairwise(log))
        told_at, told_last = log[-1]
        assert told_last == last or (not last.is_editing and last_at >= told_at + HOLD_SECONDS)


# --- Who is editing ----------------------------------------------------------------------------------------


def test_editing_ends_by_itself() -> None:
    editors = Editors()
    assert editors.next_at == math.inf
    for now in (10.0, 12.0):
        editors.hear(ONE, "connection", EDITING, now)
        assert editors.take(now) == [(ONE, "connection", EDITING)]
    assert editors
    assert editors.next_at == 12.0 + HOLD_SECONDS
    assert editors.take(16.9) == []
    assert editors.take(17.0) == [(ONE, "connection", IDLE)]
    assert not editors
    assert editors.take(99.0) == []
    assert editors.next_at == math.inf


def test_an_end_is_told_once() -> None:
    editors = Editors()
    editors.hear(ONE, "connection", IDLE, 9.0)
    assert editors.next_at == math.inf
    editors.hear(ONE, "connection", EDITING, 10.0)
    assert editors.take(10.0)
    for _ in range(2):
        editors.hear(ONE, "connection", IDLE, 11.0)
    assert editors.take(11.0) == [(ONE, "connection", IDLE)]
    editors.hear(ONE, "connection", IDLE, 11.5)
    assert editors.take(99.0) == []
    assert editors.next_at == math.inf


def test_a_person_in_two_processes_is_told_once_a_second() -> None:
    editors, told = Editors(), []
    for number in range(40):
        now = 10.0 + number / 10
        editors.hear(ONE, "one" if number % 2 else "other", Doing(True, str(number)), now)
        told += [(now, sender, doing.target) for _, sender, doing in editors.take(now)]
    assert [when for when, *_ in told] == [10.0, 11.0, 12.0, 13.0]
    assert told[1][1:] == ("other", "10")
    assert editors.next_at == 13.0 + RELAY_SECONDS
    assert editors.take(14.0) == [(ONE, "one", Doing(True, "39"))]
    editors.hear(ONE, "one", IDLE, 14.1)
    editors.hear(ONE, "other", Doing(True, "b"), 14.2)  # only the newest waits
    assert editors.take(14.9) == []
    assert editors.take(15.0) == [(ONE, "other", Doing(True, "b"))]


# --- Pointers ----------------------------------------------------------------------------------------------


def at(x: float) -> Pointed:
    return Pointed("map", x, 0)


def test_the_newest_pointer_of_each_person_is_relayed() -> None:
    pointers, one, other = Pointers(), controller().connection, viewer().connection
    for x in (0.1, 0.2):
        pointers.put(one, at(x))
        pointers.put(other, at(x / 2))
    assert pointers
    assert pointers.take() == [(one, at(0.2)), (other, at(0.1))]
    assert not pointers
    assert pointers.take() == []


def test_viewers_take_turns_and_controllers_do_not_wait() -> None:
    pointers, game_master = Pointers(), controller().connection
    crowd = [viewer().connection for _ in range(2 * VIEWERS_AT_ONCE + 1)]
    for one in (*crowd, game_master):
        pointers.put(one, at(0.1))
    assert [one for one, _ in pointers.take()] == [*crowd[:VIEWERS_AT_ONCE], game_master]
    for one in crowd:  # who waits keeps the turn, and points where they point now
        pointers.put(one, at(0.9))
    assert pointers.take() == [(one, at(0.9)) for one in crowd[VIEWERS_AT_ONCE : 2 * VIEWERS_AT_ONCE]]
    assert [one for one, _ in pointers.take()] == [crowd[-1], *crowd[: VIEWERS_AT_ONCE - 1]]


def test_who_is_gone_points_no_more() -> None:
    pointers, one, other = Pointers(), viewer().connection, controller().connection
    for connection in (one, other):
        pointers.put(connection, at(0.5))
        connection.closed = True
    assert pointers.take() == []
    assert not pointers
