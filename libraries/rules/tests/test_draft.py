"""Changes that are applied to a draft: effects, consequences, refusals, and the answer to a sender."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import Any

import pytest

from libraries.rules.changes import Change, ViewPatch
from libraries.rules.draft import Answer, Draft
from libraries.rules.errors import InvalidPayload, NoSuchItem
from libraries.rules.item_ids import made_up_id
from libraries.rules.state import MAX_ITEMS, Patch
from libraries.rules.tests.drafts import KEY, NEXT, PREVIOUS, add, draft_of, ids, item, move, remove, state_with, view

CAMERA = {"x": 0.5, "y": 0.5, "zoom": 2, "rotation": 0}
WHOLE = {**CAMERA, "zoom": 1}


def order(*item_ids: str) -> list[dict[str, Any]]:
    return [{"itemId": item_id} for item_id in item_ids]


def encounter(*item_ids: str, turn: str | None = None, number: int = 1) -> dict[str, Any]:
    return {"round": number, "turn": turn, "order": order(*item_ids)}


def after(state: dict[str, Any], *changes: Change) -> dict[str, Any]:
    """The state after a batch; the one before is not changed."""
    before = deepcopy(state)
    draft = draft_of(state, *changes)
    assert state == before == draft.before
    assert draft.is_written
    return draft.state


def answer_to(state: dict[str, Any], *changes: Change) -> Answer:
    return Draft(state, KEY).apply(changes)


def refused(state: dict[str, Any], *changes: Change, is_batch: bool = False) -> InvalidPayload:
    before = deepcopy(state)
    with pytest.raises(InvalidPayload) as refusal:
        Draft(state, KEY).apply(changes, is_batch=is_batch)
    assert state == before
    assert refusal.value.message.startswith("Nothing was changed: ")
    return refusal.value


def details_of(state: dict[str, Any], *changes: Change, is_batch: bool = False) -> dict[str, str] | None:
    return refused(state, *changes, is_batch=is_batch).details


def test_a_new_draft_is_the_state_itself() -> None:
    state = state_with("a")
    draft = Draft(state, KEY)
    assert draft.state == state
    assert not draft.is_written
    assert draft.apply([]) == Answer()
    assert not draft.is_written


# --- Patches of the portal view ----------------------------------------------------------------------------


def test_a_patch_replaces_keys() -> None:
    state = state_with("a", current="a")
    assert after(state, view(name="Night", items=[{"id": "b"}])) == {
        **state,
        "name": "Night",
        "items": [{"id": "b"}],
        "currentItem": None,
        "currentItemId": None,
    }


def test_keys_that_are_only_relayed_are_not_written() -> None:
    draft = Draft(state_with("a"), KEY)
    draft.apply([view(zoom=1)])
    assert (draft.relayed, draft.is_written) == ({"zoom": 1}, False)
    draft.apply([view(zoom=2, name="Night")])
    assert (draft.relayed, draft.is_written, draft.named) == ({"zoom": 2}, True, {"name"})


def test_items_without_an_id_get_one() -> None:
    items = after(state_with(), view(items=[{"slug": "ogre"}, {"id": "a"}, {"slug": "ogre"}]))["items"]
    expected = [made_up_id({"slug": "ogre"}, (), KEY, Counter(ogre=nth)) for nth in range(2)]
    assert [one["id"] for one in items] == [expected[0], "a", expected[1]]


@pytest.mark.parametrize(
    ("payload", "place", "item_id"),
    [
        ({"currentItem": 1}, 1, "b"),
        ({"currentItemId": "b"}, 1, "b"),
        ({"currentItem": 1, "currentItemId": "b"}, 1, "b"),
        ({"currentItem": None}, None, None),
        ({"currentItemId": None}, None, None),
        ({"currentItem": None, "currentItemId": None}, None, None),
        ({"items": [{"id": "b"}, {"id": "a"}]}, 1, "a"),
        ({"items": [{"id": "c"}]}, None, None),
        ({"items": []}, None, None),
        ({"items": [{"id": "c"}], "currentItem": 0}, 0, "c"),
        ({"items": [{"id": 7}], "currentItemId": 7}, 0, "7"),
    ],
)
def test_the_current_item_is_named_by_index_or_by_id(
    payload: dict[str, Any], place: int | None, item_id: str | None
) -> None:
    state = after(state_with("a", "b", current="a"), view(**payload))
    assert (state["currentItem"], state["currentItemId"]) == (place, item_id)


TWO = "It is not the id of the item that currentItem names: send one of them."


@pytest.mark.parametrize(
    ("payload", "details"),
    [
        ({"currentItem": 2}, {"currentItem": "There is no item 2; the portal view has 2, counted from 0."}),
        (
            {"items": [], "currentItem": 0},
            {"currentItem": "There is no item 0; the portal view has 0, counted from 0."},
        ),
        ({"currentItemId": "c"}, {"currentItemId": "There is no item “c”."}),
        ({"currentItem": 1, "currentItemId": "a"}, {"currentItemId": TWO}),
        ({"currentItem": 1, "currentItemId": None}, {"currentItemId": TWO}),
        ({"currentItem": None, "currentItemId": "a"}, {"currentItemId": TWO}),
        ({"encounter": encounter("a", "c")}, {"encounter.order[1].itemId": "There is no item “c”."}),
        ({"items": [], "encounter": encounter("a")}, {"encounter.order[0].itemId": "There is no item “a”."}),
    ],
)
def test_a_patch_names_items_that_exist(payload: dict[str, Any], details: dict[str, str]) -> None:
    assert details_of(state_with("a", "b"), view(**payload)) == details


def test_an_encounter_can_come_with_its_items() -> None:
    state = after(state_with("a"), view(encounter=encounter("new"), items=[{"id": "new"}]))
    assert state["encounter"] == encounter("new")


# --- Items one by one --------------------------------------------------------------------------------------


def test_an_item_patch_changes_only_its_item_and_null_removes_a_key() -> None:
    state = state_with({"id": "a", "x": 1}, {"id": "b", "x": {"y": 1}, "n": 1, "kept": None}, "c", current="b")
    assert after(state, item("b", x={"z": 2}, n=None, m=None)) == {
        **state,
        "items": [{"id": "a", "x": 1}, {"id": "b", "x": {"z": 2}, "kept": None}, {"id": "c"}],
    }


@pytest.mark.parametrize(("index", "after_it"), [(None, "a b new"), (0, "new a b"), (1, "a new b"), (2, "a b new")])
def test_an_item_is_added_at_its_place(index: int | None, after_it: str) -> None:
    state = after(state_with("a", "b", current="b"), add(index, id="new", hp=3))
    assert ids(state) == after_it
    assert {"id": "new", "hp": 3} in state["items"]
    assert (state["currentItemId"], state["currentItem"]) == ("b", after_it.split().index("b"))


def test_an_added_item_without_an_id_gets_one() -> None:
    draft = Draft(state_with("a"), KEY)
    answer = draft.apply([add(slug="ogre"), add(id=None, slug="ogre"), add(name="random")])
    assert answer.item_ids == tuple(ids(draft.state).split()[1:])
    assert answer.item_ids[:2] == tuple(made_up_id({"slug": "ogre"}, (), KEY, Counter(ogre=nth)) for nth in range(2))
    assert answer.payload == {}, "the ids are told apart"
    assert next(iter(draft.state["items"][1])) == "id"


def test_a_made_up_id_is_the_next_that_is_free() -> None:
    first, second, third = (made_up_id({"slug": "ogre"}, (), KEY, Counter(ogre=nth)) for nth in range(3))
    ogre = add(slug="ogre")
    assert ids(after(state_with(first), ogre)) == f"{first} {second}"
    assert ids(after(state_with(second), ogre, ogre)) == f"{second} {first} {third}"
    assert ids(after(state_with("a"), ogre, remove(first), ogre)) == f"a {second}", "one batch uses no number twice"
    assert ids(after(after(state_with("a"), ogre, remove(first)), ogre)) == f"a {first}"
    assert ids(after(state_with("a"), ogre, ogre, view(items=[{"id": "b"}]), ogre)) == f"b {first}"
    assert ids(after(state_with("a"), view(items=[{"slug": "ogre"}]), ogre)) == f"{first} {second}"


@pytest.mark.parametrize(
    ("item_id", "after_it", "current", "place"),
    [("a", "b c", "b", 0), ("b", "a c", None, None), ("c", "a b", "b", 1)],
)
def test_an_item_is_removed(item_id: str, after_it: str, current: str | None, place: int | None) -> None:
    state = after(state_with("a", "b", "c", current="b"), remove(item_id))
    assert (ids(state), state["currentItemId"], state["currentItem"]) == (after_it, current, place)


@pytest.mark.parametrize(
    ("item_id", "index", "after_it"),
    [("a", 0, "a b c d"), ("a", 2, "b c a d"), ("a", 3, "b c d a"), ("d", 1, "a d b c"), ("c", 0, "c a b d")],
)
def test_an_item_is_moved_to_the_place_that_it_has_then(item_id: str, index: int, after_it: str) -> None:
    state = after(state_with(*"abcd", current="a"), move(item_id, index))
    assert (ids(state), state["currentItemId"]) == (after_it, "a")
    assert state["items"][state["currentItem"]] == {"id": "a"}


FULL = state_with(*(str(number) for number in range(MAX_ITEMS)))


@pytest.mark.parametrize(
    ("state", "change", "details"),
    [
        (state_with("a"), item("b", hp=1), {"itemId": "There is no item “b”."}),
        (state_with("a"), remove("b"), {"itemId": "There is no item “b”."}),
        (state_with("a"), move("b", 0), {"itemId": "There is no item “b”."}),
        (state_with("a"), move("a", 1), {"index": "The portal view has 1 items: the last place is 0."}),
        (
            state_with("a"),
            add(2, id="b"),
            {"index": "The portal view has 1 items: the last place for another is 1."},
        ),
        (state_with("1"), add(id=1), {"id": "There is an item “1” already; ids must be unique."}),
        (FULL, add(id="b"), {"payload": "The portal view has 500 items; at most 500 are possible."}),
        (state_with("a"), NEXT, {"encounter": "Nobody is in the order of the encounter."}),
        (state_with("a", encounter=encounter()), PREVIOUS, {"encounter": "Nobody is in the order of the encounter."}),
    ],
)
def test_a_change_that_does_not_fit_is_refused(state: dict[str, Any], change: Change, details: dict[str, str]) -> None:
    error = refused(state, change)
    assert error.details == details
    assert isinstance(error, NoSuchItem) is ("no item" in error.message)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (item("b", hp=1), "itemId"),
        (remove("b"), "itemId"),
        (move("a", 1), "index"),
        (add(2, id="b"), "index"),
        (add(id="a"), "payload.id"),
        (view(currentItem=1), "payload.currentItem"),
        (view(encounter=encounter("b")), "payload.encounter.order[0].itemId"),
        (NEXT, "encounter"),
    ],
)
def test_in_a_batch_it_is_refused_with_its_place(change: Change, place: str) -> None:
    error = refused(state_with("a"), view(name="Night"), change, is_batch=True)
    assert error.details is not None
    assert error.details.keys() == {f"changes[1].{place}"}
    assert error.message == f"Nothing was changed: changes[1].{place}: {error.details[f'changes[1].{place}']}"
    assert isinstance(error, NoSuchItem) is (place == "itemId")


def test_too_many_items_in_a_batch_are_refused_at_the_payload() -> None:
    assert (details_of(FULL, add(id="b"), is_batch=True) or {}).keys() == {"changes[0].payload"}


def test_each_change_of_a_batch_is_applied_to_the_one_before() -> None:
    state = after(
        state_with("a"),
        add(id="b"),
        item("b", hp=1),
        move("b", 0),
        view(currentItemId="b", encounter=encounter("a", "b")),
        NEXT,
        NEXT,
        remove("a"),
        item("b", hp=2),
    )
    assert state["items"] == [{"id": "b", "hp": 2}]
    assert (state["currentItem"], state["currentItemId"]) == (0, "b")
    assert state["encounter"] == encounter("b", turn="b")


def test_a_full_portal_view_has_room_again_in_the_same_batch() -> None:
    state = after(FULL, remove("7"), add(7, id="new"))
    assert (len(state["items"]), state["items"][7]) == (MAX_ITEMS, {"id": "new"})


# --- Consequences ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "camera"),
    [
        (view(currentItem=1), None),
        (view(currentItemId="b"), None),
        (view(currentItemId=None), None),
        (view(items=[{"id": "b"}]), None),
        (remove("a"), None),
        (view(currentItemId="b", camera=WHOLE), WHOLE),
        (view(currentItem=0), CAMERA),
        (view(items=[{"id": "b"}, {"id": "a", "x": 1}]), CAMERA),
        (move("a", 1), CAMERA),
        (remove("b"), CAMERA),
        (item("a", image="/new.png"), CAMERA),
        (view(name="Night"), CAMERA),
    ],
)
def test_another_current_item_clears_the_camera(change: Change, camera: Any) -> None:
    state = state_with("a", "b", current="a", camera=CAMERA)
    assert after(state, change)["camera"] == camera
    assert after({**state, "autoResetImageState": False}, change)["camera"] == (
        WHOLE if isinstance(change, ViewPatch) and "camera" in change.patch.known else CAMERA
    )


def test_a_camera_is_cleared_only_by_its_own_change_of_a_batch() -> None:
    state = state_with("a", "b", current="a", camera=CAMERA)
    assert after(state, view(currentItemId="b"), view(camera=WHOLE))["camera"] == WHOLE
    assert after(state, view(camera=WHOLE), view(currentItemId="b"))["camera"] is None


def test_the_switch_of_the_same_patch_decides() -> None:
    state = state_with("a", "b", current="a", camera=CAMERA)
    assert after(state, view(currentItemId="b", autoResetImageState=False))["camera"] == CAMERA


@pytest.mark.parametrize(
    ("change", "stays", "turn", "number"),
    [
        (remove("a"), "bc", "b", 1),
        (remove("b"), "ac", "c", 1),
        (view(items=[{"id": "a"}]), "a", "a", 2),
        (view(items=[]), "", None, 1),
        (move("a", 2), "abc", "b", 1),
        (add(0, id="d"), "abc", "b", 1),
    ],
)
def test_an_item_that_is_gone_leaves_the_encounter(change: Change, stays: str, turn: str | None, number: int) -> None:
    state = state_with(*"abc", encounter=encounter(*"abc", turn="b"))
    assert after(state, change)["encounter"] == encounter(*stays, turn=turn, number=number)


def test_the_turn_goes_on_and_back() -> None:
    state = state_with(*"ab", encounter=encounter(*"ab"))
    assert after(state, NEXT)["encounter"] == encounter(*"ab", turn="a")
    assert after(state, NEXT, NEXT, NEXT)["encounter"] == encounter(*"ab", turn="a", number=2)
    assert after(state, NEXT, NEXT, NEXT, PREVIOUS)["encounter"] == encounter(*"ab", turn="b")


@pytest.mark.parametrize("turn", [None, "a"])
def test_a_step_back_from_the_beginning_stores_nothing(turn: str | None) -> None:
    draft = Draft(state_with(*"ab", encounter=encounter(*"ab", turn=turn)), KEY)
    assert draft.apply([PREVIOUS]) == Answer()
    assert not draft.is_written
    draft.apply([view(name="Night"), PREVIOUS])
    assert draft.is_written


WAITING = {"id": "b", "visible": False, "revealOnTurn": True, "hp": 3}
REVEALED = {"id": "b", "visible": True, "hp": 3}


@pytest.mark.parametrize(
    ("before", "changes"),
    [
        (encounter(*"ab", turn="a"), [NEXT]),
        (encounter(*"abc", turn="c"), [PREVIOUS]),
        (encounter(*"abc", turn="a"), [remove("a")]),
        (encounter(*"ab", turn="b"), [view(encounter=encounter(*"ab", turn="b", number=2))]),
        (None, [view(encounter=encounter("b", turn="b"))]),
        (encounter("b", turn="b"), [NEXT]),
        (encounter(*"ab"), [NEXT, NEXT, NEXT]),
    ],
)
def test_an_item_that_waits_for_its_turn_is_revealed_by_it(before: Any, changes: list[Change]) -> None:
    state = after(state_with("a", WAITING, "c", encounter=before), *changes)
    assert next(one for one in state["items"] if one["id"] == "b") == REVEALED


@pytest.mark.parametrize(
    ("before", "change"),
    [
        (encounter(*"ab", turn="b"), view(name="Night")),
        (encounter(*"ab", turn="b"), item("b", hp=4)),
        (encounter(*"ab", turn="b"), view(encounter=encounter(*"cb", turn="b"))),
        (encounter(*"ab", turn="b"), PREVIOUS),
        (encounter(*"abc", turn="b"), NEXT),
        (encounter(*"ab"), NEXT),
        (None, view(encounter=encounter("b"))),
        (encounter(*"ab", turn="b"), view(encounter=None)),
    ],
)
def test_it_is_not_revealed_by_anything_else(before: Any, change: Change) -> None:
    draft = draft_of(state_with("a", WAITING, "c", encounter=before), change)
    assert {**draft.state["items"][1], "hp": 3} == WAITING


@pytest.mark.parametrize("rule", [{}, {"revealOnTurn": False}, {"revealOnTurn": None}])
def test_an_item_that_does_not_wait_stays_as_it_is(rule: dict[str, Any]) -> None:
    unseen = {"id": "b", "visible": False, **rule}
    assert after(state_with(unseen, encounter=encounter("b")), NEXT)["items"] == [unseen]


# --- The answer --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "payload"),
    [
        ([view(name="Night")], {}),
        ([view(currentItem=1)], {"currentItemId": "b", "camera": None}),
        ([view(currentItemId="b")], {"currentItem": 1, "camera": None}),
        ([view(currentItemId="b", currentItem=1, camera=CAMERA)], {}),
        ([view(camera={"x": 0, "y": 0, "zoom": 1})], {"camera": {"x": 0, "y": 0, "zoom": 1, "rotation": 0}}),
        ([view(camera=WHOLE)], {}),
        ([view(encounter={"round": 1, "order": order("a")})], {"encounter": encounter("a")}),
        ([remove("a")], {"currentItem": None, "currentItemId": None, "camera": None}),
        ([remove("b")], {}),
        ([move("a", 1)], {"currentItem": 1}),
        ([add(0, id="c")], {"currentItem": 1}),
        ([item("a", hp=1)], {}),
        ([item("a", text=None)], {}),
        ([view(items=[{"id": "a"}, {"id": "b"}])], {}),
        (
            [view(items=[{"id": 1}])],
            {**dict.fromkeys(("currentItem", "currentItemId", "camera")), "items": [{"id": "1"}]},
        ),
        ([view(items=[{"id": "a", "hidden": False}])], {"items": [{"id": "a", "visible": True}]}),
        ([view(name="Night"), view(currentItem=1), view(currentItem=0)], {"camera": None}),
    ],
)
def test_the_sender_is_told_what_changed_beyond_the_message(changes: list[Change], payload: dict[str, Any]) -> None:
    assert answer_to(state_with("a", "b", current="a", camera=CAMERA), *changes).payload == payload


def corrected(index: int, item_id: str, **payload: Any) -> dict[str, Any]:
    return {"changes": [{"type": "item-updated", "payload": {**payload, "itemId": item_id}, "index": index}]}


@pytest.mark.parametrize(
    ("changes", "payload"),
    [
        ([item("a", hidden=True)], corrected(0, "a", hidden=None, visible=False)),
        ([item("a", visible=None)], corrected(0, "a", visible=True)),
        ([item("a", hidden=True), item("a", hidden=None, visible=False)], {}),
        ([add(0, id="c", Hidden=True)], corrected(0, "c", Hidden=None, visible=False)),
        ([add(id="c", Hidden=True), remove("c")], {}),
        ([item("b", hidden=True), remove("b")], {}),
        ([item("a", hidden=True), view(items=[{"id": "a"}])], {}),
        ([view(items=[{"id": "a"}]), add(id="c")], {"items": [{"id": "a"}, {"id": "c"}]}),
        ([view(items=[{"id": "a"}, {"id": "c"}]), remove("c")], {"items": [{"id": "a"}]}),
        ([view(items=[{"id": "a"}, {"id": "c"}]), move("c", 0)], {"items": [{"id": "c"}, {"id": "a"}]}),
    ],
)
def test_the_sender_is_told_the_corrections_of_items(changes: list[Change], payload: dict[str, Any]) -> None:
    assert answer_to(state_with("a", "b"), *changes).payload == payload


def test_the_sender_is_told_of_a_revealed_item() -> None:
    state = state_with("a", WAITING, encounter=encounter(*"ab", turn="a"))
    shown = corrected(1, "b", revealOnTurn=None, visible=True)
    turn = {"encounter": encounter(*"ab", turn="b")}
    assert answer_to(state, NEXT).payload == {**turn, **shown}
    assert answer_to(state, view(**turn)).payload == shown
    assert answer_to(state, view(items=[{"id": "a"}, WAITING], **turn)).payload == shown
    assert answer_to(state, item("b", hp=4), NEXT).payload == {**turn, **shown}
    assert answer_to(state, NEXT, item("b", revealOnTurn=None, visible=True)).payload == turn


def test_each_message_has_its_own_answer() -> None:
    draft = Draft(state_with("a"), KEY)
    assert draft.apply([add(id="b")]).item_ids == ("b",)
    assert draft.apply([item("a", hidden=True)]) == Answer((), corrected(0, "a", hidden=None, visible=False))
    assert draft.apply([add(id="c"), add(id="d")]).item_ids == ("c", "d")
    assert draft.apply([view(currentItemId="b")]).payload == {"currentItem": 1}
    assert draft.apply([view(name="Night")]) == Answer()


def test_a_patch_of_our_own_says_nothing_of_what_was_sent() -> None:
    assert answer_to(state_with("a"), ViewPatch(Patch({"items": [{"id": "b"}]}, {}))).payload == {}
    assert answer_to(state_with("a"), ViewPatch(Patch({"camera": WHOLE}, {}))).payload == {}


# --- The notes for the messages to others ------------------------------------------------------------------


def test_a_draft_notes_what_was_named_added_and_moved() -> None:
    draft = draft_of(
        state_with(*"abc"), view(name="Night"), item("a", hp=1), item("a", x=None), add(id="d"), move("c", 0)
    )
    assert (draft.named, draft.named_items, draft.moved, draft.added) == ({"name"}, {"a": {"hp", "x"}}, {"c"}, {"d"})
    assert (draft.replaced, draft.is_restructured) == (False, True)


def test_an_item_that_is_removed_and_added_again_is_a_new_one() -> None:
    draft = draft_of(state_with(*"ab"), item("a", hp=1), remove("a"), add(id="a"), add(id="c"), remove("c"))
    assert (draft.added, draft.named_items) == ({"a", "c"}, {})


def test_new_items_replace_all() -> None:
    draft = draft_of(state_with(*"ab"), view(items=[]))
    assert (draft.replaced, draft.is_restructured) == (True, True)
    draft = draft_of(state_with("a"), item("a", hp=1))
    assert (draft.replaced, draft.is_restructured) == (False, False)


def test_messages_that_waited_together_are_applied_as_if_stored_singly() -> None:
    messages: list[Change] = [
        item("b", hidden=True),
        view(currentItemId="b"),
        view(camera=WHOLE),
        view(items=[{"id": "b"}, {"slug": "x"}], encounter=encounter("b")),
        NEXT,
        view(currentItem=1),
    ]
    start = state_with("a", "b", current="a", camera=CAMERA)
    together, singly = Draft(start, KEY), start
    for message in messages:
        one = Draft(singly, KEY)
        assert together.apply([message]) == one.apply([message])
        singly = one.state
        assert together.state == singly
