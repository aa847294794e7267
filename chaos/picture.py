"""The state that one client shows: the state it was given, with every later message folded in. No I/O in here.

It folds like a screen would, and does not know the stored state: the two are compared at the end of a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Message = dict[str, Any]
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
        """Take a `portal-view-updated` or an `item-updated`; relayed keys change nothing."""
        version = message.get("version")
        if version is None:
            return
        self.version = version
        payload = message["payload"]
        if message["type"] == "portal-view-updated":
            self.state.update((key, value) for key, value in payload.items() if key in self.state)
        else:
            self._fold_item(message["index"], payload)

    def _fold_item(self, index: int, payload: Mapping[str, Any]) -> None:
        patch = {key: value for key, value in payload.items() if key != "itemId"}
        items = self.state["items"]
        # A watcher is a viewer: null removes a key.
        items[index] = {key: value for key, value in {**items[index], **patch}.items() if value is not None}

    def shows(self, stored: Mapping[str, Any]) -> bool:
        """Whether this is the stored state, as the same role reads it over REST."""
        return all(self.state[key] == stored[key] for key in self.state if key not in NOT_SHOWN)

    def differs_in(self, stored: Mapping[str, Any]) -> list[str]:
        """The keys that differ."""
        return [key for key in self.state if key not in NOT_SHOWN and self.state[key] != stored[key]]
