"""The changes of a portal view's state that a client can ask for, checked. Pure.

A change is a JSON object with a `type`, the same over sockets, in REST and in a batch (`docs/protocol.md`). `CHECKS` is
the table of types. Whether a change fits the state it is applied to is checked in `libraries.rules.draft`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from libraries.rules.errors import InvalidPayload, named
from libraries.rules.item_ids import check_item_id, text_id
from libraries.rules.items import visibilities
from libraries.rules.state import MAX_DETAILS, MAX_ITEMS, Patch, bad_rules, check_patch, normal_item, summary
from libraries.rules.values import check_value

MAX_CHANGES = 1000
"""The most changes in one batch."""
ITEM_DEPTH = 3
"""The nesting level of an item: state, items, item."""


@dataclass(frozen=True, slots=True)
class ViewPatch:
    """A shallow patch of the portal view."""

    patch: Patch


@dataclass(frozen=True, slots=True)
class ItemPatch:
    """A shallow patch of one item; null removes a key. `sent` is the patch as the client sent it."""

    item_id: str
    patch: Mapping[str, Any]
    sent: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ItemAddition:
    """A new item at `index`, or at the end. `sent` is the item as the client sent it; neither needs an id."""

    item: Mapping[str, Any]
    index: int | None
    sent: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ItemRemoval:
    """An item is removed."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ItemMove:
    """An item is moved to `index` of the list after the move."""

    item_id: str
    index: int


@dataclass(frozen=True, slots=True)
class TurnStep:
    """The turn of the encounter goes one entry on (1) or back (-1)."""

    step: int


Change = ViewPatch | ItemPatch | ItemAddition | ItemRemoval | ItemMove | TurnStep


def check_item_patch(item_id: object, payload: object) -> ItemPatch:
    """The patch of an item; InvalidPayload if anything is bad. The id can be in the payload, too, and not be changed.

    A `visible` or `hidden` that is null makes the item visible.
    """
    body = _payload(payload)
    details = _bad_id(item_id)
    sent = {key: value for key, value in body.items() if key not in {"itemId", "id"}}
    if text_id(body.get("itemId", item_id)) != text_id(item_id):
        details["itemId"] = "The message names two different items."
    if text_id(body.get("id", item_id)) != text_id(item_id):
        details["id"] = "An item's id can't be changed by an item update."
    _check_item_values(sent, details)
    normal = normal_item(sent)
    if "visible" not in normal and any(True for _ in visibilities(sent)):
        normal = {**normal, "visible": True}
    return ItemPatch(str(item_id), normal, sent)


def check_addition(payload: object, index: object = None) -> ItemAddition:
    """A new item; InvalidPayload if anything is bad."""
    sent = _payload(payload)
    details: dict[str, str] = {} if index is None else _bad_index(index)
    if sent.get("id") is not None:
        details |= _bad_id(sent["id"], "id")
    _check_item_values(sent, details)
    return ItemAddition(normal_item(sent), index if isinstance(index, int) else None, sent)


def check_removal(item_id: object) -> ItemRemoval:
    """The removal of an item; InvalidPayload for a bad id."""
    _refuse_any(_bad_id(item_id))
    return ItemRemoval(str(item_id))


def check_move(item_id: object, index: object) -> ItemMove:
    """The move of an item; InvalidPayload for a bad id or index."""
    _refuse_any(_bad_id(item_id) | _bad_index(index))
    assert isinstance(index, int)  # noqa: S101  # just checked
    return ItemMove(str(item_id), index)


def _view_patch(body: Mapping[str, Any]) -> Change:
    return ViewPatch(check_patch(_payload(body.get("payload"))))


def _item_patch(body: Mapping[str, Any]) -> Change:
    payload = body.get("payload")
    item_id = body.get("itemId")
    if item_id is None and isinstance(payload, Mapping):
        item_id = payload.get("itemId")
    if item_id is None:
        raise InvalidPayload("An item update needs the item's id as itemId.", {"itemId": "This is required."})
    return check_item_patch(item_id, payload)


