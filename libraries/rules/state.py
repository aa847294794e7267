"""A portal view's state: its allowed content, and how a patch is applied to it. Pure.

A state is a dict with the keys of `FIELDS` and of `READ_ONLY`, in the form that is sent to a controller. Functions here
never change their arguments. The part of a state that a viewer may see is in `libraries.rules.projection`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_
from typing import Any

import msgspec

from libraries.rules.addresses import MAX_MESSAGE_IMAGE_CHARS
from libraries.rules.camera import check_camera, normal_camera
from libraries.rules.encounter import check_encounter, normal_encounter, without
from libraries.rules.errors import BadValue, InvalidPayload, check_below, few_details
from libraries.rules.health import DISPLAYS
from libraries.rules.item_ids import MAX_ITEM_ID_CHARS as MAX_ITEM_ID_CHARS
from libraries.rules.item_ids import check_item_id, text_id
from libraries.rules.items import REVEAL_ON_TURN, SHOW_KEYS, visibilities
from libraries.rules.names import check_name
from libraries.rules.places import excerpt, told
from libraries.rules.values import check_value

State = dict[str, Any]

MAX_ITEMS = 500
MAX_STATE_BYTES = 1024 * 1024
SIZE_BLOCK = 1024
MAX_NAME_CHARS = 200
NOT_IN_HEAD = frozenset({"items", "currentItemId", "camera", "encounter"})
"""The keys that lists leave out: viewers see them only as far as they see the items."""
MAX_DETAILS = 20
"""After this many bad keys the check stops; an answer has no room for more."""
HEALTH_DISPLAYS = DISPLAYS
READ_ONLY = frozenset({"id", "libraryId", "version", "epoch", "createdAt", "updatedAt"})


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a portal view: the model's column, and a check that raises ValueError with a sentence."""

    column: str
    check: Callable[[Any], None]
    normal: Callable[[Any], Any] = lambda value: value
    """The form in which a checked value is stored."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A checked payload: `known` is stored, `relayed` is only sent to the others.

    `sent` holds the known keys as the client sent them, where their stored form may be another one.
    """

    known: dict[str, Any]
    relayed: dict[str, Any]
    sent: Mapping[str, Any] = field(default_factory=dict)


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
    seen: dict[object, int] = {}
    for index, item in enumerate(value):
        try:
            _check_item(item, index, seen)
        except BadValue as error:
            raise error.below(index) from None


def _check_item(item: object, index: int, seen: dict[object, int]) -> None:
    if not isinstance(item, Mapping):
        raise BadValue(told("Must be an object.", item))
    if (own := item.get("id")) is not None:
        check_below("id", check_item_id, own)
        if (first := seen.setdefault(text_id(own), index)) != index:
            raise BadValue(f"Must be unique, and items[{first}] has it too; it is {excerpt(own)}.", ".id")
    for bad in bad_rules(item):
        raise bad


def _check_current_item_id(value: object) -> None:
    if value is not None:
        check_item_id(value)


def bad_rules(item: Mapping[str, Any]) -> Iterator[BadValue]:
    """An error for each bad key that says what viewers see of an item."""
    rules = [(key, value) for key, value, _ in visibilities(item)]
    for key, value in [*rules, (REVEAL_ON_TURN, item.get(REVEAL_ON_TURN))]:
        if value is not None and not isinstance(value, bool):
            yield BadValue(told("Must be true or false.", value)).below(key)
    show = item.get("show")
    if show is None:
        return
    if not isinstance(show, Mapping):
        yield BadValue(told(f"Must be an object with some of {', '.join(SHOW_KEYS)}.", show), ".show")
        return
    for key, value in show.items():
        if key not in SHOW_KEYS:
            yield BadValue(f"There is no such key; there are {', '.join(SHOW_KEYS)}.").below(key).below("show")
        elif not isinstance(value, bool) and (key != "health" or value not in HEALTH_DISPLAYS):
            also = f"{', '.join(HEALTH_DISPLAYS)}, " if key == "health" else ""
            yield BadValue(told(f"Must be {also}true or false.", value)).below(key).below("show")


