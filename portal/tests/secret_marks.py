"""Marks, their places, and which of them a viewer may see: derived from the contract, not from the code.

Nothing here uses the modules of `libraries.rules` that decide what viewers see: a row missing there must fail here.
Every planted value is a unique mark, text or number, so that any received text can be searched for it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import cycle
from typing import Any

from portal.tests.secret_paths import HEALTH_ROWS, Rows, first_key, leads_to, record_for

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


@dataclass(frozen=True)
class Plant:
    """One value: its key, its shape, and its depth below the item; the greatest depth is below `public`."""

    key: str
    shape: str
    depth: int


@dataclass(frozen=True)
class Content:
    """The content of an item: values, perhaps small numbers of health, keys of its visibility, an alias, a `show`.

    With `has_record` it has a record, too, for the disclosure that the library has or had last.
    """

    plants: tuple[Plant, ...] = ()
    health: tuple[int, int] | None = None
    visible: tuple[tuple[str, bool | None], ...] = ()
    alias: str = ""
    show: tuple[tuple[str, Any], ...] = ()
    has_record: bool = False


UNSEEN = Content(visible=(("visible", False),))
KNOWN_KEYS = Content(
    (
        *(Plant("ac", "number", 0), Plant("initiative", "text", 0), Plant("hp", "object", 0)),
        *(Plant(key, "entries", 0) for key in ENTRIES),
        *(Plant(key, "text", 0) for key in TEXTS if key not in {"id", "name"}),
    )
)
"""Every listed key, in its own shape."""
ALL_SHOWN, ALL_HIDDEN = (
    replace(KNOWN_KEYS, show=tuple((key, value) for key in ("health", "ac", "actions", "initiative", "conditions")))
    for value in (True, False)
)


class Gardener:
    """Makes unique marks, and plants them."""

    def __init__(self) -> None:
        self._made = 0
        self.rows: Rows = ()

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
        if content.has_record and self.rows:
            grown = record_for(self.rows, self._leaf, self.mark)
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
        return {**grown, **dict(content.visible)}

    def item_keys(self, content: Content) -> dict[str, Any]:
        """The keys of an item, with its alias and its `show`."""
        alias = {content.alias: self.mark()} if content.alias else {}
        return {**self.keys(content), **alias, **({"show": dict(content.show)} if content.show else {})}

    def item(self, content: Content) -> dict[str, Any]:
        """An item whose id is a mark, too."""
        return {"id": self.mark(), **self.item_keys(content)}

    def _leaf(self, row: str) -> Any:
        return self.number() if row in {*HEALTH_ROWS, *ONE_VALUE} else self.mark()

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
                weakness = {"label": "Weakness", "value": self.mark()}
                return [{"label": "HP", "value": self.number()}, weakness, {"key": "x", "value": {"in": self.mark()}}]
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
    wide = [Content(tuple(plants[start : start + PER_ITEM])) for start in range(0, len(plants), PER_ITEM)]
    return [*wide, KNOWN_KEYS, ALL_SHOWN, ALL_HIDDEN, Content(has_record=True), Content(alias="alias"), UNSEEN]


def says(keys: State) -> list[bool]:
    """What the keys of an item, or of its patch, say about its visibility; null says nothing."""
    said = ((VISIBILITY_WORDS[word(key)], value) for key, value in keys.items() if word(key) in VISIBILITY_WORDS)
    return [value is wanted for wanted, value in said if value is not None]


def is_seen(item: State) -> bool:
    """Whether viewers may see the item: nothing that it says is against that."""
    return all(says(item))


def patched(item: State, patch: State) -> dict[str, Any]:
    """The stored item after an `item-update`: one `visible`, which null unsets."""
    rest = {key: value for key, value in patch.items() if word(key) not in VISIBILITY_WORDS}
    return {**item, **rest, **({"visible": all(says(patch))} if len(rest) < len(patch) else {})}


def shown_items(state: State) -> list[State]:
    """The stored items that viewers may see something of."""
    return [] if state["blackout"] else [item for item in state["items"] if is_seen(item)]


def shown_place(state: State) -> int | None:
    """The place of the current item among those."""
    current = None if state["currentItem"] is None else state["items"][state["currentItem"]]
    return next((place for place, item in enumerate(shown_items(state)) if item is current), None)


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
    row = ROW_OF.get(word(key))
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


def marks_of_item(item: State, flags: State, rows: Rows) -> Iterator[str]:
    """The marks in an item that a viewer may see."""
    if is_seen(item):
        switches = switches_of(item, flags)
        yield from _always(item, rows)
        yield from _behind_switches(item, switches, rows)
        if isinstance(item.get("public"), dict):
            yield from marks_below(item["public"], switches)


def aliases(item: State) -> list[str]:
    """The names that hide the name of an item."""
    return [value for key, value in item.items() if word(key) == "alias" and isinstance(value, str)]


def _always(item: State, rows: Rows) -> Iterator[str]:
    has_name = bool(aliases(item)) or isinstance(item.get("name"), str)
    yield from (mark for alias in aliases(item) for mark in MARK.findall(alias))
    for key, value in item.items():
        is_text = key in TEXTS and not (key == "name" and aliases(item))
        if isinstance(value, str) and (is_text or word(key) in IMAGE_WORDS):
            yield from MARK.findall(value)
    for row, paths in rows:
        for way, value in _listed(paths, item):
            if row == ALWAYS:
                yield from MARK.findall(json.dumps([way, value]))
            elif isinstance(value, str) and (row == "image" or (row == "name" and not has_name)):
                yield from MARK.findall(value)


def _behind_switches(item: State, switches: State, rows: Rows) -> Iterator[str]:
    listed = [(row, value) for row, paths in rows for _, value in _listed(paths, item)]
    in_numbers = switches["showHealth"] and switches["healthDisplay"] == "numbers"
    for key, value in [*((KNOWN.get(word(key), key), value) for key, value in item.items()), *listed]:
        if key in ONE_VALUE and switches[ONE_VALUE[key][0]] and not isinstance(value, dict | list):
            yield from MARK.findall(str(value))
        elif key in ENTRIES and switches[ENTRIES[key][0]]:
            yield from _of_entries(value)
        elif in_numbers and (key in HEALTH_ROWS or ROW_OF.get(word(key)) == "showHealth"):
            yield from _of_health(value)


def _listed(paths: Iterable[str], item: State) -> Iterator[tuple[tuple[Any, ...], Any]]:
    return (found for path in paths for found in leads_to(path, item))


def _of_entries(value: Any) -> Iterator[str]:
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, str):
            yield from MARK.findall(entry)
        elif isinstance(entry, dict):
            shown = (inner for key, inner in entry.items() if word(key) in OF_AN_ENTRY)
            texts = (inner for inner in shown if isinstance(inner, str | list))
            yield from (mark for text in texts for mark in MARK.findall(json.dumps(text)))


def _of_health(value: Any) -> Iterator[str]:
    """The marks that are numbers: alone, or under the names of an object's numbers."""
    inside = [value]
    if isinstance(value, dict):
        inside = [inner for key, inner in value.items() if word(key) in NUMBERS_INSIDE]
    yield from (str(number) for number in inside if isinstance(number, int))


