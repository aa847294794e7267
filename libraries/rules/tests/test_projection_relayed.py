"""Payloads that are not stored - commands, a controller's `sync-response` - as viewers get them."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.rules.projection import needs_flags, project_relayed

FLAGS = {
    **dict.fromkeys(("showHealth", "showAC", "showActions", "showEncounter"), False),
    "healthDisplay": "numbers",
    "blackout": False,
}
DARK = {**FLAGS, "blackout": True}
SPY = {"id": "spy", "name": "Spy", "visible": False}
OGRE = {"id": "ogre", "hp": 3}


@pytest.mark.parametrize("payload", [{}, {"zoom": 2}, {"camera": {"x": [1, {"y": None}]}}, {"visible": False, "a": 1}])
@pytest.mark.parametrize("flags", [FLAGS, DARK, None])
def test_a_command_without_hidden_keys_is_relayed_unchanged(payload: dict[str, Any], flags: Any) -> None:
    assert project_relayed(payload, flags) == payload
    assert not needs_flags(payload)


@pytest.mark.parametrize("payload", [{"ac": 1}, {"zoom": {"Max_HP": 2}}, {"a": [[{"turn": 1}]]}, {"gm-notes": ""}])
def test_hidden_keys_are_hidden_in_commands(payload: dict[str, Any]) -> None:
    assert needs_flags(payload)
    for flags in (None, FLAGS):
        shown = project_relayed(payload, flags)
        assert shown in ({}, {"zoom": {}}, {"a": [[{}]]})


def test_a_command_is_projected_with_the_stored_flags_and_not_its_own() -> None:
    payload = {"showAC": True, "ac": 11, "blackout": False}
    assert project_relayed(payload, FLAGS) == {"showAC": True, "blackout": False}
    assert project_relayed(payload, {**FLAGS, "showAC": True}) == payload
    assert project_relayed({"always": 1, "gm": 2}, {**FLAGS, "always": True}) == {"always": 1}


def test_health_beside_other_keys_becomes_one_bar() -> None:
    flags = {**FLAGS, "showHealth": True, "healthDisplay": "bar"}
    assert project_relayed({"zoom": 1, "hp": 5, "maxHp": 10}, flags) == {"zoom": 1, "health": 0.5}


@pytest.mark.parametrize("items", ["items", "Items", "ITEMS", "_items"])
def test_items_are_treated_like_those_of_a_state(items: str) -> None:
    payload = {items: [OGRE, SPY, "text"], "currentItem": 1, "zoom": 2}
    unseen = {"visible": False}
    assert project_relayed(payload, FLAGS) == {items: [{"id": "ogre"}, unseen, "text"], "currentItem": 1, "zoom": 2}
    assert project_relayed(payload, DARK) == {items: [], "currentItem": None, "zoom": 2}
    assert project_relayed(payload, None) == {"zoom": 2}
    assert needs_flags(payload)


@pytest.mark.parametrize(
    "items",
    [
        {"0": SPY},
        [[SPY]],
        [{"group": [SPY]}],
        SPY,
        (SPY,),
        [{"visible": 0, "name": "Spy"}],
        {"0": {"0": SPY}},
        [{"currentItem": SPY}],
    ],
)
def test_an_invisible_item_stays_invisible_however_it_is_nested(items: Any) -> None:
    for payload in ({"items": items}, {"state": {"items": items}}, {"all": [{"portal": {"items": items}}]}):
        assert "Spy" in str(payload)
        assert "Spy" not in str(project_relayed(payload, FLAGS))
        assert "visible" in str(project_relayed(payload, FLAGS))
        assert "visible" not in str(project_relayed(payload, DARK))
        assert "visible" not in str(project_relayed(payload, None))


def test_a_current_item_that_is_sent_whole_may_be_invisible() -> None:
    payload = {"state": {"currentItem": SPY}}
    assert project_relayed(payload, FLAGS) == {"state": {"currentItem": {"visible": False}}}
    assert project_relayed(payload, DARK) == {"state": {"currentItem": None}}
    assert project_relayed({"state": {"currentItem": OGRE}}, FLAGS) == {"state": {"currentItem": {"id": "ogre"}}}


@pytest.mark.parametrize("payload", [{"items": []}, {"currentItem": None}, {"items": "text"}])
def test_without_flags_items_are_omitted_and_not_emptied(payload: dict[str, Any]) -> None:
    # A viewer would use an empty list as the current items.
    assert project_relayed(payload, None) == {}
    assert project_relayed(payload, FLAGS) == payload
    assert project_relayed(payload, DARK) in ({"items": []}, {"currentItem": None})
