"""Invented records of the formats that presets exist for; `SECRET` marks what no switch shows."""

from __future__ import annotations

from typing import Any

SECRET, NUMBER = "«secret»", 424_242_424
SECRETS = {SECRET, str(NUMBER)}


def _marked(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, SECRET)


def _numbered(*names: str) -> dict[str, int]:
    return dict.fromkeys(names, NUMBER)


def _token(picture: str) -> dict[str, Any]:
    return {"texture": {"src": picture, "tint": SECRET}, **_marked("name", "actorLink"), "sight": _numbered("range")}


STAT_BLOCK: dict[str, Any] = {
    "Name": "Mirelurker",
    "ImageURL": "/img/mirelurker.png",
    "HP": {"Value": 59, "Notes": SECRET},
    "AC": {"Value": 13, "Notes": SECRET},
    **_marked("Id", "Path", "Source", "Type", "Challenge", "Description", "Player", "Version"),
    **_numbered("InitiativeModifier"),
    "Speed": [SECRET],
    "Abilities": _numbered("Str", "Dex"),
    "Saves": [{"Name": SECRET, "Modifier": NUMBER}],
    "Skills": [{"Name": SECRET, "Modifier": NUMBER}],
    "Senses": [SECRET],
    "DamageImmunities": [SECRET],
    "Traits": [{"Name": SECRET, "Content": SECRET}],
    "Actions": [{"Name": "Slap", "Content": "Wet and heavy.", "Usage": SECRET}],
    "BonusActions": [{"Name": "Ooze away", "Content": "Ten feet."}],
    "Reactions": [{"Name": "Splash", "Content": "In the eyes."}],
    "LegendaryActions": [{"Name": "Swell", "Content": "Once a day."}],
    "MythicActions": [{"Name": SECRET, "Content": SECRET}],
}
CHARACTER: dict[str, Any] = {
    "name": "Mirelurker",
    "avatar": "/img/mirelurker.png",
    **_marked("bio", "gmnotes", "defaulttoken", "inplayerjournals", "controlledby", "tags"),
    "attribs": [
        {"name": "hp", "current": "20", "max": "59", "id": SECRET},
        {"name": "hp_temp", "current": 4, "max": SECRET},
        {"name": "npc_ac", "current": "13", "max": SECRET},
        *({"name": name, "current": SECRET, "max": SECRET} for name in ("strength", "npc_senses", "npc_challenge")),
        *({"name": f"repeating_npcaction_-x{one}_name", "current": SECRET, "max": NUMBER} for one in range(4)),
    ],
    "abilities": [{"name": "Slap", "action": SECRET, "description": SECRET, "istokenaction": SECRET}],
}

