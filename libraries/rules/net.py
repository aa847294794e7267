"""The second net: names of keys that stay hidden below `public`, and in what is only relayed. Pure.

What a viewer gets is built from a list of what may be shown (`libraries.rules.items`). Below `public` anything may be
shown, so there the names of keys are all that is left to go by. `HIDDEN` is the one table: the code reads it, the tests
check each row, and `docs/hidden-information.md` prints it. Keys are compared in the form of
`libraries.rules.keys.plain_key`, so that the spelling (`max_hp`, `Max-HP`) makes no difference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from libraries.rules import health
from libraries.rules.keys import plain_key
from libraries.rules.octets import Octets

ALWAYS = "always"
"""The row of `HIDDEN` that no switch reveals."""

HIDDEN: dict[str, set[str]] = {
    ALWAYS: {"gm", "gmnotes", "dmnotes", "secret", "secrets"},
    "showHealth": {"hp", "health", "hitpoints", *health.KEYS},
    "showAC": {"ac", "armorclass", "armourclass"},
    "showActions": {"actions", "bonusactions", "reactions", "legendaryactions", "lairactions"},
    "showEncounter": {"initiative", "turn", "round", "encounter"},
    "showConditions": {"conditions"},
}

_rows: dict[str, tuple[str, ...]] = {}
"""The rows of `HIDDEN` for each plain key: the key is visible only if each of its rows is."""

_SCALARS = frozenset({str, int, float, bool, type(None), Octets})


class _Edition:
    number = 0


def edition() -> int:
    """The number of changes of the table."""
    return _Edition.number


def _index() -> None:
    _Edition.number += 1
    _rows.clear()
    for row, keys in HIDDEN.items():
        for key in keys:
            _rows[key] = (*_rows.get(key, ()), row)


_index()


def hide_also(extra: Mapping[str, Iterable[str]]) -> None:
    """Hide more keys: `{"showHealth": ["wounds"], "always": ["plot"]}`; ValueError for an unknown row.

    A key in two rows is hidden by both.
    """
    for row, keys in extra.items():
        if row not in HIDDEN:
            raise ValueError(f"“{row}” is not one of {', '.join(HIDDEN)}.")
        HIDDEN[row].update(plain_key(key) for key in keys)
    _index()


def is_struck(key: str, shown: Collection[str]) -> bool:
    """Whether the key stays hidden while the switches `shown` are on."""
    rows = _rows.get(plain_key(key))
    return rows is not None and not all(row != ALWAYS and row in shown for row in rows)


def rows_of(key: str) -> tuple[str, ...]:
    """The rows that hold the key."""
    return _rows.get(plain_key(key), ())


def strike(value: Any, shown: Collection[str]) -> Any:
    """A copy of the value, without the keys that stay hidden while the switches `shown` are on."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Mapping):
        return {key: strike(inner, shown) for key, inner in value.items() if not is_struck(key, shown)}
    return [strike(inner, shown) for inner in value]
