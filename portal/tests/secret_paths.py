"""Disclosures as the page for game masters describes them: what their paths lead to, and records that they fit.

A second reader of the grammar: nothing here uses the modules of `libraries.rules`, except the presets, which are data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

from django.conf import settings

Step = tuple[Any, ...]
Rows = tuple[tuple[str, tuple[str, ...]], ...]
"""A disclosure as a value that can be hashed: the paths of each row."""

PRESETS: dict[str, Rows] = {
    file.stem: tuple((row, tuple(paths)) for row, paths in json.loads(file.read_text())["disclosure"].items())
    for file in sorted((settings.BASE_DIR / "libraries/rules/presets").glob("*.json"))
}
HEALTH_ROWS = ("currentHealth", "maxHealth", "temporaryHealth")
ROWS = (
    *("always", "name", "image", *HEALTH_ROWS, "ac", "actions", "bonusActions", "reactions", "legendaryActions"),
    *("initiative", "conditions"),
)

_STEP = re.compile(
    r'\["(?P<quoted>[^"]*)"\]|\[(?P<index>\d+)\]|(?P<each>\[\])|\[(?P<where>[^="\]]+)=(?P<value>[^\]]*)\]'
    r"|\.?(?P<deep>\*\*)|\.?(?P<any>\*)|\.?(?P<key>[^.\[\]*]+)"
)


@cache
def steps_of(path: str) -> tuple[Step, ...]:
    """The steps of a path, each a word and its arguments."""
    return tuple(_step(found) for found in _STEP.finditer(path))


def _step(found: re.Match[str]) -> Step:
    if found["where"]:
        return "where", found["where"], found["value"].strip('"')
    if found["index"]:
        return "index", int(found["index"])
    if found["key"] or found["quoted"]:
        return "key", found["key"] or found["quoted"]
    return ("each",) if found["each"] else ("deep",) if found["deep"] else ("any",)


def first_key(path: str) -> str:
    """The key of a record that the path begins with."""
    return str(steps_of(path)[0][1])


def leads_to(path: str, record: Mapping[str, Any]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The values that a path shows of a record, each with the keys on the way."""
    steps = steps_of(path)
    found: list[tuple[tuple[Any, ...], Any]] = [((), record)]
    for step in steps:
        if step[0] != "deep":
            found = [((*way, key), inner) for way, value in found for key, inner in _inside(step, value)]
    for way, value in found:
        entries = value if isinstance(value, list) else [value]
        if steps[-1] == ("deep",) or not any(isinstance(entry, dict | list) for entry in entries):
            yield way, value


def _inside(step: Step, value: Any) -> Iterator[tuple[Any, Any]]:
    match step:
        case "key", name if isinstance(value, dict) and name in value:
            yield name, value[name]
        case ("any",) if isinstance(value, dict):
            yield from value.items()
        case ("each",) if isinstance(value, list):
            yield from enumerate(value)
        case "index", place if isinstance(value, list):
            yield from list(enumerate(value))[place : place + 1]
        case "where", key, wanted if isinstance(value, list):
            for place, entry in enumerate(value):
                if isinstance(entry, dict) and str(entry.get(key)) == wanted:
                    yield place, entry


def record_for(rows: Rows, leaf: Callable[[str], Any], note: Callable[[], Any]) -> dict[str, Any]:
    """A record that every path leads into: `leaf` makes the values of a row, and `note` what each object has besides.

    Where two paths need different values in one place, the first counts.
    """
    record: dict[str, Any] = {}
    for row, paths in rows:
        for path in paths:
            record = _merged(record, _grown(steps_of(path), partial(leaf, row)))
    return {key: _noted(value, note) for key, value in record.items()}


def _grown(steps: Sequence[Step], leaf: Callable[[], Any]) -> Any:
    if not steps:
        return leaf()
    step, *rest = steps
    match step:
        case "key", name:
            return {name: _grown(rest, leaf)}
        case ("any",):
            return {"one": _grown(rest, leaf), "other": _grown(rest, leaf)}
        case ("each",):
            return [_grown(rest, leaf)]
        case "index", place:
            return [_grown(rest, leaf) for _ in range(place + 1)]
        case "where", key, wanted:
            return [{**_object(_grown(rest, leaf)), key: value} for value in (wanted, f"not {wanted}")]
        case _:
            return {"name": leaf(), "desc": leaf(), "more": {"deep": [leaf()]}}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        both = {key: _merged(one[key], other[key]) for key in one.keys() & other.keys()}
        return {**one, **other, **both}
    return one + other if isinstance(one, list) and isinstance(other, list) else one


def _noted(value: Any, note: Callable[[], Any]) -> Any:
    if isinstance(value, list):
        return [_noted(inner, note) for inner in value]
    if isinstance(value, dict):
        return {**{key: _noted(inner, note) for key, inner in value.items()}, "remarks": note()}
    return value
