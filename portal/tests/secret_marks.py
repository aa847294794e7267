"""Marks, their places, and which of them a viewer may see: derived from the contract, not from the code.

Nothing here uses the modules of `libraries.rules` that decide what viewers see: a row missing there must fail here.
Every planted value is a unique mark, text or number, so that any received text can be searched for it.
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
OBJECTS = ("camera", "pointer", "public")
SEEN_KEYS = {*TEXTS, *ONE_VALUE, *ENTRIES, "health", "public"}
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
DISCLOSED = "part 0.label"
"""The path that a library may disclose, as a key and a key in it."""

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
KEYS = (*ROW_OF, *STRANGE, *(key for key in TEXTS if key not in {"id", "image", "thumbnail"}), *ENTRIES, *IMAGES)
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


@dataclass(frozen=True)
class Plant:
    """One value: its key, its shape, and its depth below the item; the greatest depth is below `public`."""

    key: str
    shape: str
    depth: int


@dataclass(frozen=True)
class Content:
    """The content of an item: values, perhaps small numbers of health, `visible`, an alias, and a `show`."""

    plants: tuple[Plant, ...] = ()
    health: tuple[int, int] | None = None
    visible: bool | None = None
    has_alias: bool = False
    show: tuple[tuple[str, Any], ...] = ()


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
            planted = {plant.key: self._value(plant.shape)}
            depth = plant.depth or int(plant.key in POINTS_TAKEN)
            if depth == PUBLIC_DEPTH:
                grown["public"] = {
                    **grown.get("public", {}),
                    **self._at_depth(place % PUBLIC_DEPTH, f"free {place}", planted),
                }
            else:
                grown |= self._at_depth(depth, f"part {place}", planted)
        if content.health is not None:
            grown |= {"hp": content.health[0], "maxHp": content.health[1]}
        if content.visible is not None:
            grown["visible"] = content.visible
        return grown

    def item_keys(self, content: Content) -> dict[str, Any]:
        """The keys of an item, with its alias and its `show`."""
        alias = {"alias": self.mark()} if content.has_alias else {}
        return {**self.keys(content), **alias, **({"show": dict(content.show)} if content.show else {})}

    def item(self, content: Content) -> dict[str, Any]:
        """An item whose id is a mark, too."""
        return {"id": self.mark(), **self.item_keys(content)}

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
            case "entries":
                return [{"name": self.mark(), "desc": self.mark(), "dc": self.number(), "gm": self.mark()}]
            case "pairs":
                return [{"label": "HP", "value": self.number()}, {"key": "secret", "value": {"in": self.mark()}}]
            case "json":
                return json.dumps({"hp": self.number(), "notes": self.mark()})
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
    """Items that together have every hidden key, at some depth and below `public`, in some shape and one spelling."""
    keys = [ways[way % len(ways)] for row in HIDDEN.values() for ways in map(spellings, row)] + [*STRANGE]
    places = zip(keys, cycle(SHAPES), cycle(range(PUBLIC_DEPTH)), strict=False)
    plants = [Plant(key, shape, at) for key, shape, depth in places for at in (depth, PUBLIC_DEPTH)]
    return [Content(tuple(plants[start : start + PER_ITEM])) for start in range(0, len(plants), PER_ITEM)]


def plain(key: str) -> str:
    """The first documented spelling of a key in another spelling; other keys stay as they are."""
    return _PLAIN.get(key, key)


_PLAIN = {
    spelling: key for keys in (*HIDDEN.values(), IMAGES, ("alias",)) for key in keys for spelling in spellings(key)
} | {spelling: "ac" for key in ("armorClass", "armourClass") for spelling in spellings(key)}


def switches_of(item: State, flags: State) -> dict[str, Any]:
    """The switches as they are for the item: `healthDisplay`, and each row by its name."""
    show = item.get("show") or {}
    mine = {row: bool(flags[row]) for row in FLAGS}
    for switch, key in {**ONE_VALUE, **ENTRIES}.values():
        mine[switch] = show.get(key, mine[switch])
    health = show.get("health", mine["showHealth"])
    display = health if isinstance(health, str) else flags["healthDisplay"]
    return {**mine, "showHealth": bool(health), "healthDisplay": display}


def is_struck(key: str, switches: State) -> bool:
    """Whether the name of a key hides its value below `public` and in commands."""
    row = ROW_OF.get(key)
    if row is None:
        return False
    in_numbers = row != "showHealth" or switches["healthDisplay"] == "numbers"
    return row == ALWAYS or not switches[row] or not in_numbers


def marks_below(value: Any, switches: State) -> Iterator[str]:
    """The marks in a free value: all of them, but for the names that stay hidden."""
    if isinstance(value, list):
        for inner in value:
            yield from marks_below(inner, switches)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not is_struck(key, switches):
                yield from MARK.findall(key)
                yield from marks_below(inner, switches)
    else:
        yield from MARK.findall(str(value))


def marks_of_item(item: State, flags: State, discloses: bool) -> Iterator[str]:
    """The marks in an item that a viewer may see."""
    if item.get("visible", True) is not True:
        return
    switches, has_alias = switches_of(item, flags), isinstance(item.get("alias"), str)
    for key, value in item.items():
        known = plain(key)
        is_named = key in TEXTS and not (key == "name" and has_alias)
        if isinstance(value, str) and (is_named or known in IMAGES or known == "alias"):
            yield from MARK.findall(value)
        elif known in ONE_VALUE and switches[ONE_VALUE[known][0]] and not isinstance(value, dict | list):
            yield from MARK.findall(str(value))
        elif known in ENTRIES and switches[ENTRIES[known][0]]:
            yield from _of_entries(value)
        elif ROW_OF.get(key) == "showHealth" and switches["showHealth"] and switches["healthDisplay"] == "numbers":
            yield from _of_health(value)
    if isinstance(item.get("public"), dict):
        yield from marks_below(item["public"], switches)
    first, _, second = DISCLOSED.partition(".")
    if discloses and isinstance(item.get(first), dict) and second in item[first]:
        yield from MARK.findall(str(item[first][second]))


def _of_entries(value: Any) -> Iterator[str]:
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, str):
            yield from MARK.findall(entry)
        elif isinstance(entry, dict):
            yield from (mark for key in OF_AN_ENTRY if key in entry for mark in MARK.findall(str(entry[key])))


def _of_health(value: Any) -> Iterator[str]:
    """The marks that are numbers: alone, or under the names of an object's numbers."""
    inside = [value.get(key) for key in ("current", "max")] if isinstance(value, dict) else [value]
    yield from (str(number) for number in inside if isinstance(number, int))


