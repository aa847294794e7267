"""The part of a portal view's state, and of a change to it, that a viewer may see. Pure.

An item is made anew by `libraries.rules.items`; here its state is put together: only the items that viewers may see,
with their own version and date. What is only relayed is in `libraries.rules.commands`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from hashlib import blake2b
from itertools import islice
from operator import methodcaller
from pathlib import Path
from typing import Any

import msgspec

from libraries.rules import net
from libraries.rules.disclosure import NOTHING, Disclosure
from libraries.rules.encounter import seen
from libraries.rules.items import build_each, is_seen, switches_of
from libraries.rules.roles import PortalRole

State = Mapping[str, Any]

VIEWERS_OWN = {"version": "viewersVersion", "updatedAt": "viewersUpdatedAt"}
"""The keys of a state that viewers see another value of, and the internal keys that hold it."""
SETTLED = ("currentItem", "currentItemId", "camera", "encounter")
"""The keys about items that the server changes as a consequence of other changes."""
SWITCHES = ("showHealth", "showAC", "showActions", "showEncounter", "showConditions", "healthDisplay")
_INTERNAL = frozenset(VIEWERS_OWN.values())

_visible = methodcaller("get", "visible", True)
_encode = msgspec.json.Encoder(order="deterministic").encode


@cache
def _code() -> bytes:
    # All of the package: none of its modules can be forgotten when another one decides what viewers see.
    return b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))


def digest() -> str:
    """Eight hexadecimal digits that stand for the rules of this process: its code, and the names that stay hidden."""
    return _digest(net.edition())


@cache
def _digest(_edition: int) -> str:
    hidden = {row: sorted(keys) for row, keys in net.HIDDEN.items()}
    return blake2b(_code() + _encode(hidden), digest_size=4).hexdigest()


def epoch_seen(epoch: str, role: PortalRole) -> str:
    """The epoch as the role is told it.

    Each role has its own, because their versions must not be compared. That of viewers also names the rules: what was
    built by older rules may be wrong, although its version is the newest.
    """
    return epoch if role == PortalRole.CONTROLLER else f"{epoch}-viewer-{digest()}"


def project(state: State, role: PortalRole, disclosure: Disclosure = NOTHING) -> dict[str, Any]:
    """The state as the role may see it."""
    shown = own_versions(state, role)
    if role == PortalRole.CONTROLLER:
        return shown
    return {**shown, "items": shown_items(state, disclosure), **settled_seen(state)}


def own_versions(state: State, role: PortalRole) -> dict[str, Any]:
    """The state with the role's own version and date, and without those of the other role."""
    shown = {key: value for key, value in state.items() if key not in _INTERNAL}
    if role == PortalRole.VIEWER:
        shown |= {key: state[own] for key, own in VIEWERS_OWN.items() if own in state}
    return shown


def settled_seen(state: State) -> dict[str, Any]:
    """What viewers see of the current item, the camera on it, and the encounter."""
    place = shown_place(state)
    return {
        "currentItem": place,
        "currentItemId": None if place is None else state["currentItemId"],
        "camera": None if place is None else state["camera"],
        "encounter": shown_encounter(state),
    }


def shown_encounter(state: State) -> dict[str, Any] | None:
    """The encounter as viewers see it."""
    if state["encounter"] is None or state["blackout"] or not state["showEncounter"]:
        return None
    items = {item.get("id"): item for item in state["items"]}

    def shows_initiative(item_id: str) -> bool:
        return "showEncounter" in switches_of(items[item_id], state)[0]

    return seen(state["encounter"], lambda item_id: is_seen(items[item_id]), shows_initiative)


def shown_items(state: State, disclosure: Disclosure = NOTHING) -> list[dict[str, Any]]:
    """The items that viewers see, as they see them."""
    if state["blackout"]:
        return []
    return build_each(filter(is_seen, state["items"]), state, disclosure)


def shown_place(state: State) -> int | None:
    """The place of the current item among those that viewers see; None if they don't see it."""
    current, items = state["currentItem"], state["items"]
    if state["blackout"] or current is None or current >= len(items) or not is_seen(items[current]):
        return None
    return place_of(items, current)


def shown_count(state: State) -> int:
    """The number of items that viewers see."""
    return 0 if state["blackout"] else sum(map(is_seen, state["items"]))


def place_of(items: Collection[Mapping[str, Any]], index: int) -> int:
    """The place, among the items that viewers see, of the one at `index`."""
    # As `is_seen`, without a call for each item: this is what an item's update costs with many items.
    return list(map(_visible, islice(items, index))).count(True)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of `after` whose value differs from `before`, or that are not in `before`."""
    return {key: value for key, value in after.items() if key not in before or not same(before[key], value)}


def delta(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The patch that leads from one item to the other: null for each key that is gone."""
    return {**{key: None for key in before if key not in after}, **difference(before, after)}


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same on the wire."""
    # In Python True == 1. On the wire true and 1 are different values, and the order of keys means nothing.
    return one is other or _encode(one) == _encode(other)
