"""The current item, the camera and the encounter as viewers may see them: derived from the contract, not from the code.

A part is one thing that these keys tell, so that two values of them can be compared.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from typing import Any

from portal.tests.secret_faults import Leak, Missing
from portal.tests.secret_marks import is_seen, shown_items, shown_place, switches_of
from portal.tests.secret_names import SETTLED, State

Part = tuple[Any, ...]
_TOLD_BY_THE_MESSAGE = {"item-added", "item-removed", "item-moved", "item-updated"}


def settled_shown(state: State) -> dict[str, Any]:
    """The four keys of a stored state as viewers may see them."""
    place = shown_place(state)
    return {
        "currentItem": place,
        "currentItemId": None if place is None else shown_items(state)[place]["id"],
        "camera": None if place is None else state["camera"],
        "encounter": _encounter_shown(state),
    }


def _encounter_shown(state: State) -> dict[str, Any] | None:
    encounter = state["encounter"]
    if encounter is None or state["blackout"] or not state["showEncounter"]:
        return None
    seen = {item["id"]: item for item in shown_items(state)}
    order = [_entry_shown(entry, seen, state) for entry in encounter["order"] if entry["itemId"] in seen]
    number, turn = _turn_shown(encounter, seen)
    return {"round": number, "turn": turn, "order": order}


def _entry_shown(entry: State, seen: Mapping[str, State], state: State) -> dict[str, Any]:
    shows = switches_of(seen[entry["itemId"]], state)["showEncounter"]
    return {key: value for key, value in entry.items() if key == "itemId" or shows}


def _turn_shown(encounter: State, seen: Container[str]) -> tuple[int, str | None]:
    """The last turn of somebody whom viewers see, of all turns so far, and its round."""
    order, number = [entry["itemId"] for entry in encounter["order"]], encounter["round"]
    if encounter["turn"] is None:
        return 0, None
    turns = [(number, item_id) for item_id in order[: order.index(encounter["turn"]) + 1]]
    if number > 1:
        turns = [(number - 1, item_id) for item_id in order] + turns
    return next(((at, item_id) for at, item_id in reversed(turns) if item_id in seen), (0, None))


def synced(payload: State, state: State) -> dict[str, Any]:
    """The state that a `sync-response` describes: its own keys, and the stored ones beside them."""
    unseen = {item["id"] for item in state["items"] if not is_seen(item)}
    items = state["items"]
    if "items" in payload:
        items = [{**item, "visible": False} if item["id"] in unseen else item for item in payload["items"]]
    view = {**state, **{key: payload[key] for key in SETTLED if key in payload}, "items": items}
    if view["camera"] is not None:
        view["camera"] = {"rotation": 0, **view["camera"]}
    ids = [item["id"] for item in items]
    if "currentItem" not in payload:
        view["currentItem"] = ids.index(view["currentItemId"]) if view["currentItemId"] in ids else None
    return view


def parts_of(settled: State) -> Iterator[Part]:
    """What the keys tell, each with its place or its owner; null tells nothing."""
    for key in ("currentItem", "currentItemId", "camera"):
        if settled.get(key) is not None:
            yield key, json.dumps(settled[key], sort_keys=True)
    encounter = settled.get("encounter")
    if encounter is not None:
        yield ("encounter",)
        yield from (("encounter", key) for key in encounter.keys() - {"round", "turn", "order"})
        yield from (("entry", json.dumps(entry, sort_keys=True)) for entry in encounter["order"])
        if encounter["turn"] is not None or encounter["round"]:
            yield "turn", encounter["round"], encounter["turn"]


def parts_in(message: Any) -> Iterator[Part]:
    """What a message or an answer tells by these keys, wherever it has them."""
    kind = message.get("type")
    places = [message.get("state"), message.get("payload") if kind != "item-updated" else None]
    if kind is None or kind in _TOLD_BY_THE_MESSAGE:
        places.append(message)
    for place in places:
        if isinstance(place, dict):
            yield from parts_of(place)
    for change in message.get("changes", ()):
        yield from parts_in(change)


def check_settled(shown: State, state: State) -> None:
    """Leak or Missing unless the keys of an answer are those of the stored state as viewers may see it."""
    told, due = ({key: values[key] for key in SETTLED} for values in (shown, settled_shown(state)))
    if told == due:
        return
    too_much = set(parts_of(told)) - set(parts_of(due))
    raise (Leak if too_much else Missing)(f"viewers see {told} instead of {due}")
