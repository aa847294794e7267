"""Error codes, close codes and close reasons: the tables that the server reads and the documentation prints."""

from __future__ import annotations

from enum import IntEnum


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
    "no-access": CloseCode.POLICY,
    "origin-not-allowed": CloseCode.POLICY,
    "host-not-allowed": CloseCode.POLICY,
    "access-withdrawn": CloseCode.POLICY,
    "too-slow": CloseCode.TRY_LATER,
    "no-answer": CloseCode.TRY_LATER,
    "rate-limited": None,
    "too-many-connections": CloseCode.TRY_LATER,
    "portal-view-full": CloseCode.TRY_LATER,
    "https-required": CloseCode.POLICY,
    "socketio-not-supported": CloseCode.UNSUPPORTED,
    "binary-not-supported": CloseCode.UNSUPPORTED,
    "message-too-big": CloseCode.TOO_BIG,
    "internal-error": CloseCode.INTERNAL,
}
"""Each error code, and what the connection is closed with after it: None leaves it open."""

CLOSE_REASONS: dict[int, str] = {CloseCode.TOO_BIG: "message-too-big", CloseCode.INTERNAL: "internal-error"}
"""The reasons for codes that a server closes with on its own."""
