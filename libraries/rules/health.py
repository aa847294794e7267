"""The health of a creature: read from the many ways to write it, and shown in the one shape of `health`. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from libraries.rules.keys import plain_key
from libraries.rules.values import MAX_SAFE_INTEGER

Number = int | float

CURRENT = (
    *("hp", "currenthp", "hpcurrent", "hitpoints", "currenthitpoints", "hitpointscurrent"),
    *("health", "currenthealth", "healthcurrent"),
)
MAXIMUM = (
    *("maxhp", "hpmax", "maximumhp", "maxhitpoints", "hitpointsmax", "maximumhitpoints", "hitpointmaximum"),
    *("maxhealth", "healthmax", "maximumhealth", "basehitpoints"),
)
TEMPORARY = (
    *("temphp", "hptemp", "temporaryhp", "hptemporary", "temphitpoints", "temporaryhitpoints", "hitpointstemp"),
    *("temphealth", "healthtemp", "temporaryhealth"),
)
REMOVED = (
    *("removedhp", "hpremoved", "removedhitpoints", "hitpointsremoved", "damage", "damagetaken", "damagepoints"),
    *("hpdamage", "hitpointsdamage"),
)
"""The keys of an item with these numbers, plain and in order of priority: the first with a number counts."""

KEYS = frozenset({*CURRENT, *MAXIMUM, *TEMPORARY, *REMOVED})

_INSIDE_CURRENT = ("current", "value", "now")
_INSIDE_MAXIMUM = ("max", "maximum", "base", "total")
_INSIDE_TEMPORARY = ("temp", "temporary")
_INSIDE_REMOVED = ("removed", "damage", "damagetaken", "lost")
"""The keys of an object under one of `CURRENT`, such as `{"hp": {"value": 5, "max": 10}}`."""

DISPLAYS = ("numbers", "bar", "words")

WORDS: tuple[tuple[float, str], ...] = (
    (1.0, "unhurt"),
    (0.75, "scratched"),
    (0.5, "wounded"),
    (math.ulp(0.0), "critical"),
    (-math.inf, "down"),
)
"""The word for a fraction of health is the first whose bound the fraction reaches."""

MAX_NUMBER_CHARS = 32
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", re.ASCII)


class Health(NamedTuple):
    """What is known: None is unknown. `maximum` is more than 0."""

    current: Number | None = None
    maximum: Number | None = None
    temporary: Number | None = None

    @property
    def fraction(self) -> float | None:
        """Current divided by maximum health, from 0 to 1; None unless both are known."""
        if self.current is None or self.maximum is None:
            return None
        return float(min(1.0, max(0.0, self.current / self.maximum)))

    def over(self, other: Health) -> Health:
        """This health, and the other's where this one is unknown."""
        if other == NOTHING:
            return self
        return Health(
            other.current if self.current is None else self.current,
            other.maximum if self.maximum is None else self.maximum,
            other.temporary if self.temporary is None else self.temporary,
        )


NOTHING = Health()


class Several(tuple[object, ...]):
    """The values of a key that an item has in several spellings: the first with a number counts."""

    __slots__ = ()


def each(value: object) -> tuple[object, ...]:
    """The values of a key: one, or several."""
    return value if isinstance(value, Several) else (value,)


def number(value: object) -> Number | None:
    """A number, or one that is written as text; None for all else."""
    if isinstance(value, str):
        text = value.strip() if len(value) <= MAX_NUMBER_CHARS else ""
        if not _NUMBER.fullmatch(text):
            return None
        value = float(text) if "." in text else int(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_SAFE_INTEGER:
        return None
    return int(value) if value == int(value) else value


def read_value(value: object) -> tuple[Health, Number | None]:
    """The health in one value, and the points that were taken: a number, `"20/59"`, or an object with both."""
    if isinstance(value, str) and "/" in value:
        current, _, maximum = value.partition("/")
        if (both := (number(current), number(maximum))) and None not in both:
            return Health(both[0], _positive(both[1])), None
        return NOTHING, None
    if not isinstance(value, Mapping):
        return Health(number(value)), None
    inside = {plain_key(key): inner for key, inner in value.items() if isinstance(key, str)}
    found = Health(
        _first(inside, _INSIDE_CURRENT), _positive(_first(inside, _INSIDE_MAXIMUM)), _first(inside, _INSIDE_TEMPORARY)
    )
    return found, _first(inside, _INSIDE_REMOVED)


def read(sources: Mapping[str, Any], listed: Health = NOTHING) -> Health:
    """The health in an item's values by plain key, and in what paths lead to where the item has no value of its own.

    A maximum without a current value is full health.
    """
    found, removed = NOTHING, _first(sources, REMOVED)
    for value in (value for key in CURRENT if key in sources for value in each(sources[key])):
        inside, taken = read_value(value)
        found, removed = found.over(inside), removed if taken is None else taken
    found = found.over(Health(None, _positive(_first(sources, MAXIMUM)), _first(sources, TEMPORARY)))
    health = found.over(listed)
    if health.current is not None or health.maximum is None:
        return health
    return Health(health.maximum - (removed or 0), health.maximum, health.temporary)


def shown(health: Health, display: str) -> dict[str, Any] | None:
    """The health as viewers get it in a display (`numbers`, `bar` or `words`); None if too little is known.

    The numbers stay on the server in the last two. A bar of somebody who is hurt and alive is from 0.1 to 0.9.
    """
    fraction = health.fraction
    if display == "numbers":
        if health.current is None:
            return None
        numbers = {"current": health.current, "max": health.maximum, "temp": health.temporary}
        return {"display": "numbers", **numbers}
    if fraction is None:
        return None
    if display == "bar":
        return {"display": "bar", "fraction": _tenth(fraction)}
    return {"display": "words", "word": next(word for bound, word in WORDS if fraction >= bound)}


def _tenth(fraction: float) -> float | int:
    if fraction in (0.0, 1.0):
        return int(fraction)
    return min(0.9, max(0.1, math.floor(fraction * 10 + 0.5) / 10))


def _first(values: Mapping[str, Any], keys: Iterable[str]) -> Number | None:
    for key in keys:
        if key in values:
            found = next((known for one in each(values[key]) if (known := number(one)) is not None), None)
            if found is not None:
                return found
    return None


def _positive(value: Number | None) -> Number | None:
    return value if value is not None and value > 0 else None
