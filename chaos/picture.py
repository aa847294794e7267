"""The state that one client shows: the state it was given, with every later message folded in. No I/O in here.

It folds like a screen would, and does not know the stored state: the two are compared at the end of a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Message = dict[str, Any]
UPDATES = frozenset(
    {"portal-view-updated", "item-added", "item-removed", "item-moved", "item-updated", "batch-applied"}
)
"""The types of the messages that change the state."""
BESIDE = ("currentItem", "currentItemId", "camera", "encounter")
"""The keys of the state that a message about one item may carry beside it."""
NOT_SHOWN = ("version", "updatedAt")
"""A patch does not contain these, so a screen that was never reloaded has old values."""


class Picture:
    """A state as one role sees it. `version` is the newest in a message."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.version = 0
        self.epoch: str | None = None

    def begin(self, connected: Message) -> None:
        """Take a `connected`: the whole state, or the information that nothing was missed."""
        self.version, self.epoch = connected["version"], connected["epoch"]
        if not connected["recovered"]:
            self.state = connected["state"]

    def fold(self, message: Message) -> None:
        """Take one of `UPDATES`; relayed keys change nothing."""
        if "version" in message:
            self.version = message["version"]
            self._apply(message)

    def _apply(self, message: Message) -> None:
        match message["type"]:
            case "portal-view-updated":
                self._patch(message["payload"])
            case "batch-applied":
                for change in message["changes"]:
                    self._apply(change)
            case _:
                self._edit(message)
                self._patch({key: message[key] for key in BESIDE if key in message})

    def _patch(self, payload: Mapping[str, Any]) -> None:
        self.state.update((key, value) for key, value in payload.items() if key in self.state)

    def _edit(self, message: Message) -> None:
        items = self.state["items"] = list(self.state["items"])
        match message["type"]:
            case "item-added":
                items.insert(message["index"], message["item"])
            case "item-removed":
                del items[self._place(message["itemId"])]
            case "item-moved":
                items.insert(message["index"], items.pop(self._place(message["itemId"])))
            case "item-updated":
                index = message["index"]
                patch = {key: value for key, value in message["payload"].items() if key != "itemId"}
                merged = {**items[index], **patch}  # null removes a key
                items[index] = {key: value for key, value in merged.items() if value is not None or key not in patch}

    def _place(self, item_id: str) -> int:
        return next(place for place, item in enumerate(self.state["items"]) if item["id"] == item_id)

    def shows(self, stored: Mapping[str, Any]) -> bool:
        """Whether this is the stored state, as the same role reads it over REST."""
        return all(self.state[key] == stored[key] for key in self.state if key not in NOT_SHOWN)

    def differs_in(self, stored: Mapping[str, Any]) -> list[str]:
        """The keys that differ."""
        return [key for key in self.state if key not in NOT_SHOWN and self.state[key] != stored[key]]
