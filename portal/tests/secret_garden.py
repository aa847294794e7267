"""The content of items with a unique mark, text or number, as each value, so that any received text can be searched."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

from portal.tests.secret_names import (
    ENTRIES,
    HIDDEN,
    NUMBERS_FROM,
    ONE_VALUE,
    PER_ITEM,
    POINTS_TAKEN,
    PUBLIC_DEPTH,
    SHAPES,
    STRANGE,
    TEXTS,
    spellings,
)
from portal.tests.secret_paths import HEALTH_ROWS, Rows, record_for


@dataclass(frozen=True)
class Plant:
    """One value: its key, its shape, and its depth below the item; the greatest depth is below `public`."""

    key: str
    shape: str
    depth: int


@dataclass(frozen=True)
class Content:
    """The content of an item: values, perhaps small numbers of health, keys of its visibility, an alias, a `show`.

    With `has_record` it has a record, too, for the disclosure that the library has or had last. With `reveals` its turn
    in the encounter reveals it.
    """

    plants: tuple[Plant, ...] = ()
    health: tuple[int, int] | None = None
    visible: tuple[tuple[str, bool | None], ...] = ()
    alias: str = ""
    show: tuple[tuple[str, Any], ...] = ()
    has_record: bool = False
    reveals: bool = False


UNSEEN = Content(visible=(("visible", False),))
WAITING = replace(UNSEEN, reveals=True)
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
        show = {"show": dict(content.show)} if content.show else {}
        return {**self.keys(content), **alias, **show, **({"revealOnTurn": True} if content.reveals else {})}

    def item(self, content: Content) -> dict[str, Any]:
        """An item whose id is a mark, too."""
        return {"id": self.mark(), **self.item_keys(content)}

    def camera(self) -> dict[str, Any]:
        """A camera, with marks as numbers."""
        # With another digit at the end, because a number loses its last zeros.
        x, zoom, turned = (float(f"{whole}.{self.number()}1") for whole in (0, 1, 2))
        return {"x": x, "y": 0.5, "zoom": zoom, **({"rotation": turned} if self._made % 2 else {})}

    def entry(self, item_id: str) -> dict[str, Any]:
        """An entry of the order of an encounter, with or without an initiative."""
        self._made += 1
        initiatives: list[Any] = [self.mark(), self.number(), self.mark(), None]
        return {"itemId": item_id, **({"initiative": initiatives[self._made % 4]} if self._made % 5 else {})}

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
    return [*wide, KNOWN_KEYS, ALL_SHOWN, ALL_HIDDEN, Content(has_record=True), Content(alias="alias"), UNSEEN, WAITING]
