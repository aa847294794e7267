"""The books of a load test: what was sent, acknowledged and seen, and what that means. No I/O in here.

Each controller has an item of its own. Its updates have numbers, and the text of each says when it was sent.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MARKED = "caption"
"""The key of an item that holds the text; viewers see it."""
_NANO = 1_000_000
"""Nanoseconds in a millisecond."""


def mark(number: int, now: int) -> str:
    """The text of an update; `now` is in nanoseconds of the monotonic clock, which all clients of the run share."""
    return f"{number} {now}"


def read(text: str) -> tuple[int, int]:
    """The number and the time of a text."""
    number, _, at = text.partition(" ")
    return int(number), int(at)


@dataclass
class Sent:
    """The updates of one controller: how many were sent, and the versions of those that are acknowledged."""

    updates: int = 0
    versions: dict[int, int] = field(default_factory=dict)


@dataclass
class Viewer:
    """What one viewer has seen of each controller's item: how many updates, and the number of the last."""

    seen: Counter[str] = field(default_factory=Counter)
    last: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Deliveries:
    """How the acknowledged updates reached the viewers, each counted once for each viewer.

    `merged` were stored together with a later one of the same controller, so nobody sees them alone. `skipped` were
    not seen, but something newer was, because a viewer was slow or away. `lost` are those after which a viewer has
    seen nothing newer.
    """

    seen: int
    merged: int
    skipped: int
    lost: int
    out_of_order: int


class Books:
    """Everything that is counted during a run. `latencies` and `ack_latencies` are in milliseconds."""

    def __init__(self, items: Iterable[str], viewers: int) -> None:
        self.sent = {item: Sent() for item in items}
        self.viewers = [Viewer() for _ in range(viewers)]
        self.latencies: array[float] = array("d")
        self.ack_latencies: array[float] = array("d")
        self.refused: Counter[str] = Counter()
        self.losses = 0
        """How often a connection was lost."""
        self._out_of_order = 0

    def note_sent(self, item: str) -> int:
        """An update is sent; returns its number."""
        self.sent[item].updates += 1
        return self.sent[item].updates

    def note_acked(self, item: str, number: int, version: int, sent_at: int, now: int) -> None:
        """The server has stored it."""
        self.sent[item].versions[number] = version
        self.ack_latencies.append((now - sent_at) / _NANO)

    def note_update(self, viewer: int, payload: Mapping[str, Any], now: int) -> None:
        """A viewer got the change of an item; others than the items of the run are not counted."""
        item = payload["itemId"]
        if item not in self.sent or MARKED not in payload:
            return
        number, sent_at = read(payload[MARKED])
        of = self.viewers[viewer]
        if number <= of.last.get(item, 0):
            self._out_of_order += 1
            return
        of.last[item] = number
        of.seen[item] += 1
        self.latencies.append((now - sent_at) / _NANO)

    def note_state(self, viewer: int, items: Iterable[Mapping[str, Any]]) -> None:
        """A viewer got the whole state: it has the newest updates, but not at their time."""
        of = self.viewers[viewer]
        for item in items:
            if item["id"] in self.sent and item.get(MARKED):
                of.last[item["id"]] = max(of.last.get(item["id"], 0), read(item[MARKED])[0])

    @property
    def is_complete(self) -> bool:
        """Whether every viewer has seen the last update of each controller."""
        newest = {item: max(sent.versions, default=0) for item, sent in self.sent.items()}
        return all(viewer.last.get(item, 0) >= number for viewer in self.viewers for item, number in newest.items())

    def deliveries(self) -> Deliveries:
        """How everything has arrived, at the end."""
        seen = merged = skipped = lost = 0
        for item, sent in self.sent.items():
            # Stored together: one change, which shows the newest of them.
            changes = {version: number for number, version in sorted(sent.versions.items())}
            merged += (len(sent.versions) - len(changes)) * len(self.viewers)
            for viewer in self.viewers:
                gone = sum(number > viewer.last.get(item, 0) for number in changes.values())
                seen += viewer.seen[item]
                lost += gone
                # One whose `ack` has not come may be seen all the same.
                skipped += max(0, len(changes) - gone - viewer.seen[item])
        return Deliveries(seen, merged, skipped, lost, self._out_of_order)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which that share of the values lies; None without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
