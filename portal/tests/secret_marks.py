"""Which marks of an item a viewer may see, and which they must get: derived from the contract, not from the code.

Nothing here uses the modules of `libraries.rules` that decide what viewers see: a row missing there must fail here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from portal.tests.secret_names import (
    ALWAYS,
    ENTRIES,
    FLAGS,
    IMAGE_WORDS,
    KNOWN,
    MARK,
    NUMBERS_INSIDE,
    OF_AN_ENTRY,
    ONE_VALUE,
    ROW_OF,
    SEEN_KEYS,
    TEXTS,
    VISIBILITY_WORDS,
    State,
    word,
)
from portal.tests.secret_paths import HEALTH_ROWS, Rows, first_key, leads_to


def says(keys: State) -> list[bool]:
    """What the keys of an item, or of its patch, say about its visibility; null says nothing."""
    said = ((VISIBILITY_WORDS[word(key)], value) for key, value in keys.items() if word(key) in VISIBILITY_WORDS)
    return [value is wanted for wanted, value in said if value is not None]


def is_seen(item: State) -> bool:
    """Whether viewers may see the item: nothing that it says is against that."""
    return all(says(item))


def patched(item: State, patch: State) -> dict[str, Any]:
    """The stored item after an `item-update`: null removes a key, or makes the item visible."""
    rest = {key: value for key, value in patch.items() if word(key) not in VISIBILITY_WORDS}
    said = {"visible": all(says(patch))} if len(rest) < len(patch) else {}
    gone = {key for key, value in rest.items() if value is None}
    return {**{key: value for key, value in {**item, **rest}.items() if key not in gone}, **said}


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
