"""When a client comes back after a connection has ended. No I/O in here."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .tables import FINAL_CODES, RECONNECT

CUT = 1006
"""The code of a connection that ended without a close frame (RFC 6455, section 7.4.1)."""
WITHIN_SECONDS = 1.0
"""The first attempt after a loss comes within this time, unless the server says another (`reconnectWithin`)."""
LONGEST_SECONDS = 20.0
MORE_ROOM = 1.8
"""Later attempts meet those of clients that come for the first time, so they are spread over more than `within`."""
STEADY_SECONDS = 5.0
"""A connection that lived so long has ended the loss before."""


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
    """Spreads the clients of one server over time. `now` is in seconds of a clock that only goes forward."""

    def __init__(self, rng: Random) -> None:
        self.within = WITHIN_SECONDS
        self._rng = rng
        self._lost_at: float | None = None
        self._open_since: float | None = None

    def succeeded(self, now: float) -> None:
        """The server let the client in."""
        self._open_since = now

    def after(self, ending: Ending, now: float) -> float:
        """The seconds until the next attempt: at random, on top of what the server asks for.

        A `going-away` has a number for each connection, which is spread already.
        """
        if self._open_since is not None and now - self._open_since >= STEADY_SECONDS:
            self._lost_at = None
        self._open_since = None
        if self._lost_at is None:
            self._lost_at, most = now, self.within
        else:  # as long as the loss lasts, so that all are back in that time again
            most = min(LONGEST_SECONDS, max(MORE_ROOM * self.within, now - self._lost_at))
        if ending.retry_after is None:
            return self._rng.uniform(0, most)
        return ending.retry_after + (0 if ending.reason == "going-away" else self._rng.uniform(0, most))
