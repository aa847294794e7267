"""What a viewer may see of a portal view's state, and of a change to it. Pure.

`HIDDEN` is the one table of what hides behind which flag: the code reads it, the tests walk it, and
`docs/hidden-information.md` prints it. Keys are compared as `libraries.rules.keys.plain_key` gives them, so that a
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
"""The row of `HIDDEN` that no flag uncovers."""

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
"""Where the numbers are looked for, in this order: the first of each that says something counts."""

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
"""The rows of `HIDDEN` that a plain key stands in: it is seen only if each of them is uncovered."""

_SCALARS = frozenset({str, int, float, bool, type(None)})


def _index() -> None:
    _rows.clear()
    for row, keys in HIDDEN.items():
        for key in keys:
            _rows[key] = (*_rows.get(key, ()), row)


_index()


def hide_also(extra: Mapping[str, Iterable[str]]) -> None:
    """Hide more keys: `{"showHealth": ["wounds"], "always": ["plot"]}`; ValueError for a row that isn't there.

    A key in two rows is hidden behind both.
    """
    for row, keys in extra.items():
        if row not in HIDDEN:
            raise ValueError(f"“{row}” is not one of {', '.join(HIDDEN)}.")
        HIDDEN[row].update(plain_key(key) for key in keys)
    _index()


def project(state: Mapping[str, Any], role: PortalRole) -> dict[str, Any]:
    """The state as the role may see it; the state itself for a controller."""
    if role == PortalRole.CONTROLLER:
        return dict(state)
    if state["blackout"]:
        return {**state, "items": [], "currentItem": None}
    return {**state, "items": [project_item(item, state) for item in state["items"]]}


def epoch_seen(epoch: str, role: PortalRole) -> str:
    """The epoch as the role is told it: one's versions are no measure of what the other has seen."""
    return epoch if role == PortalRole.CONTROLLER else f"{epoch}-viewer"


def project_item(item: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """One item as a viewer may see it under a state's flags."""
    if _is_unseen(item):
        return UNSEEN_ITEM.copy()
    return _shown(item, flags)


def project_relayed(payload: Mapping[str, Any], flags: Mapping[str, Any] | None) -> dict[str, Any]:
    """A payload that is not stored, as a viewer may see it under a state's `flags`.

    What stands under `items` and `currentItem`, at any depth, is taken for that of a state. Without `flags` all that
    any flag could hide is left out, and so are these two.
    """
    seen: dict[str, Any] = _relayed(payload, flags, False)
    return _shown(seen, _NOTHING_SHOWN if flags is None else flags)


def _relayed(value: Any, flags: Mapping[str, Any] | None, in_items: bool) -> Any:
    """Without what `blackout` and `visible` hide; `in_items` is whether `items` or `currentItem` is above it."""
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
    # In a state it is true or false; what is only relayed may hold anything, and then is not shown.
    return item.get("visible", True) is not True


def needs_flags(payload: Mapping[str, Any]) -> bool:
    """Whether what viewers may see of a relayed payload depends on a portal view's flags."""
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
    """Current by maximum health, from 0 to 1, by plain keys; None where an object does not say both."""
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
    """The keys of `after` whose value is another than in `before`, or that `before` has not."""
    return {key: value for key, value in after.items() if key not in before or not _same(before[key], value)}


def _same(one: Any, other: Any) -> bool:
    # In Python True == 1; on the wire true and 1 are two values, and the order of keys means nothing.
    return one is other or _encode(one) == _encode(other)


def patch_seen(
    before: Mapping[str, Any], after: Mapping[str, Any], named: Collection[str], role: PortalRole
) -> dict[str, Any]:
    """What a patch means to a role: the keys that differ between the projections before and after it.

    `before` and `after` are states, `named` the keys that the patch named: one that was given the value it had is
    said again, so that no message of a controller goes unheard. A change that a viewer may not see is `{}`.
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
    """What an update of one item means to a role: the item's keys that differ between its projections.

    An item that comes into sight is given whole; one that goes out of sight is only `{"visible": false}`; what a
    viewer may not see, or what happens under a blackout, is `{}`. Only the item is walked, never the state.
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
