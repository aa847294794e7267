"""Why a credential ended before its time. Pure."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The code of the error that open connections are closed with (`realtime.protocol.closing`)."""

    SESSION_ENDED = "session-ended"
    USER_UNAVAILABLE = "user-unavailable"
    LINK_WITHDRAWN = "link-withdrawn"
