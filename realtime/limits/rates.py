"""The message rates of connections and people: what each message costs, and what happens beyond the rate. Pure.

Nothing here sends, waits or reads a clock: times are seconds of a monotonic clock, read by the caller. The limits on
connecting are in `realtime.limits.attempts` and `realtime.limits.occupancy`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

BYTES_A_CREDIT = 4096
"""Each further 4 KiB of a message costs one more credit."""
PATIENCE_SECONDS = 2.0
"""How long updates beyond the rate wait. Updates that would wait longer are refused."""
REFUSALS = 100
REFUSALS_SECONDS = 10.0
"""The number of refusals within this time that ends the connection."""
COME_BACK_SECONDS = 5.0
"""The reconnect delay of a client whose connection was ended for that."""
CONNECTIONS_WORTH = 4
"""A person's rate, in rates of one connection, however many they have: enough for a few tabs and devices."""
BURSTS_WORTH = 2
"""A person's burst, in bursts of one connection: people do not act in several tabs at the same moment."""


ROUNDING_SECONDS = 1e-6
"""Waits below this are rounding errors of floating-point sums."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Credits per second, and how many can be saved (the burst); no limit if `per_second` is 0."""

    per_second: float
    burst: float

    def times(self, factor: float) -> Rate:
        """The rate multiplied by the factor."""
        return Rate(self.per_second * factor, self.burst * factor)


class Bucket:
    """A leaky bucket, stored as the time at which it is empty again (the generic cell rate algorithm)."""

    __slots__ = ("_empty_at",)

    def __init__(self) -> None:
        self._empty_at = 0.0

    def wait(self, rate: Rate, cost: float, now: float) -> float:
        """Seconds until there is credit for the cost; 0 if there is. A cost above the burst counts as the burst."""
        if not rate.per_second:
            return 0.0
        room = rate.burst - min(cost, rate.burst)
        wait = self._empty_at - now - room / rate.per_second
        return wait if wait > ROUNDING_SECONDS else 0.0

    def take(self, rate: Rate, cost: float, now: float) -> None:
        """Charge the cost, whether there is credit or not."""
        if rate.per_second:
            self._empty_at = max(self._empty_at, now) + min(cost, rate.burst) / rate.per_second

    def is_empty(self, now: float) -> bool:
        """Whether none of it is used."""
        return self._empty_at <= now


class Kind(Enum):
    """The kind of a message: an update may wait for credit, anything else is refused if there is none."""

    UPDATE = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Price:
    """The credits that a message costs, before its size is counted, and the rate that they are taken from."""

    kind: Kind
    credits: float


REFUSED = "refused"
"""The row of `PRICES` for a message that cannot be read, or that the role may not send."""

PRICES: dict[str, Price] = {
    "ping": Price(Kind.OTHER, 0.25),
    "portal-view-update": Price(Kind.UPDATE, 1),
    "item-update": Price(Kind.UPDATE, 1),
    "item-add": Price(Kind.UPDATE, 1),
    "item-remove": Price(Kind.UPDATE, 1),
    "item-move": Price(Kind.UPDATE, 1),
    "encounter-next": Price(Kind.UPDATE, 1),
    "encounter-previous": Price(Kind.UPDATE, 1),
    "batch": Price(Kind.UPDATE, 1),
    "request-sync": Price(Kind.OTHER, 1),
    "sync-response": Price(Kind.OTHER, 1),
    "activity": Price(Kind.OTHER, 0.25),  # both are relayed at a rate of their own: the newest waits
    "pointer": Price(Kind.OTHER, 0.25),
    "auth": Price(Kind.OTHER, 5),  # a signature is verified, and the role is looked up
    REFUSED: Price(Kind.OTHER, 1),
}
"""The price of each type of message."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a message.

    It is done after `wait` seconds, or it is `refused` and may be sent again after them.
    """

    wait: float = 0.0
    refused: bool = False


DONE = Verdict()


def shared_rate(rate: Rate) -> Rate:
    """The rate of all connections of a person together."""
    return Rate(rate.per_second * CONNECTIONS_WORTH, rate.burst * BURSTS_WORTH)


class Meter:
    """A bucket combined with a second one that several meters share; both must have credit."""

    __slots__ = ("_own", "_shared")

    def __init__(self, shared: Bucket) -> None:
        self._own = Bucket()
        self._shared = shared

    def wait(self, rate: Rate, cost: float, now: float) -> float:
        """As for a bucket; `rate` is the rate of the meter's own bucket."""
        return max(self._own.wait(rate, cost, now), self._shared.wait(shared_rate(rate), cost, now))

    def take(self, rate: Rate, cost: float, now: float) -> None:
        """As for a bucket."""
        self._own.take(rate, cost, now)
        self._shared.take(shared_rate(rate), cost, now)


class Refusals:
    """The number of messages refused recently."""

    __slots__ = ("_count", "_since")

    def __init__(self) -> None:
        self._count = 0
        self._since = -math.inf

    def note(self, now: float) -> int:
        """Count one more; returns how many there were within `REFUSALS_SECONDS`."""
        if now - self._since > REFUSALS_SECONDS:
            self._count, self._since = 0, now
        self._count += 1
        return self._count


class Allowance:
    """The recent messages of one person, over all of their connections to a process."""

    __slots__ = ("__weakref__", "others", "refusals", "updates")

    def __init__(self) -> None:
        self.updates = Bucket()
        self.others = Bucket()
        self.refusals = Refusals()


class Limiter:
    """The recent messages of one connection."""

    __slots__ = ("_allowance", "_behind_since", "_others", "_refusals", "_updates")

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance  # exists as long as one of the person's connections does
        self._updates = Meter(allowance.updates)
        self._others = Meter(allowance.others)
        self._refusals = Refusals()
        self._behind_since: float | None = None

    def charge(self, message_type: str, size: int, updates: Rate, others: Rate, now: float) -> Verdict:
        """Charge for a message of `size` bytes; a refused message costs nothing."""
        price = PRICES[message_type]
        cost = price.credits + size // BYTES_A_CREDIT
        if price.kind is Kind.UPDATE:
            return self._charge_update(cost, updates, now)
        wait = self._others.wait(others, cost, now)
        if wait:
            return Verdict(wait, refused=True)
        self._others.take(others, cost, now)
        return DONE

    def _charge_update(self, cost: float, rate: Rate, now: float) -> Verdict:
        wait = self._updates.wait(rate, cost, now)
        if not wait:
            if not self._updates.wait(rate, rate.burst / 2, now):  # half of the burst is available again
                self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now
        elif now - self._behind_since > PATIENCE_SECONDS:
            return Verdict(wait, refused=True)
        self._updates.take(rate, cost, now)
        return Verdict(wait)

    def count_refusal(self, now: float) -> bool:
        """Count a refusal for the rate; true if there were too many recently, of this connection or of the person."""
        here, of_person = self._refusals.note(now), self._allowance.refusals.note(now)
        return here >= REFUSALS or of_person >= REFUSALS * CONNECTIONS_WORTH
