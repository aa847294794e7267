"""The few shapes of a viewer's values: text, a number or text, and lists of named texts. Pure.

Each function returns a new value of its shape, or None if there is nothing of that shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from libraries.rules.keys import plain_key

NAMES = ("name", "title", "label")
TEXTS = ("text", "desc", "description", "content", "entries", "body")
ICON = "icon"
"""The plain keys of an entry with its name, text and icon, in order of priority."""


def text(value: object) -> str | None:
    """Text as it is."""
    return value if isinstance(value, str) else None


def number_or_text(value: object) -> int | float | str | None:
    """A number, or text that is not empty."""
    if isinstance(value, str):
        return value if value.strip() else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def named_texts(value: object) -> list[dict[str, str]] | None:
    """A list of `{name, text}`, from objects and texts; text alone is a name."""
    if value == []:
        return []
    found = map(_entry, value if isinstance(value, list) else [value])
    return [entry for entry in found if entry is not None] or None


def conditions(value: object) -> list[Any] | None:
    """A list of texts and of `{name, text, icon}`."""
    if value == []:
        return []
    entries = value if isinstance(value, list) else [value]
    found = (entry if isinstance(entry, str) else _marked(entry) for entry in entries)
    return [entry for entry in found if entry is not None] or None


def _entry(value: object) -> dict[str, str] | None:
    if isinstance(value, str):
        return {"name": value, "text": ""}
    if not isinstance(value, Mapping):
        return None
    inside = _plain(value)
    name, body = _first(inside, NAMES), _first(inside, TEXTS)
    return None if name is None and body is None else {"name": name or "", "text": body or ""}


def _marked(value: object) -> dict[str, str] | None:
    if not isinstance(value, Mapping):
        return None
    inside = _plain(value)
    found = {"name": _first(inside, NAMES), "text": _first(inside, TEXTS), "icon": text(inside.get(ICON))}
    return {key: inner for key, inner in found.items() if inner is not None} if found["name"] is not None else None


def _plain(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {plain_key(key): inner for key, inner in value.items() if isinstance(key, str)}


def _first(inside: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    """The first text; a list of texts is one of several lines."""
    for key in keys:
        value = inside.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, list) and value and all(isinstance(line, str) for line in value):
            return "\n".join(value)
    return None
