"""How much a connection, and a person, may say in a second: what each message costs, what happens beyond. Pure.

Nothing here sends, waits or reads a clock: times are seconds of a monotonic clock that the caller has looked at. How
many may connect is in `realtime.limits.attempts` and `realtime.limits.occupancy`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

BYTES_A_CREDIT = 4096
"""Each further 4 KiB of a message costs one credit more."""
PATIENCE_SECONDS = 2.0
"""How long updates beyond the rate only wait; then they are refused."""
REFUSALS = 100
REFUSALS_SECONDS = 10.0
"""So many refusals within so many seconds end the connection."""
COME_BACK_SECONDS = 5.0
"""When a client whose connection was ended for that may come back."""
CONNECTIONS_WORTH = 4
"""A person may say as much as so many connections, however many they have: those of a few tabs and devices."""
BURSTS_WORTH = 2
"""And at once as much as so many: people do not do things in several tabs at the same moment."""


ROUNDING_SECONDS = 1e-6
"""Less is no wait, but what is left of adding up floating-point numbers."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Credits a second, and how many can be saved; no limit if `per_second` is 0."""

    per_second: float
    burst: float

    def times(self, factor: float) -> Rate:
        """So many times the rate."""
        return Rate(self.per_second * factor, self.burst * factor)


class Bucket:
    """A leaky bucket, kept as the time at which it is empty again (the generic cell rate algorithm)."""

    __slots__ = ("_empty_at",)

    def __init__(self) -> None:
        self._empty_at = 0.0

    def wait(self, rate: Rate, cost: float, now: float) -> float:
        """Seconds until there is credit for the cost; 0 if there is. What costs more than the burst costs the burst."""
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
        """Whether nothing of it is used."""
        return self._empty_at <= now


class Kind(Enum):
    """What a message is to its connection: an update may wait for credit, anything else is refused without."""

    UPDATE = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Price:
    """The credits that a message costs, before its size is counted, and of which rate."""

    kind: Kind
    credits: float


REFUSED = "refused"
"""The row of `PRICES` for a message that can't be read, or that the role may not send."""

PRICES: dict[str, Price] = {
    "ping": Price(Kind.OTHER, 0.25),
    "portal-view-update": Price(Kind.UPDATE, 1),
    "item-update": Price(Kind.UPDATE, 1),
    "request-sync": Price(Kind.OTHER, 1),
    "sync-response": Price(Kind.OTHER, 1),
    "auth": Price(Kind.OTHER, 5),  # a signature is verified, and the role looked up
    REFUSED: Price(Kind.OTHER, 1),
}
"""What each type of message costs."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message: `wait` so many seconds, then it is done; or it is `refused`, and may come then."""

    wait: float = 0.0
    refused: bool = False


DONE = Verdict()


def shared_rate(rate: Rate) -> Rate:
    """What all connections of a person may say together."""
    return Rate(rate.per_second * CONNECTIONS_WORTH, rate.burst * BURSTS_WORTH)


class Meter:
    """A bucket that is drawn from with another one, which several meters share; both have to have credit."""

    __slots__ = ("_own", "_shared")

    def __init__(self, shared: Bucket) -> None:
        self._own = Bucket()
        self._shared = shared

    def wait(self, rate: Rate, cost: float, now: float) -> float:
        """As of a bucket; `rate` is of the own one."""
        return max(self._own.wait(rate, cost, now), self._shared.wait(shared_rate(rate), cost, now))

    def take(self, rate: Rate, cost: float, now: float) -> None:
        """As of a bucket."""
        self._own.take(rate, cost, now)
        self._shared.take(shared_rate(rate), cost, now)


class Refusals:
    """How many messages were refused of late."""

    __slots__ = ("_count", "_since")

    def __init__(self) -> None:
        self._count = 0
        self._since = -math.inf

    def note(self, now: float) -> int:
        """One more; how many there were within `REFUSALS_SECONDS`."""
        if now - self._since > REFUSALS_SECONDS:
            self._count, self._since = 0, now
        self._count += 1
        return self._count


class Allowance:
    """What one person has said of late, over all of their connections to a process."""

    __slots__ = ("__weakref__", "others", "refusals", "updates")

    def __init__(self) -> None:
        self.updates = Bucket()
        self.others = Bucket()
        self.refusals = Refusals()


class Limiter:
    """What one connection has said of late."""

    __slots__ = ("_allowance", "_behind_since", "_others", "_refusals", "_updates")

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance  # which is there for as long as one of the person's connections
        self._updates = Meter(allowance.updates)
        self._others = Meter(allowance.others)
        self._refusals = Refusals()
        self._behind_since: float | None = None

    def charge(self, message_type: str, size: int, updates: Rate, others: Rate, now: float) -> Verdict:
        """Charge for a message of so many bytes; one that is refused costs nothing."""
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
            if not self._updates.wait(rate, rate.burst / 2, now):  # half of what can be saved is there again
                self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now
        elif now - self._behind_since > PATIENCE_SECONDS:
            return Verdict(wait, refused=True)
        self._updates.take(rate, cost, now)
        return Verdict(wait)

    def count_refusal(self, now: float) -> bool:
        """Note that a message was refused for its rate; true if there were too many of late, here or of the person."""
        here, of_person = self._refusals.note(now), self._allowance.refusals.note(now)
        return here >= REFUSALS or of_person >= REFUSALS * CONNECTIONS_WORTH
