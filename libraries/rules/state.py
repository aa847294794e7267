"""A portal view's state: its allowed content, and how a patch is applied to it. Pure.

A state is a dict with the keys of `FIELDS` and of `READ_ONLY`, in the form that is sent to a controller. Functions here
never change their arguments. The part of a state that a viewer may see is in `libraries.rules.projection`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from libraries.rules.errors import InvalidPayload, few_details, named
from libraries.rules.health import DISPLAYS
from libraries.rules.items import SHOW_KEYS, visibilities
from libraries.rules.keys import check_no_prototype
from libraries.rules.names import check_name
from libraries.rules.values import check_value

State = dict[str, Any]

MAX_ITEMS = 500
MAX_STATE_BYTES = 1024 * 1024
SIZE_BLOCK = 1024
MAX_NAME_CHARS = 200
MAX_ITEM_ID_CHARS = 128
MAX_DETAILS = 20
"""After this many bad keys the check stops; an answer has no room for more."""
HEALTH_DISPLAYS = DISPLAYS
READ_ONLY = frozenset({"id", "libraryId", "version", "epoch", "createdAt", "updatedAt"})

ITEM_DEPTH = 3
"""The nesting level of an item: state, items, item."""


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a portal view: the model's column, and a check that raises ValueError with a sentence."""

    column: str
    check: Callable[[Any], None]
    normal: Callable[[Any], Any] = lambda value: value
    """The form in which a checked value is stored."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A checked payload: `known` is stored, `relayed` is only sent to the others."""

    known: dict[str, Any]
    relayed: dict[str, Any]


def merged(patches: Iterable[Patch]) -> Patch:
    """One patch that means the same as all of them, one after the other."""
    known: dict[str, Any] = {}
    relayed: dict[str, Any] = {}
    for patch in patches:
        known.update(patch.known)
        relayed.update(patch.relayed)
    return Patch(known, relayed)


def _check_flag(value: object) -> None:
    if not isinstance(value, bool):
        raise ValueError("Must be true or false.")


def _check_name(value: object) -> None:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME_CHARS:
        raise ValueError(f"Must be text of 1 to {MAX_NAME_CHARS} characters.")
    check_name(value)


def _check_health_display(value: object) -> None:
    if value not in HEALTH_DISPLAYS:
        raise ValueError(f"Must be one of {', '.join(HEALTH_DISPLAYS)}.")


