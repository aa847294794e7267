"""Why a credential ended before its time. Pure."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The code of the error that open connections are closed with (`realtime.protocol.closing`)."""

    SESSION_ENDED = "session-ended"
    USER_UNAVAILABLE = "user-unavailable"
    LINK_WITHDRAWN = "link-withdrawn"
    LINK_EXPIRED = "link-expired"
    DISCONNECTED = "disconnected"


SENTENCES: dict[Reason, str] = {
    Reason.SESSION_ENDED: "This session has ended: log in again.",
    Reason.USER_UNAVAILABLE: "This account does not exist any more, or is switched off.",
    Reason.LINK_WITHDRAWN: "This link was withdrawn: ask for a new one.",
    Reason.LINK_EXPIRED: "This link has expired: ask for a new one.",
    Reason.DISCONNECTED: "You were disconnected by somebody who controls this portal view: come back later.",
}
"""What each of them means, for people."""
