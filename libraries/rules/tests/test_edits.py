"""What changes for each role: keys of the state, and edits of items that a client folds to the new state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.changes import Change, ItemMove, ItemRemoval, check_addition
from libraries.rules.disclosure import compiled
from libraries.rules.draft import Draft
from libraries.rules.edits import Added, Moved, Removed, Seen, Updated, seen_by_controllers, seen_by_viewers
from libraries.rules.projection import SETTLED, project
from libraries.rules.roles import PortalRole
from libraries.rules.tests.drafts import (
    NEXT,
    PREVIOUS,
    add,
    draft_of,
    edit_id,
    folded,
    item,
    move,
    remove,
    state_with,
    view,
)
from libraries.tests.strategies import as_sent

SPY = {"id": "spy", "name": "Spy", "visible": False}
CAMERA = {"x": 0.5, "y": 0.5, "zoom": 2, "rotation": 0}
NOTHING = Seen()


def encounter(*item_ids: str, turn: str | None = None, number: int = 1) -> dict[str, Any]:
    return {"round": number, "turn": turn, "order": [{"itemId": item_id} for item_id in item_ids]}


def both(state: dict[str, Any], *changes: Change) -> tuple[Seen, Seen]:
    """What controllers and viewers get of a batch."""
    draft = draft_of(state, *changes)
    return seen_by_controllers(draft), seen_by_viewers(draft)


def viewers_get(state: dict[str, Any], *changes: Change) -> Seen:
    return both(state, *changes)[1]


def test_nothing_is_false() -> None:
    assert not NOTHING
    assert Seen({"name": "x"})
    assert Seen({}, (Removed("a"),))


# --- Keys of the state -------------------------------------------------------------------------------------


def test_a_switch_that_reveals_keys_sends_their_values() -> None:
    state = state_with({"id": "a", "hp": 3, "ac": 1})
    health = {"display": "numbers", "current": 3, "max": None, "temp": None}
    shown = {"showHealth": True, "items": [{"id": "a", "health": health}]}
    assert both(state, view(showHealth=True)) == (Seen({"showHealth": True}), Seen(shown))
    assert viewers_get(state | {"showHealth": True}, view(showHealth=False)) == Seen(
        {"showHealth": False, "items": [{"id": "a"}]}
    )
    assert both(state, view(showActions=True)) == (Seen({"showActions": True}),) * 2


def test_a_change_hidden_from_viewers_sends_them_nothing() -> None:
    state = state_with({"id": "a", "hp": 3, "gm": 1}, SPY, current="a")
    items = [{"id": "a", "hp": 4, "gm": 2}, {"id": "c", "visible": False, "x": 1}]
    assert both(state, view(items=items)) == (Seen({"items": items}), NOTHING)
    assert viewers_get(state | {"blackout": True}, view(items=[], currentItem=None)) == NOTHING
    to_spy = {"currentItem": 1, "currentItemId": "spy"}
    none = {"currentItem": None, "currentItemId": None}
    assert both(state, view(currentItem=1)) == (Seen(to_spy), Seen(none))
    assert both({**state, **to_spy}, view(currentItem=None)) == (Seen(none), NOTHING)


def test_an_unseen_item_before_the_current_one_does_not_move_it() -> None:
    state = state_with({"id": "a"}, current="a")
    assert both(state, view(items=[SPY, {"id": "a"}]))[0].patch["currentItem"] == 1
    assert viewers_get(state, view(items=[SPY, {"id": "a"}])) == NOTHING
    assert both(state, add(0, **SPY)) == (Seen({"currentItem": 1}, (Added(SPY, 0),)), NOTHING)


def test_an_unchanged_value_is_said_again_to_controllers_only() -> None:
    state = state_with({"id": "a", "hp": 3}, current="a")
    again = {"name": "Evening", "items": state["items"], "currentItem": 0}
    assert both(state, view(**again)) == (Seen(again), NOTHING)
    assert both(state, item("a", hp=3)) == (Seen({}, (Updated("a", {"hp": 3}, 0),)), NOTHING)
    assert both(state, item("a")) == (Seen({}, (Updated("a", {}, 0),)), NOTHING)


def test_what_was_changed_and_changed_back_is_nothing_for_viewers() -> None:
    state = state_with("a")
    assert both(state, view(name="Night"), view(name="Evening")) == (Seen({"name": "Evening"}), NOTHING)
    assert both(state, item("a", text="x"), item("a", text=None)) == (
        Seen({}, (Updated("a", {"text": None}, 0),)),
        NOTHING,
    )


def test_a_blackout_removes_everything_and_its_end_restores_it() -> None:
    state = state_with({"id": "a", "hp": 3}, current="a", camera=CAMERA, showEncounter=True, encounter=encounter("a"))
    shown = {
        **{"currentItem": 0, "currentItemId": "a", "camera": CAMERA},
        "encounter": encounter("a", number=0),
        "items": [{"id": "a"}],
    }
    assert viewers_get(state, view(blackout=True)) == Seen({"blackout": True, **dict.fromkeys(SETTLED), "items": []})
    assert viewers_get(state | {"blackout": True}, view(blackout=False)) == Seen({"blackout": False, **shown})
    assert viewers_get(state_with(), view(blackout=True)) == Seen({"blackout": True})


def test_during_a_blackout_no_item_changes_for_viewers() -> None:
    state = state_with({"id": "a"}, SPY, blackout=True, current="a", encounter=encounter("a"), showEncounter=True)
    for change in (item("a", text="x"), item("spy", visible=True), add(id="b"), remove("a"), move("a", 1), NEXT):
        controllers, viewers = both(state, change)
        assert viewers == NOTHING
        assert controllers


def test_a_patch_without_items_and_switches_reads_no_item() -> None:
    class Items(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            raise AssertionError("walked")

    assert both({**state_with(), "items": Items()}, view(name="Night")) == (Seen({"name": "Night"}),) * 2


def test_camera_and_encounter_are_sent_as_each_role_sees_them() -> None:
    state = state_with({"id": "a"}, SPY, current="a", showEncounter=True)
    assert both(state, view(camera=CAMERA)) == (Seen({"camera": CAMERA}),) * 2
    hidden = {**state, "currentItem": 1, "currentItemId": "spy"}
    assert both(hidden, view(camera=CAMERA)) == (Seen({"camera": CAMERA}), NOTHING)
    new = encounter("spy", "a", turn="spy")
    assert both(state, view(encounter=new)) == (
        Seen({"encounter": new}),
        Seen({"encounter": encounter("a", number=0)}),
    )
    stored = {**state, "encounter": encounter("a", "spy", turn="a")}
    later = encounter("a", "spy", turn="spy")
    assert both(stored, NEXT) == (Seen({"encounter": later}), NOTHING)
    assert both({**stored, "showEncounter": False}, NEXT)[1] == NOTHING
    assert viewers_get({**stored, "showEncounter": False}, view(showEncounter=True)).patch.keys() == {
        "showEncounter",
        "encounter",
    }


def test_a_step_that_stores_nothing_is_nothing_for_both() -> None:
    assert both(state_with("a", encounter=encounter("a", turn="a")), PREVIOUS) == (NOTHING, NOTHING)


def test_a_disclosure_shows_more() -> None:
    discloses = compiled({"always": ["cr"]})
    state = state_with({"id": "a", "cr": 3})
    draft = draft_of(state, item("a", cr=4))
    assert seen_by_viewers(draft, discloses) == Seen({}, (Updated("a", {"cr": 4}, 0),))
    assert seen_by_viewers(draft_of(state, add(id="b", cr=1)), discloses).edits == (Added({"id": "b", "cr": 1}, 1),)
    assert seen_by_viewers(draft_of(state, view(items=[{"id": "b", "cr": 1}])), discloses).patch == {
        "items": [{"id": "b", "cr": 1}]
    }


# --- Patches of one item -----------------------------------------------------------------------------------


def item_patched(one: dict[str, Any], *others: dict[str, Any], **patch: Any) -> tuple[Seen, Seen]:
    """What both roles get of a patch of an item, which is the current one and has others before it."""
    state = state_with(*others, one, showHealth=True, healthDisplay="bar", current=one["id"])
    return both(state, item(one["id"], **patch))


def updated(seen: Seen) -> Any:
    """The patch of the one item that is updated, if any."""
    assert not seen.patch
    if not seen.edits:
        return {}
    [edit] = seen.edits
    assert isinstance(edit, Updated)
    return edit.patch


def test_an_item_comes_into_sight_as_an_added_one_and_goes_as_a_removed_one() -> None:
    controllers, viewers = item_patched(SPY, {"id": "a"}, {**SPY, "id": "x"}, visible=True, x=1)
    assert controllers == Seen({}, (Updated("spy", {"visible": True, "x": 1}, 2),))
    current = {"currentItem": 1, "currentItemId": "spy"}
    assert viewers == Seen(current, (Added({"id": "spy", "name": "Spy"}, 1),))
    _, gone = item_patched({**SPY, "visible": True}, {"id": "a"}, visible=False, x=1)
    assert gone == Seen(dict.fromkeys(current), (Removed("spy"),))


def test_the_camera_comes_into_sight_with_the_current_item() -> None:
    state = state_with(SPY, current="spy", camera=CAMERA)
    assert viewers_get(state, item("spy", visible=True)).patch["camera"] == CAMERA


def test_an_item_in_the_encounter_comes_into_sight_there_too() -> None:
    state = state_with(SPY, "a", showEncounter=True, encounter=encounter("a", "spy", turn="spy"))
    seen = viewers_get(state, item("spy", visible=True))
    assert seen == Seen({"encounter": encounter("a", "spy", turn="spy")}, (Added({"id": "spy", "name": "Spy"}, 0),))


def test_an_items_wish_for_its_initiative_counts_in_the_encounter() -> None:
    order = [{"itemId": "a", "initiative": 17}]
    state = state_with("a", showEncounter=True, encounter={"round": 1, "turn": "a", "order": order})
    seen = viewers_get(state, item("a", show={"initiative": False}))
    assert seen == Seen({"encounter": encounter("a", turn="a")})


def test_an_unseen_item_changes_for_controllers_only() -> None:
    controllers, viewers = item_patched(SPY, name="Still hidden", visible=False)
    assert updated(controllers) == {"name": "Still hidden", "visible": False}
    assert viewers == NOTHING


OGRE = {"id": "ogre", "hp": 30, "maxHp": 60, "x": 1, "text": "Asleep"}


@pytest.mark.parametrize(
    ("patch", "shown"),
    [
        ({"hp": 31}, {}),
        ({"hp": 9}, {"health": {"display": "bar", "fraction": 0.2}}),
        ({"hp": 30, "x": 1}, {}),
        ({"gm": "trap", "ac": 3}, {}),
        ({"text": "Awake", "x": 2}, {"text": "Awake"}),
        ({"text": None, "hp": "many", "maxHp": None}, {"text": None, "health": None}),
        ({"show": {"health": False}}, {"health": None}),
    ],
)
def test_an_item_patch_sends_viewers_what_they_see_change(patch: dict[str, Any], shown: dict[str, Any]) -> None:
    controllers, viewers = item_patched(OGRE, **patch)
    assert updated(controllers) == patch
    assert updated(viewers) == shown


def test_an_updated_item_has_its_place_in_the_list_of_each_role() -> None:
    controllers, viewers = item_patched(OGRE, SPY, {"id": "a"}, text="Awake")
    assert controllers.edits == (Updated("ogre", {"text": "Awake"}, 2),)
    assert viewers.edits == (Updated("ogre", {"text": "Awake"}, 1),)


def test_controllers_are_told_that_a_key_is_gone() -> None:
    state = state_with({"id": "a", "hidden-away": 1, "text": "x"})
    controllers, viewers = both(state, item("a", text=None, other=None))
    assert controllers.edits == (Updated("a", {"text": None, "other": None}, 0),)
    assert viewers.edits == (Updated("a", {"text": None}, 0),)


def test_a_revealed_item_is_told_with_the_turn() -> None:
    waiting = {**SPY, "revealOnTurn": True}
    state = state_with("a", waiting, showEncounter=True, encounter=encounter("a", "spy", turn="a"))
    turn = {"encounter": encounter("a", "spy", turn="spy")}
    assert both(state, NEXT) == (
        Seen(turn, (Updated("spy", {"revealOnTurn": None, "visible": True}, 1),)),
        Seen(turn, (Added({"id": "spy", "name": "Spy"}, 1),)),
    )


# --- Items one by one --------------------------------------------------------------------------------------

FOUR = ({"id": "a"}, SPY, {"id": "b"}, {"id": "c"})


@pytest.mark.parametrize(
    ("change", "controllers", "viewers"),
    [
        (add(id="x", hp=3), Added({"id": "x", "hp": 3}, 4), Added({"id": "x"}, 3)),
        (add(1, id="x", hp=3), Added({"id": "x", "hp": 3}, 1), Added({"id": "x"}, 1)),
        (add(2, id="x", visible=False), Added({"id": "x", "visible": False}, 2), None),
        (remove("b"), Removed("b"), Removed("b")),
        (remove("spy"), Removed("spy"), None),
        (move("c", 0), Moved("c", 0), Moved("c", 0)),
        (move("a", 3), Moved("a", 3), Moved("a", 2)),
        (move("a", 1), Moved("a", 1), None),
        (move("spy", 3), Moved("spy", 3), None),
        (move("b", 2), None, None),
    ],
)
def test_one_change_of_the_list_is_one_edit(change: Change, controllers: Any, viewers: Any) -> None:
    edits = [() if edit is None else (edit,) for edit in (controllers, viewers)]
    assert both(state_with(*FOUR), change) == (Seen({}, edits[0]), Seen({}, edits[1]))


def test_the_current_item_keeps_its_id_and_gets_its_new_place() -> None:
    state = state_with(*FOUR, current="c")
    assert both(state, remove("a")) == (
        Seen({"currentItem": 2}, (Removed("a"),)),
        Seen({"currentItem": 1}, (Removed("a"),)),
    )
    assert both(state, remove("c"))[1] == Seen({"currentItem": None, "currentItemId": None}, (Removed("c"),))


def test_a_removed_items_place_in_the_encounter_is_gone_too() -> None:
    state = state_with(*FOUR, showEncounter=True, encounter=encounter("a", "spy", "b", turn="a"))
    gone = Seen({"encounter": encounter("spy", "b", turn="spy")}, (Removed("a"),))
    assert both(state, remove("a")) == (gone, Seen({"encounter": encounter("b", number=0)}, (Removed("a"),)))


def test_an_added_item_is_sent_once_as_it_is_after_all_changes() -> None:
    controllers, viewers = both(state_with("a"), add(id="x", text="one"), item("x", text="two"), move("x", 0))
    assert controllers.edits == viewers.edits == (Added({"id": "x", "text": "two"}, 0),)


def test_an_item_that_was_added_and_removed_is_nothing() -> None:
    assert both(state_with("a"), add(id="x"), remove("x")) == (NOTHING, NOTHING)


def test_an_item_that_was_removed_and_added_again_is_both() -> None:
    state = state_with({"id": "a", "text": "old"}, "b")
    edits = (Removed("a"), Added({"id": "a", "text": "new"}, 1))
    assert both(state, item("a", x=1), remove("a"), add(id="a"), item("a", text="new")) == (Seen({}, edits),) * 2
    assert viewers_get(state, remove("a"), add(id="a", visible=False)) == Seen({}, (Removed("a"),))
    assert viewers_get(state_with(SPY), remove("spy"), add(id="spy"), item("spy", text="x")) == Seen(
        {}, (Added({"id": "spy", "text": "x"}, 0),)
    )


def test_an_item_that_was_moved_and_moved_back_is_not_moved() -> None:
    assert both(state_with(*FOUR), move("a", 3), move("a", 0)) == (NOTHING, NOTHING)


def test_new_items_are_sent_whole_with_all_that_was_done_to_them() -> None:
    controllers, viewers = both(
        state_with("a"), item("a", x=1), view(items=[{"id": "b"}, SPY]), item("b", text="x"), move("spy", 0)
    )
    assert controllers == Seen({"items": [SPY, {"id": "b", "text": "x"}]})
    assert viewers == Seen({"items": [{"id": "b", "text": "x"}]})


def test_a_switch_and_edits_in_one_batch_send_viewers_the_items() -> None:
    state = state_with({"id": "a", "ac": 1})
    controllers, viewers = both(state, view(showAC=True), add(id="b", ac=2), item("a", ac=3))
    assert controllers == Seen({"showAC": True}, (Added({"id": "b", "ac": 2}, 1), Updated("a", {"ac": 3}, 0)))
    assert viewers == Seen({"showAC": True, "items": [{"id": "a", "ac": 3}, {"id": "b", "ac": 2}]})


def test_edits_come_in_one_order_and_each_index_is_the_place_after_it() -> None:
    controllers, viewers = both(
        state_with(*FOUR), remove("a"), move("c", 0), add(1, id="x"), item("b", text="x"), item("spy", visible=True)
    )
    assert controllers.edits == (
        Removed("a"),
        Moved("c", 0),
        Added({"id": "x"}, 1),
        Updated("b", {"text": "x"}, 3),
        Updated("spy", {"visible": True}, 2),
    )
    assert viewers.edits == (
        Removed("a"),
        Moved("c", 0),
        Added({"id": "x"}, 1),
        Added({"id": "spy", "name": "Spy"}, 2),
        Updated("b", {"text": "x"}, 3),
    )


# --- Any changes of a list ---------------------------------------------------------------------------------

IDS = ("a", "b", "c", "d", "e")
start = st.lists(st.sampled_from(IDS), unique=True).flatmap(
    lambda some: st.tuples(*(st.fixed_dictionaries({"id": st.just(one), "visible": st.booleans()}) for one in some))
)
steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "move", "show"]), st.sampled_from(IDS), st.integers(0, 4), st.booleans()
    ),
    max_size=8,
)


def change_of(step: tuple[str, str, int, bool], state: dict[str, Any]) -> Change | None:
    """The change that a step means for a state; None if it does not fit."""
    kind, item_id, index, is_shown = step
    there = any(one["id"] == item_id for one in state["items"])
    last = len(state["items"]) - 1
    if kind == "add":
        return None if there else check_addition({"id": item_id, "visible": is_shown}, min(index, last + 1))
    if not there:
        return None
    changes: dict[str, Change] = {"remove": ItemRemoval(item_id), "move": ItemMove(item_id, min(index, last))}
    return changes.get(kind) or item(item_id, visible=is_shown, text=str(index))


@given(start, steps)
def test_the_edits_of_any_changes_lead_to_the_new_list(items: tuple[dict[str, Any], ...], steps: list[Any]) -> None:
    """In all orders of additions, removals, moves and changes of sight; and nobody is told what they can't see."""
    before = state_with(*items)
    draft = Draft(before, b"k" * 32)
    for step in steps:
        if (change := change_of(step, draft.state)) is not None:
            draft.apply([change])
    for role, seen in (
        (PortalRole.CONTROLLER, seen_by_controllers(draft)),
        (PortalRole.VIEWER, seen_by_viewers(draft)),
    ):
        old, new = (project(state, role)["items"] for state in (before, draft.state))
        assert as_sent(folded({"items": old}, seen)["items"]) == as_sent(new)
        ever = {one["id"] for one in (*old, *new)}
        assert {edit_id(edit) for edit in seen.edits} <= ever
    assert bool(seen) is (as_sent(old) != as_sent(new) or any_renewed(draft))


def any_renewed(draft: Draft) -> bool:
    """Whether viewers are told of an item that was removed and added again, although it looks the same."""
    was = {one["id"] for one in draft.before["items"]}
    return any(one["id"] in draft.added & was and one["visible"] for one in draft.state["items"])
