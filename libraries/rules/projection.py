"""The part of a portal view's state, and of a change to it, that a viewer may see. Pure.

An item is made anew by `libraries.rules.items`; here its state is put together: only the items that viewers may see,
with their own version and date. What is only relayed is in `libraries.rules.commands`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from itertools import islice
from operator import methodcaller
from pathlib import Path
from typing import Any

import msgspec

from libraries.rules import net
from libraries.rules.disclosure import NOTHING, Disclosure
from libraries.rules.items import build, build_each, is_seen
from libraries.rules.roles import PortalRole

State = Mapping[str, Any]

VIEWERS_OWN = {"version": "viewersVersion", "updatedAt": "viewersUpdatedAt"}
"""The keys of a state that viewers see another value of, and the internal keys that hold it."""
SWITCHES = ("showHealth", "showAC", "showActions", "showEncounter", "showConditions", "healthDisplay")
_INTERNAL = frozenset(VIEWERS_OWN.values())
_ABOUT_ITEMS = frozenset({"items", "currentItem"})
_DECIDE_ITEMS = frozenset({*SWITCHES, "blackout", "items"})
_DECIDE_PLACE = frozenset({*_ABOUT_ITEMS, "blackout"})
_ON_EVERY_WRITE = frozenset({"version", "updatedAt", *_INTERNAL})

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
    return {**shown, "items": shown_items(state, disclosure), "currentItem": shown_place(state)}


def own_versions(state: State, role: PortalRole) -> dict[str, Any]:
    """The state with the role's own version and date, and without those of the other role."""
    shown = {key: value for key, value in state.items() if key not in _INTERNAL}
    if role == PortalRole.VIEWER:
        shown |= {key: state[own] for key, own in VIEWERS_OWN.items() if own in state}
    return shown


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
    return {key: value for key, value in after.items() if key not in before or not _same(before[key], value)}


def _same(one: Any, other: Any) -> bool:
    # In Python True == 1. On the wire true and 1 are different values, and the order of keys means nothing.
    return one is other or _encode(one) == _encode(other)


def patch_seen(
    before: State, after: State, named: Collection[str], disclosure: Disclosure = NOTHING
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The patch as controllers and as viewers see it: keys that differ between the projections before and after it.

    `before` and `after` are states, `named` are the keys that the patch named. Controllers get a named key again
    although its value did not change, so that every message of a controller is received. A change that viewers may not
    see is `{}` for them.
    """
    changed = difference(before, after).keys() - _ON_EVERY_WRITE
    controllers = {key: value for key, value in after.items() if key in changed or key in named}
    viewers = {key: value for key, value in after.items() if key in changed and key not in _ABOUT_ITEMS}
    if not _DECIDE_ITEMS.isdisjoint(changed):
        items = shown_items(after, disclosure)
        if not _same(shown_items(before, disclosure), items):
            viewers["items"] = items
    if not _DECIDE_PLACE.isdisjoint(changed) and (place := shown_place(after)) != shown_place(before):
        viewers["currentItem"] = place
    return controllers, viewers


@dataclass(frozen=True, slots=True)
class ItemSeen:
    """The update of one item, as each role sees it.

    `controllers` and `viewers` are keys of the item. Viewers know it by its place `viewers_index`, and null removes a
    key. If it came into sight, or went out of it, they get the keys `viewers_state` of the portal view instead.
    """

    controllers: dict[str, Any]
    viewers: dict[str, Any] = field(default_factory=dict)
    viewers_index: int | None = None
    viewers_state: dict[str, Any] = field(default_factory=dict)

    @property
    def viewers_changed(self) -> bool:
        """Whether viewers see another state than before."""
        return bool(self.viewers or self.viewers_state)


def item_patch_seen(
    before: State, after: State, index: int, patch: Mapping[str, Any], disclosure: Disclosure = NOTHING
) -> ItemSeen:
    """The update of the item at `index` as each role sees it; `patch` are the keys that it named.

    A change that viewers may not see, and any change under a blackout, is none for them. The cost depends on the item,
    and only a little on the number of items, unless the item comes into sight or goes out of it.
    """
    old, new = before["items"][index], after["items"][index]
    controllers = {**difference(old, new), **patch}
    was_seen, is_seen_now = is_seen(old), is_seen(new)
    if after["blackout"] or not (was_seen or is_seen_now):
        return ItemSeen(controllers)
    if was_seen != is_seen_now:
        state = {"items": shown_items(after, disclosure), "currentItem": shown_place(after)}
        return ItemSeen(controllers, viewers_state=state)
    built_before, built = build(old, before, disclosure), build(new, after, disclosure)
    viewers = {**dict.fromkeys(built_before.keys() - built.keys()), **difference(built_before, built)}
    return ItemSeen(controllers, viewers, place_of(after["items"], index) if viewers else None)
