"""Inputs of the functions that apply changes to a state, for the cost fuzzer, and calls of them: batches, encounters.

`fuzz.targets` has the functions. An input is made of a portal view's items: the more there are, the longer the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fuzz import readers
from fuzz.clock import NotAccepted
from fuzz.readers import BLANK, KEY
from fuzz.shown import DISCLOSES
from libraries.rules.changes import MAX_CHANGES, Change, ItemPatch, ViewPatch, check_changes, check_item_patch
from libraries.rules.draft import Draft
from libraries.rules.errors import PortalError
from libraries.rules.state import Patch

State = dict[str, Any]


def encounter_state(text: str) -> State:
    """A portal view's state with an encounter of all its items; the last one has the turn."""
    state = readers.state(text)
    order = [{"itemId": item["id"], "initiative": place} for place, item in enumerate(state["items"])]
    if not order:
        raise NotAccepted
    return {**state, "encounter": {"round": 3, "turn": order[-1]["itemId"], "order": order}}


def encounter(text: str) -> State:
    """Such an encounter alone."""
    found: State = encounter_state(text)["encounter"]
    return found


def is_odd(item_id: str) -> bool:
    """Whether an item of every second one stays, or is seen."""
    return item_id[-1:] in "13579"


def checked_entries(function: Callable[..., Any], given: State) -> object:
    """Look for the items of an encounter, all of which exist."""
    return function(given, {entry["itemId"] for entry in given["order"]})


def seen_encounter(function: Callable[..., Any], given: State) -> object:
    """Show an encounter to viewers who don't see the item that has the turn."""
    return function(given, lambda item_id: item_id != given["turn"] and is_odd(item_id), is_odd)


def records(text: str) -> list[dict[str, Any]]:
    """Items without an id of their own, which are all the same record."""
    found = readers.items(text)
    return [{**item, "slug": "a", "key": str(place)} for place, item in enumerate(without_ids(found))]


def without_ids(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items without their ids."""
    return [{key: value for key, value in item.items() if key != "id"} for item in items]


def batch(text: str) -> list[dict[str, Any]]:
    """The bodies of a batch that changes each item in every way; they fit the state with these items."""
    items = encounter_state(text)["items"]
    bodies: list[dict[str, Any]] = []
    for place, item in enumerate(items):
        patch = {key: value for key, value in item.items() if key != "id"}
        bodies += [
            {"type": "item-update", "itemId": item["id"], "payload": {**patch, "revealOnTurn": place % 2 == 0}},
            {"type": "item-move", "itemId": item["id"], "index": (place * 7) % len(items)},
            {"type": "encounter-next"},
        ]
    gone = [{"type": "item-remove", "itemId": item["id"]} for item in items[::3]]
    return [*bodies, *gone, *({"type": "item-add", "payload": item} for item in records(text)[: len(gone)])][
        -MAX_CHANGES:
    ]


def any_batch(text: str) -> list[dict[str, Any]]:
    """A batch of one body of each kind with a payload, whose payload is any object."""
    payload = readers.said(text)
    kinds = ("portal-view-update", "item-update", "item-add", "nonsense")
    return [{"type": kind, "itemId": "a", "payload": payload} for kind in kinds]


def changed(text: str) -> tuple[State, Sequence[Change]]:
    """A state, and the changes of a batch that fits it."""
    return encounter_state(text), check_changes(batch(text))


def applied(function: Callable[..., Any], given: tuple[State, Sequence[Change]]) -> object:
    """Apply the changes of a batch."""
    state, changes = given
    return function(Draft(state, KEY), changes, is_batch=True)


def draft(text: str) -> Draft:
    """A draft after a batch."""
    state, changes = changed(text)
    return _draft(state, *changes)


def replaced(text: str) -> Draft:
    """A draft after a patch that replaced the items."""
    known = {key: value for key, value in readers.state(text).items() if key != "currentItem"}
    return _draft({**BLANK, "items": [{"id": "0"}]}, ViewPatch(Patch(known, {})))


def patched(text: str) -> Draft:
    """A draft after a patch of one item."""
    return _draft({**BLANK, "items": [{"id": "a"}]}, check_item_patch("a", readers.item(text)))


def _draft(state: State, *changes: Change) -> Draft:
    made = Draft(state, KEY)
    try:
        made.apply(changes, is_batch=True)
    except PortalError as error:
        raise NotAccepted from error
    return made


def command_warned_of(function: Callable[..., Any], given: State) -> object:
    """Look for what seems secret in a command."""
    return list(function(ViewPatch(Patch({}, given)), BLANK))


def items_warned_of(function: Callable[..., Any], given: State) -> object:
    """Look for what seems secret in new items."""
    return list(function(ViewPatch(Patch({"items": given["items"]}, {})), given, DISCLOSES))


def item_warned_of(function: Callable[..., Any], given: State) -> object:
    """Look for what seems secret in a patch of an item."""
    return list(function(ItemPatch("a", given, given), {**BLANK, "items": [{**given, "id": "a"}]}, DISCLOSES))


def sighted(function: Callable[..., Any], given: Any) -> object:
    """Call `sight_of` with a state."""
    return function({**given, "version": 1}, shows_activity=True)
