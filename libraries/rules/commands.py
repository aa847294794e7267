"""What viewers get of a payload that is only relayed: a command, or a controller's `sync-response`. Pure.

In one line: what is sent flat or under `public`, is shown. Other objects and lists go to controllers only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from libraries.rules import net
from libraries.rules.disclosure import NOTHING, Disclosure
from libraries.rules.encounter import without
from libraries.rules.items import FREE, is_seen, revealed, switches_of
from libraries.rules.projection import SETTLED, settled_seen, shown_items
from libraries.rules.state import FIELDS, find_item, normal_items

OBJECTS = frozenset({"pointer", FREE})
"""The keys of a command whose objects viewers get, but for the names that stay hidden."""
_BUILT = frozenset({"items", *SETTLED})


def project_command(
    payload: Mapping[str, Any], state: Mapping[str, Any] | None, disclosure: Disclosure = NOTHING
) -> dict[str, Any]:
    """The keys of a command that viewers get, under the switches of the stored `state`.

    Keys about items are treated as those of a state. Without a state all switches are off, these keys are left out, and
    so is what a blackout hides.
    """
    is_black = state is None or state["blackout"]
    on = frozenset[str]() if state is None else revealed(*switches_of({}, state))
    seen: dict[str, Any] = {}
    for key, value in payload.items():
        if key in _BUILT or net.is_struck(key, on):
            continue
        if not isinstance(value, Mapping | list | tuple):
            seen[key] = value
        elif key in OBJECTS and not is_black and isinstance(value, Mapping):
            seen[key] = net.strike(value, on)
    return seen if state is None else {**seen, **_built(payload, state, disclosure)}


def project_sync(
    payload: Mapping[str, Any], state: Mapping[str, Any], disclosure: Disclosure = NOTHING
) -> dict[str, Any]:
    """A `sync-response` as viewers get it: known keys only, under the stored switches.

    An item that is stored as unseen is left out, whatever the payload says.
    """
    flat = {key: value for key, value in payload.items() if key in FIELDS and key not in _BUILT}
    return {**flat, **_built(payload, state, disclosure)}


def needs_flags(payload: Mapping[str, Any]) -> bool:
    """Whether the part of a command that viewers get depends on the stored state."""
    return any(
        key in _BUILT or net.rows_of(key) or (key in OBJECTS and isinstance(value, Mapping))
        for key, value in payload.items()
    )


def _built(payload: Mapping[str, Any], state: Mapping[str, Any], disclosure: Disclosure) -> dict[str, Any]:
    """The keys of a payload about items, built like those of a state."""
    if _BUILT.isdisjoint(payload):
        return {}
    view = _view(payload, state)
    seen = {key: value for key, value in settled_seen(view).items() if key in payload}
    return {**seen, "items": shown_items(view, disclosure)} if "items" in payload else seen


def _view(payload: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """The stored state with those keys of the payload in place of its own."""
    given, items = payload.get("items"), state["items"]
    if isinstance(given, list):
        unseen = {item["id"] for item in items if not is_seen(item)}
        items = [_unless(item, unseen) for item in normal_items(given)]
    current = payload.get("currentItem")
    if "currentItem" not in payload:
        current = find_item(items, payload.get("currentItemId", state["currentItemId"]))
    is_place = type(current) is int and 0 <= current < len(items)
    encounter = payload.get("encounter", state["encounter"])
    if isinstance(encounter, Mapping):
        encounter = without(encounter, {item.get("id") for item in items}.__contains__)
    return {
        **state,
        "items": items,
        "currentItem": current if is_place else None,
        "currentItemId": items[current].get("id") if is_place else None,
        "camera": payload.get("camera", state["camera"]),
        "encounter": encounter,
    }


def _unless(item: object, stored_unseen: Collection[str]) -> Mapping[str, Any]:
    """The item; an unseen one in its place if it is none, or stored as unseen."""
    if not isinstance(item, Mapping):
        return {"visible": False}
    return {"id": item["id"], "visible": False} if item.get("id") in stored_unseen else item
