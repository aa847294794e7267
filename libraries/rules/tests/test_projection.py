"""The state as each role sees it: items, versions, blackout, and changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from libraries.rules import net
from libraries.rules.disclosure import compiled
from libraries.rules.projection import (
    SWITCHES,
    VIEWERS_OWN,
    _digest,
    difference,
    digest,
    epoch_seen,
    item_patch_seen,
    patch_seen,
    place_of,
    project,
    shown_count,
)
from libraries.rules.roles import PortalRole
from libraries.tests.strategies import as_sent

CONTROLLER, VIEWER = PortalRole.CONTROLLER, PortalRole.VIEWER
NONE_SHOWN = {**dict.fromkeys(SWITCHES, False), "healthDisplay": "numbers", "blackout": False}
VERSIONS = {"version": 9, "updatedAt": "t9", "viewersVersion": 3, "viewersUpdatedAt": "t3"}
SPY = {"id": "spy", "name": "Spy", "visible": False}


def state_with(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "p", "name": "Evening", **NONE_SHOWN, "currentItem": 0, "items": list(items), **VERSIONS, **more}


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


def patched(state: dict[str, Any], **patch: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What controllers and viewers get of a patch."""
    after = {**state, **patch, "version": state["version"] + 1, "updatedAt": "later"}
    return patch_seen(state, after, patch.keys())


def test_a_switch_that_reveals_keys_sends_their_values() -> None:
    state = state_with({"id": "a", "hp": 3, "ac": 1})
    health = {"display": "numbers", "current": 3, "max": None, "temp": None}
    assert patched(state, showHealth=True)[1] == {"showHealth": True, "items": [{"id": "a", "health": health}]}
    assert patched(state | {"showHealth": True}, showHealth=False)[1] == {"showHealth": False, "items": [{"id": "a"}]}
    assert patched(state, showActions=True) == ({"showActions": True}, {"showActions": True})


def test_a_change_hidden_from_viewers_sends_them_nothing() -> None:
    state = state_with({"id": "a", "hp": 3, "gm": 1}, SPY)
    items = [{"id": "a", "hp": 4, "gm": 2}, {"id": "c", "visible": False, "x": 1}]
    assert patched(state, items=items) == ({"items": items}, {})
    assert patched(state | {"blackout": True}, items=[], currentItem=None)[1] == {}
    assert patched(state, currentItem=1) == ({"currentItem": 1}, {"currentItem": None})
    assert patched(state | {"currentItem": 1}, currentItem=None) == ({"currentItem": None}, {})


def test_an_unseen_item_before_the_current_one_does_not_move_it() -> None:
    state = state_with({"id": "a"}, currentItem=0)
    assert patched(state, items=[SPY, {"id": "a"}], currentItem=1)[1] == {}


def test_an_unchanged_value_is_said_again_to_controllers_only() -> None:
    state = state_with({"id": "a", "hp": 3})
    again = {"name": "Evening", "items": state["items"], "currentItem": 0}
    assert patched(state, **again) == (again, {})


def test_a_blackout_removes_everything_and_its_end_restores_it() -> None:
    state = state_with({"id": "a", "hp": 3})
    assert patched(state, blackout=True)[1] == {"blackout": True, "items": [], "currentItem": None}
    restored = {"blackout": False, "items": [{"id": "a"}], "currentItem": 0}
    assert patched(state | {"blackout": True}, blackout=False)[1] == restored
    assert patched(state_with(), blackout=True)[1] == {"blackout": True}


def test_a_patch_without_items_and_switches_reads_no_item() -> None:
    class Items(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            raise AssertionError("walked")

    assert patched(state_with() | {"items": Items()}, name="Night") == ({"name": "Night"}, {"name": "Night"})


def item_patched(item: dict[str, Any], *others: dict[str, Any], **patch: Any) -> Any:
    before = state_with(*others, item, showHealth=True, healthDisplay="bar", currentItem=len(others))
    after = {**before, "items": [*others, {**item, **patch}]}
    return item_patch_seen(before, after, len(others), patch)


def test_an_item_comes_into_sight_with_the_list_and_goes_with_it() -> None:
    come = item_patched(SPY, {"id": "a"}, SPY, visible=True, x=1)
    shown = {"items": [{"id": "a"}, {"id": "spy", "name": "Spy"}], "currentItem": 1}
    assert (come.viewers, come.viewers_index, come.viewers_state) == ({}, None, shown)
    gone = item_patched(SPY | {"visible": True}, {"id": "a"}, visible=False, x=1)
    assert (gone.viewers, gone.viewers_state) == ({}, {"items": [{"id": "a"}], "currentItem": None})
    assert come.viewers_changed
    assert gone.viewers_changed
    assert come.controllers == {"visible": True, "x": 1}


def test_an_unseen_item_changes_for_controllers_only() -> None:
    still = item_patched(SPY, name="Still hidden", visible=False)
    assert still.controllers == {"name": "Still hidden", "visible": False}
    assert not still.viewers_changed


def test_an_item_patch_sends_viewers_what_they_see_change() -> None:
    ogre = {"id": "ogre", "hp": 30, "maxHp": 60, "x": 1, "text": "Asleep"}
    assert item_patched(ogre, hp=31).viewers == {}
    assert item_patched(ogre, hp=9).viewers == {"health": {"display": "bar", "fraction": 0.2}}
    assert item_patched(ogre, hp=30, x=1).viewers == {}
    assert item_patched(ogre, gm="trap", ac=3).viewers == {}
    assert item_patched(ogre, text="Awake", x=2).viewers == {"text": "Awake"}
    assert item_patched(ogre, hp=30).controllers == {"hp": 30}
    assert item_patched(ogre, hp=30).viewers_index is None
    assert item_patched(ogre, SPY, {"id": "a"}, text="Awake").viewers_index == 1


def test_null_removes_a_key() -> None:
    ogre = {"id": "ogre", "hp": 30, "maxHp": 60, "text": "Asleep"}
    assert item_patched(ogre, text=None, hp="many", maxHp=None).viewers == {"text": None, "health": None}
    assert item_patched(ogre, show={"health": False}).viewers == {"health": None}


def test_during_a_blackout_no_item_changes_for_viewers() -> None:
    before = state_with({"id": "a"}, blackout=True)
    after = {**before, "items": [{"id": "a", "text": "x"}]}
    dark = item_patch_seen(before, after, 0, {"text": "x"})
    assert (dark.controllers, dark.viewers_changed) == ({"text": "x"}, False)