def marks_to_be_seen(state: State, rows: Rows = ()) -> Iterator[str]:
    """Marks that viewers must get of a state: a list that shows too little keeps every secret."""
    for item in shown_items(state):
        switches = switches_of(item, state)
        names: list[Any] = aliases(item) or [item.get("name")]
        texts = [item.get(key) for key in TEXTS if key != "name"] + (names if len(names) == 1 else [])
        yield from (mark for text in texts if isinstance(text, str) for mark in MARK.findall(text))
        for key, (switch, _) in ONE_VALUE.items():
            if switches[switch] and isinstance(item.get(key), str | int):
                yield from MARK.findall(str(item[key]))
        entries = [item[key] for key, (switch, _) in ENTRIES.items() if switches[switch] and key in item]
        yield from (mark for value in entries if isinstance(value, list) for mark in _names_of(value))
        if isinstance(item.get("public"), dict):
            yield from marks_below(item["public"], switches)
        yield from _to_be_seen_by_paths(item, switches, rows)


def _names_of(value: Any) -> Iterator[str]:
    """The marks in the names of entries."""
    entries: list[Any] = value if isinstance(value, list) else [value]
    for entry in entries:
        name = entry.get("name") if isinstance(entry, dict) else None
        yield from MARK.findall(name if isinstance(name, str) else "")


def _to_be_seen_by_paths(item: State, switches: State, rows: Rows) -> Iterator[str]:
    """The marks that paths show: a value in its place, the first one of a key that the item lacks, and all entries."""
    own = {KNOWN.get(word(key), key) for key in item}
    for row, paths in rows:
        listed = [value for path in paths if first_key(path) not in SEEN_KEYS for _, value in _listed([path], item)]
        if row == ALWAYS:
            yield from (mark for value in listed for mark in _marks_of_values(value))
        elif row in ENTRIES and row not in own and switches[ENTRIES[row][0]]:
            yield from (mark for value in listed for mark in _names_of(value))
        elif row in ONE_VALUE and row not in own and switches[ONE_VALUE[row][0]]:
            every = (value for _, value in _listed(paths, item))
            yield from MARK.findall(str(next((value for value in every if isinstance(value, str | int)), "")))


