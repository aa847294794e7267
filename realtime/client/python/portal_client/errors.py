"""The one error of this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .waiting import Entry

NOT_CONNECTED = "not-connected"
"""The line is down, and what was sent is not one that waits."""
CONNECTION_LOST = "connection-lost"
"""The line was lost before the answer to something that is not sent again."""
QUEUE_FULL = "queue-full"
"""The line is down, and as many updates wait as may."""
UNKNOWN_OUTCOME = "unknown-outcome"
"""The line was lost before the answer, and it cannot be found out any more whether the server has stored the update."""
CLOSED = "closed"
"""The client was closed, or will not come back after a close that told no reason."""


class PortalError(Exception):
    """A refusal: a `code`, and a `message` that a person can act on.

    The code is one of the server's (`tables.ERRORS`, or a close reason of `tables.RECONNECT`), or one of this
    module. `details` has a sentence for each bad value by its place. `retry_after` is in seconds.
    """

    def __init__(
        self,
        code: str,
        message: str,
        details: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        sent: Entry | None = None,
    ) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
        self.details = dict(details or {})
        self.retry_after = retry_after
        self.sent = sent
        """The update that was refused, for `PortalClient.again`."""


def from_message(message: Mapping[str, Any], sent: Entry | None = None) -> PortalError:
    """The error that a message of the type `error` tells."""
    wait = message.get("retryAfter")
    return PortalError(
        message["code"], message["message"], message.get("details"), None if wait is None else wait / 1000, sent
    )