def normal_items(items: list[Any]) -> list[Any]:
    """The items with ids as text and one `visible` each, for `hidden` and for every spelling of both; null is no value.

    A contradiction means unseen, and so does anything but true and false, which only data stored earlier can have. The
    same list if all of them have this form.
    """
    normal = [normal_item(item) if isinstance(item, Mapping) else item for item in items]
    return items if all(map(is_, normal, items)) else normal


def normal_item(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """One item in this form; without an id if that is null. The same object if it has this form."""
    own = item.get("id", "")
    if not isinstance(own, str):
        rest = {key: value for key, value in item.items() if key != "id"}
        item = rest if own is None else {"id": text_id(own), **rest}
    found = list(visibilities(item))
    if not found or (len(found) == 1 and isinstance(item.get("visible"), bool)):
        return item
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
    "viewersMayPoint": Field("viewers_may_point", _check_flag),
    "currentItem": Field("current_item", _check_current_item),
    "currentItemId": Field("current_item_id", _check_current_item_id, text_id),
    "camera": Field("camera", check_camera, normal_camera),
    "encounter": Field("encounter", check_encounter, normal_encounter),
    "items": Field("items", _check_items, normal_items),
}


def check_patch(payload: object, most: int = MAX_MESSAGE_IMAGE_CHARS, *, is_stored: bool = True) -> Patch:
    """Split a payload's keys into stored and relayed ones; read-only keys are checked, and dropped.

    A `data:` image may have `most` characters. Bytes are possible in keys that are relayed, and in all of them if none
    `is_stored`, as of a `sync-response`. InvalidPayload, with a sentence for each bad value by its place, unless
    every value may be stored or relayed.
    """
    if not isinstance(payload, Mapping):
        raise InvalidPayload("A payload must be an object.")
    details: dict[str, str] = {}
    patch = Patch({}, {})
    for key, value in payload.items():
        field = FIELDS.get(key)
        try:
            check_value({key: value}, most=most, is_stored=is_stored and (field is not None or key in READ_ONLY))
            if field is not None:
                check_below(key, field.check, value)
        except BadValue as error:
            details[error.path] = error.sentence
            if len(details) == MAX_DETAILS:
                break
        if key not in READ_ONLY:
            (patch.relayed if field is None else patch.known)[key] = value
    if details:
        raise InvalidPayload(f"Nothing was changed: {summary(details)}", details)
    return Patch({key: FIELDS[key].normal(value) for key, value in patch.known.items()}, patch.relayed, patch.known)


def summary(details: Mapping[str, str]) -> str:
    """The first of the details as one line."""
    few = few_details(details)
    return " ".join(f"{key}: {sentence}" for key, sentence in few.items()) + (
        " And there are more." if len(few) < len(details) else ""
    )


def find_item(items: Sequence[Mapping[str, Any]], item_id: str | None, guess: int = -1) -> int | None:
    """The index of the item with that id, or None; `guess` is an index to look at first."""
    if item_id is None:
        return None
    if 0 <= guess < len(items) and items[guess].get("id") == item_id:
        return guess
    return next((index for index, item in enumerate(items) if item.get("id") == item_id), None)


def settled(state: State) -> State:
    """The state with one idea of what is current: `currentItem` counts if the two keys disagree.

    An encounter has no entry of an item that is gone. Only a process of the release before leaves a state that is not
    so: it knows of neither key.
    """
    index, items, encounter = state["currentItem"], state["items"], state["encounter"]
    item_id = items[index].get("id") if index is not None and index < len(items) else None
    if encounter is not None:
        encounter = without(encounter, {item.get("id") for item in items}.__contains__)
    current = {"currentItem": None if item_id is None else index, "currentItemId": item_id}
    return {**state, **current, "encounter": encounter}


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
