"""What the server sends: the structs below `ServerMessage`. The contract is `docs/protocol.md`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType


class ServerMessage(msgspec.Struct, rename="camel", tag_field="type", kw_only=True, omit_defaults=True):
    """What the server sends; keys that are not set are not sent."""


class Who(msgspec.Struct):
    """A person: `kind` is `user` or `guest`; a guest may have no name."""

    kind: str
    id: UUID
    name: str | None


class Connected(ServerMessage, kw_only=True, tag="connected"):
    """The first message; `state` unless the client has missed nothing.

    `userId` is a user's. A guest gets its credential as `guest`, to come back with. `reconnectWithin` is the time over
    which clients spread their first attempt after a loss, in milliseconds.
    """

    portal_view_id: UUID
    role: str
    subject: Who
    user_id: UUID | UnsetType = UNSET
    guest: str | UnsetType = UNSET
    message: str
    connection_id: str
    version: int
    epoch: str
    recovered: bool
    reconnect_within: int
    state: msgspec.Raw | UnsetType = UNSET


class Pong(ServerMessage, tag="pong"):
    """Answers `ping`; milliseconds since the epoch, and `reconnectWithin` as it is now."""

    timestamp: int
    reconnect_within: int
    ref: str | int | UnsetType = UNSET


class PortalViewUpdated(ServerMessage, tag="portal-view-updated"):
    """The keys that changed; `version` if anything was stored."""

    payload: dict[str, Any] | msgspec.Raw
    version: int | UnsetType = UNSET


class ItemMessage(ServerMessage, kw_only=True):
    """A stored change of one item, and what else changed with it for the role: one version is one message."""

    version: int | UnsetType = UNSET
    current_item: int | None | UnsetType = UNSET
    current_item_id: str | None | UnsetType = UNSET
    camera: dict[str, Any] | None | UnsetType = UNSET
    encounter: dict[str, Any] | None | UnsetType = UNSET


class ItemAdded(ItemMessage, kw_only=True, tag="item-added"):
    """An item that the role sees now, and its place in the role's items."""

    item: dict[str, Any]
    index: int


class ItemRemoved(ItemMessage, kw_only=True, tag="item-removed"):
    """An item that the role sees no more."""

    item_id: str


class ItemMoved(ItemMessage, kw_only=True, tag="item-moved"):
    """An item at another place in the role's items."""

    item_id: str
    index: int


class ItemUpdated(ItemMessage, kw_only=True, tag="item-updated"):
    """The keys of one item that changed, null for a key that is gone; `index` and `version` if it was stored."""

    payload: dict[str, Any]
    index: int | UnsetType = UNSET


class BatchApplied(ServerMessage, kw_only=True, tag="batch-applied"):
    """Several changes that were stored as one version: messages without a version, to be applied in their order."""

    changes: list[ItemAdded | ItemRemoved | ItemMoved | ItemUpdated | PortalViewUpdated]
    version: int | UnsetType = UNSET


class SyncRequested(ServerMessage, tag="sync-requested"):
    """A viewer's question, for controllers."""

    subject_id: UUID = msgspec.field(name="from")
    connection_id: str


class SyncResponded(ServerMessage, tag="sync-response"):
    """The answer, for viewers; `source` is `controller` or `server`."""

    payload: dict[str, Any] | msgspec.Raw
    version: int
    source: str


class Activity(ServerMessage, kw_only=True, tag="activity"):
    """A controller is `editing`, or `idle` again; viewers are told neither who nor what."""

    state: str
    subject_id: UUID | UnsetType = msgspec.field(name="from", default=UNSET)
    target: str | UnsetType = UNSET


class Pointer(ServerMessage, kw_only=True, tag="pointer"):
    """Somebody points at an item; `pointerId` tells pointers apart, and only controllers are told whose it is."""

    pointer_id: str
    role: str
    subject_id: UUID | UnsetType = msgspec.field(name="from", default=UNSET)
    item_id: str
    x: float
    y: float


class Error(ServerMessage, tag="error"):
    """A refusal: a sentence a person can act on, and a stable code; milliseconds until the same may go well."""

    message: str
    code: str
    ref: str | int | UnsetType = UNSET
    details: dict[str, str] | UnsetType = UNSET
    retry_after: int | UnsetType = UNSET


class Ack(ServerMessage, kw_only=True, tag="ack"):
    """A message with a `ref` was done; the version that holds it, and what looks secret in it and is shown.

    `itemId` is the id of the item that it added, `itemIds` are those of a batch. `payload` is what the server changed
    beyond what was sent.
    """

    ref: str | int
    version: int
    item_id: str | UnsetType = UNSET
    item_ids: list[str] | UnsetType = UNSET
    payload: dict[str, Any] | UnsetType = UNSET
    warnings: list[str] | UnsetType = UNSET


class RoleChanged(ServerMessage, kw_only=True, tag="role-changed"):
    """The connection's role is another now, and with it what it sees, and the epoch of its versions.

    `subject` is who the connection belongs to now, if a guest has become a user.
    """

    role: str
    subject: Who | UnsetType = UNSET
    version: int
    epoch: str
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


class Present(Who, kw_only=True):
    """A person who is here: one entry, however many connections they have."""

    role: str
    since: str


class Counts(msgspec.Struct, frozen=True):
    """How many people are here."""

    controllers: int
    viewers: int


class Presence(ServerMessage, kw_only=True, tag="presence"):
    """Who is here: everything (`snapshot`), or what changed (`change`). Viewers get only a `snapshot` of `counts`.

    In a `change`, `joined`, `controllers` and `viewers` have new entries, to be put in by id, and `left` has old ones.
    """

    event: str
    joined: list[Present] | UnsetType = UNSET
    left: list[Present] | UnsetType = UNSET
    controllers: list[Present] | UnsetType = UNSET
    viewers: list[Present] | UnsetType = UNSET
    counts: Counts


SERVER_MESSAGES: dict[str, type[ServerMessage]] = {
    str(message.__struct_config__.tag): message
    for message in (
        Connected,
        Pong,
        PortalViewUpdated,
        ItemAdded,
        ItemRemoved,
        ItemMoved,
        ItemUpdated,
        BatchApplied,
        SyncRequested,
        SyncResponded,
        Activity,
        Pointer,
        Error,
        Ack,
        RoleChanged,
        PortalViewDeleted,
        GoingAway,
        TokenExpiring,
        Presence,
    )
}
"""Each message by its type."""
