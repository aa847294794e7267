"""More invented records: older, newer and other kinds of the formats in `libraries.rules.tests.records`."""

from __future__ import annotations

from typing import Any

from libraries.rules.tests.records import CHARACTER, RECORDS, SECRET, STAT_BLOCK

NAMED = {"name": "Mirelurker"}
SLAP = {"name": "Slap", "text": "Wet and heavy."}


def _numbers(current: int, most: int | None) -> dict[str, Any]:
    return {"display": "numbers", "current": current, "max": most, "temp": None}


OTHERS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "open5e, version 2": (
        "open5e",
        {
            **NAMED,
            "size": {"name": "Large", "key": SECRET, "url": SECRET},
            "type": {"name": SECRET, "key": SECRET},
            "illustration": {"file_url": "/media/mirelurker.webp", "attribution": SECRET},
            "armor_class": 13,
            "hit_points": 59,
            "hit_dice": SECRET,
            "traits": [{"name": SECRET, "desc": SECRET}],
            "actions": [{"name": "Slap", "desc": "Wet and heavy.", "action_type": "LEGENDARY_ACTION", "attacks": []}],
        },
        {
            **{**NAMED, "size": {"name": "Large"}, "image": "/media/mirelurker.webp", "ac": 13},
            **{"health": _numbers(59, 59), "actions": [SLAP]},
        },
    ),
    "dnd5e-api, a number as armour class": ("dnd5e-api", {**NAMED, "armor_class": 13}, {**NAMED, "ac": 13}),
    "5etools, before tokenHref": (
        "5etools",
        {**NAMED, "ac": [13], "hp": {"special": SECRET}, "tokenUrl": "/img/mirelurker.webp"},
        {**NAMED, "ac": 13, "image": "/img/mirelurker.webp"},
    ),
    "5etools, in words": (
        "5etools",
        {
            **NAMED,
            "ac": [{"special": "13 in water"}, {"ac": 10, "condition": SECRET}],
            "action": [{"name": "Slap", "entries": ["Wet.", {"type": "list", "items": [SECRET]}]}],
        },
        {**NAMED, "ac": "13 in water", "actions": [{"name": "Slap", "text": ""}]},
    ),
    "foundry-dnd5e, only a token, and all calculated": (
        "foundry-dnd5e",
        {
            **{**NAMED, "type": "npc", "img": None, "prototypeToken": {"texture": {"src": "/icons/mirelurker.webp"}}},
            "system": {"attributes": {"hp": {"value": 20, "max": None}, "ac": {"flat": None, "value": 13}}},
        },
        {**NAMED, "type": "npc", "image": "/icons/mirelurker.webp", "health": _numbers(20, None), "ac": 13},
    ),
    "improved-initiative, a stat block": (
        "improved-initiative",
        STAT_BLOCK,
        {
            **{**NAMED, "image": "/img/mirelurker.png", "health": _numbers(59, 59), "ac": 13, "actions": [SLAP]},
            "bonusActions": [{"name": "Ooze away", "text": "Ten feet."}],
            "reactions": [{"name": "Splash", "text": "In the eyes."}],
            "legendaryActions": [{"name": "Swell", "text": "Once a day."}],
        },
    ),
    "improved-initiative, with an alias": (
        "improved-initiative",
        {"StatBlock": {"Name": SECRET, "HP": {"Value": 59, "Notes": SECRET}}, "CurrentHP": 20, "Alias": "A wet thing"},
        {"name": "A wet thing", "health": _numbers(20, 59)},
    ),
    "roll20, version 2": (
        "roll20",
        {**CHARACTER, "schema_version": 2, "oldId": SECRET},
        {
            **{**NAMED, "image": "/img/mirelurker.png", "ac": "13", "actions": [{"name": "Slap", "text": ""}]},
            "health": {**_numbers(20, 59), "temp": 4},
        },
    ),
    "roll20, a sheet that nobody used": (
        "roll20",
        {**NAMED, "attribs": [{"name": "hp", "current": "", "max": 59}, {"name": "ac", "current": 13, "max": SECRET}]},
        {**NAMED, "health": _numbers(59, 59), "ac": 13},
    ),
    "roll20, a sheet that nobody used, version 3": (
        "roll20",
        {"character": {**NAMED, "attribs": [{"name": "ac", "current": 13, "max": SECRET}]}},
        {**NAMED, "ac": 13},
    ),
    "coc7, without a maximum": (
        "coc7",
        {**NAMED, "system": {"attribs": {"hp": {"value": 20, "max": None}, "armor": {"value": "1D6"}}}, "hp": "20/59"},
        {**NAMED, "health": _numbers(20, 59), "ac": "1D6"},
    ),
    "dsa5, without a maximum": (
        "dsa5",
        {**NAMED, "system": {"status": {"wounds": {"value": 20, "max": 0}}}, "hp": "20/59"},
        {**NAMED, "health": _numbers(20, 59)},
    ),
    "quiz, choices that tell": (
        "quiz",
        {
            "text": "Which tide comes back early?",
            "choices": [{"text": "The first", "isCorrect": SECRET}, {"text": "The second", "feedback": SECRET}],
            "correctOptionId": SECRET,
        },
        {"text": "Which tide comes back early?", "choices": [{"text": "The first"}, {"text": "The second"}]},
    ),
    "quiz, options": (
        "quiz",
        {"question": "Which?", "options": ["Red", "Blue"], "correct": SECRET, "justification": SECRET},
        {"name": "Which?", "question": "Which?", "options": ["Red", "Blue"]},
    ),
    "quiz, options that tell": (
        "quiz",
        {"question": "Which?", "options": [{"id": SECRET, "text": "Red"}, {"id": SECRET, "text": "Blue"}]},
        {"name": "Which?", "question": "Which?", "options": [{"text": "Red"}, {"text": "Blue"}]},
    ),
    "quiz, choices in another shape": (
        "quiz",
        {"question": "Which?", "choices": [{"answer": SECRET, "correct": True}]},
        {"name": "Which?", "question": "Which?"},
    ),
    "slides, levels": (
        "slides",
        {
            **{"title": "The old mill", "content": ["Built", "Burnt"], "backgroundImage": "/img/mill.png"},
            **{"bullets": [{"text": "Built", "level": 1, "note": SECRET}], "backgroundImageCredit": {"name": SECRET}},
        },
        {
            **{"name": "The old mill", "title": "The old mill", "content": ["Built", "Burnt"]},
            **{"bullets": [{"text": "Built"}], "image": "/img/mill.png"},
        },
    ),
}
"""By what is special about it: the preset's name, the record, and what viewers see of it with all switches on."""

COUNTED: dict[str, dict[str, Any]] = {
    name: {**record, "currentHp" if name == "5etools" else "hp": 12}
    for name, record in RECORDS.items()
    if name not in {"quiz", "slides"}
}
"""The records, with a key of the item itself that counts hit points."""
