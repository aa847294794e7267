"""Who is in a portal view, and what controllers are told of it."""

from __future__ import annotations

import math
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.roles import PortalRole
from realtime.rooms.elsewhere import MAX_HELD, Elsewhere, Written
from realtime.rooms.presence import GRACE_SECONDS, MAX_NAMED, Delta, Here, Person, Told, collects_for, count, merged
from realtime.tests.audience import as_sent, is_known, person
from testing.presence import Audience

ANN, BOB, EVE = person(1, PortalRole.CONTROLLER), person(2), person(3)


def people(*found: Person) -> dict[UUID, Person]:
    return {one.id: one for one in found}


def ids(listed: list[dict[str, Any]] | Any) -> list[int]:
    return [UUID(one["id"]).int for one in listed]


# --- The people of this process ----------------------------------------------------------------------------


def test_a_person_who_comes_is_new_once() -> None:
    here = Here()
    assert here.see(people(ANN), {}, 0.0) == Delta(people(ANN))
    assert not here.see(people(ANN), {}, 1.0)
    assert here.people == people(ANN)
    assert here.next_at == math.inf


def test_a_leave_waits() -> None:
    here = Here()
    here.see(people(ANN), {}, 0.0)
    assert not here.see({}, {}, 5.0)
    assert (here.people, here.next_at) == (people(ANN), 5.0 + GRACE_SECONDS)
    assert not here.see({}, {}, 4.9 + GRACE_SECONDS)
    assert here.see({}, {}, 5.0 + GRACE_SECONDS) == Delta(gone={ANN.id})
    assert (here.people, here.next_at) == ({}, math.inf)


def test_a_reload_is_no_event() -> None:
    here = Here()
    here.see(people(ANN), {}, 0.0)
    here.see({}, {}, 5.0)
    assert not here.see(people(msgspec.structs.replace(ANN, since=9, at=9)), {}, 5.0 + GRACE_SECONDS)
    assert (here.people, here.next_at) == (people(ANN), math.inf)


def test_a_person_whose_access_ended_goes_at_once() -> None:
    here = Here()
    here.see(people(ANN), {}, 0.0)
    here.expel(ANN.id)
    here.expel(BOB.id)
    assert not here.see(people(ANN), {}, 1.0)  # by another connection
    here.expel(ANN.id)
    assert here.see({}, {}, 1.0) == Delta(gone={ANN.id})


def test_another_name_or_role_keeps_the_date() -> None:
    here = Here()
    here.see(people(BOB), {}, 0.0)
    again = person(2, PortalRole.CONTROLLER, since=77)
    expected = msgspec.structs.replace(again, since=2)
    assert here.see(people(again), {}, 1.0) == Delta(people(expected))


def test_a_person_of_another_process_came_when_they_came_there() -> None:
    here = Here()
    late = msgspec.structs.replace(BOB, since=50, at=50)
    assert here.see(people(late), people(BOB), 0.0).came[BOB.id].since == 2


def test_deltas_are_added_up() -> None:
    delta = Delta(people(ANN), {BOB.id})
    delta.add(Delta(people(BOB), {ANN.id}))
    assert delta == Delta(people(BOB), {ANN.id})
    assert [bool(one) for one in (delta, Delta())] == [True, False]


def test_the_newest_entry_counts_with_the_earliest_date() -> None:
    newer = msgspec.structs.replace(BOB, name="Robert", since=20, at=20)
    for entries in ([people(BOB), people(newer)], [people(newer), people(BOB)]):
        assert merged({}, entries) == people(msgspec.structs.replace(newer, since=2))


def test_joins_are_collected_for_longer_among_many() -> None:
    assert [collects_for(number) for number in (0, 50, 51, 10_000)] == [0.25, 0.25, 1.0, 1.0]


# --- What controllers are told -----------------------------------------------------------------------------


def test_a_change_names_who_came_and_who_left() -> None:
    told = Told()
    first = as_sent(told.tell(people(ANN, BOB)) or pytest.fail("nothing is told"))
    assert (first["event"], ids(first["joined"]), first["left"]) == ("change", [1, 2], [])
    assert first["joined"][0] == {
        "id": str(ANN.id),
        "kind": "user",
        "name": "person 1",
        "role": "controller",
        "since": "1970-01-01T00:00:00.001Z",
    }
    assert first["counts"] == {"controllers": 1, "viewers": 1}
    second = as_sent(told.tell(people(ANN, EVE)) or pytest.fail("nothing is told"))
    assert (ids(second["joined"]), ids(second["left"])) == ([3], [2])
    assert told.tell(people(ANN, EVE)) is None


def test_the_share_link_of_a_guest_is_not_told() -> None:
    told = Told()
    told.tell(people(msgspec.structs.replace(BOB, link_id=UUID(int=9))))
    assert set(as_sent(told.snapshot())["viewers"][0]) == {"id", "kind", "name", "role", "since"}


def test_an_entry_that_only_another_process_made_is_no_news() -> None:
    told = Told()
    told.tell(people(BOB))
    assert told.tell(people(msgspec.structs.replace(BOB, since=1, at=99))) is None
    assert told.people == people(BOB)


