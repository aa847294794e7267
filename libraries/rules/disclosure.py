"""A library's `disclosure`: which values of foreign records viewers see, as paths into a record. Pure.

`always` paths show a value in its place. The paths of the other rows fill a key of a viewer's item that the item lacks.
`libraries.rules.record_paths` has the grammar of paths, `libraries.rules.presets` has rows for known formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from libraries.rules.errors import InvalidPayload, few_details, named
from libraries.rules.health import Health, read_value
from libraries.rules.keys import plain_key
from libraries.rules.record_paths import RecordPath, parse_path
from libraries.rules.values import check_value

HEALTH_ROWS = ("currentHealth", "maxHealth", "temporaryHealth")
ROWS = (
    *("always", "name", "image", *HEALTH_ROWS, "ac"),
    *("actions", "bonusActions", "reactions", "legendaryActions", "initiative", "conditions"),
)
MAX_PATHS = 64
"""In all rows together."""

RESERVED = frozenset(
    {
        *("name", "alias", "public", "show", "visible", "hidden", "revealOnTurn"),
        *("health", "ac", "actions", "bonusActions", "reactions", "legendaryActions", "initiative", "conditions"),
    }
)
"""Keys of an item that mean something else than in a foreign record: no `always` path begins with one."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def check_disclosure(value: object) -> dict[str, list[str]]:
    """The rows that have paths; InvalidPayload, with a sentence for each bad row or path, if any is bad."""
    if not isinstance(value, Mapping):
        raise InvalidPayload("A disclosure must be an object of lists of paths.", {"disclosure": "Must be an object."})
    details: dict[str, str] = {}
    rows: dict[str, list[str]] = {}
    for row, paths in value.items():
        if row not in ROWS:
            details[named(row)] = f"There is no such row; there are {', '.join(ROWS)}."
        elif not isinstance(paths, list):
            details[row] = "Must be a list of paths."
        elif paths:
            rows[row] = paths
            details |= {f"{row}.{index}": bad for index, bad in _bad_paths(row, paths[: MAX_PATHS + 1])}
    if sum(map(len, rows.values())) > MAX_PATHS:
        details["disclosure"] = f"At most {MAX_PATHS} paths are possible."
    if details:
        few = few_details(details)
        sentence = " ".join(f"{place}: {bad}" for place, bad in few.items())
        raise InvalidPayload(f"Nothing was changed: {sentence}", details)
    return rows


def _bad_paths(row: str, paths: list[object]) -> Iterator[tuple[int, str]]:
    for index, text in enumerate(paths):
        try:
            _parsed(row, text)
        except ValueError as error:
            yield index, str(error)


def _parsed(row: str, text: object) -> RecordPath:
    check_value(text)  # it is stored
    path = parse_path(text)
    if row == "always" and path.first in RESERVED:
        raise ValueError(f"The path “{named(str(text))}” begins with {path.first}, which has rules of its own.")
    return path


@dataclass(frozen=True, eq=False, slots=True)
class Disclosure:
    """The parsed paths by row."""

    rows: Mapping[str, tuple[RecordPath, ...]] = field(default_factory=dict)

    def values(self, row: str, item: Mapping[str, Any]) -> Iterator[Any]:
        """What the paths of a row lead to in an item, in the order of the paths."""
        return (value for path in self.rows.get(row, ()) for _, value in path.find(item))

    def health(self, item: Mapping[str, Any]) -> Health:
        """The health that the paths lead to: a maximum alone is no current value yet."""
        current = (read_value(value)[0] for value in self.values("currentHealth", item))
        maximum = (read_value(value)[0] for value in self.values("maxHealth", item))
        temporary = (read_value(value)[0].current for value in self.values("temporaryHealth", item))
        found = next((one for one in current if one != Health()), Health())
        most = next((one.maximum or one.current for one in maximum if one != Health()), None)
        more = next((one for one in temporary if one is not None), None)
        return found.over(Health(None, most if most is not None and most > 0 else None, more))

    @property
    def health_keys(self) -> frozenset[str]:
        """The plain keys of an item that its paths of health begin with: these are not read a second time."""
        return frozenset(plain_key(path.first) for row in HEALTH_ROWS for path in self.rows.get(row, ()))

    def in_place(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """What the `always` paths lead to, each value in its place; the entries of a list close up."""
        tree: dict[Any, Any] = {}
        for path in self.rows.get("always", ()):
            for place, value in path.find(item):
                _put(tree, place, value)
        return {key: _built(inner) for key, inner in tree.items()}


NOTHING = Disclosure()


class _Branch(dict[Any, Any]):
    """Values that are shown, by key, or by index in a list."""


def _put(tree: dict[Any, Any], place: tuple[str | int, ...], value: Any) -> None:
    *way, last = place
    for step in way:
        inner = tree.setdefault(step, _Branch())
        if not isinstance(inner, _Branch):  # shown whole by another path
            return
        tree = inner
    tree[last] = value  # if parts of it were shown, now all of it is


def _built(value: Any) -> Any:
    if not isinstance(value, _Branch):
        return value
    if all(isinstance(key, int) for key in value):
        return [_built(value[index]) for index in sorted(value)]
    return {key: _built(inner) for key, inner in value.items()}


def compiled(stored: Mapping[str, Any]) -> Disclosure:
    """The parsed paths of a stored disclosure; one that can't be read shows nothing."""
    return _compiled(_encode(stored)) if stored else NOTHING


@lru_cache(maxsize=256)
def _compiled(text: bytes) -> Disclosure:
    stored = msgspec.json.decode(text)
    rows = {row: tuple(_readable(row, stored.get(row))) for row in ROWS}
    return Disclosure({row: paths for row, paths in rows.items() if paths})


def _readable(row: str, paths: object) -> Iterator[RecordPath]:
    for text in paths if isinstance(paths, list) else ():
        try:
            yield _parsed(row, text)
        except ValueError:  # stored past the check: it shows nothing
            continue
