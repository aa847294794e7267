"""The ways a request can fail that its sender can do something about. Pure; REST and sockets say them their own way."""

from __future__ import annotations

from collections.abc import Mapping


class PortalError(Exception):
    """A refusal with a stable `code`, a `message` a person can act on, and `details` by key where there are any."""

    code: str = "error"

    def __init__(self, message: str, details: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details) if details else None


class InvalidPayload(PortalError):
    """A value that may not be stored or relayed; `details` names each key."""

    code = "invalid-payload"


class NotFound(PortalError):
    """It does not exist, or the asker may not know that it does."""

    code = "not-found"


class Forbidden(PortalError):
    """The asker sees it but may not do this to it."""

    code = "forbidden"


class VersionConflict(PortalError):
    """The asker's version is not the stored one (RFC 9110, section 13.1.1: a failed If-Match)."""

    code = "version-conflict"


class Conflict(PortalError):
    """The change would break a rule of what is stored: a second membership, a library without an owner."""

    code = "conflict"


class QuotaExceeded(PortalError):
    """The library, or the person, has as much as they may keep; the message says how much that is, and what to do."""

    code = "quota-exceeded"


class AlreadyApplied(PortalError):
    """The message was stored before, by a connection that was cut before it could hear so."""

    code = "already-applied"


class Unavailable(PortalError):
    """Something the server needs is away; the same request may succeed later."""

    code = "unavailable"