def test_viewers_above_the_most_are_only_counted() -> None:
    told, audience = Told(), Audience()
    crowd = [person(number) for number in range(1, MAX_NAMED + 51)]
    audience.take(as_sent(told.tell(people(*crowd)) or pytest.fail("nothing is told")))
    assert (len(audience.people), audience.counts) == (MAX_NAMED, {"controllers": 0, "viewers": MAX_NAMED + 50})
    counted = as_sent(told.tell(people(*crowd[:-1])) or pytest.fail("nothing is told"))
    assert (counted["joined"], counted["left"], counted["counts"]["viewers"]) == ([], [], MAX_NAMED + 49)
    assert told.tell(people(*crowd[:-2], msgspec.structs.replace(crowd[-2], name="Other"))) is None
    followed = as_sent(told.tell(people(*crowd[1:-1])) or pytest.fail("nothing is told"))
    assert (followed["joined"], ids(followed["left"]), ids(followed["viewers"])) == ([], [1], [MAX_NAMED + 1])


def test_a_promoted_viewer_makes_room_for_another() -> None:
    told = Told()
    crowd = [person(number) for number in range(1, MAX_NAMED + 2)]
    told.tell(people(*crowd))
    promoted = person(1, PortalRole.CONTROLLER)
    change = as_sent(told.tell(people(promoted, *crowd[1:])) or pytest.fail("nothing is told"))
    assert (ids(change["controllers"]), ids(change["viewers"])) == ([1], [MAX_NAMED + 1])
    back = as_sent(told.tell(people(*crowd)) or pytest.fail("nothing is told"))
    assert ids(back["left"]) == [1]  # whose place is taken: by name it is known no more


numbers = st.integers(1, MAX_NAMED + 20)
entries = st.dictionaries(numbers, st.tuples(st.sampled_from(PortalRole), st.sampled_from(["A", "B"])), max_size=130)


@given(st.lists(entries, min_size=1, max_size=6))
def test_changes_lead_to_what_a_new_controller_is_told(steps: list[dict[int, tuple[PortalRole, str]]]) -> None:
    told, audience = Told(), Audience()
    audience.take(as_sent(told.snapshot()))
    for at, step in enumerate(steps):
        found = people(*(person(number, role, name=name) for number, (role, name) in step.items()))
        if (message := told.tell(found)) is not None:
            audience.take(as_sent(message))
        snapshot = as_sent(told.snapshot())
        assert is_known(audience, snapshot), at
        assert told.counts == count(found.values())
        assert len(snapshot["controllers"]) == told.counts.controllers
        assert len(snapshot["viewers"]) == min(MAX_NAMED, told.counts.viewers)


# --- The people of the other processes ---------------------------------------------------------------------


def written(version: int, *came: Person, gone: Person | None = None, process: str = "other") -> Written:
    return Written(process, version, Delta(people(*came), set() if gone is None else {gone.id}))


def test_news_before_the_first_reading_are_kept() -> None:
    elsewhere = Elsewhere("own")
    assert not elsewhere.hear(written(7, BOB))
    assert not elsewhere.has_gap
    assert elsewhere.load(6, {"other": people(ANN), "own": people(EVE)})
    assert (elsewhere.version, elsewhere.entries) == (7, {"other": people(ANN, BOB)})


def test_news_are_taken_in_their_order() -> None:
    elsewhere = Elsewhere("own")
    elsewhere.load(1, {})
    assert not elsewhere.hear(written(3, gone=BOB))
    assert elsewhere.has_gap
    assert elsewhere.hear(written(2, BOB, ANN))
    assert (elsewhere.has_gap, elsewhere.version, elsewhere.entries) == (False, 3, {"other": people(ANN)})
    assert not elsewhere.hear(written(3, EVE))
    assert elsewhere.hear(written(4, gone=ANN))
    assert elsewhere.entries == {}


def test_own_news_only_count() -> None:
    elsewhere = Elsewhere("own")
    elsewhere.load(1, {})
    assert not elsewhere.hear(written(2, BOB, process="own"))
    assert (elsewhere.version, elsewhere.entries) == (2, {})


def test_news_without_content_ask_for_a_reading() -> None:
    elsewhere = Elsewhere("own")
    elsewhere.load(1, {})
    assert not elsewhere.hear(Written("other", 2, None))
    gaps = [elsewhere.has_gap]
    assert elsewhere.load(2, {"other": people(BOB)})
    assert [*gaps, elsewhere.has_gap] == [True, False]
    assert not elsewhere.load(2, {"other": people(BOB)})


def test_only_so_many_news_wait() -> None:
    elsewhere = Elsewhere("own")
    elsewhere.load(1, {})
    for version in range(3, MAX_HELD + 10):
        elsewhere.hear(written(version, BOB))
    assert elsewhere.hear(written(2, ANN)) is False  # no place is left: the store is read
    assert elsewhere.has_gap


def test_the_people_of_a_dead_process_go() -> None:
    elsewhere = Elsewhere("own")
    elsewhere.load(1, {"other": people(BOB)})
    assert elsewhere.drop("other")
    assert not elsewhere.drop("other")
    assert elsewhere.entries == {}
