"""The state that one client has, compared with the stored one. No I/O in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOT_SHOWN = ("version", "updatedAt")
"""A patch does not contain these, so a screen that was never reloaded has old values."""


def differs_in(state: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    """The keys whose values differ from the stored state, as the same role reads it over REST."""
    return [key for key in state if key not in NOT_SHOWN and state[key] != stored[key]]
