"""The changes of a portal view as the protocol describes them: the next state, and a message for each drawn change.

A second reader: nothing here uses `libraries.rules`. Of the state it is exact about which items there are, which of
them viewers see, what is current, the camera and the encounter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.tests.secret_garden import Gardener
from portal.tests.secret_marks import patched, says
from portal.tests.secret_names import FLAGS, SETTLED, VISIBILITY_WORDS, State, word
from portal.tests.secret_steps import Scene, Small

BLANK: State = {
    **dict.fromkeys(SETTLED),
    "items": [],
    "blackout": False,
    "autoResetImageState": True,
    "viewersMayPoint": False,
}
UNKNOWN = "?"
"""The id of a new item that the server makes up begins so."""
RECORDS = ("aboleth", "lich")
"""The ids of records from elsewhere."""


def applied(state: State, message: State) -> dict[str, Any]:
    """The stored state after a message."""
    after, payload = {**state, "items": [*state["items"]]}, message.get("payload", {})
    items: list[Any] = after["items"]
    places = {item["id"]: place for place, item in enumerate(items)}
    match message["type"]:
        case "portal-view-update":
            _patch(after, payload)
        case "item-update":
            place = places[message["itemId"]]
            items[place] = patched(items[place], payload)
            return after  # it moves nothing, and nobody's turn comes
        case "item-add":
            item = {"id": f"{UNKNOWN}{sum(one['id'].startswith(UNKNOWN) for one in items)}", **payload}
            items.insert(message.get("index", len(items)), normal(item))
        case "item-remove":
            del items[places[message["itemId"]]]
        case "item-move":
            items.insert(message["index"], items.pop(places[message["itemId"]]))
        case "encounter-next" | "encounter-previous":
            after["encounter"] = _stepped(after["encounter"], 1 if message["type"] == "encounter-next" else -1)
    _settle(state, after, payload if message["type"] == "portal-view-update" else {})
    return after


def normal(item: State) -> dict[str, Any]:
    """The item with at most one key that says whether viewers see it."""
    rest = {key: value for key, value in item.items() if word(key) not in VISIBILITY_WORDS}
    said = says(item)
    return {**rest, "visible": all(said)} if said else rest


def _patch(after: dict[str, Any], payload: State) -> None:
    after |= {key: value for key, value in payload.items() if key in after}
    after["items"] = [normal(item) for item in after["items"]]
    if "currentItemId" not in payload and "currentItem" in payload:
        place = payload["currentItem"]
        after["currentItemId"] = None if place is None else after["items"][place]["id"]
    if after["camera"] is not None:
        after["camera"] = {"rotation": 0, **after["camera"]}


def _stepped(encounter: State, step: int) -> State:
    order, number = [entry["itemId"] for entry in encounter["order"]], encounter["round"]
    if encounter["turn"] is None:
        return encounter if step < 0 else {**encounter, "round": 1, "turn": order[0]}
    place = order.index(encounter["turn"]) + step
    if place < 0:
        return encounter if number <= 1 else {**encounter, "round": number - 1, "turn": order[-1]}
    if place == len(order):
        return {**encounter, "round": number + 1, "turn": order[0]}
    return {**encounter, "turn": order[place]}


def _settle(before: State, after: dict[str, Any], named: State) -> None:
    """What follows from a change: the current item, its camera, the order, and who is revealed."""
    ids = [item["id"] for item in after["items"]]
    if after["currentItemId"] not in ids:
        after["currentItemId"] = None
    after["currentItem"] = None if after["currentItemId"] is None else ids.index(after["currentItemId"])
    if after["autoResetImageState"] and after["currentItemId"] != before["currentItemId"] and "camera" not in named:
        after["camera"] = None
    if after["encounter"] is not None:
        after["encounter"] = _without_the_gone(after["encounter"], ids)
        _reveal(before["encounter"], after)


def _without_the_gone(encounter: State, ids: Sequence[str]) -> dict[str, Any]:
    order = [entry["itemId"] for entry in encounter["order"]]
    left = [entry for entry in encounter["order"] if entry["itemId"] in ids]
    number, turn = encounter["round"], encounter.get("turn")
    if turn is not None and turn not in ids:
        behind = [item_id for item_id in order[order.index(turn) :] if item_id in ids]
        number += int(not behind and bool(left))
        turn = next((item_id for item_id in (*behind, *(entry["itemId"] for entry in left))), None)
    return {"round": number, "turn": turn, "order": left}


def _reveal(before: State | None, after: dict[str, Any]) -> None:
    encounter = after["encounter"]
    if encounter["turn"] is None or (before and _moment(before) == _moment(encounter)):
        return
    for place, item in enumerate(after["items"]):
        if item["id"] == encounter["turn"] and item.get("revealOnTurn") is True:
            rest = {key: value for key, value in item.items() if key != "revealOnTurn"}
            after["items"][place] = {**rest, "visible": True}


def _moment(encounter: State) -> tuple[Any, Any]:
    return encounter["round"], encounter["turn"]


def message_of(change: Small | Scene, state: State, garden: Gardener) -> dict[str, Any]:
    """The message of a change, as the state is; where there is nothing to change, an item is added."""
    if isinstance(change, Scene):
        return {"type": "portal-view-update", "payload": _scene(change, state, garden)}
    kind, items, keys = change.kind, state["items"], garden.item_keys(change.content)
    known = [item for item in items if not item["id"].startswith(UNKNOWN)]
    match kind:
        case "next" | "previous" if state["encounter"] and state["encounter"]["order"]:
            return {"type": f"encounter-{kind}"}
        case "flip":
            flag = (*FLAGS, "blackout")[change.to % (len(FLAGS) + 1)]
            return {"type": "portal-view-update", "payload": {flag: not state[flag]}}
        case "remove" | "move" | "update" | "strip" if known:
            item = _picked(change.at, known, state)
            to = change.to % len(items)
            removed = sorted(item.keys() - {"id"})
            bodies: dict[str, Any] = {
                "remove": {},
                "move": {"index": to},
                "update": {"payload": keys},
                "strip": {"payload": {removed[change.to % len(removed)]: None} if removed else {}},
            }
            return {"type": _TYPES.get(kind, "item-update"), "itemId": item["id"], **bodies[kind]}
    owns: dict[str, Any] = {"bring": {"_id": RECORDS[change.to % len(RECORDS)]}, "nameless": {}}
    own = owns.get(kind, {"id": garden.mark()})
    place = {"index": change.to % (len(items) + 1)} if change.to % 3 else {}
    return {"type": "item-add", "payload": {**own, **keys}, **place}


_TYPES = {"remove": "item-remove", "move": "item-move"}


def _picked(at: int, known: Sequence[State], state: State) -> State:
    """An item: by odd numbers one of the encounter, if there is any, and by even numbers one of all."""
    acting = {entry["itemId"]: None for entry in (state["encounter"] or {"order": []})["order"]}
    of_the_order = [item for item in known if item["id"] in acting]
    among = of_the_order if at % 2 and of_the_order else known
    return among[at // 2 % len(among)]


def _scene(scene: Scene, state: State, garden: Gardener) -> dict[str, Any]:
    ids = [item["id"] for item in state["items"] if not item["id"].startswith(UNKNOWN)]
    payload: dict[str, Any] = {}
    if scene.camera != "kept":
        payload["camera"] = garden.camera() if scene.camera == "new" else None
    if not ids:
        return payload
    if scene.current is not None:
        payload["currentItemId"] = ids[scene.current % len(ids)]
    if scene.order is not None:
        order = list(dict.fromkeys(ids[place % len(ids)] for place in scene.order))
        turn = order[scene.turn % len(order)] if scene.turn is not None and order else None
        payload["encounter"] = {"round": scene.round, "turn": turn, "order": [garden.entry(one) for one in order]}
    return payload
