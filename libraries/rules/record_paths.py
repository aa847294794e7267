"""Paths into a record: the grammar of a library's `disclosure` (docs/hidden-information.md). Pure.

`a.b` is a key of an object, `["a.b"]` a key with any characters. `a[]` is each entry of a list, `a[0]` the first, and
`a.*` each value of an object. `a[name=hp]` is each entry of a list whose key `name` has that text or number. A path
leads to scalars and lists of scalars; if it ends in `.**`, it leads to all there is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from libraries.rules.errors import named
from libraries.rules.keys import MAX_KEY_CHARS

MAX_STEPS = 16
MAX_PATH_CHARS = 1024

_TEXT = r'"(?:[^"\\]|\\.)*+"'
_STEP = re.compile(
    r"(?P<dot>\.?)(?:(?P<deep>\*\*)(?=\Z)|(?P<any>\*)(?=[.\[]|\Z)|(?P<key>[^.\[\]*\"=]++))"
    rf"|\[(?:(?P<each>)|(?P<index>0|[1-9][0-9]{{0,5}})|(?P<quoted>{_TEXT})"
    rf"|(?P<match>[^\[\]=\"]++)=(?P<value>{_TEXT}|[^\[\]\"]*+))\]"
)

Place = tuple[str | int, ...]
"""The keys and indices that lead from a record to a value."""


@dataclass(frozen=True, slots=True)
class Key:
    """The value of an object's key."""

    name: str

    def inside(self, value: Any) -> Iterator[tuple[str | int, Any]]:
        """The value, with its key."""
        if isinstance(value, Mapping) and self.name in value:
            yield self.name, value[self.name]


@dataclass(frozen=True, slots=True)
class Index:
    """One entry of a list, counted from 0."""

    number: int

    def inside(self, value: Any) -> Iterator[tuple[str | int, Any]]:
        """The entry, with its index."""
        if isinstance(value, list) and self.number < len(value):
            yield self.number, value[self.number]


@dataclass(frozen=True, slots=True)
class EachEntry:
    """Each entry of a list."""

    def inside(self, value: Any) -> Iterator[tuple[str | int, Any]]:
        """The entries, with their indices."""
        if isinstance(value, list):
            yield from enumerate(value)


@dataclass(frozen=True, slots=True)
class EachValue:
    """Each value of an object."""

    def inside(self, value: Any) -> Iterator[tuple[str | int, Any]]:
        """The values, with their keys."""
        if isinstance(value, Mapping):
            yield from value.items()


@dataclass(frozen=True, slots=True)
class Match:
    """Each entry of a list whose `key` has the text `value`, or the number written so."""

    key: str
    value: str

    def inside(self, value: Any) -> Iterator[tuple[str | int, Any]]:
        """The entries, with their indices."""
        if isinstance(value, list):
            yield from ((index, entry) for index, entry in enumerate(value) if self._is_meant(entry))

    def _is_meant(self, entry: Any) -> bool:
        found = entry.get(self.key) if isinstance(entry, Mapping) else None
        return found == self.value if isinstance(found, str) else _is_number(found) and str(found) == self.value


Step = Key | Index | EachEntry | EachValue | Match


@dataclass(frozen=True, slots=True)
class RecordPath:
    """A path; `is_deep` says whether it ends in `.**`."""

    steps: tuple[Step, ...]
    is_deep: bool

    @property
    def first(self) -> str:
        """The key of the record that it begins with."""
        step = self.steps[0]
        assert isinstance(step, Key)  # noqa: S101  # `parse_path` takes no other
        return step.name

    def find(self, record: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
        """The values that it leads to in a record, each with its place."""
        found: list[tuple[Place, Any]] = [((), record)]
        for step in self.steps:
            found = [((*place, key), inner) for place, value in found for key, inner in step.inside(value)]
        return ((place, value) for place, value in found if self.is_deep or _is_flat(value))


def parse_path(text: object) -> RecordPath:
    """The path; ValueError, with a sentence that names it, if it is none."""
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_PATH_CHARS:
        raise ValueError(f"A path must be text of 1 to {MAX_PATH_CHARS} characters, such as system.hp.value.")
    steps: list[Step] = []
    at, is_deep = 0, False
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or found["deep"] is None and len(steps) == MAX_STEPS or not _is_joined(found, bool(steps)):
            raise ValueError(_what_is_wrong(text, at, len(steps)))
        at, is_deep = found.end(), found["deep"] is not None
        if not is_deep:
            steps.append(_step(found))
    if not steps or not isinstance(steps[0], Key):
        raise ValueError(f"The path “{named(text)}” must begin with a key of the record.")
    return RecordPath(tuple(steps), is_deep)


def _is_joined(found: re.Match[str], follows: bool) -> bool:
    """Whether a dot stands just where one belongs: between steps, and not before a bracket."""
    key = found["key"]
    if key is not None and (key != key.strip() or len(key) > MAX_KEY_CHARS):
        return False
    return found["dot"] is None or bool(found["dot"]) == follows


def _step(found: re.Match[str]) -> Step:
    if found["key"] is not None:
        return Key(found["key"])
    if found["any"] is not None:
        return EachValue()
    if found["index"] is not None:
        return Index(int(found["index"]))
    if found["quoted"] is not None:
        return Key(_text_of(found["quoted"]))
    if found["match"] is not None:
        value = found["value"]
        return Match(found["match"], _text_of(value) if value.startswith('"') else value)
    return EachEntry()


def _text_of(quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        raise ValueError(f"{named(quoted)} is not text in JSON.") from None


def _what_is_wrong(text: str, at: int, steps: int) -> str:
    if steps == MAX_STEPS:
        return f"The path “{named(text)}” has more than {MAX_STEPS} steps."
    return f"The path “{named(text)}” can't be read from character {at + 1} on."


def _is_flat(value: Any) -> bool:
    """Whether it is a scalar or a list of scalars."""
    return not isinstance(value, Mapping | list) or (
        isinstance(value, list) and not any(isinstance(entry, Mapping | list) for entry in value)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
