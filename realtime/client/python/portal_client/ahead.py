"""The state with this client's waiting changes on top: a guess, until the server has answered. No I/O in here.

What the server refuses anyway, such as an index of the wrong type, is left out of the guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .fold import Message, State, as_sent, changes_of, is_named


def ahead(state: State, waiting: Iterable[Message]) -> State:
    """The state as it will be if the server takes these messages as they are.

    An item that gets its id from the server has none in the guess.
    """
    for message in waiting:
        for change in changes_of(message):
            if _makes_sense(change, state):
                state = _after(state, change)
    return state


def _after(before: State, change: Message) -> State:
    payload = change.get("payload", {})
    state = as_sent(before, change, iter([payload.get("id")]))
    step = {"encounter-next": _next, "encounter-previous": _previous}.get(change["type"])
    if step is not None and (state["encounter"] or {}).get("order"):
        state = {**state, "encounter": step(state["encounter"])}
    return _with_current(before, state, payload if change["type"] == "portal-view-update" else {})


def _with_current(before: State, state: State, patch: Message) -> State:
    """`currentItem` and `currentItemId` name the same item; another item begins without a camera if that is set."""
    items, current, place = state["items"], state["currentItemId"], state["currentItem"]
    if "currentItem" in patch and "currentItemId" not in patch:
        is_there = isinstance(place, int) and 0 <= place < len(items)
        current = items[place].get("id") if is_there else None
    elif current is not None:
        place = next((n for n, item in enumerate(items) if is_named(item, current)), None)
        current = None if place is None else current
    else:
        place = None
    is_other = current != before["currentItemId"]
    is_reset = is_other and state["autoResetImageState"] and "camera" not in patch
    return {**state, "currentItem": place, "currentItemId": current, **({"camera": None} if is_reset else {})}


def _next(encounter: Message) -> Message:
    order = [entry["itemId"] for entry in encounter["order"]]
    if encounter.get("turn") not in order:
        return {**encounter, "turn": order[0], "round": 1}
    place = order.index(encounter["turn"]) + 1
    return {**encounter, "turn": order[place % len(order)], "round": encounter["round"] + (place == len(order))}


def _previous(encounter: Message) -> Message:
    order = [entry["itemId"] for entry in encounter["order"]]
    if encounter.get("turn") not in order or (encounter["turn"] == order[0] and encounter["round"] <= 1):
        return encounter
    place = order.index(encounter["turn"])
    return {**encounter, "turn": order[place - 1], "round": encounter["round"] - (place == 0)}


_NEEDED = {
    "item-update": ("payload",),
    "item-add": ("payload",),
    "item-remove": ("itemId",),
    "item-move": ("itemId", "index"),
}


def _makes_sense(change: Message, state: State) -> bool:
    """Whether the change can be done to this state; it is what a program said, so it may be anything."""
    payload, index = change.get("payload", {}), change.get("index")
    if not state or "type" not in change or not isinstance(payload, dict) or not isinstance(index, int | None):
        return False
    if any(change.get(key) is None for key in _NEEDED.get(change["type"], ())):
        return False
    new = payload.get("id") if change["type"] == "item-add" else None
    if new is not None and any(is_named(item, new) for item in state["items"]):
        return False  # it was stored before the line was lost, and is sent again
    return _are_items(payload.get("items", [])) and _is_encounter(payload.get("encounter"))


def _are_items(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, dict) for item in items)


def _is_encounter(encounter: Any) -> bool:
    if encounter is None:
        return True
    if not isinstance(encounter, dict) or not isinstance(encounter.get("round"), int):
        return False
    order = encounter.get("order")
    return isinstance(order, list) and all(isinstance(entry, dict) and "itemId" in entry for entry in order)
