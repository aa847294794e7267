"""Each preset on invented records of its format: the right values with the switches on, nothing with them off."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from libraries.rules.disclosure import check_disclosure, compiled
from libraries.rules.items import SWITCHED, build
from libraries.rules.presets import Preset, presets
from libraries.rules.projection import SWITCHES
from libraries.rules.record_paths import parse_path
from libraries.rules.tests.other_records import COUNTED, OTHERS
from libraries.rules.tests.records import RECORDS, SECRETS
from libraries.tests.strategies import as_sent, found

OFF: dict[str, Any] = {**dict.fromkeys(SWITCHES, False), "healthDisplay": "numbers", "blackout": False}
ON = {**OFF, **dict.fromkeys(SWITCHES, True), "healthDisplay": "numbers"}
BEHIND_SWITCHES = {"health", *SWITCHED}

FULL = {"display": "numbers", "current": 59, "max": 59, "temp": None}
HURT = {"display": "numbers", "current": 20, "max": 59, "temp": 4}
SLAP = {"name": "Slap", "text": "Wet and heavy."}
ACTIONS = {
    "actions": [SLAP],
    "bonusActions": [{"name": "Ooze away", "text": "Ten feet."}],
    "reactions": [{"name": "Splash", "text": "In the eyes."}],
    "legendaryActions": [{"name": "Swell", "text": "Once a day."}],
}
FOUNDRY = {"name": "Mirelurker", "type": "npc", "image": "/icons/mirelurker-sheet.webp"}

ALWAYS: dict[str, dict[str, Any]] = {
    "open5e": {"name": "Mirelurker", "type": "ooze", "size": "Large", "image": "/media/mirelurker.png"},
    "dnd5e-api": {
        **{"name": "Mirelurker", "type": "ooze", "size": "Large"},
        "image": "/api/images/monsters/mirelurker.png",
    },
    "5etools": {"name": "Mirelurker", "image": "/img/mirelurker.webp"},
    "foundry-dnd5e": FOUNDRY,
    "foundry-pf2e": FOUNDRY,
    "improved-initiative": {"name": "Mirelurker", "image": "/img/mirelurker.png"},
    "roll20": {"name": "Mirelurker", "type": "character", "image": "/img/mirelurker.png"},
    "coc7": {**FOUNDRY, "type": "creature"},
    "dsa5": FOUNDRY,
    "quiz": {
        **{"name": "The coast", "question": "Which tide comes back early?", "category": "Tides"},
        **{"choices": ["The first", "The second", "None"], "image": "/img/tide.png"},
    },
    "slides": {
        **{"name": "The old mill", "title": "The old mill", "subtitle": "A history", "body": "It turned until 1911."},
        **{"bullets": ["Built", "Burnt"], "image": "/img/mill.png"},
    },
}
SWITCHED_ON: dict[str, dict[str, Any]] = {
    "open5e": {"health": FULL, "ac": 13, **ACTIONS},
    "dnd5e-api": {"health": FULL, "ac": 13, **ACTIONS},
    "5etools": {
        **{"health": FULL, "ac": 13, **ACTIONS},
        "bonusActions": [{"name": "Ooze away", "text": "Ten feet.\nTwice."}],
    },
    "foundry-dnd5e": {"health": HURT, "ac": 13, "actions": [{"name": "Slap", "text": ""}]},
    "foundry-pf2e": {"health": HURT, "ac": 13, "actions": [{"name": "Slap", "text": ""}]},
    "improved-initiative": {"health": HURT, "ac": 13, "initiative": 17, **ACTIONS},
    "roll20": {"health": HURT, "ac": "13", "actions": [{"name": "Slap", "text": ""}]},
    "coc7": {"health": {**HURT, "temp": None}, "ac": 13, "actions": [{"name": "Slap", "text": ""}]},
    "dsa5": {
        "health": {**HURT, "temp": None},
        "actions": [{"name": "Slap", "text": ""}, {"name": "Spit", "text": ""}],
    },
    "quiz": {},
    "slides": {},
}


def seen(name: str, record: dict[str, Any], switches: dict[str, Any]) -> dict[str, Any]:
    return build(record, switches, compiled(presets()[name].disclosure))


def records_of(name: str) -> list[dict[str, Any]]:
    others = [record for preset, record, _ in OTHERS.values() if preset == name]
    return [RECORDS[name], *others, *([COUNTED[name]] if name in COUNTED else [])]


def test_there_is_a_record_for_each_preset() -> None:
    assert presets().keys() == RECORDS.keys() == ALWAYS.keys() == SWITCHED_ON.keys()
    assert {name for name, _, _ in OTHERS.values()} <= presets().keys()
    assert len(presets()) == 11


@pytest.mark.parametrize("name", RECORDS)
def test_a_preset_is_a_disclosure_of_its_name(name: str) -> None:
    preset = presets()[name]
    assert preset.name == name
    assert preset.title
    assert preset.description.endswith(".")
    assert check_disclosure(preset.disclosure) == preset.disclosure


@pytest.mark.parametrize("keys", [{"more": 1}, {"title": None}])
def test_a_preset_has_these_keys_and_no_others(keys: dict[str, Any]) -> None:
    whole = {"name": "x", "title": "X", "description": "X.", "disclosure": {}}
    assert msgspec.convert(whole, Preset).name == "x"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**whole, **keys}, Preset)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({key: value for key, value in whole.items() if key != "description"}, Preset)


@pytest.mark.parametrize("name", RECORDS)
def test_with_the_switches_off_only_the_listed_values_are_shown(name: str) -> None:
    built = seen(name, RECORDS[name], OFF)
    assert built == ALWAYS[name]
    assert found(SECRETS, built) == set()


@pytest.mark.parametrize("name", RECORDS)
def test_with_the_switches_on_health_armour_class_and_actions_are_right(name: str) -> None:
    built = seen(name, RECORDS[name], ON)
    assert built == {**ALWAYS[name], **SWITCHED_ON[name]}
    assert found(SECRETS, built) == set()


@pytest.mark.parametrize("kind", OTHERS)
def test_other_records_of_a_format_are_read_too(kind: str) -> None:
    name, record, shown = OTHERS[kind]
    assert seen(name, record, ON) == shown
    assert seen(name, record, OFF) == {key: value for key, value in shown.items() if key not in BEHIND_SWITCHES}
    assert found(SECRETS, shown) == set()


@pytest.mark.parametrize("name", COUNTED)
def test_hit_points_that_a_game_master_counts_come_before_the_record(name: str) -> None:
    health = seen(name, COUNTED[name], ON)["health"]
    assert (health["current"], health["max"]) == (12, 59)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_without_its_preset_shows_name_and_picture_at_most(name: str) -> None:
    assert build(RECORDS[name], OFF).keys() <= {"name", "image", "type"}
    assert found(SECRETS, build(RECORDS[name], ON)) == set()


@pytest.mark.parametrize("name", RECORDS)
def test_each_record_has_many_secrets(name: str) -> None:
    text = as_sent(RECORDS[name])
    assert sum(text.count(secret) for secret in SECRETS) >= 15


@pytest.mark.parametrize("name", RECORDS)
def test_each_path_leads_to_something(name: str) -> None:
    for paths in presets()[name].disclosure.values():
        assert len(paths) == len(set(paths))
        for path in paths:
            values = [value for record in records_of(name) for _, value in parse_path(path).find(record)]
            assert any(value is not None for value in values), path
