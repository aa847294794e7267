"""The figures of the open connections of a portal view, of one process or of several together. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import msgspec


class Figures(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The connections of one portal view, and what was counted since the first of them came; in one process, or in all.

    `people` are the ids of those who are connected. Seconds are of open connections. Rates are per second, over a
    minute. `is_complete` is false if other processes could not be asked.
    """

    processes: int = 0
    is_complete: bool = True
    controllers: int = 0
    viewers: int = 0
    guests: int = 0
    stalled: int = 0
    send_buffer_bytes: int = 0
    people: set[UUID] = msgspec.field(default_factory=set)
    seconds: float = 0.0
    longest_seconds: float = 0.0
    counted_seconds: float = 0.0
    received: int = 0
    received_rate: float = 0.0
    broadcasts: int = 0
    deliveries: int = 0
    delivered_rate: float = 0.0
    sent_bytes: int = 0
    connected: int = 0
    recovered: int = 0
    snapshots: int = 0
    gaps_repaired: int = 0
    news_lost: int = 0

    @property
    def connections(self) -> int:
        """The open connections."""
        return self.controllers + self.viewers

    @property
    def mean_seconds(self) -> float:
        """How long these have been open, on average."""
        return self.seconds / self.connections if self.connections else 0.0


_GREATEST = frozenset({"longest_seconds", "counted_seconds"})


def together(parts: Iterable[Figures]) -> Figures:
    """The figures of several processes as one."""
    total = Figures()
    for part in parts:
        total.is_complete = total.is_complete and part.is_complete
        total.people = total.people | part.people
        for name in Figures.__struct_fields__:
            mine, theirs = getattr(total, name), getattr(part, name)
            if name in _GREATEST:
                setattr(total, name, max(mine, theirs))
            elif name not in ("is_complete", "people"):
                setattr(total, name, mine + theirs)
    return total
