"""Marks, their places, and which of them a viewer may see: derived from the contract, not from the code.

Nothing here uses `libraries.rules.projection`: a row missing there must fail here. Every planted value is a unique
mark, text or number, so that any received text can be searched for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

ALWAYS = "always"
HIDDEN = {
    ALWAYS: ("gm", "gmNotes", "dmNotes", "secret", "secrets"),
    "showHealth": (
        *("hp", "maxHp", "maximumHp", "tempHp", "currentHp", "hpMax", "hpTemp", "hpCurrent"),
        *("hitPoints", "maxHitPoints", "maximumHitPoints", "hitPointsMax", "hitPointMaximum", "tempHitPoints"),
        *("temporaryHitPoints", "currentHitPoints", "hitPointsCurrent"),
        *("health", "maxHealth", "maximumHealth", "healthMax", "currentHealth", "healthCurrent"),
    ),
    "showAC": ("ac", "armorClass", "armourClass"),
    "showActions": ("actions", "bonusActions", "reactions", "legendaryActions", "lairActions"),
    "showEncounter": ("initiative", "turn", "round", "encounter"),
}
"""The keys that each flag hides, word for word as documented."""

HEALTH_WORDS = {"unhurt", "scratched", "wounded", "critical", "down"}
FLAGS = tuple(row for row in HIDDEN if row != ALWAYS)
OF_ITEMS = {"items", "currentItem"}
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


ROW_OF = {spelling: row for row, keys in HIDDEN.items() for key in keys for spelling in spellings(key)}
SPELLINGS = tuple(ROW_OF)
WAYS = max(len(spellings(key)) for keys in HIDDEN.values() for key in keys)
SHAPES = ("text", "number", "list", "object", "key")
DEPTHS = 4


@dataclass(frozen=True)
class Plant:
    """One hidden value: its key, its shape, and its depth below the item."""

    key: str
    shape: str
    depth: int


@dataclass(frozen=True)
class Content:
    """The content of an item: hidden values, perhaps small numbers of health, perhaps `visible`."""

    plants: tuple[Plant, ...] = ()
    health: tuple[int, int] | None = None
    visible: bool | None = None


class Gardener:
    """Makes unique marks, and plants them."""

    def __init__(self) -> None:
        self._made = 0

    def mark(self) -> str:
        """A new mark, as text."""
        self._made += 1
        return f"mk{self._made:06}"

    def number(self) -> int:
        """A new mark, as a number."""
        self._made += 1
        return NUMBERS_FROM + self._made

    def keys(self, content: Content) -> dict[str, Any]:
        """The keys of an item or of a command, except those that name it."""
        grown: dict[str, Any] = {"name": self.mark()}
        for place, plant in enumerate(content.plants):
            grown |= self._at_depth(plant.depth, f"part {place}", {plant.key: self._value(plant.shape)})
        if content.health is not None:
            grown |= {"hp": content.health[0], "maxHp": content.health[1]}
        if content.visible is not None:
            grown["visible"] = content.visible
        return grown

    def item(self, content: Content) -> dict[str, Any]:
        """An item whose id is a mark, too."""
        return {"id": self.mark(), **self.keys(content)}

    def _value(self, shape: str) -> Any:
        match shape:
            case "text":
                return self.mark()
            case "number":
                return self.number()
            case "list":
                return [self.mark(), [self.number()]]
            case "object":
                return {"current": self.number(), "max": self.number(), "note": self.mark()}
            case _:
                return {self.mark(): 1}

    def _at_depth(self, depth: int, name: str, inner: dict[str, Any]) -> dict[str, Any]:
        match depth:
            case 0:
                return inner
            case 1:
                return {name: {**inner, "label": self.mark()}}
            case 2:
                return {name: {"more": [{"sheet": inner}, self.mark()]}}
            case _:
                return {name: [[[{"a": {"b": {"c": inner}}}]]]}


def everything(way: int) -> list[Content]:
    """Items that together have every hidden key, at some depth and in some shape, in one spelling."""
    keys = [ways[way % len(ways)] for row in HIDDEN.values() for ways in map(spellings, row)]
    places = zip(keys, cycle(SHAPES), cycle(range(DEPTHS)), strict=False)
    plants = [Plant(key, shape, depth) for key, shape, depth in places]
    return [Content(tuple(plants[start : start + PER_ITEM])) for start in range(0, len(plants), PER_ITEM)]


def is_covered(key: str, flags: State) -> bool:
    """Whether the value of the key is hidden from viewers."""
    row = ROW_OF.get(key)
    if row is None:
        return False
    return row == ALWAYS or not flags[row] or (row == "showHealth" and flags["healthDisplay"] != "numbers")


def marks_seen(value: Any, flags: State, *, in_items: bool = False) -> Iterator[str]:
    """The marks in a value that a viewer may see; values below `items` or `currentItem` are treated as items."""
    if isinstance(value, list):
        for inner in value:
            yield from marks_seen(inner, flags, in_items=in_items)
    elif isinstance(value, dict):
        if in_items and value.get("visible", True) is not True:
            return
        for key, inner in value.items():
            if is_covered(key, flags) or (key in OF_ITEMS and flags["blackout"]):
                continue
            yield from MARK.findall(key)
            yield from marks_seen(inner, flags, in_items=in_items or key in OF_ITEMS)
    else:
        yield from MARK.findall(str(value))


@dataclass(frozen=True)
class Sight:
    """The values that a viewer may see at a moment: these marks, under any of these flags."""

    marks: frozenset[str]
    flags: Sequence[State] = field(repr=False)

    @classmethod
    def of(cls, state: State) -> Sight:
        """The sight while that state is stored."""
        return cls(frozenset(marks_seen({"items": state["items"]}, state)), [state])

    def and_relayed(self, payloads: Iterable[Any]) -> Sight:
        """The sight while those payloads are relayed, too."""
        [flags] = self.flags
        return Sight(self.marks.union(*(marks_seen(payload, flags) for payload in payloads)), self.flags)

    def __or__(self, other: Sight) -> Sight:
        """The sight while one becomes the other."""
        return Sight(self.marks | other.marks, [*self.flags, *other.flags])

    def leaks(self, text: str) -> set[str]:
        """The forbidden marks and hidden keys in a text that a viewer received."""
        return set(MARK.findall(text)) - self.marks | set(self._hidden_keys(json.loads(text)))

    def _hidden_keys(self, value: Any) -> Iterator[str]:
        if isinstance(value, list):
            for inner in value:
                yield from self._hidden_keys(inner)
        elif isinstance(value, dict):
            for key, inner in value.items():
                if key in ROW_OF and not any(_may_stand(key, inner, flags) for flags in self.flags):
                    yield key
                yield from self._hidden_keys(inner)


def _may_stand(key: str, value: Any, flags: State) -> bool:
    """Whether a viewer may receive the hidden key with that value; health may be there as a tenth or a word."""
    if key != "health" or not flags["showHealth"] or flags["healthDisplay"] == "numbers":
        return not is_covered(key, flags)
    if flags["healthDisplay"] == "words":
        return value is None or value in HEALTH_WORDS
    return value is None or (isinstance(value, int | float) and 0 <= value <= 1 and round(value, 1) == value)
