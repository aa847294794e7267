"""Rate limits on attempts to connect: failures are charged to the network, successes to the person. Pure.

A school behind one address can connect, because successful attempts cost its network nothing. Times are seconds of a
monotonic clock, read by the caller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import Enum, auto

from realtime.limits.rates import Bucket, Rate

FLOOD = 10
"""From this multiple of the rate of failures on, attempts get no explanation."""
MAX_KEPT = 50_000
"""The most networks and people remembered at once; beyond it the oldest is forgotten."""
KEPT_SECONDS = 1.0
"""The interval at which unused buckets are forgotten."""


class Verdict(Enum):
    """The outcome of an attempt."""

    ALLOWED = auto()
    LIMITED = auto()
    """Over the rate: it gets an error that says so."""
    FLOODED = auto()
    """Far over the rate: it gets a bare status."""


class Buckets:
    """A bucket for each key that was charged recently."""

    def __init__(self) -> None:
        self._kept: dict[str, Bucket] = {}
        self._swept_at = 0.0

    def wait(self, key: str, rate: Rate, now: float) -> float:
        """Seconds until there is credit for one; 0 if there is credit now."""
        bucket = self._kept.get(key)
        return 0.0 if bucket is None else bucket.wait(rate, 1, now)

    def take(self, key: str, rate: Rate, now: float, count: float = 1) -> None:
        """Charge `count` attempts."""
        if not rate.per_second:
            return
        self._sweep(now)
        bucket = self._kept.get(key)
        if bucket is None:
            if len(self._kept) >= MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            bucket = self._kept[key] = Bucket()
        bucket.take(rate, count, now)

    def _sweep(self, now: float) -> None:
        if now - self._swept_at > KEPT_SECONDS:
            self._swept_at = now
            self._kept = {key: bucket for key, bucket in self._kept.items() if not bucket.is_empty(now)}


class Attempts:
    """The attempts to connect that this process knows of.

    `charged` holds the charges not yet told to other processes.
    """

    def __init__(self) -> None:
        self._failed = Buckets()
        self._refused = Buckets()
        self._people = Buckets()
        self.charged: Counter[str] = Counter()

    def look(self, network: str, rate: Rate, now: float) -> tuple[Verdict, float]:
        """The outcome of an attempt from that network, and the seconds until it may try again.

        A refused attempt is counted, so that a flood gets shorter answers, but it is not charged.
        """
        flood = rate.times(FLOOD)
        wait = self._refused.wait(network, flood, now)
        if wait:
            return Verdict.FLOODED, wait
        wait = self._failed.wait(network, rate, now)
        if wait:
            self._refused.take(network, flood, now)
            return Verdict.LIMITED, wait
        return Verdict.ALLOWED, 0.0

    def fail(self, network: str, rate: Rate, now: float) -> None:
        """Charge a network for an attempt that failed."""
        self._failed.take(network, rate, now)
        self._refused.take(network, rate.times(FLOOD), now)
        if rate.per_second:
            self.charged[network] += 1

    def come(self, who: str, rate: Rate, now: float) -> float:
        """Charge a person for an attempt with a valid credential; if there are too many, only the seconds to wait."""
        wait = self._people.wait(who, rate, now)
        if not wait:
            self._people.take(who, rate, now)
        return wait

    def hear(self, charged: Mapping[str, int], rate: Rate, now: float) -> None:
        """Charge networks for failures that other processes have seen."""
        for network, count in charged.items():
            self._failed.take(network, rate, now, count)
