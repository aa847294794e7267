"""The books must find the errors that they exist for: a chaos run that cannot fail proves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.ledger import SLOTS, Ledger, Reader, updates_in


@pytest.fixture
def ledger() -> Ledger:
    """Three updates of anna were sent: to her own item, to the shared one, and to the name."""
    ledger = Ledger()
    for number, target in enumerate(("slot", "shared", "name"), start=1):
        ledger.note_sent(("anna", number), target)
    return ledger


def stored(version: int = 4, slots: dict[str, int] | None = None, by: str = "anna:2", name: str = "anna:3") -> Any:
    slots = {"k1": 1} if slots is None else slots
    return {"version": version, "name": name, "items": [{"id": "shared", "caption": by}, {"id": "anna", **slots}]}


def acknowledge_all(ledger: Ledger) -> None:
    for number in (1, 2, 3):
        ledger.note_acked(("anna", number), number + 1)


def test_no_promise_is_broken_if_all_acknowledged_updates_are_stored(ledger: Ledger) -> None:
    acknowledge_all(ledger)
    ledger.check(stored())
    assert (ledger.tally.acknowledged, ledger.tally.lost, ledger.tally.broken) == (3, 0, [])


@pytest.mark.parametrize(
    "state",
    [
        stored(version=3),
        stored(slots={}),
        stored(slots={"k1": 1 + SLOTS}),
        stored(by="anna:1"),
        stored(name="Evening"),
    ],
    ids=["no such version", "slot empty", "slot of another", "shared item", "name"],
)
def test_an_acknowledged_update_that_is_not_stored_is_lost(ledger: Ledger, state: dict[str, Any]) -> None:
    acknowledge_all(ledger)
    ledger.check(state)
    assert ledger.tally.lost == len(ledger.tally.broken) == 1


def test_of_two_writers_the_later_version_counts(ledger: Ledger) -> None:
    ledger.note_sent(("ben", 1), "name")
    ledger.note_acked(("ben", 1), 9)
    ledger.note_acked(("anna", 3), 8)
    ledger.check(stored(version=9, name="ben:1"))
    assert ledger.tally.broken == []


def test_an_ack_with_a_different_version_is_detected(ledger: Ledger) -> None:
    acknowledge_all(ledger)
    ledger.note_seen(("anna", 1), "controller", 3)
    ledger.check(stored())
    assert ledger.tally.broken == ["Update 1 of anna is said to be in 2, but came in 3"]


def test_an_update_received_with_two_versions_was_stored_twice(ledger: Ledger) -> None:
    for version in (2, 2, 5):
        ledger.note_seen(("anna", 1), "controller", version)
    assert ledger.tally.duplicates == 1


def test_a_check_covers_the_time_since_the_last_one(ledger: Ledger) -> None:
    acknowledge_all(ledger)
    ledger.check(stored())
    ledger.take_tally()
    ledger.check(stored(slots={}))
    assert ledger.tally.broken == []


def update(version: int, number: int = 1) -> dict[str, Any]:
    return {"type": "item-updated", "version": version, "index": 1, "payload": {"itemId": "anna", f"k{number}": number}}


@pytest.mark.parametrize(
    ("versions", "out_of_order", "duplicates"),
    [((2, 3, 7), 0, 0), ((3, 2), 1, 0), ((2, 2), 0, 1)],
)
def test_each_connection_receives_versions_in_rising_order(
    versions: tuple[int, ...], out_of_order: int, duplicates: int
) -> None:
    ledger = Ledger()
    reader = Reader(ledger, "viewer 1", "viewer")
    for number, version in enumerate(versions):
        reader.read(update(version, number))
    assert (ledger.tally.out_of_order, ledger.tally.duplicates) == (out_of_order, duplicates)
    assert reader.version == max(versions)


def test_a_command_comes_at_most_once() -> None:
    ledger = Ledger()
    reader = Reader(ledger, "viewer 1", "viewer")
    for number in (1, 3, 3):
        message = {"type": "portal-view-updated", "payload": {"pointer": {"by": "anna", "number": number}}}
        reader.read(message)
    assert (ledger.tally.duplicates, ledger.tally.out_of_order) == (1, 0)


def test_a_whole_state_instead_of_updates_is_a_skip() -> None:
    reader = Reader(Ledger(), "viewer 1", "viewer")
    reader.read(update(2))
    reader.read({"type": "portal-view-updated", "version": 9, "payload": {"id": "…", "name": "anna:3"}})
    assert (reader.version, reader.skips) == (9, 1)


def test_updates_are_read_from_messages_but_not_from_whole_states() -> None:
    for payload, updates in (
        ({"itemId": "anna", "k1": 1, "k2": 2, "text": "…"}, [("anna", 1), ("anna", 2)]),
        ({"itemId": "shared", "caption": "ben:4", "hp": 3}, [("ben", 4)]),
        ({"itemId": "anna", "caption": "anna:7"}, [("anna", 7)]),
        ({"itemId": "anna", "caption": "anna:7", "k7": 7}, [("anna", 7)]),
        ({"itemId": "anna", "text": "x", "caption": None}, []),
    ):
        assert updates_in({"type": "item-updated", "payload": payload}) == updates
    for payload, updates in (
        ({"name": "ben:5", "showHealth": True}, [("ben", 5)]),
        ({"id": "…", "name": "ben:5"}, []),
    ):
        assert updates_in({"type": "portal-view-updated", "payload": payload}) == updates
    added = {"type": "item-added", "item": {"id": "x", "caption": "ben:6"}}
    removed = {"type": "item-removed", "itemId": "y"}
    assert updates_in(added) == updates_in({"type": "batch-applied", "changes": [removed, added]}) == [("ben", 6)]
    assert updates_in(removed) == []


def guests(*numbers: int, turn: str | None = None, number: int = 0) -> Any:
    """A stored state with guests that these updates of anna added."""
    found = [{"id": f"x{place}", "slug": "anna", "caption": f"anna:{by}"} for place, by in enumerate(numbers)]
    state = stored(version=9)
    encounter = {"round": number, "turn": turn, "order": [{"itemId": "anna"}, {"itemId": "ben"}]}
    return {**state, "items": [*state["items"], *found], "encounter": encounter}


@pytest.mark.parametrize(
    ("state", "lost", "duplicates"),
    [(guests(5), 0, 0), (guests(), 1, 0), (guests(5, 5), 0, 1), (guests(4, 5), 0, 1), (guests(4), 1, 1)],
    ids=["right", "lost", "twice", "not removed", "both"],
)
def test_each_guest_is_there_once(state: dict[str, Any], lost: int, duplicates: int) -> None:
    ledger = Ledger()
    for number in (4, 5):
        ledger.note_sent(("anna", number), "guest")
        ledger.note_acked(("anna", number), number)
    ledger.note_left(("anna", 4))
    ledger.check(state)
    assert (ledger.tally.lost, ledger.tally.duplicates, len(ledger.tally.broken)) == (
        lost,
        duplicates,
        lost + duplicates,
    )


@pytest.mark.parametrize(
    ("turn", "number", "lost", "duplicates"),
    [("anna", 2, 0, 0), ("ben", 1, 1, 0), ("ben", 2, 0, 1), (None, 0, 3, 0)],
)
def test_as_many_turns_were_taken_as_acknowledged(turn: str | None, number: int, lost: int, duplicates: int) -> None:
    ledger = Ledger()
    for update_number in (1, 2, 3):
        ledger.note_sent(("anna", update_number), "turn")
        ledger.note_acked(("anna", update_number), update_number)
    ledger.check(guests(turn=turn, number=number))
    assert (ledger.tally.lost, ledger.tally.duplicates) == (lost, duplicates)
    ledger.check(guests(turn=turn, number=number))
    assert len(ledger.tally.broken) == (lost + duplicates > 0)
