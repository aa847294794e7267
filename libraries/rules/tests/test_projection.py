"""The projection for viewers: the table of hidden keys row by row, invisible items, blackout, and changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from libraries.rules import projection
from libraries.rules.keys import plain_key
from libraries.rules.projection import (
    ALWAYS,
    CURRENT_HEALTH,
    FLAGS,
    HIDDEN,
    MAXIMUM_HEALTH,
    difference,
    epoch_seen,
    hide_also,
    item_patch_seen,
    patch_seen,
    project,
    project_item,
)
from libraries.rules.roles import PortalRole
from libraries.tests.strategies import as_sent

CONTROLLER, VIEWER = PortalRole.CONTROLLER, PortalRole.VIEWER
ALL_SHOWN = {
    **dict.fromkeys(("showHealth", "showAC", "showActions", "showEncounter"), True),
    "healthDisplay": "numbers",
    "blackout": False,
}
NONE_SHOWN = {**ALL_SHOWN, **dict.fromkeys(("showHealth", "showAC", "showActions", "showEncounter"), False)}

# The keys that the protocol promises to hide, word for word; the table may hide more, never fewer.
PROMISED = {
    ALWAYS: ["gm", "gmNotes", "dmNotes", "secret", "secrets"],
    "showHealth": ["hp", "maxHp", "tempHp", "hitPoints", "health"],
    "showAC": ["ac", "armorClass"],
    "showActions": ["actions"],
    "showEncounter": ["initiative", "turn", "round", "encounter"],
}
TABLE = [(row, key) for row, keys in HIDDEN.items() for key in sorted(keys)]
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "title": str.title,
    "snake": "_".join,
    "kebab": "-".join,
    "screaming": lambda key: "__".join(key.upper()),
    "spaced": " ".join,
    "wide": lambda key: "".join(chr(ord(letter) + 0xFEE0) for letter in key),
    "joined by nothing": "\u200b".join,
    "accented": lambda key: key + "\u0301",
}


def state_with(*items: dict[str, Any], **flags: Any) -> dict[str, Any]:
    return {"id": "p", "name": "Evening", **NONE_SHOWN, "currentItem": 0, "items": list(items), "version": 1, **flags}


def seen(content: dict[str, Any], **flags: Any) -> dict[str, Any]:
    """The content of an item as a viewer sees it."""
    item = project_item({"id": "a", **content}, {**NONE_SHOWN, **flags})
    assert item.pop("id") == "a"
    return item


def leaking_keys() -> set[str]:
    """The keys of the table, as it was when the tests began, that a viewer sees with all flags off."""
    items = [{"id": str(index), "deep": [[{key: f"«{key}»"}]]} for index, (_, key) in enumerate(TABLE)]
    text = as_sent(project(state_with(*items), VIEWER))
    return {key for _, key in TABLE if f"«{key}»" in text}


@pytest.fixture
def table() -> Iterator[dict[str, set[str]]]:
    """The table of hidden keys, for a test that changes it; restored after the test."""
    before = {row: set(keys) for row, keys in HIDDEN.items()}
    yield HIDDEN
    HIDDEN.clear()
    HIDDEN.update(before)
    projection._index()


@pytest.mark.parametrize("row", PROMISED)
def test_the_table_has_the_keys_that_the_protocol_promises(row: str) -> None:
    assert {plain_key(key) for key in PROMISED[row]} <= HIDDEN[row]


def test_the_table_is_complete() -> None:
    assert HIDDEN.keys() == PROMISED.keys()
    assert set(HIDDEN) - {ALWAYS} == set(FLAGS) - {"healthDisplay"}
    assert all(key == plain_key(key) for _, key in TABLE)
    assert len({key for _, key in TABLE}) == len(TABLE), "a key stands in two rows"
    assert {*CURRENT_HEALTH, *MAXIMUM_HEALTH} <= HIDDEN["showHealth"]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(("row", "key"), TABLE)
def test_each_key_is_hidden_by_its_flag_in_each_spelling(row: str, key: str, spelling: str) -> None:
    written = SPELLINGS[spelling](key)
    for content in ({written: 7}, {"deep": {written: 7}}, {"deep": [[{written: {"value": [7]}}]]}):
        others = {flag: flag != row for flag in ALL_SHOWN if flag.startswith("show")}
        assert "7" not in as_sent(seen(content, **others))
        assert "7" not in as_sent(seen(content))
        expected = content if row != ALWAYS else None
        assert (seen(content, **ALL_SHOWN) == content) is (expected == content)
        if row != ALWAYS:
            assert seen(content, **{row: True}) == content


@pytest.mark.parametrize("key", ["shape", "graph", "php", "secretary", "actionsTaken", "place", "background", "name"])
def test_keys_that_only_contain_a_hidden_one_are_visible(key: str) -> None:
    assert seen({key: 7}) == {key: 7}


def test_nothing_leaks() -> None:
    assert leaking_keys() == set()


@pytest.mark.parametrize("row", HIDDEN)
def test_without_a_row_of_the_table_its_keys_would_leak(row: str, table: dict[str, set[str]]) -> None:
    gone = table.pop(row)
    projection._index()
    assert leaking_keys() == gone


@pytest.mark.parametrize(("row", "key"), TABLE)
def test_without_a_key_of_the_table_it_would_leak(row: str, key: str, table: dict[str, set[str]]) -> None:
    table[row].remove(key)
    projection._index()
    assert leaking_keys() == {key}


def test_a_site_can_hide_more_keys(table: dict[str, set[str]]) -> None:
    hide_also({"showHealth": ["Wound-Points"], ALWAYS: ["plot"]})
    assert seen({"woundPoints": 3, "Plot": "twist", "x": 1}) == {"x": 1}
    assert seen({"wound_points": 3, "plot": "twist"}, showHealth=True) == {"wound_points": 3}
    assert leaking_keys() == set()


@pytest.mark.parametrize(("row", "key"), [("showAC", "gm"), ("showAC", "hp"), ("showHealth", "turn")])
def test_a_key_in_two_rows_is_hidden_by_both(row: str, key: str, table: dict[str, set[str]]) -> None:
    # A site that adds a key to a row must not reveal it in another.
    before = next(name for name, keys in table.items() if key in keys)
    hide_also({row: [key]})
    assert seen({key: 7}, **{row: True}) == {}
    assert seen({key: 7}, **{before: True}) == {}
    assert seen({key: 7}, **{row: True, before: True}) == ({} if before == ALWAYS else {key: 7})


def test_a_site_cannot_add_a_row(table: dict[str, set[str]]) -> None:
    with pytest.raises(ValueError, match="“showSpells” is not one of always, showHealth"):
        hide_also({"showSpells": ["spells"]})


def test_keys_that_are_not_hidden_are_unchanged() -> None:
    content = {"name": "Ogre", "image": "/a.png", "x": 1.5, "tags": [1, True, None, [{"a": {}}]], "visible": True}
    assert seen(content) == content
    assert seen({"tags": ({"hp": 1}, 2)}) == {"tags": [{}, 2]}


@pytest.mark.parametrize("flags", [NONE_SHOWN, ALL_SHOWN])
def test_an_invisible_item_is_only_a_place(flags: dict[str, Any]) -> None:
    spy = {"id": "spy", "name": "Spy", "visible": False, "hp": 9}
    state = state_with({"id": "a"}, spy, {"id": "b", "visible": True}, currentItem=1, **flags)
    shown = project(state, VIEWER)
    assert shown["items"] == [{"id": "a"}, {"visible": False}, {"id": "b", "visible": True}]
    assert shown["currentItem"] == 1
    shown["items"][1]["mine"] = True
    assert project(state, VIEWER)["items"][1] == {"visible": False}


@pytest.mark.parametrize("visible", [None, 0, 1, "", "true", "false", [], {}])
def test_a_visible_that_is_neither_true_nor_false_hides(visible: object) -> None:
    assert project_item({"id": "a", "visible": visible}, ALL_SHOWN) == {"visible": False}


def test_under_a_blackout_there_is_nothing() -> None:
    state = state_with({"id": "a"}, **{**ALL_SHOWN, "blackout": True})
    assert project(state, VIEWER) == {**state, "items": [], "currentItem": None}
    assert project(state, CONTROLLER) == state


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
    assert epoch_seen("e", VIEWER) not in {"e", epoch_seen("f", VIEWER)}


def patched(state: dict[str, Any], role: PortalRole = VIEWER, **patch: Any) -> dict[str, Any]:
    return patch_seen(state, {**state, **patch, "version": state["version"] + 1}, patch.keys(), role)


def test_a_flag_that_reveals_keys_sends_their_values() -> None:
    state = state_with({"id": "a", "hp": 3, "ac": 1})
    assert patched(state, showHealth=True) == {"showHealth": True, "items": [{"id": "a", "hp": 3}]}
    assert patched(state | {"showHealth": True}, showHealth=False) == {"showHealth": False, "items": [{"id": "a"}]}
    assert patched(state, showActions=True) == {"showActions": True}


def test_a_change_hidden_from_viewers_sends_them_nothing() -> None:
    state = state_with({"id": "a", "hp": 3, "gm": 1}, {"id": "b", "visible": False})
    assert patched(state, items=[{"id": "a", "hp": 4, "gm": 2}, {"id": "c", "visible": False, "x": 1}]) == {}
    assert patched(state | {"blackout": True}, items=[], currentItem=None) == {}
    assert patched(state, CONTROLLER, items=[]) == {"items": []}


def test_an_unchanged_value_is_sent_again_but_not_during_a_blackout() -> None:
    state = state_with({"id": "a", "hp": 3})
    assert patched(state, name="Evening", items=state["items"]) == {"name": "Evening", "items": [{"id": "a"}]}
    assert patched(state, CONTROLLER, currentItem=0) == {"currentItem": 0}
    dark = state | {"blackout": True}
    assert patched(dark, items=state["items"], currentItem=0, blackout=True) == {"blackout": True}


def test_a_blackout_removes_everything_and_its_end_restores_it() -> None:
    state = state_with({"id": "a", "hp": 3})
    assert patched(state, blackout=True) == {"blackout": True, "items": [], "currentItem": None}
    assert patched(state | {"blackout": True}, blackout=False) == {
        "blackout": False,
        "items": [{"id": "a"}],
        "currentItem": 0,
    }


def item_patched(item: dict[str, Any], role: PortalRole = VIEWER, /, **patch: Any) -> dict[str, Any]:
    flags = state_with(showHealth=True, healthDisplay="bar")
    return item_patch_seen(item, {**item, **patch}, patch, flags, role)


def test_an_item_becomes_visible_whole_and_invisible_without_a_trace() -> None:
    hidden = {"id": "spy", "name": "Spy", "visible": False, "gm": "a spy"}
    assert item_patched(hidden, visible=True, x=1) == {"id": "spy", "name": "Spy", "visible": True, "x": 1}
    assert item_patched(hidden | {"visible": True}, visible=False, x=1) == {"visible": False}
    assert item_patched(hidden, name="Still hidden", visible=False) == {}
    assert item_patched(hidden, CONTROLLER, name="Still hidden") == {"name": "Still hidden"}


def test_an_item_patch_sends_only_visible_changes() -> None:
    ogre = {"id": "ogre", "hp": 30, "maxHp": 60, "x": 1}
    assert item_patched(ogre, hp=31) == {}
    assert item_patched(ogre, hp=9) == {"health": 0.2}
    assert item_patched(ogre, hp=30, x=1) == {"x": 1}
    assert item_patched(ogre, gm="trap", ac=3) == {}
    assert item_patched(ogre, CONTROLLER, hp=30) == {"hp": 30}


def test_during_a_blackout_no_item_changes() -> None:
    dark = state_with(blackout=True)
    assert item_patch_seen({"id": "a"}, {"id": "a", "x": 1}, {"x": 1}, dark, VIEWER) == {}
    assert item_patch_seen({"id": "a"}, {"id": "a", "x": 1}, {"x": 1}, dark, CONTROLLER) == {"x": 1}


@pytest.mark.parametrize("role", PortalRole)
def test_an_item_patch_reads_no_other_item(role: PortalRole) -> None:
    # The cost is the same for any number of items: these items would fail if they were read.
    assert item_patch_seen({"id": "a"}, {"id": "a", "x": 1}, {"x": 1}, ALL_SHOWN, role) == {"x": 1}


def test_a_patch_without_items_and_flags_reads_no_item() -> None:
    class Items(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            raise AssertionError("walked")

    assert patched(state_with() | {"items": Items(), "blackout": False}, name="Night") == {"name": "Night"}
