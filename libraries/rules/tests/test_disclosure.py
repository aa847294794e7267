"""A library's disclosure: which rows and paths are possible, and what viewers see with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from libraries.rules.disclosure import MAX_PATHS, NOTHING, RESERVED, ROWS, Disclosure, check_disclosure, compiled
from libraries.rules.errors import InvalidPayload
from libraries.rules.items import FREE, SWITCHED, build
from libraries.tests.strategies import forbidden, found, states

OFF: dict[str, Any] = {"healthDisplay": "numbers", "blackout": False}
ON: dict[str, Any] = {
    **dict.fromkeys(("showHealth", "showAC", "showActions", "showEncounter", "showConditions"), True),
    **OFF,
}
RECORD: dict[str, Any] = {
    "id": "r",
    "title": "Mirelurker",
    "prototype": {"texture": {"src": "/mire.png"}},
    "system": {
        "hp": {"value": 12, "max": 40, "temp": 3},
        "ac": {"value": 15},
        "details": {"cr": 4, "biography": "secret"},
        "traits": {"languages": ["Mire"], "rows": [{"name": "a", "gm": "secret"}, {"gm": "secret"}, {"name": "b"}]},
    },
    "acts": [{"name": "Bite", "desc": "2d6"}],
    "speed": None,
}


def details_of(value: object) -> dict[str, str]:
    with pytest.raises(InvalidPayload) as refused:
        check_disclosure(value)
    assert refused.value.details is not None
    return refused.value.details


def shown(disclosure: dict[str, list[str]], switches: dict[str, Any] = ON, **more: Any) -> dict[str, Any]:
    built = build({**RECORD, **more}, switches, compiled(check_disclosure(disclosure)))
    assert built.pop("id") == "r"
    return built


def test_without_a_disclosure_a_foreign_record_shows_its_name_and_picture() -> None:
    assert build({"name": "Mirelurker", "img": "/mire.png", **RECORD}, ON) == {
        "id": "r",
        "name": "Mirelurker",
        "image": "/mire.png",
    }
    assert compiled({}) is NOTHING


def test_always_paths_show_in_place() -> None:
    paths = ["system.details.cr", "system.traits.languages", "system.traits.rows[].name"]
    traits = {"languages": ["Mire"], "rows": [{"name": "a"}, {"name": "b"}]}
    assert shown({"always": paths}, OFF) == {"system": {"details": {"cr": 4}, "traits": traits}}
    assert shown({"always": [*reversed(paths)]}, OFF) == {"system": {"details": {"cr": 4}, "traits": traits}}
    assert shown({"always": ["system.ac.**"]}, OFF) == {"system": {"ac": {"value": 15}}}
    assert shown({"always": ["system.ac", "system"]}, OFF) == {}


def test_a_deep_path_and_one_below_it_show_the_whole() -> None:
    for paths in (["system.ac.**", "system.ac.value"], ["system.ac.value", "system.ac.**"]):
        assert shown({"always": paths}, OFF) == {"system": {"ac": {"value": 15}}}


def test_a_null_at_the_top_is_left_out() -> None:
    assert shown({"always": ["speed"]}) == {}


@pytest.mark.parametrize("key", ["id", "type", "text"])
def test_an_always_path_replaces_no_text_of_the_item(key: str) -> None:
    assert build({key: "a", "x": 1}, OFF, compiled({"always": [key, "x"]})) == {key: "a", "x": 1}
    assert build({key: {"deep": "a"}}, OFF, compiled({"always": [f"{key}.deep"]})) == {key: {"deep": "a"}}


@pytest.mark.parametrize("key", sorted(RESERVED))
def test_an_always_path_never_begins_with_a_key_of_our_own(key: str) -> None:
    for path in (key, f"{key}.a", f'["{key}"][]'):
        assert f"begins with {key}" in details_of({"always": [path]})["always.0"]
    assert check_disclosure({"ac": [key]}) == {"ac": [key]}


def test_paths_fill_what_the_item_lacks() -> None:
    assert shown({"name": ["nowhere", "system", "title"]}) == {"name": "Mirelurker"}
    assert shown({"name": ["title"]}, name="Own") == {"name": "Own"}
    assert shown({"name": ["title"]}, alias="Alias") == {"name": "Alias"}
    assert shown({"image": ["system.ac.value", "prototype.texture.src"]}) == {"image": "/mire.png"}
    assert shown({"image": ["elsewhere"]}, elsewhere="ftp://example.org/a.png") == {}
    assert shown({"ac": ["system.ac.value"]}) == {"ac": 15}
    assert shown({"ac": ["system.ac.value"]}, AC=11) == {"ac": 11}
    assert shown({"actions": ["acts[].**"]}) == {"actions": [{"name": "Bite", "text": "2d6"}]}
    assert shown({"actions": ["acts[]", "acts"]}) == {}
    assert shown({"conditions": ["system.traits.languages"]}) == {"conditions": ["Mire"]}
    assert shown({"initiative": ["system.details.cr"]}) == {"initiative": 4}


@pytest.mark.parametrize("row", SWITCHED)
def test_a_row_behind_a_switch_shows_nothing_without_it(row: str) -> None:
    paths = {row: ["system.details.**", "system.details.cr", "acts[].**", "system.traits.languages"]}
    assert shown(paths, ON) != {}
    assert shown(paths, {**ON, SWITCHED[row].switch: False}) == {}
    assert shown(paths, ON, show={SWITCHED[row].show: False}) == {}


def test_paths_of_health() -> None:
    both = {"currentHealth": ["system.hp.value"], "maxHealth": ["system.hp.max"], "temporaryHealth": ["system.hp.temp"]}
    assert shown(both)["health"] == {"display": "numbers", "current": 12, "max": 40, "temp": 3}
    assert shown({"currentHealth": ["system.hp.**"]})["health"]["max"] == 40
    assert shown({"maxHealth": ["system.hp.max"]})["health"] == {
        "display": "numbers",
        "current": 40,
        "max": 40,
        "temp": None,
    }
    assert shown({"maxHealth": ["system.hp.max"]}, hp=7)["health"]["current"] == 7
    assert shown({"maxHealth": ["hit_points"]}, hit_points=40)["health"]["max"] == 40
    assert shown({"maxHealth": ["hit_points"]}, hit_points=40, hp="5/30")["health"]["max"] == 30
    record = {"currentHealth": ["system.hp.value"], "maxHealth": ["system.hp.max"]}
    assert shown(record, maxHp=59)["health"] == {"display": "numbers", "current": 12, "max": 59, "temp": None}
    assert shown({"maxHealth": ["system.hp.max"]}, damage=7)["health"]["current"] == 33
    assert shown({"maxHealth": ["speed", "title"]}) == {}
    assert shown({"maxHealth": ["zero"]}, zero=0) == {}
    assert shown(both, {**ON, "showHealth": False}) == {}
    assert shown(both, {**ON, "healthDisplay": "bar"}) == {"health": {"display": "bar", "fraction": 0.3}}


@pytest.mark.parametrize("value", [None, [], "always", 3, True])
def test_a_disclosure_is_an_object(value: object) -> None:
    assert details_of(value) == {"disclosure": "Must be an object."}


def test_bad_rows_and_paths_are_refused_by_name() -> None:
    assert details_of({"never": []})["never"].startswith("There is no such row; there are always, name")
    assert details_of({3: []}).keys() == {"3"}
    assert details_of({"ac": "a"}) == {"ac": "Must be a list of paths."}
    assert details_of({"ac": ["a.b", "a..b", 7]}).keys() == {"ac.1", "ac.2"}
    assert "NUL" in details_of({"ac": ["a\0"]})["ac.0"]
    assert "surrogate" in details_of({"ac": ["\ud800"]})["ac.0"]
    with pytest.raises(InvalidPayload, match=r"^Nothing was changed: ac\.0: The path “a\.\.b” can't be read from"):
        check_disclosure({"ac": ["a..b"]})


def test_the_number_of_paths_is_limited_over_all_rows() -> None:
    half = [f"a{index}" for index in range(MAX_PATHS // 2)]
    assert check_disclosure({"always": half, "ac": half, "name": []}) == {"always": half, "ac": half}
    assert details_of({"always": half, "ac": [*half, "b"]}) == {"disclosure": "At most 64 paths are possible."}
    assert len(details_of({"ac": [None] * 10_000})) <= MAX_PATHS + 2


def test_what_was_stored_past_the_check_shows_nothing() -> None:
    stored: dict[str, Any] = {"always": ["name", "a..b", 7, "system.ac.value"], "ac": "a", "never": ["title"]}
    assert build(RECORD, OFF, compiled(stored)) == {"id": "r", "system": {"ac": {"value": 15}}}
    assert compiled(stored) is compiled({**stored})


def test_the_rows_are_those_of_the_protocol() -> None:
    assert set(ROWS) == {"always", "name", "image", "currentHealth", "maxHealth", "temporaryHealth", *SWITCHED}
    assert FREE in RESERVED


@given(states())
def test_rows_of_paths_show_no_more_than_their_switch(state: dict[str, Any]) -> None:
    disclosure = compiled({"name": ["title"], **{row: [f"{row}[].**", row] for row in SWITCHED}, "maxHealth": ["hp"]})
    assert isinstance(disclosure, Disclosure)
    for item in state["items"]:
        item.pop("show", None)
        assert found(forbidden(state), build(item, state, disclosure)) == set()
