"""The state that one client shows, compared with the stored one at the end of a fault. No I/O in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from realtime.client.python.portal_client.fold import Folded

NOT_SHOWN = ("version", "updatedAt")
"""A patch does not contain these, so a screen that was never reloaded has old values."""


class Picture(Folded):
    """A state as one role sees it, with every later message folded in; it does not know the stored state."""

    def shows(self, stored: Mapping[str, Any]) -> bool:
        """Whether this is the stored state, as the same role reads it over REST."""
        return all(self.state[key] == stored[key] for key in self.state if key not in NOT_SHOWN)

    def differs_in(self, stored: Mapping[str, Any]) -> list[str]:
        """The keys that differ."""
        return [key for key in self.state if key not in NOT_SHOWN and self.state[key] != stored[key]]
