"""When a client comes back after a connection has ended. No I/O in here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from .tables import FINAL_CODES, RECONNECT

CUT = 1006
"""The code of a connection that ended without a close frame (RFC 6455, section 7.4.1)."""
WITHIN_SECONDS = 1.0
"""The first attempt after a loss comes within this time, unless the server says another (`reconnectWithin`)."""
LONGEST_SECONDS = 20.0
GROWTH = 1.5
"""Later windows are at least so many times the first one."""
STEADY_SECONDS = 5.0
"""A connection that lasted so long was the end of the loss before."""


@dataclass(frozen=True)
class Ending:
    """The end of a connection, or of an attempt: the close code and reason, and the wait that the server asks for.

    `retry_after` is in seconds. `message` is a sentence for people.
    """

    code: int = CUT
    reason: str = ""
    message: str = "The connection was lost."
    retry_after: float | None = None
    is_over: bool = False
    """There is nothing left to try, whatever the reason."""

    @property
    def is_final(self) -> bool:
        """Whether the client must not come back."""
        if self.is_over:
            return True
        advice = RECONNECT.get(self.reason)
        return self.code in FINAL_CODES if advice is None else advice == "no"

    @property
    def needs_new_credential(self) -> bool:
        """Whether the same credential would be refused again."""
        return RECONNECT.get(self.reason) == "with a new credential"


class Backoff:
    """Spreads the clients of one server over time; `clock` is in seconds."""

    def __init__(self, rng: Random, clock: Callable[[], float] = time.monotonic) -> None:
        self.within = WITHIN_SECONDS
        self._rng = rng
        self._clock = clock
        self._lost_at: float | None = None
        self._opened_at: float | None = None

    def opened(self) -> None:
        """The server has let the client in."""
        self._opened_at = self._clock()

    def after(self, ending: Ending) -> float:
        """The seconds until the next attempt: at random within a window, on top of what the server asks for.

        The first window is `within`. A later one is as long as the loss has lasted, so that everybody is back as long
        after the end of a loss as it took. A `going-away` has a number for each connection, which is spread already.
        """
        now = self._clock()
        is_steady = self._opened_at is not None and now - self._opened_at >= STEADY_SECONDS
        self._opened_at = None
        if self._lost_at is None or is_steady:
            self._lost_at, window = now, self.within
        else:
            window = min(LONGEST_SECONDS, max(GROWTH * self.within, now - self._lost_at))
        if ending.retry_after is None:
            return self._rng.uniform(0, window)
        return ending.retry_after + (0 if ending.reason == "going-away" else self._rng.uniform(0, window))
