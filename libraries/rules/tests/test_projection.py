"""The state as each role sees it: items, versions, blackout, camera and encounter."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.rules import net
from libraries.rules.disclosure import compiled
from libraries.rules.projection import (
    SETTLED,
    SWITCHES,
    VIEWERS_OWN,
    _digest,
    delta,
    difference,
    digest,
    epoch_seen,
    place_of,
    project,
    settled_seen,
    shown_count,
    shown_encounter,
)
from libraries.rules.roles import PortalRole
from libraries.tests.strategies import as_sent

CONTROLLER, VIEWER = PortalRole.CONTROLLER, PortalRole.VIEWER
NONE_SHOWN = {**dict.fromkeys(SWITCHES, False), "healthDisplay": "numbers", "blackout": False}
VERSIONS = {"version": 9, "updatedAt": "t9", "viewersVersion": 3, "viewersUpdatedAt": "t3"}
SPY = {"id": "spy", "name": "Spy", "visible": False}


def state_with(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A state whose first item is the current one, if `more` says nothing else."""
    rest = {"camera": None, "encounter": None, "currentItem": 0, **more}
    current = rest["currentItem"]
    item_id = items[current]["id"] if current is not None and current < len(items) else None
    head = {"id": "p", "name": "Evening", **NONE_SHOWN}
    return {**head, "currentItemId": item_id, "items": list(items), **VERSIONS, **rest}


def seen(state: dict[str, Any], role: PortalRole = VIEWER) -> dict[str, Any]:
    return {key: value for key, value in project(state, role).items() if key in ("items", "currentItem")}


def test_each_role_sees_its_own_version_and_date() -> None:
    state = state_with()
    assert [project(state, CONTROLLER)[key] for key in VIEWERS_OWN] == [9, "t9"]
    assert [project(state, VIEWER)[key] for key in VIEWERS_OWN] == [3, "t3"]
    for role in PortalRole:
        assert project(state, role).keys() == state.keys() - set(VIEWERS_OWN.values())
    assert project(state, CONTROLLER) == {key: state[key] for key in state if key not in VIEWERS_OWN.values()}


@pytest.mark.parametrize(("current", "place"), [(None, None), (0, 0), (1, None), (2, 1), (3, None), (7, None)])
def test_viewers_know_only_of_items_that_they_may_see(current: int | None, place: int | None) -> None:
    state = state_with({"id": "a"}, SPY, {"id": "b", "visible": True, "hp": 3}, {**SPY, "id": "x"}, currentItem=current)
    assert seen(state) == {"items": [{"id": "a"}, {"id": "b"}], "currentItem": place}
    assert shown_count(state) == 2
    assert [place_of(state["items"], index) for index in (0, 2)] == [0, 1]


def test_under_a_blackout_there_is_nothing() -> None:
    state = state_with({"id": "a"}, blackout=True)
    assert seen(state) == {"items": [], "currentItem": None}
    assert shown_count(state) == 0
    assert seen(state, CONTROLLER) == {"items": [{"id": "a"}], "currentItem": 0}


def test_a_disclosure_shows_more() -> None:
    state = state_with({"id": "a", "cr": 4})
    assert project(state, VIEWER, compiled({"always": ["cr"]}))["items"] == [{"id": "a", "cr": 4}]
    assert project(state, CONTROLLER, compiled({"always": ["cr"]}))["items"] == state["items"]


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": True}, {"a": True}),
        ({"a": 1}, {"a": 1.0}, {"a": 1.0}),
        ({"a": {"b": 0, "c": 1}}, {"a": {"c": 1, "b": 0}}, {}),
        ({"a": {"b": 0}}, {"a": {"b": False}}, {"a": {"b": False}}),
        ({"a": [1, 2]}, {"a": [2, 1]}, {"a": [2, 1]}),
        ({"a": None}, {"a": None, "b": None}, {"b": None}),
        ({"a": 1, "b": 1}, {"a": 1}, {}),
    ],
)
def test_a_difference_is_one_that_a_receiver_can_tell(before: Any, after: Any, changed: Any) -> None:
    assert as_sent(difference(before, after)) == as_sent(changed)


def test_each_role_has_its_own_epoch() -> None:
    assert epoch_seen("e", CONTROLLER) == "e"
    assert epoch_seen("e", VIEWER) == f"e-viewer-{digest()}"
    assert len(digest()) == 8