def marks_of_relay(payload: State, state: State, discloses: bool, *, is_sync: bool = False) -> Iterator[str]:
    """The marks in a command or a `sync-response` that a viewer may see while that state is stored."""
    switches = {**{row: bool(state[row]) for row in FLAGS}, "healthDisplay": state["healthDisplay"]}
    unseen = {item["id"] for item in state["items"] if item.get("visible", True) is not True}
    for key, value in payload.items():
        if key == "items":
            if not state["blackout"]:
                for item in value:
                    if item["id"] not in unseen:
                        yield from marks_of_item(item, state, discloses)
        elif is_sync or key == "currentItem" or is_struck(key, switches):
            continue  # of the known keys only the name could hold a mark, and no test puts one there
        elif not isinstance(value, dict | list):
            yield from MARK.findall(f"{key} {value}")
        elif key in OBJECTS and isinstance(value, dict) and not state["blackout"]:
            yield from marks_below(value, switches)


@dataclass(frozen=True)
class Sight:
    """The values that a viewer may see at a moment: these marks, and disclosed keys if `discloses`."""

    marks: frozenset[str]
    states: Sequence[State] = field(repr=False)
    discloses: bool = False

    @classmethod
    def of(cls, state: State, discloses: bool = False) -> Sight:
        """The sight while that state is stored."""
        items = () if state["blackout"] else state["items"]
        seen = (mark for item in items for mark in marks_of_item(item, state, discloses))
        return cls(frozenset(seen), [state], discloses)

    def and_relayed(self, payloads: Iterable[State], *, is_sync: bool) -> Sight:
        """The sight while those payloads are relayed, too."""
        [state] = self.states
        more = (marks_of_relay(payload, state, self.discloses, is_sync=is_sync) for payload in payloads)
        return Sight(self.marks.union(*more), self.states, self.discloses)

    def __or__(self, other: Sight) -> Sight:
        """The sight while one becomes the other."""
        return Sight(self.marks | other.marks, [*self.states, *other.states], self.discloses or other.discloses)

    def leaks(self, text: str) -> set[str]:
        """The forbidden marks, and the forbidden keys of items, in a text that a viewer received."""
        return set(MARK.findall(text)) - self.marks | set(self._forbidden_keys(json.loads(text)))

    def _forbidden_keys(self, message: Any) -> Iterator[str]:
        for item in _items_in(message):
            allowed = SEEN_KEYS | ({DISCLOSED.partition(".")[0]} if self.discloses else set())
            yield from item.keys() - allowed
            health = item.get("health")
            if health is None:
                continue
            if not any(_may_display(health["display"], state) for state in self.states):
                yield f"health in {health['display']}"
            if health.keys() - {"display"} != _OF_A_DISPLAY[health["display"]]:
                yield f"{sorted(health)} in {health['display']}"


_OF_A_DISPLAY = {"numbers": {"current", "max", "temp"}, "bar": {"fraction"}, "words": {"word"}}


def _may_display(display: str, state: State) -> bool:
    """Whether any item may show its health so: a wish of its own, or the switch of the portal view."""
    wishes = {(item.get("show") or {}).get("health", state["showHealth"]) for item in state["items"]}
    return display in wishes or (display == state["healthDisplay"] and not wishes.isdisjoint({True}))


def _items_in(message: Any) -> Iterator[dict[str, Any]]:
    """The items in a message or an answer: of a state, of a patch, or one of its own."""
    if not isinstance(message, dict):
        return
    if message.get("type") == "item-updated":
        yield {key: value for key, value in message["payload"].items() if key != "itemId"}
    for part in (message, message.get("payload"), message.get("state")):
        if isinstance(part, dict) and isinstance(part.get("items"), list):
            yield from part["items"]
