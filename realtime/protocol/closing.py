"""Error codes, close codes and close reasons: the tables that the server uses and the documentation prints."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class CloseCode(IntEnum):
    """Why the server closes (RFC 6455, section 7.4); the close reason is the `code` of the `error` sent before."""

    NORMAL = 1000
    UNSUPPORTED = 1003
    POLICY = 1008
    TOO_BIG = 1009
    INTERNAL = 1011
    RESTART = 1012
    TRY_LATER = 1013


ERRORS: dict[str, CloseCode | None] = {
    "invalid-json": None,
    "invalid-msgpack": None,
    "invalid-message": None,
    "invalid-payload": None,
    "quota-exceeded": None,
    "unknown-type": None,
    "forbidden": None,
    "not-found": CloseCode.POLICY,
    "unavailable": None,
    "portal-view-id-missing": CloseCode.POLICY,
    "credential-missing": CloseCode.POLICY,
    "token-invalid": CloseCode.POLICY,
    "token-expired": CloseCode.POLICY,
    "user-unavailable": CloseCode.POLICY,
    "session-ended": CloseCode.POLICY,
    "ticket-invalid": CloseCode.POLICY,
    "share-invalid": CloseCode.POLICY,
    "link-withdrawn": CloseCode.POLICY,
    "link-expired": CloseCode.POLICY,
    "link-full": CloseCode.TRY_LATER,
    "guest-name-invalid": CloseCode.POLICY,
    "no-access": CloseCode.POLICY,
    "origin-not-allowed": CloseCode.POLICY,
    "host-not-allowed": CloseCode.POLICY,
    "access-withdrawn": CloseCode.POLICY,
    "disconnected": CloseCode.TRY_LATER,
    "too-slow": CloseCode.TRY_LATER,
    "no-answer": CloseCode.TRY_LATER,
    "rate-limited": None,
    "too-many-connections": CloseCode.TRY_LATER,
    "portal-view-full": CloseCode.TRY_LATER,
    "https-required": CloseCode.POLICY,
    "socketio-not-supported": CloseCode.UNSUPPORTED,
    "binary-not-supported": CloseCode.UNSUPPORTED,
    "text-not-supported": CloseCode.UNSUPPORTED,
    "message-too-big": None,
    "internal-error": CloseCode.INTERNAL,
}
"""The close code that follows each error code; None leaves the connection open."""


class Reconnect(StrEnum):
    """Whether and how a client reconnects after a close. After an unknown reason: with back-off."""

    NEVER = "no"
    NEW_CREDENTIAL = "with a new credential"
    RETRY_AFTER = "after retryAfter"
    BACK_OFF = "with back-off"


RECONNECT: dict[str, Reconnect] = {
    "not-found": Reconnect.NEVER,
    "unavailable": Reconnect.BACK_OFF,
    "portal-view-id-missing": Reconnect.NEVER,
    "credential-missing": Reconnect.NEW_CREDENTIAL,
    "token-invalid": Reconnect.NEW_CREDENTIAL,
    "token-expired": Reconnect.NEW_CREDENTIAL,
    "user-unavailable": Reconnect.NEW_CREDENTIAL,
    "session-ended": Reconnect.NEW_CREDENTIAL,
    "ticket-invalid": Reconnect.NEW_CREDENTIAL,
    "share-invalid": Reconnect.NEVER,
    "link-withdrawn": Reconnect.NEVER,
    "link-expired": Reconnect.NEVER,
    "link-full": Reconnect.RETRY_AFTER,
    "guest-name-invalid": Reconnect.NEVER,
    "no-access": Reconnect.NEVER,
    "origin-not-allowed": Reconnect.NEVER,
    "host-not-allowed": Reconnect.NEVER,
    "access-withdrawn": Reconnect.NEVER,
    "disconnected": Reconnect.RETRY_AFTER,
    "too-slow": Reconnect.BACK_OFF,
    "no-answer": Reconnect.BACK_OFF,
    "rate-limited": Reconnect.RETRY_AFTER,
    "too-many-connections": Reconnect.RETRY_AFTER,
    "portal-view-full": Reconnect.RETRY_AFTER,
    "https-required": Reconnect.NEVER,
    "socketio-not-supported": Reconnect.NEVER,
    "binary-not-supported": Reconnect.NEVER,
    "text-not-supported": Reconnect.NEVER,
    "message-too-big": Reconnect.NEVER,
    "internal-error": Reconnect.BACK_OFF,
    "portal-view-deleted": Reconnect.NEVER,
    "going-away": Reconnect.RETRY_AFTER,
}
"""The client's reaction to a close, by its reason: an error's code, or one of the two reasons without an error."""

CLOSE_REASONS: dict[int, str] = {CloseCode.TOO_BIG: "message-too-big", CloseCode.INTERNAL: "internal-error"}
"""The reasons for the codes that a server closes with on its own."""
