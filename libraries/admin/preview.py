"""The items and turns of the preview page, made only from the projected state, never from the stored one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_OWN_PLACE = frozenset({"id", "type", "name", "text"})


@dataclass(frozen=True, slots=True)
class Card:
    """An item to look at; `facts` are the keys without a place of their own, each with its value as text."""

    index: int
    is_current: bool
    kind: str
    title: str
    image: str
    text: str
    facts: tuple[tuple[str, str], ...]


def cards(shown: Mapping[str, Any]) -> list[Card]:
    """One card for each item of a state projected for viewers."""
    return [_card(index, item, index == shown["currentItem"]) for index, item in enumerate(shown["items"])]


@dataclass(frozen=True, slots=True)
class Turn:
    """An entry of the encounter's order."""

    name: str
    initiative: str
    is_current: bool


def turns(shown: Mapping[str, Any]) -> list[Turn]:
    """The order of the encounter of a state projected for viewers; empty without one."""
    encounter = shown["encounter"] or {"turn": None, "order": []}
    names = {item["id"]: _text(item.get("name") or item["id"]) for item in shown["items"]}
    return [
        Turn(names[entry["itemId"]], _text(entry.get("initiative")), entry["itemId"] == encounter["turn"])
        for entry in encounter["order"]
    ]


def _card(index: int, item: Mapping[str, Any], is_current: bool) -> Card:
    image = _image(item.get("image"))
    placed = _OWN_PLACE | {"image"} if image else _OWN_PLACE
    return Card(
        index=index,
        is_current=is_current,
        kind=_text(item.get("type", "")),
        title=_text(item.get("name") or item.get("id", "")),
        image=image,
        text=_text(item.get("text", "")),
        facts=tuple((key, _text(item[key])) for key in item if key not in placed),
    )


def _image(value: Any) -> str:
    """The image's address if the admin's content security policy allows it: of this site, or a data URL."""
    is_shown = isinstance(value, str) and value.startswith(("/", "data:image/")) and not value.startswith("//")
    return value if is_shown else ""


def _text(value: Any) -> str:
    """A value as text for people; the page also has it as JSON."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items()) or "–"
    if isinstance(value, list):
        return "; ".join(_text(inner) for inner in value) or "–"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    return str(value)
