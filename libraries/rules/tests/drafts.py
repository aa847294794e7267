"""States, changes and drafts for the tests, and a client that folds what a role sees of a change."""

from __future__ import annotations

from typing import Any

from libraries.rules.changes import Change, TurnStep, ViewPatch, check_addition, check_item_patch, check_move
from libraries.rules.changes import check_removal as remove
from libraries.rules.draft import Draft
from libraries.rules.edits import Added, Moved, Removed, Seen, Updated
from libraries.rules.projection import SWITCHES
from libraries.rules.state import check_patch, settled

__all__ = ["NEXT", "PREVIOUS", "add", "draft_of", "folded", "ids", "item", "move", "remove", "state_with", "view"]

KEY = b"k" * 32
NEXT, PREVIOUS = TurnStep(1), TurnStep(-1)


def state_with(*items: dict[str, Any] | str, current: str | None = None, **more: Any) -> dict[str, Any]:
    """A state with these items, or items with these ids; `current` is the id of the current one."""
    listed = [{"id": item} if isinstance(item, str) else item for item in items]
    place = next((index for index, item in enumerate(listed) if item["id"] == current), None)
    flags = {**dict.fromkeys(SWITCHES, False), "healthDisplay": "numbers", "blackout": False, "viewersMayPoint": False}
    rest = {"autoResetImageState": True, "camera": None, "encounter": None, "currentItemId": None}
    state = {"name": "Evening", **flags, **rest, "currentItem": place, "items": listed, **more}
    return settled(state)


def view(**payload: Any) -> ViewPatch:
    """A checked patch of the portal view."""
    return ViewPatch(check_patch(payload))


def item(item_id: object, **payload: Any) -> Change:
    """A checked patch of an item."""
    return check_item_patch(item_id, payload)


def add(index: int | None = None, **payload: Any) -> Change:
    """A checked addition."""
    return check_addition(payload, index)


def move(item_id: object, index: int) -> Change:
    """A checked move."""
    return check_move(item_id, index)


def draft_of(state: dict[str, Any], *changes: Change) -> Draft:
    """A draft to which the changes of one batch were applied."""
    draft = Draft(state, KEY)
    draft.apply(changes, is_batch=True)
    return draft


def ids(state: dict[str, Any]) -> str:
    """The ids of the items, in their order."""
    return " ".join(item["id"] for item in state["items"])


def folded(client: dict[str, Any], seen: Seen) -> dict[str, Any]:
    """The state of a client after it got a change."""
    client = {**client, **seen.patch}
    items = list(client["items"])
    for edit in seen.edits:
        place = next((index for index, one in enumerate(items) if one["id"] == edit_id(edit)), None)
        assert (place is None) is isinstance(edit, Added)
        match edit:
            case Added():
                assert 0 <= edit.index <= len(items)
                items.insert(edit.index, dict(edit.item))
            case Removed():
                items.pop(place or 0)
            case Moved():
                items.insert(edit.index, items.pop(place or 0))
                assert items[edit.index]["id"] == edit.item_id
            case Updated():
                assert edit.index == place
                merged = {**items[edit.index], **edit.patch}
                items[edit.index] = {key: value for key, value in merged.items() if edit.patch.get(key, 0) is not None}
    return {**client, "items": items}


def edit_id(edit: Any) -> str:
    """The id of the item that an edit is about."""
    return str(edit.item["id"] if isinstance(edit, Added) else edit.item_id)
