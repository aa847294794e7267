"""The changes that a client can ask for: what is accepted, and the places of what is bad."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from libraries.rules.changes import (
    CHECKS,
    MAX_CHANGES,
    Change,
    ItemAddition,
    ItemMove,
    ItemPatch,
    ItemRemoval,
    TurnStep,
    ViewPatch,
    check_addition,
    check_change,
    check_changes,
    check_item_patch,
    check_move,
    check_removal,
    names_any,
    placed,
)
from libraries.rules.errors import InvalidPayload
from libraries.rules.items import visibilities
from libraries.rules.places import excerpt, told
from libraries.rules.state import MAX_DETAILS, MAX_ITEM_ID_CHARS, MAX_ITEMS, Patch, check_patch
from libraries.rules.tests.test_state import nested
from libraries.rules.values import MAX_DEPTH
from libraries.tests.strategies import as_sent, item_patches

ID_SENTENCE = "Must be text of 1 to 128 characters, or an integer; it is"
INDEX_SENTENCE = f"Must be a whole number from 0 to {MAX_ITEMS - 1}; it is"


def refused(check: Any, *given: Any) -> InvalidPayload:
    with pytest.raises(InvalidPayload) as refusal:
        check(*given)
    assert refusal.value.code == "invalid-payload"
    return refusal.value


def details_of(check: Any, *given: Any) -> dict[str, str]:
    return refused(check, *given).details or {}


# --- Patches of items --------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [None, [], "text", 1, True])
def test_a_payload_must_be_an_object(payload: object) -> None:
    for check in (lambda: check_item_patch("a", payload), lambda: check_addition(payload)):
        assert refused(check).message == "A payload must be an object."
        assert details_of(check) == {"payload": "Must be an object."}


@given(item_patches)
def test_a_good_item_patch_is_merged_with_one_visible(payload: dict[str, Any]) -> None:
    change = check_item_patch("a", payload)
    assert change.sent == payload
    assert check_item_patch("a", {**payload, "itemId": "a", "id": "a"}) == change
    said = {key for key, _, _ in visibilities(payload)}
    assert {key: value for key, value in change.patch.items() if key != "visible"} == {
        key: value for key, value in payload.items() if key not in said
    }
    assert ("visible" in change.patch) is bool(said)
    assert change.patch.get("visible", True) is all(
        value is None or value is wanted for _, value, wanted in visibilities(payload)
    )


@pytest.mark.parametrize(
    ("item", "stored"),
    [
        ({}, {}),
        ({"visible": None}, {"visible": True}),
        ({"hidden": None, "is_hidden": None}, {"visible": True}),
        ({"Visible": True, "hidden": False}, {"visible": True}),
        ({"isHidden": True, "visible": None}, {"visible": False}),
        ({"visible": True, "hidden": True}, {"visible": False}),
        ({"text": None}, {"text": None}),
        ({"revealOnTurn": None}, {"revealOnTurn": None}),
    ],
)
def test_an_item_patch_has_one_visible(item: dict[str, Any], stored: dict[str, Any]) -> None:
    assert check_item_patch("a", item) == ItemPatch("a", stored, item)


def test_ids_of_an_item_patch_are_compared_as_text() -> None:
    assert check_item_patch(7, {"itemId": "7", "id": 7, "hp": 1}) == ItemPatch("7", {"hp": 1}, {"hp": 1})


@pytest.mark.parametrize(
    ("item_id", "payload", "key", "sentence"),
    [
        ("", {}, "itemId", ID_SENTENCE),
        ("x" * (MAX_ITEM_ID_CHARS + 1), {}, "itemId", ID_SENTENCE),
        (None, {}, "itemId", ID_SENTENCE),
        (True, {}, "itemId", ID_SENTENCE),
        ({"a": 1}, {}, "itemId", ID_SENTENCE),
        ("a\0", {}, "itemId", "NUL"),
        ("\ud800", {}, "itemId", "surrogate"),
        ("__proto__", {}, "itemId", "__proto__"),
        ("a", {"itemId": "b"}, "itemId", "two different items"),
        ("a", {"itemId": None}, "itemId", "two different items"),
        ("1", {"itemId": True}, "itemId", "two different items"),
        ("a", {"id": "b"}, "id", "can't be changed"),
        ("a", {"id": None}, "id", "can't be changed"),
        ("a", {"visible": 1}, "visible", "true or false"),
        ("a", {"HIDDEN": "no"}, "HIDDEN", "Must be true or false; it is"),
        ("a", {"revealOnTurn": 1}, "revealOnTurn", "Must be true or false; it is"),
        ("a", {"show": {"ac": 1}}, "show.ac", "Must be true or false; it is"),
        ("a", {"show": []}, "show", "Must be an object with some of health"),
        ("a", {"show": {"hp": True}}, "show.hp", "There is no such key; there are health"),
        ("a", {"x": float("nan")}, "x", "2^53-1"),
        ("a", {"image": "file:///etc/passwd"}, "image", "A file on your disk cannot be seen by others"),
    ],
)
def test_a_bad_item_patch_is_refused(item_id: object, payload: Any, key: str, sentence: str) -> None:
    details = details_of(check_item_patch, item_id, payload)
    assert details.keys() == {key}
    assert sentence in details[key]


def test_an_item_may_be_as_deep_as_in_a_state() -> None:
    for check in (lambda payload: check_item_patch("a", payload), check_addition):
        check({"deep": nested(MAX_DEPTH - 3)})
        place = f"deep{'.a' * (MAX_DEPTH - 3)}"
        assert details_of(check, {"deep": nested(MAX_DEPTH - 2)}) == {
            place: "Nesting is limited to 16 levels; it is an object."
        }


def test_an_answer_to_many_bad_keys_names_some_and_can_be_sent() -> None:
    many = {f"\ud800{index}": 1 for index in range(1000)}
    for check in (lambda payload: check_item_patch("a", payload), check_addition):
        details = details_of(check, many)
        assert 1 < len(details) < MAX_DETAILS
        assert details['["\\ud8000"]'].startswith("Text may not hold half")
        as_sent(details)
        assert len(details_of(check, {"show": {f"x{index}": True for index in range(1000)}})) <= MAX_DETAILS


# --- Items one by one --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "index", "item"),
    [
        ({}, None, {}),
        ({"id": "a", "hp": 3}, 0, {"id": "a", "hp": 3}),
        ({"hp": 3, "id": 7}, MAX_ITEMS - 1, {"id": "7", "hp": 3}),
        ({"id": None, "Hidden": True}, None, {"visible": False}),
        ({"visible": None}, None, {}),
        ({"itemId": "own key", "index": "own key"}, None, {"itemId": "own key", "index": "own key"}),
    ],
)
def test_an_item_is_added_in_its_normal_form(payload: Any, index: int | None, item: dict[str, Any]) -> None:
    assert check_addition(payload, index) == ItemAddition(item, index, payload)


BAD_INDEXES = [-1, MAX_ITEMS, True, 1.0, "0", [], {}]


def test_an_index_is_a_whole_number() -> None:
    for index in BAD_INDEXES:
        assert details_of(check_addition, {}, index) == {"index": f"{INDEX_SENTENCE} {excerpt(index)}."}
        assert details_of(check_move, "a", index) == {"index": f"{INDEX_SENTENCE} {excerpt(index)}."}
    assert details_of(check_move, "a", None) == {"index": f"{INDEX_SENTENCE} null."}
    assert check_move("a", 3) == ItemMove("a", 3)
    assert check_move(7, 0) == ItemMove("7", 0)


_BAD_IDS: list[object] = [None, "", True, 1.5, [], {}]


def test_an_id_names_an_item() -> None:
    assert check_removal("a") == ItemRemoval("a")
    assert check_removal(7) == ItemRemoval("7")
    for bad in _BAD_IDS:
        assert details_of(check_removal, bad) == {"itemId": f"{ID_SENTENCE} {excerpt(bad)}."}
    assert "NUL" in details_of(check_removal, "a\0")["itemId"]
    assert details_of(check_move, "", -1) == {"itemId": f"{ID_SENTENCE} “”.", "index": f"{INDEX_SENTENCE} -1."}
    assert details_of(check_addition, {"id": "", "visible": 1}, -1).keys() == {"index", "id", "visible"}


# --- The table of types ------------------------------------------------------------------------------------

GOOD: list[tuple[dict[str, Any], Change]] = [
    (
        {"type": "portal-view-update", "payload": {"name": "Night"}},
        ViewPatch(Patch({"name": "Night"}, {}, {"name": "Night"})),
    ),
    ({"type": "item-update", "itemId": "a", "payload": {"hp": 1}}, ItemPatch("a", {"hp": 1}, {"hp": 1})),
    ({"type": "item-update", "payload": {"itemId": 7, "hp": 1}}, ItemPatch("7", {"hp": 1}, {"hp": 1})),
    ({"type": "item-add", "payload": {"id": "a"}, "index": 1}, ItemAddition({"id": "a"}, 1, {"id": "a"})),
    ({"type": "item-add", "payload": {}}, ItemAddition({}, None, {})),
    ({"type": "item-remove", "itemId": "a"}, ItemRemoval("a")),
    ({"type": "item-move", "itemId": "a", "index": 0}, ItemMove("a", 0)),
    ({"type": "encounter-next"}, TurnStep(1)),
    ({"type": "encounter-previous"}, TurnStep(-1)),
]


@pytest.mark.parametrize(("body", "change"), GOOD)
def test_each_type_has_a_change(body: dict[str, Any], change: Change) -> None:
    assert check_change(body["type"], body) == change


def test_the_table_is_complete() -> None:
    assert {body["type"] for body, _ in GOOD} == CHECKS.keys()


@pytest.mark.parametrize("payload", [{"hp": 1}, {"itemId": None}, None, [], "text"])
def test_an_item_update_needs_an_id(payload: object) -> None:
    for body in ({"payload": payload}, {"payload": payload, "itemId": None}):
        assert details_of(check_change, "item-update", body) == {"itemId": "This is required."}


# --- Batches -----------------------------------------------------------------------------------------------


def test_the_changes_of_a_batch_are_checked_in_their_order() -> None:
    bodies, changes = zip(*GOOD, strict=True)
    assert check_changes(list(bodies)) == changes
    assert len(check_changes([{"type": "encounter-next"}] * MAX_CHANGES)) == MAX_CHANGES


@pytest.mark.parametrize("changes", [None, {}, "x", 1, [], [{"type": "encounter-next"}] * (MAX_CHANGES + 1)])
def test_a_batch_is_a_list(changes: object) -> None:
    error = refused(check_changes, changes)
    sentence = told(f"Must be a list of 1 to {MAX_CHANGES} changes.", changes)
    assert error.details == {"changes": sentence}
    assert error.message == f"Nothing was changed: changes: {sentence}"


def anything(*values: Any) -> tuple[Any, ...]:
    return values


ROWS: list[tuple[Any, str, str]] = [
    *(
        (body, "type", "Must be one of portal-view-update, item-update,")
        for body in anything(None, [], "encounter-next", {})
    ),
    *(({"type": kind}, "type", "Must be one of") for kind in anything("batch", "sync-request", "", None, 1, [], {})),
    ({"type": "nonsense", "payload": {"type": "ogre"}}, "type", "Must be one of"),
    *(
        ({"type": "portal-view-update", "payload": payload}, "payload", "Must be an object.")
        for payload in anything(None, [], "x")
    ),
    ({"type": "portal-view-update"}, "payload", "Must be an object."),
    ({"type": "portal-view-update", "payload": {"name": ""}}, "payload.name", "1 to 200 characters"),
    ({"type": "portal-view-update", "payload": {"items": [{"id": ""}]}}, "payload.items[0].id", ID_SENTENCE),
    ({"type": "portal-view-update", "payload": {"payload": "\0"}}, "payload.payload", "NUL"),
    ({"type": "portal-view-update", "payload": {"zoom": 1}}, "payload.zoom", "Is no key of a portal view;"),
    ({"type": "portal-view-update", "payload": {"itemId": 1}}, "payload.itemId", "Is no key of a portal view;"),
    ({"type": "item-update", "payload": {"hp": 1}}, "itemId", "This is required."),
    ({"type": "item-update", "itemId": "", "payload": {"hp": 1}}, "itemId", ID_SENTENCE),
    ({"type": "item-update", "itemId": "a", "payload": None}, "payload", "Must be an object."),
    ({"type": "item-update", "itemId": "a", "payload": {"itemId": "b"}}, "payload.itemId", "two different items"),
    ({"type": "item-update", "itemId": "a", "payload": {"type": "\0"}}, "payload.type", "NUL"),
    (
        {"type": "item-update", "itemId": "a", "payload": {"show": {"hp": 1}}},
        "payload.show.hp",
        "There is no such key; there are",
    ),
    ({"type": "item-add", "payload": [], "index": 1}, "payload", "Must be an object."),
    ({"type": "item-add", "payload": {}, "index": -1}, "index", INDEX_SENTENCE),
    ({"type": "item-add", "payload": {"id": ""}}, "payload.id", ID_SENTENCE),
    ({"type": "item-add", "payload": {"index": "\0"}}, "payload.index", "NUL"),
    ({"type": "item-remove"}, "itemId", ID_SENTENCE),
    ({"type": "item-move", "itemId": "a", "index": None}, "index", INDEX_SENTENCE),
]


@pytest.mark.parametrize(("body", "place", "sentence"), ROWS)
def test_what_is_bad_in_a_batch_is_named_with_its_place(body: Any, place: str, sentence: str) -> None:
    good = {"type": "encounter-next"}
    error = refused(check_changes, [good, body, good])
    assert error.details is not None
    assert error.details.keys() == {f"changes[1].{place}"}
    assert sentence in error.details[f"changes[1].{place}"]
    assert error.message.startswith(f"Nothing was changed: changes[1].{place}: ")


def test_every_bad_change_of_a_batch_is_named_up_to_a_number() -> None:
    bad = {"type": "item-move", "itemId": "", "index": -1}
    details = details_of(check_changes, [bad, {"type": "encounter-next"}, {"type": "item-remove"}])
    assert details.keys() == {"changes[0].itemId", "changes[0].index", "changes[2].itemId"}
    looked_at: list[int] = []

    class Body(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            looked_at.append(id(self))
            return super().get(key, default)

    bodies = [Body(type="item-remove") for _ in range(MAX_CHANGES)]
    refused(check_changes, bodies)
    assert len(set(looked_at)) == MAX_DETAILS
    relayed = {"type": "portal-view-update", "payload": {f"x{number}": 1 for number in range(1000)}}
    assert 0 < len(details_of(check_changes, [relayed])) <= MAX_DETAILS


def test_a_refusal_is_placed_in_its_change() -> None:
    error = InvalidPayload("No.", {"itemId": "a", "index": "b", "hp": "c", "payload": "d"})
    outside = {"changes[3].itemId": "a", "changes[3].index": "b", "changes[3].payload": "d"}
    assert placed(error, 3, {}) == {**outside, "changes[3].payload.hp": "c"}
    assert placed(error, 3, None) == {**outside, "changes[3].hp": "c"}
    assert placed(InvalidPayload("No."), 0, None) == {"changes[0].payload": "No."}


def test_a_patch_names_keys() -> None:
    patch = ViewPatch(check_patch({"items": [], "zoom": 1}))
    assert names_any(patch, {"items", "encounter"})
    assert not names_any(patch, {"encounter", "zoom"})
    assert not names_any(check_item_patch("a", {"items": 1}), {"items"})
