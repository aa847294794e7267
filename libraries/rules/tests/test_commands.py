"""What is only relayed - commands, a controller's `sync-response` - as viewers get it."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.rules.commands import needs_flags, project_command, project_sync
from libraries.rules.disclosure import compiled
from libraries.rules.projection import SWITCHES

OGRE = {"id": "ogre", "name": "Ogre", "hp": 3}
SPY = {"id": "spy", "name": "Spy", "visible": False}
STATE: dict[str, Any] = {
    **dict.fromkeys(SWITCHES, False),
    "healthDisplay": "numbers",
    "blackout": False,
    "items": [OGRE, SPY],
    "currentItem": 0,
    "currentItemId": "ogre",
    "camera": None,
    "encounter": None,
}
ON = {**STATE, **dict.fromkeys(SWITCHES, True), "healthDisplay": "numbers"}
DARK = {**ON, "blackout": True}


@pytest.mark.parametrize(
    "payload", [{}, {"zoom": 2}, {"name": "x", "text": "y", "on": True, "off": None, "visible": 1}]
)
@pytest.mark.parametrize("state", [STATE, ON, DARK, None])
def test_what_is_sent_flat_is_shown(payload: dict[str, Any], state: Any) -> None:
    assert project_command(payload, state) == payload
    assert not needs_flags(payload)


@pytest.mark.parametrize("value", [{"x": 1}, [1], [], {}, ({"x": 1},), [[1]]])
@pytest.mark.parametrize("key", ["zoom", "monster", "Camera", "public_", "token"])
def test_other_objects_and_lists_go_to_controllers_only(key: str, value: object) -> None:
    for state in (STATE, ON, DARK, None):
        assert project_command({key: value, "x": 1}, state) == {"x": 1}
    assert not needs_flags({key: value})


@pytest.mark.parametrize("key", ["pointer", "public"])
def test_two_objects_are_shown_but_for_the_net(key: str) -> None:
    payload = {key: {"x": [1, {"y": None}], "hp": 3, "gmNotes": "n"}}
    assert needs_flags(payload)
    assert project_command(payload, STATE) == {key: {"x": [1, {"y": None}]}}
    assert project_command(payload, ON) == {key: {"x": [1, {"y": None}], "hp": 3}}
    assert project_command(payload, {**ON, "healthDisplay": "bar"}) == {key: {"x": [1, {"y": None}]}}
    for state in (DARK, None):
        assert project_command(payload, state) == {}
    for other in ([1], []):
        assert project_command({key: other}, ON) == {}
    assert project_command({key: "flat"}, DARK) == {key: "flat"}


def test_hidden_names_are_struck_from_what_is_flat() -> None:
    payload = {"ac": 1, "Gm-Notes": "", "Max_HP": 2, "turn": 3, "x": 4}
    assert needs_flags({"ac": 1})
    assert project_command(payload, None) == project_command(payload, STATE) == {"x": 4}
    assert project_command(payload, ON) == {"ac": 1, "Max_HP": 2, "turn": 3, "x": 4}


def test_a_command_is_projected_with_the_stored_switches_and_not_its_own() -> None:
    payload = {"showAC": True, "ac": 11, "blackout": False}
    assert project_command(payload, STATE) == {"showAC": True, "blackout": False}
    assert project_command(payload, {**STATE, "showAC": True}) == payload
    assert project_command({"always": 1, "gm": 2}, {**STATE, "always": True}) == {"always": 1}


@pytest.mark.parametrize("project", [project_command, project_sync])
def test_items_are_built_like_those_of_a_state(project: Any) -> None:
    new = {"id": "new", "name": "New", "hp": 4, "Hidden": False}
    payload = {"items": [SPY, {**SPY, "visible": True}, {"id": "x", "hidden": True}, OGRE, new], "currentItem": 3}
    assert project(payload, STATE) == {
        "items": [{"id": "ogre", "name": "Ogre"}, {"id": "new", "name": "New"}],
        "currentItem": 0,
    }
    assert project(payload, ON)["items"][1]["health"]["current"] == 4
    assert project(payload, DARK) == {"items": [], "currentItem": None}
    assert project({"items": [{"id": "a", "cr": 1}]}, STATE, compiled({"always": ["cr"]})) == {
        "items": [{"id": "a", "cr": 1}]
    }


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ({"currentItem": 0}, {"currentItem": 0}),
        ({"currentItem": 1}, {"currentItem": None}),
        ({"currentItem": 2}, {"currentItem": None}),
        ({"currentItem": True}, {"currentItem": None}),
        ({"currentItem": -1}, {"currentItem": None}),
        ({"currentItem": "0"}, {"currentItem": None}),
        ({"items": "all"}, {"items": [{"id": "ogre", "name": "Ogre"}]}),
        ({"items": ["text", {"name": "no id"}, OGRE], "currentItem": 0}, None),
        ({"currentItemId": "ogre"}, {"currentItemId": "ogre"}),
        ({"currentItemId": "spy"}, {"currentItemId": None}),
        ({"currentItemId": "nobody"}, {"currentItemId": None}),
        ({"currentItemId": "ogre", "currentItem": 1}, {"currentItem": None, "currentItemId": None}),
    ],
)
def test_a_current_item_is_a_place_among_what_is_shown(payload: dict[str, Any], shown: Any) -> None:
    shown = shown or {"items": [{"name": "no id"}, {"id": "ogre", "name": "Ogre"}], "currentItem": None}
    assert project_command(payload, STATE) == shown
    assert project_command(payload, None) == {}
    assert needs_flags(payload)


def test_a_sync_response_keeps_known_keys_only() -> None:
    payload = {
        "name": "Night",
        "showAC": True,
        "version": 9,
        "updatedAt": "t",
        "id": "p",
        "zoom": 2,
        "public": {"a": 1},
    }
    assert project_sync(payload, STATE) == {"name": "Night", "showAC": True}


CAMERA = {"x": 0.5, "y": 0.5, "zoom": 2, "rotation": 0}


def encounter(*item_ids: str, turn: str | None = None) -> dict[str, Any]:
    return {"round": 2, "turn": turn, "order": [{"itemId": item_id, "initiative": 9} for item_id in item_ids]}


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ({}, CAMERA),
        ({"currentItem": 0}, CAMERA),
        ({"currentItem": 1}, None),
        ({"currentItemId": "spy"}, None),
        ({"currentItem": None}, None),
        ({"items": [OGRE]}, CAMERA),
        ({"items": []}, None),
    ],
)
def test_a_camera_is_shown_with_the_item_that_it_is_on(payload: dict[str, Any], shown: Any) -> None:
    assert project_sync({**payload, "camera": CAMERA}, STATE)["camera"] == shown
    assert project_sync({**payload, "camera": CAMERA}, DARK)["camera"] is None
    assert needs_flags({"camera": CAMERA})


def test_an_encounter_is_shown_like_that_of_a_state() -> None:
    payload = {"encounter": encounter("ogre", "spy", "nobody", turn="spy"), "zoom": 1}
    assert project_sync(payload, STATE) == {"encounter": None}
    assert project_sync(payload, ON) == {"encounter": encounter("ogre", turn="ogre")}
    assert project_sync({"encounter": None}, ON) == {"encounter": None}
    assert project_sync(payload, DARK) == {"encounter": None}


def test_a_stored_unseen_item_has_no_turn_although_the_payload_shows_it() -> None:
    items = [OGRE, {**SPY, "visible": True}, {"id": "new"}]
    seen = project_sync({"items": items, "encounter": encounter("ogre", "spy", "new", turn="spy")}, ON)
    assert seen["encounter"] == encounter("ogre", "new", turn="ogre")
