"""The encounter: what is accepted, the turns, items that leave it, and what viewers see of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.encounter import (
    MAX_INITIATIVE_CHARS,
    MAX_ROUND,
    check_encounter,
    check_entries,
    normal_encounter,
    seen,
    stepped,
    without,
)
from libraries.rules.errors import BadValue, InvalidPayload, check_below

IDS = "abcd"


def encounter(order: str, turn: str | None = None, number: int = 1) -> dict[str, Any]:
    """An encounter with one entry for each letter."""
    return {"round": number, "turn": turn, "order": [{"itemId": item_id} for item_id in order]}


def brief(one: Any) -> tuple[int, str | None, str]:
    return one["round"], one["turn"], "".join(entry["itemId"] for entry in one["order"])


@st.composite
def encounters(draw: st.DrawFn) -> dict[str, Any]:
    order = "".join(draw(st.permutations(IDS)))[: draw(st.integers(0, len(IDS)))]
    turn = draw(st.none() | st.sampled_from(order)) if order else None
    return encounter(order, turn, draw(st.integers(0, 3) | st.just(MAX_ROUND)))


some = st.sets(st.sampled_from(IDS))

# --- What is accepted --------------------------------------------------------------------------------------


def anything(*values: Any) -> tuple[Any, ...]:
    return values


GOOD: list[Any] = [
    None,
    encounter(""),
    encounter("ab", "b", MAX_ROUND),
    {"round": 0, "order": []},
    {"round": 1, "turn": 7, "order": [{"itemId": "7"}]},
    {"round": 1, "turn": "7", "order": [{"itemId": 7}]},
    *(
        {"round": 1, "order": [{"itemId": "a", "initiative": initiative}]}
        for initiative in anything(None, 0, -3, 17.5, "", "first", "x" * MAX_INITIATIVE_CHARS)
    ),
]
BAD: list[tuple[Any, str, str]] = [
    *((value, "", "Must be null or an object with round, turn and order") for value in anything([], "x", 1, True)),
    ({**encounter(""), "current": 1}, ".current", "There is no such key; there are round, turn, order."),
    *(
        ({**encounter("a"), "round": number}, ".round", f"Must be a whole number from 0 to {MAX_ROUND}")
        for number in anything(None, True, -1, MAX_ROUND + 1, 1.0, "1")
    ),
    ({"order": []}, ".round", "Must be a whole number"),
    *(({"round": 1, "order": order}, ".order", "Must be a list of objects") for order in anything(None, {}, "ab", 3)),
    ({"round": 1}, ".order", "Must be a list of objects"),
    *(
        ({"round": 1, "order": [{"itemId": "a"}, entry]}, ".order[1]", "Must be an object with itemId and initiative")
        for entry in anything("b", None, [])
    ),
    (
        {"round": 1, "order": [{"itemId": "a", "hp": 1}]},
        ".order[0].hp",
        "There is no such key; there are itemId",
    ),
    *(
        ({"round": 1, "order": [{"itemId": item_id}]}, ".order[0].itemId", "Must be text of 1 to 128 characters")
        for item_id in anything(None, "", True, 1.5, [], {}, "x" * 129)
    ),
    ({"round": 1, "order": [{}]}, ".order[0].itemId", "Must be text"),
    ({"round": 1, "order": [{"itemId": "__proto__"}]}, ".order[0].itemId", "__proto__"),
    (
        {"round": 1, "order": [{"itemId": 1}, {"itemId": "1"}]},
        ".order[1].itemId",
        "and order[0] has it too; it is “1”.",
    ),
    *(
        (
            {"round": 1, "order": [{"itemId": "a", "initiative": initiative}]},
            ".order[0].initiative",
            "Must be a number, text of at most 64 characters, or null",
        )
        for initiative in anything(True, [], {}, "x" * (MAX_INITIATIVE_CHARS + 1))
    ),
    *(
        ({**encounter("a"), "turn": turn}, ".turn", "Must be null or the itemId of an entry of the order")
        for turn in anything("b", "", True, [], {}, 1.5)
    ),
]


@pytest.mark.parametrize("value", GOOD)
def test_an_encounter_is_accepted_and_stored_in_one_form(value: Any) -> None:
    check_encounter(value)
    normal = normal_encounter(value)
    if value is None:
        assert normal is None
        return
    assert normal is not None
    assert normal.keys() == {"round", "turn", "order"}
    assert all(isinstance(entry["itemId"], str) for entry in normal["order"])
    assert normal_encounter(normal) is normal
    check_encounter(normal)


@pytest.mark.parametrize(("value", "place", "sentence"), BAD)
def test_a_bad_encounter_is_refused_at_its_place(value: Any, place: str, sentence: str) -> None:
    with pytest.raises(BadValue) as refused:
        check_below("encounter", check_encounter, value)
    assert refused.value.path == f"encounter{place}"
    assert sentence in refused.value.sentence


def test_each_entry_names_an_item() -> None:
    check_entries(None, ())
    check_entries(encounter("ab"), {"a", "b", "c"})
    with pytest.raises(InvalidPayload) as refused:
        check_entries(encounter("abc"), {"a", "c"})
    assert refused.value.details == {"encounter.order[1].itemId": "There is no item “b”."}
    assert refused.value.message == "Nothing was changed: encounter.order[1].itemId: There is no item “b”."


# --- Items that leave --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "gone", "after"),
    [
        (encounter("abc", "b"), "a", (1, "b", "bc")),
        (encounter("abc", "b"), "b", (1, "c", "ac")),
        (encounter("abc", "b"), "bc", (2, "a", "a")),
        (encounter("abc", "c"), "c", (2, "a", "ab")),
        (encounter("abc", "c", MAX_ROUND), "c", (MAX_ROUND, "a", "ab")),
        (encounter("abc", None, 4), "a", (4, None, "bc")),
        (encounter("a", "a", 3), "a", (3, None, "")),
    ],
)
def test_the_one_behind_has_the_turn_of_an_item_that_leaves(before: Any, gone: str, after: Any) -> None:
    given_before = brief(before)
    assert brief(without(before, lambda item_id: item_id not in gone)) == after
    assert brief(before) == given_before


@given(encounters(), some, some)
def test_the_order_in_which_items_leave_makes_no_difference(
    one: dict[str, Any], gone: set[str], more: set[str]
) -> None:
    in_turn = without(without(one, lambda item_id: item_id not in gone), lambda item_id: item_id not in more)
    assert brief(in_turn)[1:] == brief(without(one, lambda item_id: item_id not in gone | more))[1:]
    check_encounter(in_turn)


@given(encounters())
def test_nobody_leaves(one: dict[str, Any]) -> None:
    assert without(one, lambda item_id: True) is one


# --- Turns -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "step", "after"),
    [
        (encounter("ab", None, 0), 1, (1, "a", "ab")),
        (encounter("ab", None, 7), 1, (1, "a", "ab")),
        (encounter("ab", "a", 2), 1, (2, "b", "ab")),
        (encounter("ab", "b", 2), 1, (3, "a", "ab")),
        (encounter("ab", "b", MAX_ROUND), 1, (MAX_ROUND, "a", "ab")),
        (encounter("a", "a", 1), 1, (2, "a", "a")),
        (encounter("ab", "b", 2), -1, (2, "a", "ab")),
        (encounter("ab", "a", 2), -1, (1, "b", "ab")),
    ],
)
def test_the_turn_goes_on_and_back(before: Any, step: int, after: Any) -> None:
    assert brief(stepped(before, step)) == after


@pytest.mark.parametrize("before", [encounter("ab", "a", 1), encounter("ab", "a", 0), encounter("ab", None, 3)])
def test_before_the_first_turn_there_is_none(before: dict[str, Any]) -> None:
    assert stepped(before, -1) is before


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("before", [None, encounter("", None, 3)])
def test_without_an_order_there_is_no_turn(before: Any, step: int) -> None:
    with pytest.raises(InvalidPayload) as refused:
        stepped(before, step)
    assert refused.value.details == {"encounter": "Nobody is in the order of the encounter."}


@given(encounters().filter(lambda one: one["turn"] is not None and 0 < one["round"] < MAX_ROUND))
def test_a_step_back_takes_a_step_on_back(one: dict[str, Any]) -> None:
    assert stepped(stepped(one, 1), -1) == one


# --- What viewers see --------------------------------------------------------------------------------------


def as_seen(one: dict[str, Any], unseen: str = "", secret: str = "") -> dict[str, Any]:
    return seen(one, lambda item_id: item_id not in unseen, lambda item_id: item_id not in secret)


@pytest.mark.parametrize(
    ("one", "unseen", "shown"),
    [
        (encounter("abc", "b", 2), "", (2, "b", "abc")),
        (encounter("abc", "b", 2), "c", (2, "b", "ab")),
        (encounter("abc", "b", 2), "b", (2, "a", "ac")),
        (encounter("abc", "c", 2), "bc", (2, "a", "a")),
        (encounter("abc", "a", 2), "a", (1, "c", "bc")),
        (encounter("abc", "b", 2), "ab", (1, "c", "c")),
        (encounter("abc", "a", 1), "a", (0, None, "bc")),
        (encounter("abc", "c", 3), "abc", (0, None, "")),
        (encounter("abc", None, 5), "a", (0, None, "bc")),
        (encounter("", None, 5), "", (0, None, "")),
    ],
)
def test_an_unseen_ones_turn_is_that_of_the_last_seen_before(one: dict[str, Any], unseen: str, shown: Any) -> None:
    assert brief(as_seen(one, unseen)) == shown


def test_an_initiative_is_left_out_where_it_is_not_shown() -> None:
    order = [{"itemId": "a", "initiative": 17}, {"itemId": "b", "initiative": None}, {"itemId": "c", "initiative": 3}]
    one = {"round": 1, "turn": "a", "order": order}
    assert as_seen(one, "b", "c")["order"] == [{"itemId": "a", "initiative": 17}, {"itemId": "c"}]
    assert order[2] == {"itemId": "c", "initiative": 3}


@given(encounters(), some)
def test_an_unseen_ones_turn_changes_nothing_for_viewers(one: dict[str, Any], hidden: set[str]) -> None:
    """Whether the one with the turn is seen, or an unseen one comes after it: viewers see the same."""
    unseen = "".join(hidden)
    before = as_seen(one, unseen)
    assert not hidden & {before["turn"], *(entry["itemId"] for entry in before["order"])}
    if one["turn"] is not None and one["round"] > 0:
        after = stepped(one, 1)
        if after["turn"] in hidden and one["round"] < MAX_ROUND:
            assert as_seen(dict(after), unseen) == before