CHECKS: dict[str, Callable[[Mapping[str, Any]], Change]] = {
    "portal-view-update": _view_patch,
    "item-update": _item_patch,
    "item-add": lambda body: check_addition(body.get("payload"), body.get("index")),
    "item-remove": lambda body: check_removal(body.get("itemId")),
    "item-move": lambda body: check_move(body.get("itemId"), body.get("index")),
    "encounter-next": lambda body: TurnStep(1),
    "encounter-previous": lambda body: TurnStep(-1),
}
"""By the type of a change; a `batch` is a list of them."""

_OF_ENVELOPE = frozenset({"type", "itemId", "index"})


def check_changes(changes: object) -> tuple[Change, ...]:
    """The changes of a batch; InvalidPayload, with the place of each bad value, unless all of them are good.

    A batch holds only what is stored: a key that would be relayed is refused.
    """
    if not isinstance(changes, list) or not 0 < len(changes) <= MAX_CHANGES:
        sentence = f"Must be a list of 1 to {MAX_CHANGES} changes."
        raise InvalidPayload(f"Nothing was changed: changes: {sentence}", {"changes": sentence})
    checked: list[Change] = []
    details: dict[str, str] = {}
    for place, body in enumerate(changes):
        try:
            checked.append(_check_one(body))
        except InvalidPayload as error:
            details |= placed(error, place, body)
            if len(details) >= MAX_DETAILS:
                break
    _refuse_any(details)
    return tuple(checked)


def _check_one(body: object) -> Change:
    if not isinstance(body, Mapping) or not isinstance(kind := body.get("type"), str) or kind not in CHECKS:
        sentence = f"Must be one of {', '.join(CHECKS)}."
        raise InvalidPayload(sentence, {"type": sentence})
    change = CHECKS[kind](body)
    if isinstance(change, ViewPatch) and change.patch.relayed:
        sentence = "Is no key of a portal view; a batch holds only what is stored."
        relayed = islice(change.patch.relayed, MAX_DETAILS)
        raise InvalidPayload(sentence, {key: sentence for key in relayed})
    return change


def placed(error: InvalidPayload, place: int, body: object) -> dict[str, str]:
    """The details of a refused change of a batch, by their places in it."""
    inside = body.get("payload") if isinstance(body, Mapping) else None
    return {
        f"changes[{place}].{'payload.' if _is_inside(key, inside) else ''}{key}": sentence
        for key, sentence in (error.details or {"type": error.message}).items()
    }


def _is_inside(key: str, payload: object) -> bool:
    return isinstance(payload, Mapping) and (key not in _OF_ENVELOPE or (key == "itemId" and key in payload))


def _payload(payload: object) -> Mapping[str, Any]:
    if not isinstance(payload, Mapping):
        raise InvalidPayload("A payload must be an object.", {"payload": "Must be an object."})
    return payload


def _bad_id(item_id: object, key: str = "itemId") -> dict[str, str]:
    try:
        check_value(item_id)
        check_item_id(item_id)
    except ValueError as error:
        return {key: str(error)}
    return {}


def _bad_index(index: object) -> dict[str, str]:
    is_index = isinstance(index, int) and not isinstance(index, bool) and 0 <= index < MAX_ITEMS
    return {} if is_index else {"index": f"Must be a whole number from 0 to {MAX_ITEMS - 1}."}


def _check_item_values(item: Mapping[str, Any], details: dict[str, str]) -> None:
    """Add what is bad in an item, or in a patch of one, to the details; InvalidPayload if there are any."""
    for key, value in item.items():
        try:
            check_value({key: value}, ITEM_DEPTH)
        except ValueError as error:
            details[f"{named(key)}{getattr(error, 'place', '')}"] = str(error)
            if len(details) >= MAX_DETAILS:
                break
    details |= dict(islice(bad_rules(item), MAX_DETAILS))
    _refuse_any(details)


def _refuse_any(details: Mapping[str, str]) -> None:
    if details:
        raise InvalidPayload(f"Nothing was changed: {summary(details)}", details)


def names_any(change: Change, keys: Collection[str]) -> bool:
    """Whether the change is a patch of the portal view that names one of the keys."""
    return isinstance(change, ViewPatch) and not change.patch.known.keys().isdisjoint(keys)
