"""Random messages of controllers: of all types, about items that exist, with values of all kinds, and some bad ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random
from typing import Any

Message = dict[str, Any]
State = Mapping[str, Any]

NEW_IDS = ("a", "b", "c", "d", "7", 7, 8, None)
SWITCHES = ("showEncounter", "showHealth", "showAC", "showActions", "showConditions")
CONTENT: dict[str, Sequence[Any]] = {
    "name": ("Ogre", "Spy", None),
    "alias": ("Stranger", None),
    "hp": (3, 0, None),
    "maxHp": (9, None),
    "ac": (11, "13", None),
    "initiative": (17, "4", None),
    "image": ("/a.png", None),
    "public": ({"mood": "calm"}, {"hp": 4}, {}, None),
    "conditions": (["prone"], [{"name": "stunned", "icon": "x"}], None),
    "notes": ("trap", ["door"], None),
    "title": ("A record", None),
    "visible": (True, False, False, None),
    "Hidden": (True, False, None),
    "show": ({"health": "words"}, {"initiative": False}, {"initiative": True, "ac": True}, {}, None),
    "revealOnTurn": (True, True, False, None),
    "slug": ("ogre", None),
}
BAD: tuple[Message, ...] = (
    {"type": "item-move", "itemId": "nobody", "index": 0},
    {"type": "item-add", "payload": {"visible": "perhaps"}},
    {"type": "item-add", "payload": {"name": "x"}, "index": 400},
    {"type": "portal-view-update", "payload": {"currentItem": 400}},
    {"type": "portal-view-update", "payload": {"encounter": {"round": 1, "order": [{"itemId": "nobody"}]}}},
    {"type": "portal-view-update", "payload": {"items": [{"id": 1}, {"id": "1"}]}},
    {"type": "batch", "changes": [{"type": "portal-view-update", "payload": {"zoom": 2}}]},
)


def any_message(random: Random, state: State) -> Message:
    """A message that makes sense for the state, most of the time."""
    if random.random() < 0.04:
        return dict(random.choice(BAD))
    if random.random() < 0.12:
        return {"type": "batch", "changes": [any_change(random, state) for _ in range(random.randint(1, 5))]}
    return any_change(random, state, commands=True)


def any_change(random: Random, state: State, *, commands: bool = False) -> Message:
    """A message that is no batch."""
    kinds = list(_KINDS) if state["items"] else ["portal-view-update", "item-add"]
    if random.random() < 0.95 and not (state["encounter"] or {}).get("order"):
        kinds = [kind for kind in kinds if not kind.startswith("encounter")]
    weights = [_WEIGHTS.get(kind, 1) for kind in kinds]
    [kind] = random.choices(kinds, weights)
    message = {"type": kind, **_KINDS[kind](random, state)}
    if commands and kind == "portal-view-update" and random.random() < 0.15:
        message["payload"]["zoom"] = random.randint(1, 3)
    return message


def an_item(random: Random, ids: Sequence[Any] = NEW_IDS) -> Message:
    """An item in the form that clients send; its id may be an integer, or missing."""
    item_id = random.choice(ids)
    return {**({} if item_id is None else {"id": item_id}), **content(random)}


def content(random: Random, keys: Collection[str] = CONTENT) -> Message:
    """Some keys of an item."""
    keys = random.sample(sorted(keys), random.randint(0, 4))
    return {key: random.choice(CONTENT[key]) for key in keys}


def any_fields(random: Random, state: State) -> Message:
    """Some keys of a portal view, but for those about items."""
    keys = [
        *SWITCHES,
        "showEncounter",
        "showEncounter",
        "autoResetImageState",
        "viewersMayPoint",
        "name",
        "healthDisplay",
        "blackout",
        "camera",
    ]
    return {key: _FIELDS[key](random, state) for key in random.sample(keys, random.randint(1, 2))}


def _id(random: Random, state: State) -> str:
    return str(random.choice(state["items"])["id"]) if state["items"] else "a"


def _item_update(random: Random, state: State) -> Message:
    item_id, payload = _id(random, state), content(random)
    return (
        {"payload": {"itemId": item_id, **payload}}
        if random.random() < 0.2
        else {"itemId": item_id, "payload": payload}
    )


def _view_update(random: Random, state: State) -> Message:
    keys = dict.fromkeys(random.choices(sorted(_FIELDS), _FIELD_WEIGHTS, k=random.choice([1, 1, 1, 2, 3])))
    return {"payload": {key: _FIELDS[key](random, state) for key in keys}}


def _items(random: Random, state: State) -> list[Message]:
    kept = [dict(item) for item in state["items"] if random.random() < 0.7]
    taken = {item["id"] for item in kept}
    new = [an_item(random) for _ in range(random.randint(0, 3))]
    fresh = [item for item in new if str(item.get("id")) not in taken]
    items = kept + list({str(item.get("id", id(item))): item for item in fresh}.values())
    random.shuffle(items)
    return items


def _encounter(random: Random, state: State) -> Message | None:
    if random.random() < 0.15:
        return None
    ids = [item["id"] for item in state["items"]]
    order = [_entry(random, item_id) for item_id in random.sample(ids, random.randint(0, len(ids)))]
    turn = random.choice([None, *(entry["itemId"] for entry in order)])
    encounter = {"round": random.choice([0, 1, 1, 2, 3]), "turn": turn, "order": order}
    return encounter if turn is not None or random.random() < 0.5 else {**encounter, "turn": None}


def _entry(random: Random, item_id: str) -> Message:
    return {"itemId": item_id, **random.choice([{}, {"initiative": 12}, {"initiative": "late"}, {"initiative": None}])}


def a_camera(random: Random, state: State) -> Message | None:
    """A camera, or null."""
    if random.random() < 0.3:
        return None
    return {
        "x": random.choice([0, 0.5]),
        "y": 1,
        "zoom": random.choice([1, 2.5]),
        **random.choice([{}, {"rotation": 90}]),
    }


def _current(random: Random, state: State) -> int | None:
    places: list[int | None] = [None, *range(len(state["items"]))]
    return random.choice(places)


def _current_id(random: Random, state: State) -> str | None:
    ids: list[str | None] = [None, *(item["id"] for item in state["items"])]
    return random.choice(ids)


def _flag(random: Random, state: State) -> bool:
    return random.random() < 0.5


_FIELDS: dict[str, Callable[[Random, State], Any]] = {
    **dict.fromkeys((*SWITCHES, "autoResetImageState", "viewersMayPoint"), _flag),
    "name": lambda random, state: random.choice(["Evening", "Night"]),
    "healthDisplay": lambda random, state: random.choice(["numbers", "bar", "words"]),
    "blackout": lambda random, state: random.random() < 0.25,
    "currentItem": _current,
    "currentItemId": _current_id,
    "camera": a_camera,
    "encounter": _encounter,
    "items": _items,
}
_FIELD_WEIGHTS = [{"encounter": 6, "currentItem": 2, "currentItemId": 2}.get(key, 1) for key in sorted(_FIELDS)]
_KINDS: dict[str, Callable[[Random, State], Message]] = {
    "portal-view-update": _view_update,
    "item-update": _item_update,
    "item-add": lambda random, state: {
        "payload": an_item(random),
        **({} if random.random() < 0.3 else {"index": random.randint(0, len(state["items"]))}),
    },
    "item-remove": lambda random, state: {"itemId": _id(random, state)},
    "item-move": lambda random, state: {
        "itemId": _id(random, state),
        "index": random.randint(0, max(0, len(state["items"]) - 1)),
    },
    "encounter-next": lambda random, state: {},
    "encounter-previous": lambda random, state: {},
}
_WEIGHTS = {
    "portal-view-update": 6,
    "item-update": 5,
    "item-add": 3,
    "item-remove": 2,
    "item-move": 3,
    "encounter-next": 4,
}
