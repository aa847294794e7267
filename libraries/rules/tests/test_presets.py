"""Each preset on an invented record of its format: the right values with the switches on, nothing with them off."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.rules.disclosure import check_disclosure, compiled
from libraries.rules.items import build
from libraries.rules.presets import presets
from libraries.rules.projection import SWITCHES
from libraries.rules.record_paths import parse_path
from libraries.rules.tests.records import RECORDS, SECRETS
from libraries.tests.strategies import as_sent, found

OFF: dict[str, Any] = {**dict.fromkeys(SWITCHES, False), "healthDisplay": "numbers", "blackout": False}
ON = {**OFF, **dict.fromkeys(SWITCHES, True), "healthDisplay": "numbers"}

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
    "roll20": {"name": "Mirelurker", "image": "/img/mirelurker.png"},
    "coc7": {**FOUNDRY, "type": "creature"},
    "dsa5": {**FOUNDRY, "type": "creature"},
    "quiz": {
        **{"name": "The coast", "question": "Which tide comes back early?", "category": "Tides"},
        **{"choices": ["The first", "The second", "None"], "options": [{"text": "Red"}, {"text": "Blue"}]},
        "image": "/img/tide.png",
    },
    "slides": {
        **{"name": "The old mill", "title": "The old mill", "subtitle": "A history", "body": "It turned until 1911."},
        **{"bullets": ["Built", "Burnt"], "image": "/img/mill.png"},
    },
}
SWITCHED: dict[str, dict[str, Any]] = {
    "open5e": {"health": FULL, "ac": 13, **ACTIONS},
    "dnd5e-api": {"health": FULL, "ac": 13, **{key: ACTIONS[key] for key in ACTIONS if key != "bonusActions"}},
    "5etools": {
        **{"health": FULL, "ac": 13, **ACTIONS},
        "bonusActions": [{"name": "Ooze away", "text": "Ten feet.\nTwice."}],
    },
    "foundry-dnd5e": {"health": HURT, "ac": 13, "actions": [{"name": "Slap", "text": ""}]},
    "foundry-pf2e": {
        **{"health": HURT, "ac": 13},
        "actions": [{"name": "Slap", "text": ""}, {"name": "Ooze away", "text": ""}],
    },
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


def test_there_is_a_record_for_each_preset() -> None:
    assert presets().keys() == RECORDS.keys() == ALWAYS.keys() == SWITCHED.keys()
    assert len(presets()) == 11


@pytest.mark.parametrize("name", RECORDS)
def test_a_preset_is_a_disclosure_of_its_name(name: str) -> None:
    preset = presets()[name]
    assert preset.name == name
    assert preset.title
    assert preset.description.endswith(".")
    assert check_disclosure(preset.disclosure) == preset.disclosure


@pytest.mark.parametrize("name", RECORDS)
def test_with_the_switches_off_only_the_listed_values_are_shown(name: str) -> None:
    built = build(RECORDS[name], OFF, compiled(presets()[name].disclosure))
    assert built == ALWAYS[name]
    assert found(SECRETS, built) == set()


@pytest.mark.parametrize("name", RECORDS)
def test_with_the_switches_on_health_armour_class_and_actions_are_right(name: str) -> None:
    built = build(RECORDS[name], ON, compiled(presets()[name].disclosure))
    assert built == {**ALWAYS[name], **SWITCHED[name]}
    assert found(SECRETS, built) == set()


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_without_its_preset_shows_name_and_picture_at_most(name: str) -> None:
    assert build(RECORDS[name], OFF).keys() <= {"name", "image", "type"}
    assert found(SECRETS, build(RECORDS[name], ON)) == set()


@pytest.mark.parametrize("name", RECORDS)
def test_each_record_has_many_secrets(name: str) -> None:
    text = as_sent(RECORDS[name])
    assert sum(text.count(secret) for secret in SECRETS) >= 15


IN_OTHER_VERSIONS = {
    "dnd5e-api": {"armor_class"},
    "5etools": {"ac[0]"},
    "foundry-dnd5e": {"system.attributes.ac.flat", "token.img"},
    "roll20": {"attribs[name=ac].current"},
    "quiz": {"choices[].text", "options"},
    "slides": {"bullets[].text"},
}
"""Paths of other versions of a format, which lead to nothing in the record."""


@pytest.mark.parametrize("name", RECORDS)
def test_each_path_leads_to_something(name: str) -> None:
    paths = [path for row in presets()[name].disclosure.values() for path in row]
    dead = {path for path in paths if not list(parse_path(path).find(RECORDS[name]))}
    assert dead <= IN_OTHER_VERSIONS.get(name, set())
    assert len(paths) == len({(row, path) for row, listed in presets()[name].disclosure.items() for path in listed})
