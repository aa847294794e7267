"""The part of a portal view's state, and of a change to it, that a viewer may see. Pure.

`HIDDEN` is the one table of the keys hidden by each flag: the code reads it, the tests check each row, and
`docs/hidden-information.md` prints it. Keys are compared in the form of `libraries.rules.keys.plain_key`, so that the
spelling (`max_hp`, `Max-HP`) makes no difference.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeGuard

import msgspec

from libraries.rules.keys import plain_key
from libraries.rules.roles import PortalRole

ALWAYS = "always"
"""The row of `HIDDEN` that no flag reveals."""

HIDDEN: dict[str, set[str]] = {
    ALWAYS: {"gm", "gmnotes", "dmnotes", "secret", "secrets"},
    "showHealth": {
        *("hp", "maxhp", "maximumhp", "temphp", "currenthp", "hpmax", "hptemp", "hpcurrent"),
        *("hitpoints", "maxhitpoints", "maximumhitpoints", "hitpointsmax", "hitpointmaximum"),
        *("temphitpoints", "temporaryhitpoints", "currenthitpoints", "hitpointscurrent"),
        *("health", "maxhealth", "maximumhealth", "healthmax", "currenthealth", "healthcurrent"),
    },
    "showAC": {"ac", "armorclass", "armourclass"},
    "showActions": {"actions", "bonusactions", "reactions", "legendaryactions", "lairactions"},
    "showEncounter": {"initiative", "turn", "round", "encounter"},
}

CURRENT_HEALTH = (
    *("hp", "currenthp", "hpcurrent", "hitpoints", "currenthitpoints", "hitpointscurrent"),
    *("health", "currenthealth", "healthcurrent"),
)
MAXIMUM_HEALTH = (
    *("maxhp", "hpmax", "maximumhp", "maxhitpoints", "hitpointsmax", "maximumhitpoints", "hitpointmaximum"),
    *("maxhealth", "healthmax", "maximumhealth"),
)
"""The keys with these numbers, in order of priority: the first one with a number counts."""

HEALTH_WORDS: tuple[tuple[float, str], ...] = (
    (1.0, "unhurt"),
    (0.75, "scratched"),
    (0.5, "wounded"),
    (math.ulp(0.0), "critical"),
    (-math.inf, "down"),
)
"""The word for a fraction of health is the first whose bound the fraction reaches."""

UNSEEN_ITEM = {"visible": False}
FLAGS = ("showHealth", "showAC", "showActions", "showEncounter", "healthDisplay")
_DECIDE_ITEMS = frozenset({*FLAGS, "blackout", "items"})
_BLACKED_OUT = frozenset({"items", "currentItem"})
_ON_EVERY_WRITE = frozenset({"version", "updatedAt"})
_NOTHING_SHOWN: dict[str, Any] = {}

_encode = msgspec.json.Encoder(order="deterministic").encode
_rows: dict[str, tuple[str, ...]] = {}
"""The rows of `HIDDEN` for each plain key: the key is visible only if each of its rows is."""

_SCALARS = frozenset({str, int, float, bool, type(None)})


def _index() -> None:
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


def project(state: Mapping[str, Any], role: PortalRole) -> dict[str, Any]:
    """The state as the role may see it; for a controller the state itself."""
    if role == PortalRole.CONTROLLER:
        return dict(state)
    if state["blackout"]:
        return {**state, "items": [], "currentItem": None}
    return {**state, "items": [project_item(item, state) for item in state["items"]]}


def epoch_seen(epoch: str, role: PortalRole) -> str:
    """The epoch as the role is told it. Each role has its own, because their versions must not be compared."""
    return epoch if role == PortalRole.CONTROLLER else f"{epoch}-viewer"


def project_item(item: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """One item as a viewer may see it under a state's flags."""
    if _is_unseen(item):
        return UNSEEN_ITEM.copy()
    return _shown(item, flags)


def project_relayed(payload: Mapping[str, Any], flags: Mapping[str, Any] | None) -> dict[str, Any]:
    """A payload that is not stored, as a viewer may see it under a state's `flags`.

    Values under `items` and `currentItem`, at any depth, are treated as those of a state. Without `flags`, all keys
    that any flag can hide are removed, and these two as well.
    """
    seen: dict[str, Any] = _relayed(payload, flags, False)
    return _shown(seen, _NOTHING_SHOWN if flags is None else flags)


