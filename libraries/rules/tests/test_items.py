"""An item as viewers see it: the one table row by row, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.health import DISPLAYS
from libraries.rules.items import FREE, SHOW_KEYS, SWITCHED, TEXTS, alias_of, build, is_seen
from libraries.rules.projection import SWITCHES
from libraries.tests.strategies import forbidden, found, items, states

OFF: dict[str, Any] = {**dict.fromkeys(SWITCHES, False), "healthDisplay": "numbers", "blackout": False}
ON: dict[str, Any] = {**dict.fromkeys(SWITCHES, True), "healthDisplay": "numbers", "blackout": False}
SHAPES: dict[str, tuple[Any, Any]] = {
    "ac": (15, 15),
    "actions": ([{"name": "Bite", "text": "2d6", "dc": 4}], [{"name": "Bite", "text": "2d6"}]),
    "bonusActions": (["Dash"], [{"name": "Dash", "text": ""}]),
    "reactions": ({"name": "Parry"}, [{"name": "Parry", "text": ""}]),
    "legendaryActions": ([{"name": "Roar", "desc": "Loud"}], [{"name": "Roar", "text": "Loud"}]),
    "initiative": ("17", "17"),
    "conditions": (["prone", {"name": "Blind", "end": 3}], ["prone", {"name": "Blind"}]),
}


def seen(switches: dict[str, Any] = OFF, **item: Any) -> dict[str, Any]:
    return build(item, switches)


def test_the_table_is_that_of_the_protocol() -> None:
    assert TEXTS == ("id", "type", "name", "image", "thumbnail", "alt", "text", "caption", "color")
    assert {key: row.switch for key, row in SWITCHED.items()} == {
        "ac": "showAC",
        **dict.fromkeys(("actions", "bonusActions", "reactions", "legendaryActions"), "showActions"),
        "initiative": "showEncounter",
        "conditions": "showConditions",
    }
    assert SHOW_KEYS == ("health", "ac", "actions", "initiative", "conditions")
    assert SHAPES.keys() == SWITCHED.keys()


@pytest.mark.parametrize("key", TEXTS)
def test_texts_are_always_shown_and_only_as_text(key: str) -> None:
    assert build({key: "a"}, OFF) == {key: "a"}
    for other in (None, 7, True, ["a"], {"text": "a"}):
        assert build({key: other}, ON) == {}
    for spelling in (key.upper(), f"{key}_", f" {key}", f"my.{key}"):
        if spelling != "IMAGE":
            assert spelling not in build({spelling: "a"}, ON)


@pytest.mark.parametrize("key", SWITCHED)
def test_a_key_behind_a_switch_is_shown_in_its_shape(key: str) -> None:
    given, shown = SHAPES[key]
    only = {**OFF, SWITCHED[key].switch: True}
    others = {**ON, SWITCHED[key].switch: False}
    for spelling in (key, key.upper(), "_".join(key)):
        assert build({spelling: given}, only) == {key: shown}
        assert build({spelling: given}, others) == {}
    assert build({key: {"deep": {key: given}}}, ON) == {}
    assert build({"deep": {key: given}}, ON) == {}


def test_an_exact_spelling_comes_before_others() -> None:
    assert seen(ON, AC=12, ac=15) == {"ac": 15}
    assert seen(ON, armor_class=12, ac=None) == {"ac": 12}
    assert seen(ON, Initiative=3, initiative=4) == {"initiative": 4}


@pytest.mark.parametrize(
    ("item", "current", "most"),
    [
        ({"HP": {"note": 1}, "hp": 5, "maxHp": 9}, 5, 9),
        ({"hp": 5, "HP": 7, "maxHp": 9}, 5, 9),
        ({"Hp": {"max": 9}, "HP": None, "hp": 5}, 5, 9),
        ({"hp": 5, "maxHp": "many", "MAX_HP": 9, "max-hp": 10}, 5, 9),
    ],
)
def test_of_several_spellings_of_health_the_first_with_a_number_counts(item: Any, current: int, most: int) -> None:
    shown = {"display": "numbers", "current": current, "max": most, "temp": None}
    assert build(item, {"showHealth": True}) == {"health": shown}


def test_nothing_that_is_not_listed_is_shown() -> None:
    assert seen(ON, hit_dice="2d8", notes="n", system={"name": "x"}, stats=[1], gm="x", **{"a.b": 1}) == {}


@pytest.mark.parametrize("key", ["img", "portrait", "avatar", "imageUrl", "Image", "portrait_url", "picture"])
def test_a_missing_image_is_filled_from_a_known_key(key: str) -> None:
    assert build({key: "/a.png"}, OFF) == {"image": "/a.png"}
    assert build({key: "/a.png", "image": "/b.png"}, OFF) == {"image": "/b.png"}
    assert build({key: "/a.png", "image": 7}, OFF) == {"image": "/a.png"}
    for bad in ("", 7, None, {"url": "/a.png"}, "ftp://a/b.png", "data:text/html,x"):
        assert build({key: bad}, OFF) == {}


def test_an_alias_is_the_name_and_the_name_stays_hidden() -> None:
    assert seen(name="Lich", alias="Old man") == {"name": "Old man"}
    assert seen(name="Lich", Alias="Old man") == {"name": "Old man"}
    assert seen(name="Lich", ALIAS=7, alias="Old man") == {"name": "Old man"}
    assert seen(alias="Old man") == {"name": "Old man"}
    for unset in (None, "", "  ", 7, {"name": "x"}):
        assert seen(name="Lich", alias=unset) == {"name": "Lich"}
        assert alias_of({"alias": unset}) is None


def test_below_public_all_is_shown_but_for_the_net() -> None:
    free = {"hit_dice": "2d8", "deep": [{"name": "x", "gmNotes": "n"}, 3, None], "hp": 4, "AC": 15, "secret": 1}
    assert seen(public=free) == {FREE: {"hit_dice": "2d8", "deep": [{"name": "x"}, 3, None]}}
    shown = {key: value for key, value in free.items() if key != "secret"}
    assert seen(ON, public=free) == {FREE: {**shown, "deep": [{"name": "x"}, 3, None]}}
    assert "hp" not in seen({**ON, "healthDisplay": "bar"}, public=free)[FREE]
    assert "AC" not in seen({**ON, "showAC": False}, public=free)[FREE]
    for other in ("text", 7, ["a"], None):
        assert seen(ON, public=other) == {}


@pytest.mark.parametrize("view", [OFF, ON])
@pytest.mark.parametrize("key", [key for key in SHOW_KEYS if key != "health"])
def test_show_overrides_the_switches_of_the_view(key: str, view: dict[str, Any]) -> None:
    item = {shown: SHAPES[shown][0] for shown, row in SWITCHED.items() if row.show == key}
    for value in (True, False):
        assert (build({**item, "show": {key: value}}, view).keys() == item.keys()) is value
        assert build({**item, "show": {key: value}}, view).keys() in (item.keys(), set())
    for other in ({}, None, "all", {"elsewhere": True}):
        assert build({**item, "show": other}, view) == build(item, view)
    assert build({**item, "show": {key: "yes"}}, view) == {}


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize("view", [OFF, ON])
def test_show_overrides_how_health_is_displayed(display: str, view: dict[str, Any]) -> None:
    item = {"hp": 5, "maxHp": 10}
    assert build({**item, "show": {"health": display}}, view)["health"]["display"] == display
    assert build({**item, "show": {"health": True}}, {**view, "healthDisplay": display})["health"]["display"] == display
    for off in (False, None, "all", 1):
        assert build({**item, "show": {"health": off}}, view) == {}
    assert build({**item, "public": {"hp": 5}, "show": {"health": False}}, view) == {FREE: {}}


def test_a_public_number_follows_the_items_own_display() -> None:
    item = {"hp": 5, "maxHp": 10, "public": {"hp": 5}}
    assert build({**item, "show": {"health": "numbers"}}, OFF)[FREE] == {"hp": 5}
    assert build({**item, "show": {"health": "bar"}}, ON)[FREE] == {}


@pytest.mark.parametrize("visible", [False, None, 0, 1, "true", []])
def test_an_item_is_seen_unless_its_visible_says_otherwise(visible: object) -> None:
    assert is_seen({})
    assert is_seen({"visible": True})
    assert not is_seen({"visible": visible})


@given(states(), st.integers(0, 3).flatmap(items))
def test_no_mark_of_what_is_hidden_is_in_a_built_item(state: dict[str, Any], item: dict[str, Any]) -> None:
    item.pop("show", None)
    assert found(forbidden(state), build(item, state)) == set()


@given(states(), st.integers(0, 3).flatmap(items))
def test_a_built_item_is_new(state: dict[str, Any], item: dict[str, Any]) -> None:
    before = repr(item)
    built = build(item, state)
    for value in [*built.values()]:
        if isinstance(value, dict | list):
            value.clear()
    built.clear()
    assert repr(item) == before