def test_the_epoch_of_viewers_names_the_rules(table: dict[str, set[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest()
    net.hide_also({"always": ["plot"]})
    hidden = digest()
    monkeypatch.setattr("libraries.rules.projection._code", lambda: b"other rules")
    _digest.cache_clear()
    assert len({before, hidden, digest()}) == 3
    _digest.cache_clear()


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1, "b": 2}, {"b": 2}, {"a": None}),
        ({"a": 1}, {"a": True, "c": []}, {"a": True, "c": []}),
        ({"a": None}, {}, {"a": None}),
        ({}, {"a": None}, {"a": None}),
    ],
)
def test_a_delta_is_the_patch_from_one_item_to_the_other(before: Any, after: Any, patch: Any) -> None:
    assert as_sent(delta(before, after)) == as_sent(patch)


# --- What follows from the items ---------------------------------------------------------------------------

CAMERA = {"x": 0.5, "y": 0.5, "zoom": 2, "rotation": 0}
ORDER = [{"itemId": "spy", "initiative": 9}, {"itemId": "a", "initiative": 17}]
ENCOUNTER = {"round": 2, "turn": "a", "order": ORDER}


def settled_with(**more: Any) -> dict[str, Any]:
    state = state_with({"id": "a"}, SPY, showEncounter=True, camera=CAMERA, encounter=ENCOUNTER)
    return settled_seen({**state, **more})


def test_viewers_see_camera_and_encounter_of_what_they_see() -> None:
    assert settled_with() == {
        "currentItem": 0,
        "currentItemId": "a",
        "camera": CAMERA,
        "encounter": {"round": 2, "turn": "a", "order": [{"itemId": "a", "initiative": 17}]},
    }


@pytest.mark.parametrize(
    "more", [{"currentItem": None, "currentItemId": None}, {"currentItem": 1, "currentItemId": "spy"}]
)
def test_without_a_current_item_that_they_see_there_is_no_camera(more: dict[str, Any]) -> None:
    seen = settled_with(**more)
    assert (seen["currentItem"], seen["currentItemId"], seen["camera"]) == (None, None, None)
    assert seen["encounter"] is not None


def test_under_a_blackout_nothing_follows() -> None:
    assert settled_with(blackout=True) == dict.fromkeys(SETTLED)


@pytest.mark.parametrize("more", [{"showEncounter": False}, {"blackout": True}, {"encounter": None}])
def test_the_encounter_is_behind_its_switch(more: dict[str, Any]) -> None:
    assert settled_with(**more)["encounter"] is None


@pytest.mark.parametrize(
    ("show", "entry"),
    [
        (None, {"itemId": "a", "initiative": 17}),
        ({}, {"itemId": "a", "initiative": 17}),
        ({"initiative": True}, {"itemId": "a", "initiative": 17}),
        ({"initiative": False}, {"itemId": "a"}),
        ({"health": False}, {"itemId": "a", "initiative": 17}),
    ],
)
def test_an_item_can_hide_its_initiative(show: Any, entry: dict[str, Any]) -> None:
    assert settled_with(items=[{"id": "a", "show": show}, SPY])["encounter"]["order"] == [entry]


@pytest.mark.parametrize(
    ("encounter", "shown"),
    [
        ({"round": 2, "turn": "spy", "order": ORDER}, (1, "a")),
        ({"round": 1, "turn": "spy", "order": ORDER}, (0, None)),
        ({"round": 3, "turn": None, "order": ORDER}, (0, None)),
    ],
)
def test_the_turn_of_an_unseen_item_is_that_of_the_one_before(encounter: dict[str, Any], shown: Any) -> None:
    seen = settled_with(encounter=encounter)["encounter"]
    assert (seen["round"], seen["turn"]) == shown
    assert [entry["itemId"] for entry in seen["order"]] == ["a"]


def test_a_whole_state_has_all_of_it() -> None:
    state = state_with({"id": "a"}, SPY, showEncounter=True, camera=CAMERA, encounter=ENCOUNTER)
    assert project(state, VIEWER) == {
        **{key: value for key, value in state.items() if key not in VIEWERS_OWN.values()},
        **settled_seen(state),
        "items": [{"id": "a"}],
        "version": 3,
        "updatedAt": "t3",
    }
    assert shown_encounter(state) == settled_seen(state)["encounter"]
