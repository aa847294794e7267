"""The message that brings one connection up to date: a snapshot, and why it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from msgspec import UNSET

from libraries.rules.projection import epoch_seen
from realtime.protocol.events import Connected, PortalViewUpdated, RoleChanged, ServerMessage, SyncResponded
from realtime.rooms.bulletin import Snapshot
from realtime.rooms.connection import Connection


@dataclass(slots=True)
class Waiting:
    """A connection that waits for a snapshot, and the message it is to come in.

    `at_least` is the version that the state must have, so that it shows nothing older; `access_version` that of the
    library when the role was looked up; `known_version` and `known_epoch` are what the client of a new connection has
    already.
    """

    connection: Connection
    greeting: Literal["connected", "role-changed", "sync-response", "portal-view-updated"] = "connected"
    at_least: int = 0
    access_version: int | None = None
    known_version: int | None = None
    known_epoch: str | None = None

    def knows(self, snapshot: Snapshot) -> bool:
        """Whether the client has missed nothing of the snapshot and what came since, for its role."""
        epoch = epoch_seen(snapshot.stored.epoch, self.connection.role)
        return (self.known_version, self.known_epoch) == (snapshot.through, epoch)

    def has_old_role(self, access_version: int) -> bool:
        """Whether the role of a new connection was looked up before the library's access came to that version."""
        return self.access_version is not None and self.access_version < access_version


def greeting(waiting: Waiting, snapshot: Snapshot, recovered: bool) -> ServerMessage:
    """The message; `recovered` says that the client of a new connection has missed nothing."""
    connection, stored = waiting.connection, snapshot.stored
    role, version = connection.role, connection.version
    if waiting.greeting == "role-changed":
        return RoleChanged(role=role, version=version, state=snapshot.seen_by(role))
    if waiting.greeting == "sync-response":
        return SyncResponded(payload=snapshot.seen_by(role), version=version, source="server")
    if waiting.greeting == "portal-view-updated":
        return PortalViewUpdated(payload=snapshot.seen_by(role), version=version)
    return Connected(
        portal_view_id=connection.portal_view_id,
        role=role,
        user_id=connection.user_id,
        message=f"Connected to “{stored.state['name']}” as a {role}.",
        connection_id=connection.id,
        version=version,
        epoch=epoch_seen(stored.epoch, role),
        recovered=recovered,
        state=UNSET if recovered else snapshot.seen_by(role),
    )
