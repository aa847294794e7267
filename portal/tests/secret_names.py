"""The names that the page for game masters lists, and their spellings: written by hand, and not from the code."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

ALWAYS = "always"
HIDDEN = {
    ALWAYS: ("gm", "gmNotes", "dmNotes", "secret", "secrets"),
    "showHealth": (
        *("hp", "maxHp", "maximumHp", "tempHp", "currentHp", "hpMax", "hpTemp", "hpCurrent", "temporaryHp"),
        *("hitPoints", "maxHitPoints", "maximumHitPoints", "hitPointsMax", "hitPointMaximum", "tempHitPoints"),
        *("temporaryHitPoints", "currentHitPoints", "hitPointsCurrent", "hitPointsTemp", "baseHitPoints"),
        *("health", "maxHealth", "maximumHealth", "healthMax", "currentHealth", "healthCurrent", "tempHealth"),
        *("healthTemp", "temporaryHealth", "hpTemporary", "removedHp", "hpRemoved", "removedHitPoints", "hpDamage"),
        *("hitPointsRemoved", "hitPointsDamage", "damage", "damageTaken", "damagePoints"),
    ),
    "showAC": ("ac", "armorClass", "armourClass"),
    "showActions": ("actions", "bonusActions", "reactions", "legendaryActions", "lairActions"),
    "showEncounter": ("initiative", "turn", "round", "encounter"),
    "showConditions": ("conditions",),
}
"""The names that each switch hides below `public` and in commands, word for word as documented."""

TEXTS = ("id", "type", "name", "image", "thumbnail", "alt", "text", "caption", "color")
"""Shown always, as text."""
IMAGES = ("img", "portrait", "avatar", "picture", "photo", "artwork", "imageUrl", "imgUrl", "portraitUrl", "avatarUrl")
"""Shown as the image of an item without one."""
ONE_VALUE = {"ac": ("showAC", "ac"), "initiative": ("showEncounter", "initiative")}
ENTRIES = {
    **dict.fromkeys(("actions", "bonusActions", "reactions", "legendaryActions"), ("showActions", "actions")),
    "conditions": ("showConditions", "conditions"),
}
"""The keys behind switches: the switch, and the key of an item's `show`."""
OF_AN_ENTRY = ("name", "title", "label", "text", "desc", "description", "content", "entries", "body", "icon")
OBJECTS = ("pointer", "public")
SEEN_KEYS = {*TEXTS, *ONE_VALUE, *ENTRIES, "health", "public"}
VISIBILITY = {"visible": True, "isVisible": True, "hidden": False, "isHidden": False}
"""The keys that say whether viewers see an item, and the value that means that they do."""
NUMBERS_INSIDE = ("current", "value", "now", "max", "maximum", "base", "total", "temp", "temporary")
"""The keys of an object of health whose numbers are shown."""
STRANGE = (
    *(
        "hit_dice",
        "privateNotes",
        "correctAnswer",
        "speakerNotes",
        "system",
        "data.attributes.hp",
        "体力",
        "Lebenspunkte",
    ),
    *("Name", "TEXT", "my text", "special_abilities", "senses", "value", "stats", "Public", "show ", "0", "tags"),
)
"""Keys that nobody listed."""
FLAGS = tuple(row for row in HIDDEN if row != ALWAYS)
SETTLED = ("currentItem", "currentItemId", "camera", "encounter")
"""The keys of the state that follow the items."""
NUMBERS_FROM = 8_642_000_000_000
MARK = re.compile(r"mk\d{6}|8642\d{9}")
PER_ITEM = 10

State = Mapping[str, Any]


def spellings(key: str) -> list[str]:
    """The spellings of a key that people and programs use."""
    words = re.findall(r"[A-Z]?[a-z]+", key)
    snake, lower = "_".join(words).lower(), "".join(words).lower()
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in lower)
    every = (key, lower, lower.upper(), snake, snake.upper(), snake.replace("_", "-"), " ".join(words).title(), wide)
    return list(dict.fromkeys(every))


@cache
def word(key: str) -> str:
    """A key without what makes no difference: case, marks between its letters, width."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKD", key)).casefold()


ROW_OF = {word(key): row for row, keys in HIDDEN.items() for key in keys}
KNOWN = {word(key): key for key in (*ONE_VALUE, *ENTRIES)} | {"armorclass": "ac", "armourclass": "ac"}
IMAGE_WORDS = {word(key) for key in IMAGES}
VISIBILITY_WORDS = {word(key): wanted for key, wanted in VISIBILITY.items()}
VISIBILITY_KEYS = tuple(spelling for key in VISIBILITY for spelling in spellings(key))
ALIAS_KEYS = tuple(spellings("alias"))
KEYS = (
    *(spelling for keys in HIDDEN.values() for key in keys for spelling in spellings(key)),
    *(*STRANGE, *(key for key in TEXTS if key not in {"id", "image", "thumbnail"}), *ENTRIES, *IMAGES),
)
WAYS = max(len(spellings(key)) for keys in HIDDEN.values() for key in keys)
POINTS_TAKEN = {
    spelling
    for key in HIDDEN["showHealth"]
    if re.search("removed|damage", key, re.IGNORECASE)
    for spelling in spellings(key)
}
"""Never planted flat: a difference of two marks could look like a third."""
SHAPES = ("text", "number", "list", "object", "key", "entries", "pairs", "json")
DEPTHS = 5
PUBLIC_DEPTH = 4
GESTURES = {"activity": {"type", "state"}, "pointer": {"type", "pointerId", "role", "itemId", "x", "y"}}
"""The keys of these messages that viewers get."""
