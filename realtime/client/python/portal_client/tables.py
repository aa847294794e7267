"""The tables of the protocol.

Made by `manage.py client_tables --write` from the server's tables; change those instead.
"""

from __future__ import annotations

CLIENT_TYPES: frozenset[str] = frozenset(
    {
        "ping",
        "portal-view-update",
        "item-update",
        "item-add",
        "item-remove",
        "item-move",
        "encounter-next",
        "encounter-previous",
        "batch",
        "request-sync",
        "sync-response",
        "activity",
        "pointer",
        "auth",
    }
)
"""The types of the messages that a client sends."""

STORED_TYPES: frozenset[str] = frozenset(
    {
        "portal-view-update",
        "item-update",
        "item-add",
        "item-remove",
        "item-move",
        "encounter-next",
        "encounter-previous",
        "batch",
    }
)
"""Those of them that are stored, and can be sent again."""

SERVER_TYPES: frozenset[str] = frozenset(
    {
        "connected",
        "pong",
        "portal-view-updated",
        "item-added",
        "item-removed",
        "item-moved",
        "item-updated",
        "batch-applied",
        "sync-requested",
        "sync-response",
        "activity",
        "pointer",
        "error",
        "ack",
        "role-changed",
        "portal-view-deleted",
        "going-away",
        "token-expiring",
        "presence",
    }
)
"""The types of the messages that the server sends."""

ERROR_CODES: frozenset[str] = frozenset(
    {
        "invalid-json",
        "invalid-msgpack",
        "invalid-message",
        "invalid-payload",
        "quota-exceeded",
        "unknown-type",
        "forbidden",
        "not-found",
        "unavailable",
        "portal-view-id-missing",
        "credential-missing",
        "token-invalid",
        "token-expired",
        "user-unavailable",
        "session-ended",
        "ticket-invalid",
        "share-invalid",
        "link-withdrawn",
        "link-expired",
        "link-full",
        "guest-name-invalid",
        "no-access",
        "origin-not-allowed",
        "host-not-allowed",
        "access-withdrawn",
        "disconnected",
        "too-slow",
        "no-answer",
        "rate-limited",
        "too-many-connections",
        "portal-view-full",
        "https-required",
        "socketio-not-supported",
        "binary-not-supported",
        "text-not-supported",
        "message-too-big",
        "internal-error",
    }
)
"""The codes of `error`."""

RECONNECT: dict[str, str] = {
    "not-found": "no",
    "unavailable": "with back-off",
    "portal-view-id-missing": "no",
    "credential-missing": "with a new credential",
    "token-invalid": "with a new credential",
    "token-expired": "with a new credential",
    "user-unavailable": "with a new credential",
    "session-ended": "with a new credential",
    "ticket-invalid": "with a new credential",
    "share-invalid": "no",
    "link-withdrawn": "no",
    "link-expired": "no",
    "link-full": "after retryAfter",
    "guest-name-invalid": "no",
    "no-access": "no",
    "origin-not-allowed": "no",
    "host-not-allowed": "no",
    "access-withdrawn": "no",
    "disconnected": "after retryAfter",
    "too-slow": "with back-off",
    "no-answer": "with back-off",
    "rate-limited": "after retryAfter",
    "too-many-connections": "after retryAfter",
    "portal-view-full": "after retryAfter",
    "https-required": "no",
    "socketio-not-supported": "no",
    "binary-not-supported": "no",
    "text-not-supported": "no",
    "message-too-big": "no",
    "internal-error": "with back-off",
    "portal-view-deleted": "no",
    "going-away": "after retryAfter",
}
"""What a client does after a close, by its reason. After an unknown reason: with back-off."""

FINAL_CLOSE_CODES: frozenset[int] = frozenset(
    {
        1000,
        1003,
        1009,
    }
)
"""The close codes after which a client never comes back, whatever the reason."""

STATE_KEYS: frozenset[str] = frozenset(
    {
        "autoResetImageState",
        "blackout",
        "camera",
        "createdAt",
        "currentItem",
        "currentItemId",
        "encounter",
        "healthDisplay",
        "id",
        "items",
        "libraryId",
        "name",
        "showAC",
        "showActions",
        "showConditions",
        "showEncounter",
        "showHealth",
        "updatedAt",
        "version",
        "viewersMayPoint",
    }
)
"""The keys of a state; others are commands."""

READ_ONLY_KEYS: frozenset[str] = frozenset(
    {
        "createdAt",
        "epoch",
        "id",
        "libraryId",
        "updatedAt",
        "version",
    }
)
"""The keys of a state that no message changes."""

ENCODINGS: dict[str, str] = {
    "json": "portal.v1.json",
    "msgpack": "portal.v1.msgpack",
}
"""The subprotocol of each encoding."""

CREDENTIALS: dict[str, str] = {
    "bearer": "access token",
    "ticket": "ticket",
    "share": "token of a share link",
    "guest": "guest's credential",
}
"""The credentials in subprotocols, by the part before the first dot."""

BYTES_KEY: str = "$bytes"
"""The one key of an object that stands for bytes in JSON."""
