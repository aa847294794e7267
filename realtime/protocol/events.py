"""What the server sends: the structs below `ServerMessage`. The contract is `docs/protocol.md`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType


class ServerMessage(msgspec.Struct, rename="camel", tag_field="type", kw_only=True, omit_defaults=True):
    """What the server sends; keys that are not set are not sent."""


class Connected(ServerMessage, tag="connected"):
    """The first message; `state` unless the client has missed nothing."""

    portal_view_id: UUID
    role: str
    user_id: UUID
    message: str
    connection_id: str
    version: int
    epoch: str
    recovered: bool
    state: msgspec.Raw | UnsetType = UNSET


class Pong(ServerMessage, tag="pong"):
    """Answers `ping`; milliseconds since the epoch."""

    timestamp: int
    ref: str | int | UnsetType = UNSET


class PortalViewUpdated(ServerMessage, tag="portal-view-updated"):
    """The keys that changed; `version` if anything was stored."""

    payload: dict[str, Any] | msgspec.Raw
    version: int | UnsetType = UNSET


class ItemUpdated(ServerMessage, tag="item-updated"):
    """The keys of one item that changed; `index`, its place in `items`, and `version` if it was stored.

    For viewers, null removes a key.
    """

    payload: dict[str, Any]
    index: int | UnsetType = UNSET
    version: int | UnsetType = UNSET


class SyncRequested(ServerMessage, tag="sync-requested"):
    """A viewer's question, for controllers."""

    user_id: UUID = msgspec.field(name="from")
    connection_id: str


class SyncResponded(ServerMessage, tag="sync-response"):
    """The answer, for viewers; `source` is `controller` or `server`."""

    payload: dict[str, Any] | msgspec.Raw
    version: int
    source: str


class Error(ServerMessage, tag="error"):
    """A refusal: a sentence a person can act on, and a stable code; milliseconds until the same may go well."""

    message: str
    code: str
    ref: str | int | UnsetType = UNSET
    details: dict[str, str] | UnsetType = UNSET
    retry_after: int | UnsetType = UNSET


class Ack(ServerMessage, tag="ack"):
    """A message with a `ref` was done; the version that holds it, and what looks secret in it and is shown."""

    ref: str | int
    version: int
    warnings: list[str] | UnsetType = UNSET


class RoleChanged(ServerMessage, tag="role-changed"):
    """The connection's role is another now, and with it what it sees."""

    role: str
    version: int
    state: msgspec.Raw


class PortalViewDeleted(ServerMessage, tag="portal-view-deleted"):
    """The portal view is gone; the connection is closed next."""

    portal_view_id: UUID


class GoingAway(ServerMessage, tag="going-away"):
    """The connection is closed next, with 1012; come back after so many milliseconds."""

    retry_after: int


class TokenExpiring(ServerMessage, tag="token-expiring"):
    """The credential ends in so many seconds."""

    expires_in: int