def _relayed(value: Any, flags: Mapping[str, Any] | None, in_items: bool) -> Any:
    """The value without the parts hidden by `blackout` and `visible`.

    `in_items` says whether the value is below `items` or `currentItem`.
    """
    if isinstance(value, list | tuple):
        return [_relayed(inner, flags, in_items) for inner in value]
    if not isinstance(value, Mapping):
        return value
    if in_items and _is_unseen(value):
        return UNSEEN_ITEM.copy()
    seen: dict[str, Any] = {}
    for key, inner in value.items():
        plain = plain_key(key)
        if plain not in {"items", "currentitem"}:
            seen[key] = _relayed(inner, flags, in_items)
        elif flags is not None and flags["blackout"]:
            seen[key] = [] if plain == "items" else None
        elif flags is not None:
            seen[key] = _relayed(inner, flags, True)
    return seen


def _is_unseen(item: Mapping[str, Any]) -> bool:
    # In a state it is true or false. A relayed value may be anything else, and then the item is not shown.
    return item.get("visible", True) is not True


def needs_flags(payload: Mapping[str, Any]) -> bool:
    """Whether the part of a relayed payload that viewers may see depends on a portal view's flags."""
    return project_relayed(payload, None) != payload


def _shown(value: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    health: dict[str, Any] = {}
    for key, inner in value.items():
        plain = plain_key(key)
        rows = _rows.get(plain)
        if rows is not None:
            if not all(row != ALWAYS and flags.get(row) for row in rows):
                continue
            if "showHealth" in rows and flags.get("healthDisplay") != "numbers":
                health[plain] = inner
                continue
        shown[key] = inner if type(inner) in _SCALARS else _shown_value(inner, flags)
    if health:
        fraction = _health_fraction(health)
        shown["health"] = None if fraction is None else _display(fraction, flags["healthDisplay"])
    return shown


def _shown_value(value: Any, flags: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return _shown(value, flags)
    if isinstance(value, list | tuple):
        return [_shown_value(inner, flags) for inner in value]
    return value


def _health_fraction(health: Mapping[str, Any]) -> float | None:
    """Current divided by maximum health, from 0 to 1, by plain keys; None if an object does not have both."""
    current = next((health[key] for key in CURRENT_HEALTH if health.get(key) is not None), None)
    maximum = next((health[key] for key in MAXIMUM_HEALTH if health.get(key) is not None), None)
    if isinstance(current, Mapping):  # {"hp": {"current": 5, "max": 10}}
        inside = {plain_key(key): inner for key, inner in current.items()}
        current, maximum = inside.get("current", inside.get("value")), inside.get("max", maximum)
    if not _is_number(current) or not _is_number(maximum) or maximum <= 0:
        return None
    return float(min(1.0, max(0.0, current / maximum)))


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _display(fraction: float, display: str) -> float | str:
    if display == "bar":
        return math.floor(fraction * 10 + 0.5) / 10
    return next(word for bound, word in HEALTH_WORDS if fraction >= bound)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of `after` whose value differs from `before`, or that are not in `before`."""
    return {key: value for key, value in after.items() if key not in before or not _same(before[key], value)}


def _same(one: Any, other: Any) -> bool:
    # In Python True == 1. On the wire true and 1 are different values, and the order of keys means nothing.
    return one is other or _encode(one) == _encode(other)


def patch_seen(
    before: Mapping[str, Any], after: Mapping[str, Any], named: Collection[str], role: PortalRole
) -> dict[str, Any]:
    """The patch as a role sees it: the keys that differ between the projections before and after it.

    `before` and `after` are states, `named` are the keys that the patch named. A named key whose value did not change
    is sent again, so that every message of a controller is received. A change that a viewer may not see is `{}`.
    """
    changed = {key for key in difference(before, after) if key not in _ON_EVERY_WRITE}
    if role == PortalRole.CONTROLLER:
        return {key: value for key, value in after.items() if key in changed or key in named}
    again = set(named) - changed - (_BLACKED_OUT if after["blackout"] else frozenset())
    if "items" not in again and _DECIDE_ITEMS.isdisjoint(changed):
        before, after = {**before, "items": ()}, {**after, "items": ()}
    shown = project(after, role)
    seen = difference(project(before, role), shown).keys() - _ON_EVERY_WRITE
    return {key: value for key, value in shown.items() if key in seen or key in again}


def item_patch_seen(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    patch: Mapping[str, Any],
    state: Mapping[str, Any],
    role: PortalRole,
) -> dict[str, Any]:
    """The update of one item as a role sees it: the item's keys that differ between its projections.

    An item that becomes visible is sent whole; one that becomes invisible is only `{"visible": false}`. A change that a
    viewer may not see, or any change under a blackout, is `{}`. The cost depends on the item, never on the state.
    """
    if role == PortalRole.CONTROLLER:
        return {**difference(before, after), **patch}
    if state["blackout"]:
        return {}
    shown = project_item(after, state)
    seen = difference(project_item(before, state), shown)
    if shown == UNSEEN_ITEM:
        return seen
    changed = difference(before, after)
    return {key: value for key, value in shown.items() if key in seen or (key in patch and key not in changed)}
