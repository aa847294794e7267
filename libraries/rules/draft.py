"""A state to which changes are applied, one after the other, before it is stored. Pure.

The same draft serves a single message, messages that waited together, and a batch: its result is stored as one version,
and `libraries.rules.edits` makes one message of it for each role.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, assert_never

from libraries.rules.changes import (
    Change,
    ItemAddition,
    ItemMove,
    ItemPatch,
    ItemRemoval,
    TurnStep,
    ViewPatch,
    placed,
)
from libraries.rules.encounter import check_entries, stepped, without
from libraries.rules.errors import InvalidPayload, NoSuchItem, named
from libraries.rules.item_ids import made_up_id, with_ids
from libraries.rules.items import REVEAL_ON_TURN, is_seen
from libraries.rules.projection import SETTLED, delta, same
from libraries.rules.state import MAX_ITEMS, State, find_item, summary

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender of a message is told beside the version.

    `item_ids` are the ids of the items that it added. `payload` is what the server changed beyond what was sent: keys
    of the state, and as `changes` the corrections of single items.
    """

    item_ids: tuple[str, ...] = ()
    payload: dict[str, Any] = field(default_factory=dict)


class Draft:
    """`before` is the state as it is stored, `state` the one after all changes so far; `before` is never changed.

    `named` are the keys that patches of the portal view named, and `named_items` those that patches of items named, by
    id. `replaced` says whether all items were replaced, `is_restructured` whether any was added, removed or moved:
    `moved` and `added` are the ids of those that were moved, and of those that were added, maybe after a removal; in
    `moved_for_viewers` are only those that were moved past an item that viewers saw before. `places` are indices at
    which written items were. `relayed` is what is sent with it and not stored. `is_written` says whether there is
    anything to store.
    """

    def __init__(self, before: State, key: bytes) -> None:
        self.before = before
        self.state: State = dict(before)
        self.named: set[str] = set()
        self.named_items: dict[str, set[str]] = {}
        self.moved: set[str] = set()
        self.moved_for_viewers: set[str] = set()
        self.added: set[str] = set()
        self.places: dict[str, int] = {}
        self.relayed: dict[str, Any] = {}
        self.replaced = False
        self.is_restructured = False
        self.is_written = False
        self._key = key
        self._numbers: Counter[str] = Counter()
        self._item_ids: list[str] = []
        self._naive: dict[str, Mapping[str, Any]] = {}
        self._naive_items: object = None

    def apply(self, changes: Sequence[Change], *, is_batch: bool = False) -> Answer:
        """Apply the changes of one message. After InvalidPayload, if one does not fit, the draft is of no use."""
        started, sent = self.state.copy(), dict[str, Any]()
        self._item_ids, self._naive, self._naive_items = [], {}, None
        for place, change in enumerate(changes):
            try:
                self._apply(change)
            except InvalidPayload as error:
                if not is_batch:
                    raise
                has_payload = isinstance(change, ViewPatch | ItemPatch | ItemAddition)
                details = placed(error, place, {} if has_payload else None)
                raise type(error)(f"Nothing was changed: {summary(details)}", details) from None
            if isinstance(change, ViewPatch):
                sent |= change.patch.sent or change.patch.known
        return Answer(tuple(self._item_ids), self._beyond(started, sent))

    def _apply(self, change: Change) -> None:
        before = self.state.copy()
        sets_camera = False
        match change:
            case ViewPatch():
                sets_camera = "camera" in change.patch.known
                self._patch_view(change)
            case ItemPatch():
                self._patch_item(change)
            case ItemAddition():
                self._add(change)
            case ItemRemoval():
                self._remove(change.item_id)
            case ItemMove():
                self._move(change)
            case TurnStep():
                self._step(change.step)
            case _:
                assert_never(change)
        if not isinstance(change, ItemPatch):
            self._settle(before, sets_camera=sets_camera)

    def _patch_view(self, change: ViewPatch) -> None:
        known = change.patch.known
        self.state.update(known)
        self.relayed.update(change.patch.relayed)
        self.named |= known.keys()
        self.is_written = self.is_written or bool(known)
        if "items" in known:
            self.state["items"] = with_ids(known["items"], self._key)
            self.replaced = self.is_restructured = True
            self._naive_items = change.patch.sent.get("items")
            self._naive.clear()
            self._numbers.clear()
        self._choose(known)
        if "encounter" in known:
            check_entries(known["encounter"], {item["id"] for item in self.state["items"]})

    def _choose(self, known: Mapping[str, Any]) -> None:
        """Set the id of the current item from the keys of a patch, which name it by its index, its id, or both."""
        items, index = self.state["items"], known.get("currentItem")
        if index is not None and index >= len(items):
            raise _refusal(
                "currentItem", f"There is no item {index}; the portal view has {len(items)}, counted from 0."
            )
        by_index = items[index]["id"] if index is not None else None
        wanted = known.get("currentItemId", by_index)
        if "currentItem" in known and wanted != by_index:
            raise _refusal("currentItemId", "It is not the id of the item that currentItem names: send one of them.")
        if "currentItem" in known or "currentItemId" in known:
            if wanted is not None and find_item(items, wanted) is None:
                raise _refusal("currentItemId", f"There is no item “{named(wanted)}”.")
            self.state["currentItemId"] = wanted

    def _patch_item(self, change: ItemPatch) -> None:
        index = self._find(change.item_id)
        old = self.state["items"][index]
        self._put(index, _merged(old, change.patch))
        self._note(change.item_id, _merged(self._naive.get(change.item_id, old), change.sent))
        self.named_items.setdefault(change.item_id, set()).update(change.patch)

    def _add(self, change: ItemAddition) -> None:
        items, index = self.state["items"], change.index
        if len(items) >= MAX_ITEMS:
            raise _refusal("payload", f"The portal view has {len(items)} items; at most {MAX_ITEMS} are possible.")
        if index is not None and index > len(items):
            raise _refusal(
                "index", f"The portal view has {len(items)} items: the last place for another is {len(items)}."
            )
        taken = {item["id"] for item in items}
        item = dict(change.item)
        if item.get("id") in taken:
            raise _refusal("id", f"There is an item “{named(item['id'])}” already; ids must be unique.")
        if "id" not in item:
            item = {"id": made_up_id(item, taken, self._key, self._numbers), **item}
        place = len(items) if index is None else index
        self.state["items"] = [*items[:place], item, *items[place:]]
        self.is_restructured = True
        self._item_ids.append(item["id"])
        self._note(item["id"], {**change.sent, "id": item["id"]})
        self.added.add(item["id"])

    def _remove(self, item_id: str) -> None:
        index, items = self._find(item_id), self.state["items"]
        self.state["items"] = [*items[:index], *items[index + 1 :]]
        self.is_written = self.is_restructured = True
        self._naive.pop(item_id, None)
        self.named_items.pop(item_id, None)

    def _move(self, change: ItemMove) -> None:
        index, items = self._find(change.item_id), self.state["items"]
        if change.index >= len(items):
            raise _refusal("index", f"The portal view has {len(items)} items: the last place is {len(items) - 1}.")
        rest = [*items[:index], *items[index + 1 :]]
        self.state["items"] = [*rest[: change.index], items[index], *rest[change.index :]]
        self.moved.add(change.item_id)
        low, high = sorted((index, change.index))
        if not self._seen_before.isdisjoint(item["id"] for item in items[low : high + 1] if item is not items[index]):
            self.moved_for_viewers.add(change.item_id)
        self.is_written = self.is_restructured = True

    @cached_property
    def _seen_before(self) -> frozenset[str]:
        return frozenset(item["id"] for item in self.before["items"] if is_seen(item))

    def _step(self, step: int) -> None:
        encounter = self.state["encounter"]
        self.state["encounter"] = after = stepped(encounter, step)
        self.is_written = self.is_written or after is not encounter

    def _find(self, item_id: str) -> int:
        index = find_item(self.state["items"], item_id, self.places.get(item_id, -1))
        if index is None:
            sentence = f"There is no item “{named(item_id)}”."
            raise NoSuchItem(f"Nothing was changed: itemId: {sentence}", {"itemId": sentence})
        self.places[item_id] = index
        return index

    def _put(self, index: int, item: Mapping[str, Any]) -> None:
        self.state["items"] = items = self.state["items"].copy()
        items[index] = item

    def _note(self, item_id: str, naive: Mapping[str, Any]) -> None:
        """Note that an item is written, and what its sender knows of it."""
        self._naive[item_id] = naive
        self.is_written = True

    def _settle(self, before: State, *, sets_camera: bool) -> None:
        """The consequences of one change: what is current, the camera, the encounter, and who is revealed."""
        state = self.state
        items, current = state["items"], state["currentItemId"]
        if items is not before["items"] and state["encounter"] is not None:
            state["encounter"] = without(state["encounter"], {item["id"] for item in items}.__contains__)
        place = None if current is None else find_item(items, current)
        state["currentItem"], state["currentItemId"] = place, None if place is None else current
        changed = state["currentItemId"] != before["currentItemId"]
        if changed and state["autoResetImageState"] and not sets_camera:
            state["camera"] = None
        self._reveal(before["encounter"], state["encounter"])

    def _reveal(self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
        """Make the item visible that has the turn now, if it waited for that."""
        if after is None or after["turn"] is None or (before and _moment(before) == _moment(after)):
            return
        index = find_item(self.state["items"], after["turn"])
        if index is None or self.state["items"][index].get(REVEAL_ON_TURN) is not True:
            return
        old = self.state["items"][index]
        self._put(index, {**_merged(old, {REVEAL_ON_TURN: None}), "visible": True})
        self._note(after["turn"], self._naive.get(after["turn"], old))
        self.named_items.setdefault(after["turn"], set())

    def _beyond(self, started: State, sent: Mapping[str, Any]) -> dict[str, Any]:
        """What the message changed beyond what it said."""
        state = self.state
        beyond = {key: state[key] for key in SETTLED if not same(sent.get(key, started[key]), state[key])}
        if self._naive_items is not None and not self._is_as_sent():
            return {**beyond, "items": state["items"]}
        changes = list(self._corrections())
        return {**beyond, "changes": changes} if changes else beyond

    def _is_as_sent(self) -> bool:
        """Whether the stored items, apart from those written since, are the ones that were sent, in the same order."""
        items = self.state["items"]
        return self._naive_items is items or (
            not self._item_ids and same(self._naive_items, [self._naive.get(item["id"], item) for item in items])
        )

    def _corrections(self) -> Iterable[dict[str, Any]]:
        for item_id, naive in self._naive.items():
            index = find_item(self.state["items"], item_id, self.places.get(item_id, -1))
            assert index is not None  # noqa: S101  # an item that is removed is not noted any more
            if wrong := delta(naive, self.state["items"][index]):
                yield {"type": "item-updated", "payload": {**wrong, "itemId": item_id}, "index": index}


def _merged(item: Mapping[str, Any], patch: Mapping[str, Any]) -> Item:
    """The item after a patch, in which null removes a key (RFC 7396, without its nesting)."""
    return {key: value for key, value in {**item, **patch}.items() if value is not None or key not in patch}


def _moment(encounter: Mapping[str, Any]) -> tuple[Any, Any]:
    return encounter["round"], encounter["turn"]


def _refusal(key: str, sentence: str) -> InvalidPayload:
    return InvalidPayload(f"Nothing was changed: {key}: {sentence}", {key: sentence})