RECORDS: dict[str, dict[str, Any]] = {
    "open5e": {
        **_marked("slug", "desc", "alignment", "hit_dice", "armor_desc", "senses", "languages", "damage_immunities"),
        **_marked("condition_immunities", "legendary_desc", "challenge_rating", "document__title", "environments"),
        **_numbered("strength", "dexterity", "constitution_save", "perception", "cr"),
        "name": "Mirelurker",
        "size": "Large",
        "type": "ooze",
        "img_main": "/media/mirelurker.png",
        "armor_class": 13,
        "hit_points": 59,
        "speed": _numbered("walk", "swim"),
        "actions": [{"name": "Slap", "desc": "Wet and heavy.", **_numbered("attack_bonus"), "damage_dice": SECRET}],
        "bonus_actions": [{"name": "Ooze away", "desc": "Ten feet."}],
        "reactions": [{"name": "Splash", "desc": "In the eyes."}],
        "legendary_actions": [{"name": "Swell", "desc": "Once a day."}],
        "special_abilities": [_marked("name", "desc")],
        "skills": _numbered("stealth"),
    },
    "dnd5e-api": {
        **_marked("index", "alignment", "hit_dice", "hit_points_roll", "languages", "url", "updated_at", "desc"),
        **_numbered("strength", "dexterity", "challenge_rating", "xp", "proficiency_bonus"),
        "name": "Mirelurker",
        "size": "Large",
        "type": "ooze",
        "image": "/api/images/monsters/mirelurker.png",
        "armor_class": [{"type": SECRET, "value": 13, "desc": SECRET}],
        "hit_points": 59,
        "speed": _marked("walk", "swim"),
        "senses": {"darkvision": SECRET, **_numbered("passive_perception")},
        "proficiencies": [{**_numbered("value"), "proficiency": _marked("index", "name")}],
        "damage_immunities": [SECRET],
        "special_abilities": [{**_marked("name", "desc"), "dc": _numbered("dc_value")}],
        "actions": [
            {"name": "Slap", "desc": "Wet and heavy.", **_numbered("attack_bonus"), "damage": [_marked("damage_dice")]}
        ],
        "bonus_actions": [{"name": "Ooze away", "desc": "Ten feet.", "usage": _marked("type")}],
        "reactions": [{"name": "Splash", "desc": "In the eyes."}],
        "legendary_actions": [{"name": "Swell", "desc": "Once a day.", "dc": _numbered("dc_value")}],
    },
    "5etools": {
        **_marked("source", "passive", "cr", "page", "legendaryGroup", "otherSources", "shortName", "environment"),
        **_numbered("str", "dex", "con", "int", "legendaryActions"),
        "name": "Mirelurker",
        "alias": [SECRET],
        "size": [SECRET],
        "type": {"type": SECRET, "tags": [SECRET]},
        "alignment": [SECRET],
        "tokenHref": {"type": SECRET, "url": "/img/mirelurker.webp"},
        "ac": [{"ac": 13, "from": [SECRET]}],
        "hp": {"average": 59, "formula": SECRET},
        "speed": {**_numbered("walk"), "swim": {"number": NUMBER, "condition": SECRET}},
        "save": _marked("dex"),
        "skill": _marked("stealth"),
        "senses": [SECRET],
        "trait": [{"name": SECRET, "entries": [SECRET]}],
        "spellcasting": [{"name": SECRET, "headerEntries": [SECRET]}],
        "action": [{"name": "Slap", "entries": ["Wet and heavy."]}],
        "bonus": [{"name": "Ooze away", "entries": ["Ten feet.", "Twice."]}],
        "reaction": [{"name": "Splash", "entries": ["In the eyes."]}],
        "legendary": [{"name": "Swell", "entries": ["Once a day."]}],
        "mythic": [{"name": SECRET, "entries": [SECRET]}],
    },
    "foundry-dnd5e": {
        "name": "Mirelurker",
        "type": "npc",
        "img": "/icons/mirelurker-sheet.webp",
        "prototypeToken": _token("/icons/mirelurker.webp"),
        "system": {
            "abilities": {"str": {**_numbered("value", "max"), "bonuses": _marked("check", "save")}},
            "attributes": {
                "hp": {"value": 20, "max": 59, "temp": 4, "formula": SECRET, **_numbered("tempmax")},
                "ac": {"flat": 13, "calc": SECRET, "formula": SECRET},
                "init": {"bonus": SECRET, "ability": SECRET},
                "movement": _numbered("walk", "swim"),
                "senses": {**_numbered("darkvision"), "special": SECRET},
            },
            "details": {"biography": _marked("value", "public"), "alignment": SECRET, **_numbered("cr", "xp")},
            "traits": {"di": {"value": [SECRET], "custom": SECRET}, "languages": {"value": [SECRET]}},
        },
        "items": [
            {"name": "Slap", "type": "weapon", "system": {"description": _marked("value"), "damage": _marked("parts")}},
            {"name": SECRET, "type": "feat", "system": {"description": _marked("value")}},
        ],
        "effects": [_marked("name", "label", "icon")],
        "flags": {"core": _marked("sourceId")},
        "ownership": _numbered("default"),
    },
    "foundry-pf2e": {
        "name": "Mirelurker",
        "type": "npc",
        "img": "/icons/mirelurker-sheet.webp",
        "prototypeToken": _token("/icons/mirelurker.webp"),
        "system": {
            "abilities": {"str": _numbered("mod")},
            "attributes": {
                "hp": {"value": 20, "max": 59, "temp": 4, "details": SECRET},
                "ac": {"value": 13, "details": SECRET},
                "allSaves": _marked("value"),
                "immunities": [_marked("type")],
                "weaknesses": [{**_marked("type"), **_numbered("value")}],
                "speed": {**_numbered("value"), "otherSpeeds": [_marked("type")]},
            },
            "details": {"level": _numbered("value"), **_marked("blurb", "publicNotes", "privateNotes")},
            "initiative": _marked("statistic"),
            "perception": {**_numbered("mod"), "senses": [_marked("type")]},
            "saves": {"fortitude": {**_numbered("value"), "saveDetail": SECRET}},
            "traits": {"value": [SECRET], "rarity": SECRET},
        },
        "items": [
            {"name": "Slap", "type": "melee", "system": {"bonus": _numbered("value"), "description": _marked("value")}},
            {"name": SECRET, "type": "action", "system": {"description": _marked("gm"), **_marked("category")}},
            {"name": SECRET, "type": "weapon", "system": {"description": _marked("value")}},
            {"name": SECRET, "type": "lore", "system": _numbered("mod")},
        ],
    },
    "improved-initiative": {
        "StatBlock": STAT_BLOCK,
        "CurrentHP": 20,
        "TemporaryHP": 4,
        "Initiative": 17,
        "Alias": "",
        **_marked("Id", "CurrentNotes", "InitiativeGroup", "InterfaceVersion", "PersistentCharacterId"),
        **_numbered("IndexLabel", "RoundCounter", "ElapsedSeconds"),
        "Hidden": False,
        "RevealedAC": False,
        "Tags": [{**_marked("Text", "DurationCombatantId", "DurationTiming"), "Hidden": True}],
    },
    "roll20": {"schema_version": 3, "type": "character", "character": CHARACTER},
    "coc7": {
        "name": "Mirelurker",
        "type": "creature",
        "img": "/icons/mirelurker-sheet.webp",
        "prototypeToken": _token("/icons/mirelurker.webp"),
        "system": {
            "characteristics": {"str": {**_numbered("value"), "formula": SECRET}, "pow": _numbered("value")},
            "attribs": {
                "hp": {"value": 20, "max": 59, "short": SECRET, "auto": False},
                "armor": {"value": 13, "localized": SECRET},
                "mp": _numbered("value", "max"),
                "san": _numbered("value", "max", "dailyLoss"),
                "lck": _numbered("value"),
            },
            "conditions": {"indefInsane": _marked("value"), "dying": _marked("value")},
            "infos": _marked("type"),
            "description": _marked("keeper"),
            "special": {"sanLoss": _marked("checkPassed", "checkFailled"), **_numbered("attacksPerRound")},
            "biography": {"personalDescription": _marked("value")},
        },
        "items": [
            {"name": "Slap", "type": "weapon", "system": {"range": {"normal": _marked("damage")}, **_marked("notes")}},
            {"name": SECRET, "type": "skill", "system": _numbered("base")},
        ],
    },
    "dsa5": {
        "name": "Mirelurker",
        "type": "npc",
        "img": "/icons/mirelurker-sheet.webp",
        "prototypeToken": _token("/icons/mirelurker.webp"),
        "system": {
            "characteristics": {"mu": _numbered("initial", "advances"), "kl": _numbered("initial")},
            "status": {
                "wounds": {"value": 20, "max": 59, **_numbered("initial", "advances", "modifier", "current")},
                "astralenergy": _numbered("value", "max"),
                "soulpower": _numbered("value"),
                "toughness": _numbered("value"),
                "dodge": _numbered("value"),
                "initiative": {**_numbered("value", "current"), "die": SECRET},
            },
            "details": {
                "notes": _marked("value", "gmdescription", "ownerdescription"),
                "species": _marked("value"),
                "career": _marked("value"),
            },
            "magic": {"tradition": _marked("magical", "clerical")},
        },
        "items": [
            {"name": "Slap", "type": "meleeweapon", "system": {"damage": _marked("value"), "gmdescription": SECRET}},
            {"name": "Spit", "type": "rangeweapon", "system": {"reloadTime": _numbered("value")}},
            {"name": SECRET, "type": "trait", "system": _marked("effect")},
        ],
    },
    "quiz": {
        "question": "Which tide comes back early?",
        "title": "The coast",
        "choices": ["The first", "The second", "None"],
        "category": "Tides",
        "media": {"image": "/img/tide.png", "credit": SECRET},
        **_marked("correctAnswer", "correct_answer", "explanation", "solution", "hint", "teacherNotes", "feedback"),
        **_numbered("points", "correctIndex", "timeLimit", "difficulty", "answer"),
        "answers": [_marked("text")],
        "incorrect_answers": [SECRET],
        "correct": [SECRET],
    },
    "slides": {
        "title": "The old mill",
        "subtitle": "A history",
        "body": "It turned until 1911.",
        "bullets": ["Built", "Burnt"],
        "background": {"image": "/img/mill.png", "prompt": SECRET},
        **_marked("notes", "speakerNotes", "presenterNotes", "narration", "imagePrompt", "comments", "next", "author"),
        **_numbered("duration", "index", "revision"),
        "animations": [{**_marked("trigger"), **_numbered("delay")}],
        "cues": [SECRET],
        "poll": {"question": SECRET, "answer": SECRET},
    },
}
"""By the preset's name."""