def _check_current_item(value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MAX_ITEMS:
        raise ValueError("Must be the index of an item, counted from 0, or null.")


def _check_items(value: object) -> None:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise ValueError(f"Must be a list of at most {MAX_ITEMS} items.")
    seen: set[str] = set()
    for index, item in enumerate(value):
        if not isinstance(item, Mapping):
            raise ValueError(f"Item {index} must be an object.")
        _check_item_id(item.get("id"), f"Item {index} needs an id: ")
        if item["id"] in seen:
            raise ValueError(f"Item {index} repeats the id “{named(item['id'])}”; ids must be unique.")
        seen.add(item["id"])
        for place, sentence in _bad_rules(item):
            raise ValueError(f"Item {index}: {place} {sentence}.")


def _check_item_id(value: object, lead: str = "") -> None:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ITEM_ID_CHARS:
        raise ValueError(f"{lead}Must be text of 1 to {MAX_ITEM_ID_CHARS} characters.")
    check_no_prototype(value)


def _bad_rules(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each bad key that says what viewers see of an item, with the end of a sentence."""
    for key, value, _ in visibilities(item):
        if value is not None and not isinstance(value, bool):
            yield named(key), "must be true or false"
    show = item.get("show")
    if show is None:
        return
    if not isinstance(show, Mapping):
        yield "show", f"must be an object with some of {', '.join(SHOW_KEYS)}"
        return
    for key, value in show.items():
        if key not in SHOW_KEYS:
            yield f"show.{named(key)}", f"is not one of {', '.join(SHOW_KEYS)}"
        elif not isinstance(value, bool) and (key != "health" or value not in HEALTH_DISPLAYS):
            also = f"{', '.join(HEALTH_DISPLAYS)}, " if key == "health" else ""
            yield f"show.{key}", f"must be {also}true or false"


def normal_items(items: Iterable[Any]) -> list[Any]:
    """The items with one `visible` each, for `hidden` and for every spelling of both; null is no value.

    A contradiction means unseen, and so does anything but true and false, which only data stored earlier can have.
    """
    return [_normal_item(item) if isinstance(item, Mapping) else item for item in items]


def _normal_item(item: Mapping[str, Any]) -> dict[str, Any]:
    found = list(visibilities(item))
    if not found or (len(found) == 1 and isinstance(item.get("visible"), bool)):
        return dict(item)
    keys = {key for key, _, _ in found}
    said = [value is wanted for _, value, wanted in found if value is not None]
    rest = {key: value for key, value in item.items() if key not in keys}
    return {**rest, "visible": all(said)} if said else rest


FIELDS: dict[str, Field] = {
    "name": Field("name", _check_name),
    "showEncounter": Field("show_encounter", _check_flag),
    "showHealth": Field("show_health", _check_flag),
    "showAC": Field("show_ac", _check_flag),
    "showActions": Field("show_actions", _check_flag),
    "showConditions": Field("show_conditions", _check_flag),
    "healthDisplay": Field("health_display", _check_health_display),
    "autoResetImageState": Field("auto_reset_image_state", _check_flag),
    "blackout": Field("blackout", _check_flag),
    "currentItem": Field("current_item", _check_current_item),
    "items": Field("items", _check_items, normal_items),
}


def check_patch(payload: object) -> Patch:
    """Split a payload's keys into stored and relayed ones; read-only keys are checked, and dropped.

    Raises InvalidPayload, with a sentence for each bad key, unless every value may be stored or relayed.
    """
    if not isinstance(payload, Mapping):
        raise InvalidPayload("A payload must be an object.")
    details: dict[str, str] = {}
    patch = Patch({}, {})
    for key, value in payload.items():
        field = FIELDS.get(key)
        try:
            check_value({key: value})  # also for read-only keys: a `sync-response` is relayed with them
            if field is not None:
                field.check(value)
        except ValueError as error:
            details[key] = str(error)
            if len(details) == MAX_DETAILS:
                break
        if key not in READ_ONLY:
            (patch.relayed if field is None else patch.known)[key] = value
    if details:
        raise InvalidPayload(f"Nothing was changed: {_summary(details)}", details)
    return Patch({key: FIELDS[key].normal(value) for key, value in patch.known.items()}, patch.relayed)


def check_item_patch(item_id: object, payload: object) -> dict[str, Any]:
    """The keys that an item update changes, without `itemId` and the id itself; InvalidPayload if any is bad.

    They have one `visible`: null unsets it, and so makes the item visible.
    """
    if not isinstance(payload, Mapping):
        raise InvalidPayload("A payload must be an object.")
    details: dict[str, str] = {}
    try:
        check_value(item_id)
        _check_item_id(item_id)
    except ValueError as error:
        details["itemId"] = str(error)
    patch = {key: value for key, value in payload.items() if key not in {"itemId", "id"}}
    if payload.get("itemId", item_id) != item_id:
        details["itemId"] = "The message names two different items."
    if payload.get("id", item_id) != item_id:
        details["id"] = "An item's id can't be changed by an item update."
    for key, value in patch.items():
        try:
            check_value({key: value}, ITEM_DEPTH)
        except ValueError as error:
            details[key] = str(error)
            if len(details) == MAX_DETAILS:
                break
    bad = islice(_bad_rules(patch), MAX_DETAILS)
    details |= {place: f"{sentence[0].upper()}{sentence[1:]}." for place, sentence in bad}
    if details:
        raise InvalidPayload(f"Nothing was changed: {_summary(details)}", details)
    unset = any(True for _ in visibilities(patch))
    normal = _normal_item(patch)
    return {**normal, "visible": True} if unset and "visible" not in normal else normal


def _summary(details: Mapping[str, str]) -> str:
    few = few_details(details)
    return " ".join(f"{key}: {sentence}" for key, sentence in few.items()) + (
        " And there are more." if len(few) < len(details) else ""
    )


def apply_patch(state: State, known: Mapping[str, Any]) -> State:
    """The state after a checked patch.

    A `currentItem` named by the patch must exist (else InvalidPayload). An older `currentItem` beyond the end of a new,
    shorter list becomes null: showing nothing is better than showing a wrong item.
    """
    after = {**state, **known}
    current = after["currentItem"]
    if current is not None and current >= len(after["items"]):
        if known.get("currentItem") is not None:
            sentence = f"There is no item {current}; the portal view has {len(after['items'])}, counted from 0."
            raise InvalidPayload(f"Nothing was changed: currentItem: {sentence}", {"currentItem": sentence})
        after["currentItem"] = None
    return after


def find_item(items: list[dict[str, Any]], item_id: str) -> int | None:
    """The index of the item with that id, or None."""
    return next((index for index, item in enumerate(items) if item["id"] == item_id), None)


def apply_item_patch(items: list[dict[str, Any]], index: int, patch: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items with a checked patch merged, shallowly, into the item at `index`."""
    return [*items[:index], {**items[index], **patch}, *items[index + 1 :]]


def size_of(state: State) -> int:
    """The size of the state as JSON in bytes, without read-only keys."""
    return len(msgspec.json.encode({key: state[key] for key in FIELDS}))


def blocks_of(size: int) -> int:
    """A number of bytes, rounded up to full blocks: the stored value, which a library's quota counts.

    So only the few writes that fill another block update the number, which has an index, and query the quota.
    """
    return -(-size // SIZE_BLOCK) * SIZE_BLOCK


def check_size(state: State) -> int:
    """The size of the state as JSON in bytes; InvalidPayload if it is more than 1 MiB."""
    size = size_of(state)
    if size > MAX_STATE_BYTES:
        sentence = f"The portal view would be {size} bytes long; at most {MAX_STATE_BYTES} are possible."
        raise InvalidPayload(f"Nothing was changed: {sentence}", {"items": sentence})
    return size
