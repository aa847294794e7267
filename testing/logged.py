"""Parses a server's log: the levels and events of its entries, without the clients' text that follows them."""

from __future__ import annotations

import re

_ENTRY = re.compile(r"\S+ \[(?P<level>[a-z]+) *\] (?P<event>.*)")
_TRACEBACK = re.compile(r"[ |+]*(?:Exception Group )?Traceback \(most recent call last\):")


def begins_traceback(line: str) -> bool:
    """Whether the line is the first of a traceback, and not an entry that quotes one."""
    return _TRACEBACK.match(line) is not None


def tells(line: str, *, events: tuple[str, ...], levels: tuple[str, ...] = ()) -> bool:
    """Whether the line begins with one of `events`, as an entry or bare, or is an entry of one of `levels`."""
    entry = _ENTRY.match(line)
    if entry is None:
        return line.startswith(events)
    return entry["level"] in levels or entry["event"].startswith(events)
