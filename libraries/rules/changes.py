"""The changes of a portal view's state that a client can ask for, checked. Pure.

A change is a JSON object with a `type`, the same over sockets, in REST and in a batch (`docs/protocol.md`). `CHECKS` is
the table of types. Whether a change fits the state it is applied to is checked in `libraries.rules.draft`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from libraries.rules.addresses import MAX_MESSAGE_IMAGE_CHARS
from libraries.rules.errors import MAX_DETAIL_CHARS, BadValue, InvalidPayload, check_below
from libraries.rules.item_ids import check_item_id, text_id
from libraries.rules.items import visibilities
from libraries.rules.places import part, path, told
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


def check_item_patch(item_id: object, payload: object, most: int = MAX_MESSAGE_IMAGE_CHARS) -> ItemPatch:
    """The patch of an item; InvalidPayload if anything is bad. The id can be in the payload, too, and not be changed.

    A `visible` or `hidden` that is null makes the item visible. A `data:` image may have `most` characters.
    """
    body = _payload(payload)
    details = bad_id(item_id)
    sent = {key: value for key, value in body.items() if key not in {"itemId", "id"}}
    if text_id(body.get("itemId", item_id)) != text_id(item_id):
        details["itemId"] = "The message names two different items."
    if text_id(body.get("id", item_id)) != text_id(item_id):
        details["id"] = "An item's id can't be changed by an item update."
    _check_item_values(sent, details, most)
    normal = normal_item(sent)
    if "visible" not in normal and any(True for _ in visibilities(sent)):
        normal = {**normal, "visible": True}
    return ItemPatch(str(item_id), normal, sent)


def check_addition(payload: object, index: object = None, most: int = MAX_MESSAGE_IMAGE_CHARS) -> ItemAddition:
    """A new item; InvalidPayload if anything is bad. A `data:` image may have `most` characters."""
    sent = _payload(payload)
    details: dict[str, str] = {} if index is None else _bad_index(index)
    if sent.get("id") is not None:
        details |= bad_id(sent["id"], "id")
    _check_item_values(sent, details, most)
    return ItemAddition(normal_item(sent), index if isinstance(index, int) else None, sent)


def check_removal(item_id: object) -> ItemRemoval:
    """The removal of an item; InvalidPayload for a bad id."""
    _refuse_any(bad_id(item_id))
    return ItemRemoval(str(item_id))


def check_move(item_id: object, index: object) -> ItemMove:
    """The move of an item; InvalidPayload for a bad id or index."""
    _refuse_any(bad_id(item_id) | _bad_index(index))
    assert isinstance(index, int)  # noqa: S101  # just checked
    return ItemMove(str(item_id), index)


def _item_patch(body: Mapping[str, Any], most: int) -> Change:
    payload = body.get("payload")
    item_id = body.get("itemId")
    if item_id is None and isinstance(payload, Mapping):
        item_id = payload.get("itemId")
    if item_id is None:
        raise InvalidPayload("An item update needs the item's id as itemId.", {"itemId": "This is required."})
    return check_item_patch(item_id, payload, most)


CHECKS: dict[str, Callable[[Mapping[str, Any], int], Change]] = {
    "portal-view-update": lambda body, most: ViewPatch(check_patch(_payload(body.get("payload")), most)),
    "item-update": _item_patch,
    "item-add": lambda body, most: check_addition(body.get("payload"), body.get("index"), most),
    "item-remove": lambda body, most: check_removal(body.get("itemId")),
    "item-move": lambda body, most: check_move(body.get("itemId"), body.get("index")),
    "encounter-next": lambda body, most: TurnStep(1),
    "encounter-previous": lambda body, most: TurnStep(-1),
}
"""By the type of a change: a check of its body, and of `data:` images of at most so many characters."""


def check_change(kind: str, body: Mapping[str, Any], most: int = MAX_MESSAGE_IMAGE_CHARS) -> Change:
    """A change of that type; InvalidPayload, with the places of bad values in its payload, if anything is bad."""
    return CHECKS[kind](body, most)


_OF_ENVELOPE = frozenset({"itemId", "index", "payload"})


def check_changes(changes: object, most: int = MAX_MESSAGE_IMAGE_CHARS) -> tuple[Change, ...]:
    """The changes of a batch; InvalidPayload, with the place of each bad value, unless all of them are good.

    A batch holds only what is stored: a key that would be relayed is refused. A `data:` image may have `most`
    characters.
    """
    if not isinstance(changes, list) or not 0 < len(changes) <= MAX_CHANGES:
        sentence = told(f"Must be a list of 1 to {MAX_CHANGES} changes.", changes)
        raise InvalidPayload(f"Nothing was changed: changes: {sentence}", {"changes": sentence})
    checked: list[Change] = []
    details: dict[str, str] = {}
    for place, body in enumerate(changes):
        if (kind := _kind(body)) is None:
            details[f"changes[{place}].type"] = f"Must be one of {', '.join(CHECKS)}."
        else:
            try:
                checked.append(_check_one(kind, body, most))
            except InvalidPayload as error:
                details |= placed(error, place, body.get("payload"))
        if len(details) >= MAX_DETAILS:
            break
    # A change takes more than 16 characters, so the answer to many may be longer.
    _refuse_any(details, MAX_DETAIL_CHARS + 16 * len(changes))
    return tuple(checked)


def _kind(body: object) -> str | None:
    kind = body.get("type") if isinstance(body, Mapping) else None
    return kind if isinstance(kind, str) and kind in CHECKS else None


def _check_one(kind: str, body: Mapping[str, Any], most: int) -> Change:
    change = check_change(kind, body, most)
    if isinstance(change, ViewPatch) and change.patch.relayed:
        sentence = "Is no key of a portal view; a batch holds only what is stored."
        relayed = islice(change.patch.relayed, MAX_DETAILS)
        raise InvalidPayload(sentence, {path(part(key)): sentence for key in relayed})
    return change


def placed(error: InvalidPayload, place: int, payload: object) -> dict[str, str]:
    """The details of a refused change of a batch by their places in it; `payload` is that of the change, if any."""
    details = {}
    for key, sentence in (error.details or {"payload": error.message}).items():
        below = key if key.startswith("[") else f".{key}"
        details[path(f"changes[{place}]{'.payload' if _is_inside(key, payload) else ''}{below}")] = sentence
    return details


def _is_inside(key: str, payload: object) -> bool:
    return isinstance(payload, Mapping) and (key not in _OF_ENVELOPE or key in payload)


def _payload(payload: object) -> Mapping[str, Any]:
    if not isinstance(payload, Mapping):
        raise InvalidPayload("A payload must be an object.", {"payload": "Must be an object."})
    return payload


def bad_id(item_id: object, key: str = "itemId") -> dict[str, str]:
    """What is wrong with a value that should be the id of an item, by its key; nothing for a good one."""
    try:
        check_value({key: item_id})
        check_below(key, check_item_id, item_id)
    except BadValue as error:
        return {key: error.sentence}
    return {}


def _bad_index(index: object) -> dict[str, str]:
    is_index = isinstance(index, int) and not isinstance(index, bool) and 0 <= index < MAX_ITEMS
    return {} if is_index else {"index": told(f"Must be a whole number from 0 to {MAX_ITEMS - 1}.", index)}


def _check_item_values(item: Mapping[str, Any], details: dict[str, str], most: int) -> None:
    """Add what is bad in an item, or in a patch of one, to the details; InvalidPayload if there are any."""
    for key, value in item.items():
        try:
            check_value({key: value}, ITEM_DEPTH, most=most)
        except BadValue as error:
            details[error.path] = error.sentence
            if len(details) >= MAX_DETAILS:
                break
    details |= {bad.path: bad.sentence for bad in islice(bad_rules(item), MAX_DETAILS)}
    _refuse_any(details)


def _refuse_any(details: Mapping[str, str], room: int = MAX_DETAIL_CHARS) -> None:
    if details:
        raise InvalidPayload(f"Nothing was changed: {summary(details)}", details, room)


def names_any(change: Change, keys: Collection[str]) -> bool:
    """Whether the change is a patch of the portal view that names one of the keys."""
    return isinstance(change, ViewPatch) and not change.patch.known.keys().isdisjoint(keys)
