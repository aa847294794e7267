"""What one room counts since it was opened in this process, for the people who control it.

The same events are counted in `realtime.metrics.names`, for all rooms together: no metric has a portal view as a label.
All that is counted for a broadcast is in the three functions here; `bench.metrics` times them alone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from time import time

from realtime.delivery.prepared import Prepared
from realtime.metrics.names import BROADCASTS, COMMIT_TO_WRITE_SECONDS, DELIVERIES, SENT, SENT_BYTES

RATE_SECONDS = 60.0
"""The time over which rates are averaged."""
STEP_SECONDS = 5.0
"""How often a room notes its counts for the rates."""


@dataclass(slots=True)
class Tally:
    """The counts of one room; `opened` is a time of the monotonic clock."""

    opened: float
    received: int = 0
    broadcasts: int = 0
    deliveries: int = 0
    sent_bytes: int = 0
    connected: int = 0
    """Connections that came in; those that are gone count, too."""
    recovered: int = 0
    """Of these, clients that came back and had missed nothing."""
    snapshots: int = 0
    """Of these, clients that came back and got the whole state."""
    gaps_repaired: int = 0
    news_lost: int = 0
    _steps: deque[tuple[float, int, int]] = field(
        default_factory=lambda: deque(maxlen=int(RATE_SECONDS / STEP_SECONDS) + 1)
    )

    def __post_init__(self) -> None:
        self._steps.append((self.opened, 0, 0))

    def step(self, now: float) -> None:
        """Note the counts for the rates, if it is time to."""
        if now - self._steps[-1][0] >= STEP_SECONDS:
            self._steps.append((now, self.received, self.deliveries))

    def rates(self, now: float) -> tuple[float, float]:
        """Messages received and delivered per second, over the last minute, or since the room was opened."""
        fresh = (step for step in self._steps if now - step[0] <= RATE_SECONDS)
        since, received, deliveries = next(fresh, self._steps[-1])
        seconds = max(now - since, 1.0)
        return (self.received - received) / seconds, (self.deliveries - deliveries) / seconds


def count_broadcast(tally: Tally) -> None:
    """Count an update or a command that goes to everybody in a room: once, however many they are."""
    tally.broadcasts += 1
    BROADCASTS.value += 1


def count_deliveries(tally: Tally, message: Prepared, count: int, size: int) -> None:
    """Count its message in one form, which went to so many connections, with so many octets to each."""
    octets = count * size
    tally.deliveries += count
    tally.sent_bytes += octets
    DELIVERIES.value += count
    SENT_BYTES.value += octets
    SENT.add(message.kind, count)


def count_written(committed_at: float) -> None:
    """Count how long ago it was stored, in seconds since the epoch, now that it was written to everybody."""
    seconds = time() - committed_at
    COMMIT_TO_WRITE_SECONDS.observe(seconds if seconds > 0 else 0.0)  # the clocks of two machines differ
