"""The encounter: who acts in which order, and whose turn it is. Pure.

An encounter is `{"round": 2, "turn": "ogre", "order": [{"itemId": "ogre", "initiative": 17}]}`. `turn` is null while
nobody has the turn. Functions here never change their arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from libraries.rules.errors import BadValue, InvalidPayload, check_below, named
from libraries.rules.item_ids import check_item_id, text_id
from libraries.rules.places import excerpt, told

Encounter = Mapping[str, Any]

KEYS = ("round", "turn", "order")
ENTRY_KEYS = ("itemId", "initiative")
MAX_ROUND = 1_000_000
MAX_INITIATIVE_CHARS = 64


def check_encounter(value: object) -> None:
    """Raise ValueError, with the place, unless it is null or an encounter; `check_entries` looks for its items."""
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise ValueError("Must be null or an object with round, turn and order.")
    _check_keys(value, KEYS)
    check_below("round", _check_round, value.get("round"))
    order: Any = value.get("order")
    check_below("order", _check_order, order)
    turn = text_id(value.get("turn"))
    if turn is not None and (not isinstance(turn, str) or all(text_id(entry["itemId"]) != turn for entry in order)):
        raise BadValue(told("Must be null or the itemId of an entry of the order.", turn)).below("turn")


def _check_round(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_ROUND:
        raise ValueError(f"Must be a whole number from 0 to {MAX_ROUND}.")


def _check_order(value: object) -> None:
    if not isinstance(value, list):
        raise ValueError("Must be a list of objects with itemId and initiative.")
    seen: dict[object, int] = {}
    for index, entry in enumerate(value):
        try:
            _check_entry(entry, index, seen)
        except BadValue as error:
            raise error.below(index) from None


def _check_entry(entry: object, index: int, seen: dict[object, int]) -> None:
    if not isinstance(entry, Mapping):
        raise BadValue(told("Must be an object with itemId and initiative.", entry))
    _check_keys(entry, ENTRY_KEYS)
    check_below("itemId", check_item_id, entry.get("itemId"))
    check_below("initiative", _check_initiative, entry.get("initiative"))
    if (first := seen.setdefault(text_id(entry["itemId"]), index)) != index:
        raise BadValue(f"Must be unique, and order[{first}] has it too; it is {excerpt(entry['itemId'])}.", ".itemId")


def _check_initiative(value: object) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_text = isinstance(value, str) and len(value) <= MAX_INITIATIVE_CHARS
    if value is not None and not is_number and not is_text:
        raise ValueError(f"Must be a number, text of at most {MAX_INITIATIVE_CHARS} characters, or null.")


def _check_keys(value: Mapping[str, Any], keys: Collection[str]) -> None:
    for key in value:
        if key not in keys:
            raise BadValue(f"There is no such key; there are {', '.join(keys)}.").below(key)


def normal_encounter(value: Encounter | None) -> Encounter | None:
    """A checked encounter as it is stored: with all three keys, and ids as text; the same object if it is so."""
    if value is None:
        return None
    entries = [{**entry, "itemId": text_id(entry["itemId"])} for entry in value["order"]]
    normal = {"round": value["round"], "turn": text_id(value.get("turn")), "order": entries}
    return value if normal == value else normal


def check_entries(encounter: Encounter | None, item_ids: Collection[str]) -> None:
    """InvalidPayload, with the place, unless each of its items exists."""
    for place, entry in enumerate(encounter["order"] if encounter else ()):
        if entry["itemId"] not in item_ids:
            where, sentence = f"encounter.order[{place}].itemId", f"There is no item “{named(entry['itemId'])}”."
            raise InvalidPayload(f"Nothing was changed: {where}: {sentence}", {where: sentence})


def without(encounter: Encounter, stays: Callable[[str], bool]) -> Encounter:
    """The encounter without the items that do not stay; the same object if all do.

    If one of them had the turn, the next one has it: after the last, that is the first one in the next round.
    """
    order = [entry for entry in encounter["order"] if stays(entry["itemId"])]
    if len(order) == len(encounter["order"]):
        return encounter
    number, turn = encounter["round"], encounter["turn"]
    if turn is not None and not stays(turn):
        place = _place(encounter, turn)
        behind = next((entry["itemId"] for entry in encounter["order"][place:] if stays(entry["itemId"])), None)
        if behind is None and order:
            behind, number = order[0]["itemId"], min(number + 1, MAX_ROUND)
        turn = behind
    return {"round": number, "turn": turn, "order": order}


def stepped(encounter: Encounter | None, step: int) -> Encounter:
    """The encounter with the turn one entry further (1) or back (-1); the same object if there is nobody before.

    InvalidPayload if nobody is in the order.
    """
    if encounter is None or not encounter["order"]:
        sentence = "Nobody is in the order of the encounter."
        raise InvalidPayload(f"Nothing was changed: {sentence}", {"encounter": sentence})
    order, number = encounter["order"], encounter["round"]
    if encounter["turn"] is None:
        return encounter if step < 0 else {**encounter, "round": 1, "turn": order[0]["itemId"]}
    place = _place(encounter, encounter["turn"]) + step
    if place < 0 and number <= 1:
        return encounter
    number = min(number + place // len(order), MAX_ROUND)
    return {**encounter, "round": number, "turn": order[place % len(order)]["itemId"]}


def seen(encounter: Encounter, is_seen: Callable[[str], bool], shows: Callable[[str], bool]) -> dict[str, Any]:
    """The encounter as viewers see it: only the items that they see, and of those the initiatives that `shows` allows.

    While an unseen item has the turn, viewers see the turn of the one before it that they do see: before the first,
    that is the last one of the round before. Until somebody whom they see has had a turn, `turn` is null and `round` 0.
    """
    order = [
        dict(entry) if shows(item_id) else {"itemId": item_id}
        for entry in encounter["order"]
        if is_seen(item_id := entry["itemId"])
    ]
    number, turn = encounter["round"], encounter["turn"]
    if turn is not None and not is_seen(turn):
        before = [entry["itemId"] for entry in encounter["order"][: _place(encounter, turn)]]
        turn = next(filter(is_seen, reversed(before)), None)
        if turn is None and order and number > 1:
            turn, number = order[-1]["itemId"], number - 1
    return {"round": 0 if turn is None else number, "turn": turn, "order": order}


def _place(encounter: Encounter, item_id: str) -> int:
    return next(place for place, entry in enumerate(encounter["order"]) if entry["itemId"] == item_id)