def _marks_of_values(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _marks_of_values(inner)
    else:
        yield from MARK.findall(str(value))


def shows_health(item: State, flags: State, rows: Rows) -> bool:
    """Whether viewers must get the health of a visible item: for a bar and words it needs a maximum."""
    switches, read = switches_of(item, flags), [key for key in item if ROW_OF.get(word(key)) == "showHealth"]
    if not switches["showHealth"] or {*read} - {"hp", "maxHp"} or "hp" not in read or {*HEALTH_ROWS} & {*dict(rows)}:
        return False  # hidden; or other keys and paths count, too
    hp: Any = item["hp"]
    most = item.get("maxHp")
    if isinstance(hp, dict):
        hp, most = hp.get("current"), hp.get("max", most)
    return isinstance(hp, int) and (switches["healthDisplay"] == "numbers" or (isinstance(most, int) and most > 0))


def marks_of_relay(payload: State, state: State, rows: Rows, *, is_sync: bool = False) -> Iterator[str]:
    """The marks in a command or a `sync-response` that a viewer may see while that state is stored."""
    switches = {**{row: bool(state[row]) for row in FLAGS}, "healthDisplay": state["healthDisplay"]}
    unseen = {item["id"] for item in state["items"] if not is_seen(item)}
    for key, value in payload.items():
        if key == "items":
            if not state["blackout"]:
                for item in value:
                    if item["id"] not in unseen:
                        yield from marks_of_item(item, state, rows)
        elif is_sync or key == "currentItem" or is_struck(key, switches):
            continue  # of the known keys only the name could hold a mark, and no test puts one there
        elif not isinstance(value, dict | list):
            yield from MARK.findall(f"{key} {value}")
        elif key in OBJECTS and isinstance(value, dict) and not state["blackout"]:
            yield from marks_below(value, switches)


def displays_of(items: Iterable[State], flags: State) -> frozenset[tuple[str, str]]:
    """The items that show their health, by id, each with its display."""
    switches = ((item["id"], switches_of(item, flags)) for item in items if is_seen(item))
    return frozenset((item_id, mine["healthDisplay"]) for item_id, mine in switches if mine["showHealth"])


@dataclass(frozen=True)
class Sight:
    """The values that a viewer may see at a moment: these marks, and displays of health by item.

    Besides the listed keys of an item, these `keys` may be there.
    """

    marks: frozenset[str]
    displays: frozenset[tuple[str, str]]
    state: State = field(repr=False)
    rows: Rows = ()
    keys: frozenset[str] = frozenset()

    @classmethod
    def of(cls, state: State, rows: Rows = ()) -> Sight:
        """The sight while that state is stored, and the library discloses these rows."""
        seen = (mark for item in shown_items(state) for mark in marks_of_item(item, state, rows))
        keys = frozenset(first_key(path) for row, paths in rows if row == ALWAYS for path in paths)
        return cls(frozenset(seen), displays_of(shown_items(state), state), state, rows, keys)

    def and_relayed(self, payloads: Iterable[State], *, is_sync: bool) -> Sight:
        """The sight while those payloads are relayed, too."""
        marks, displays = self.marks, self.displays
        for payload in payloads:
            marks |= frozenset(marks_of_relay(payload, self.state, self.rows, is_sync=is_sync))
            displays |= displays_of(payload.get("items", ()), self.state)
        return replace(self, marks=marks, displays=displays)

    def __or__(self, other: Sight) -> Sight:
        """The sight while one becomes the other."""
        displays = self.displays | other.displays
        return replace(self, marks=self.marks | other.marks, displays=displays, keys=self.keys | other.keys)

    def leaks(self, text: str) -> set[str]:
        """The forbidden marks, and the forbidden keys of items, in a text that a viewer received."""
        return set(MARK.findall(text)) - self.marks | set(self._forbidden_keys(json.loads(text)))

    def _forbidden_keys(self, message: Any) -> Iterator[str]:
        for item in _items_in(message):
            yield from item.keys() - SEEN_KEYS - self.keys
            health = item.get("health")
            if health is None:
                continue
            display = health.get("display") if isinstance(health, dict) else None
            if display is None or health.keys() - {"display"} != _OF_A_DISPLAY[display]:
                yield f"{health} as health"
            elif (item.get("id"), display) not in self.displays:
                yield f"health of {item.get('id')} in {display}"


_OF_A_DISPLAY = {"numbers": {"current", "max", "temp"}, "bar": {"fraction"}, "words": {"word"}}


def _items_in(message: Any) -> Iterator[dict[str, Any]]:
    """The items in a message or an answer: of a state, of a patch, or one of its own."""
    if not isinstance(message, dict):
        return
    if message.get("type") == "item-updated":
        patch = message["payload"]
        yield {"id": patch["itemId"], **{key: value for key, value in patch.items() if key != "itemId"}}
    for part in (message, message.get("payload"), message.get("state")):
        if isinstance(part, dict) and isinstance(part.get("items"), list):
            yield from part["items"]
