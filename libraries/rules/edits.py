"""What changes for each role when a draft is stored: keys of the state, and edits of single items. Pure.

For viewers it is the difference between what they see before and after, so a change that they may not see is nothing,
and what comes into sight is an added item like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from libraries.rules.disclosure import NOTHING, Disclosure
from libraries.rules.draft import Draft
from libraries.rules.items import build, is_seen
from libraries.rules.projection import (
    SETTLED,
    SWITCHES,
    delta,
    difference,
    place_of,
    same,
    settled_seen,
    shown_items,
)
from libraries.rules.state import FIELDS, find_item

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Added:
    """An item that the role sees now, at its place in the role's items."""

    item: Item
    index: int


@dataclass(frozen=True, slots=True)
class Removed:
    """An item that the role sees no more."""

    item_id: str


@dataclass(frozen=True, slots=True)
class Moved:
    """An item at another place in the role's items."""

    item_id: str
    index: int


@dataclass(frozen=True, slots=True)
class Updated:
    """The keys of an item that changed for the role, null for a key that is gone, and the item's place."""

    item_id: str
    patch: Mapping[str, Any]
    index: int


Edit = Added | Removed | Moved | Updated


@dataclass(frozen=True, slots=True)
class Seen:
    """A change as a role sees it: keys of the state, and edits of items to be applied in their order."""

    patch: Mapping[str, Any] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.patch or self.edits)


_ITEMS = frozenset({"items"})
_SETTLED = frozenset(SETTLED)
_DECIDE_ITEMS = frozenset({*SWITCHES, "blackout"})
_DECIDE_SETTLED = frozenset({"blackout", "showEncounter", *SETTLED})


def seen_by_controllers(draft: Draft) -> Seen:
    """The change as controllers see it.

    They get the keys that a message named although their values are the same, so that each message is received.
    """
    before, after = draft.before, draft.state
    changed = _changed(draft)
    patch = {key: after[key] for key in FIELDS if key in changed or key in draft.named}
    if draft.replaced:
        return Seen({**patch, "items": after["items"]})
    edits: list[Edit] = []
    if draft.is_restructured:
        edits += _script(draft, draft.moved, before["items"], after["items"], dict)
    for item_id, named in draft.named_items.items():
        if item_id not in draft.added:
            edits.append(_updated(draft, item_id, named))
    return Seen(patch, tuple(edits))


def _updated(draft: Draft, item_id: str, named: Collection[str]) -> Updated:
    old, new, index = _both(draft, item_id)
    return Updated(item_id, {**delta(old, new), **{key: new.get(key) for key in named}}, index)


def _both(draft: Draft, item_id: str) -> tuple[Item, Item, int]:
    """An item that was there before and still is: before, after, and its index after."""
    guess = draft.places.get(item_id, -1)
    was, index = (find_item(state["items"], item_id, guess) for state in (draft.before, draft.state))
    assert was is not None and index is not None  # noqa: S101, PT018  # otherwise it is added or removed
    return draft.before["items"][was], draft.state["items"][index], index


def seen_by_viewers(draft: Draft, disclosure: Disclosure = NOTHING) -> Seen:
    """The change as viewers see it; nothing if they see the same as before.

    The cost of an item's update depends on the item, and only a little on the number of items.
    """
    before, after = draft.before, draft.state
    changed = _changed(draft)
    patch = {key: after[key] for key in FIELDS if key in changed and key not in _SETTLED}
    edits: tuple[Edit, ...] = ()
    sights = _sights(draft)
    if draft.replaced or not _DECIDE_ITEMS.isdisjoint(changed):
        items = shown_items(after, disclosure)
        if not same(shown_items(before, disclosure), items):
            patch["items"] = items
    elif not after["blackout"]:
        edits = tuple(_edits_of_viewers(draft, disclosure, any(was != now for was, now in sights)))
    if draft.is_restructured or sights or not _DECIDE_SETTLED.isdisjoint(changed):
        patch |= difference(settled_seen(before), settled_seen(after))
    return Seen(patch, edits)


def _changed(draft: Draft) -> set[str]:
    before, after = draft.before, draft.state
    return {
        key
        for key in FIELDS
        if key not in _ITEMS and after[key] is not before[key] and not same(before[key], after[key])
    }


def _sights(draft: Draft) -> list[tuple[bool, bool]]:
    """For each written item whose own rules of what is shown changed: whether viewers saw it, and whether they do."""
    if draft.replaced:
        return []
    found = []
    for item_id in draft.named_items:
        if item_id not in draft.added:
            old, new, _ = _both(draft, item_id)
            if is_seen(old) != is_seen(new) or not same(old.get("show"), new.get("show")):
                found.append((is_seen(old), is_seen(new)))
    return found


def _edits_of_viewers(draft: Draft, disclosure: Disclosure, is_seen_anew: bool) -> Iterator[Edit]:
    before, after = draft.before, draft.state
    added: set[str] = set()
    if draft.is_restructured or is_seen_anew:
        lists = (list(filter(is_seen, before["items"])), list(filter(is_seen, after["items"])))
        for edit in _script(draft, draft.moved_for_viewers, *lists, lambda item: build(item, after, disclosure)):
            if isinstance(edit, Added):
                added.add(edit.item["id"])
            yield edit
    for item_id in draft.named_items:
        if item_id in added or item_id in draft.added:
            continue
        old, new, index = _both(draft, item_id)
        if not is_seen(new):
            continue
        changed = delta(build(old, before, disclosure), build(new, after, disclosure))
        if changed:
            yield Updated(item_id, changed, place_of(after["items"], index))


def _script(
    draft: Draft,
    moved: Collection[str],
    before: Sequence[Item],
    after: Sequence[Item],
    shown: Callable[[Item], Item],
) -> Iterator[Edit]:
    """The edits that lead from one list to the other, apart from updates. Each index is the place after that edit."""
    old = {item["id"] for item in before}
    stays = {item["id"] for item in after if item["id"] in old} - draft.added
    for item in before:
        if item["id"] not in stays:
            yield Removed(item["id"])
    order = [item["id"] for item in before if item["id"] in stays]
    previous: str | None = None
    for item in after:
        item_id = item["id"]
        if item_id not in stays:
            place = _behind(order, previous)
            order.insert(place, item_id)
            yield Added(shown(item), place)
        elif item_id in moved and not _stands_behind(order, previous, item_id):
            order.remove(item_id)
            place = _behind(order, previous)
            order.insert(place, item_id)
            yield Moved(item_id, place)
        previous = item_id


def _behind(order: Sequence[str], previous: str | None) -> int:
    return 0 if previous is None else order.index(previous) + 1


def _stands_behind(order: Sequence[str], previous: str | None, item_id: str) -> bool:
    place = _behind(order, previous)
    return place < len(order) and order[place] == item_id
