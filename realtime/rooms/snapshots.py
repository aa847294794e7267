"""The whole state for one connection: the content of a snapshot, and the four reasons to send one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import msgspec
from msgspec import UNSET

from libraries.rules.projection import epoch_seen, project
from libraries.rules.roles import PortalRole
from libraries.selectors import Stored
from realtime.delivery.prepared import Prepared
from realtime.protocol.encodings import Encoding, content, encode_state, translated
from realtime.protocol.events import Connected, PortalViewUpdated, RoleChanged, ServerMessage, SyncResponded, Who
from realtime.rooms.connection import Connection
from realtime.rooms.updates import Update


class Snapshot:
    """A stored state, encoded once for each role and encoding; `since` are the updates that came while it was read."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.since: list[Update] = []
        self._encoded: dict[tuple[PortalRole, Encoding], msgspec.Raw] = {}

    @property
    def through(self) -> int:
        """The version of a connection after the snapshot and all updates since."""
        return self.since[-1].version or 0 if self.since else self.stored.version

    @property
    def viewers_through(self) -> int:
        """The viewers' version of a connection after the snapshot and all updates since."""
        return self.since[-1].viewers_version or 0 if self.since else self.stored.viewers_version

    def is_fit(self, recovered: bool, version: int, at_least: int) -> bool:
        """Whether it leads to `version`, and shows no state older than `at_least`.

        A `recovered` client gets no state.
        """
        return self.through >= version and (self.through if recovered else self.stored.version) >= at_least

    def as_update(self, viewers_version: int) -> Update:
        """The whole state as an update, for connections that have missed earlier changes.

        Viewers who have `viewers_version` get nothing if they have missed nothing that they may see.
        """
        version, seen = self.stored.version, self.stored.viewers_version
        controllers = Prepared(partial(self._whole, PortalRole.CONTROLLER, version))
        viewers = None
        if seen != viewers_version:
            viewers = Prepared(partial(self._whole, PortalRole.VIEWER, seen))
        return Update(controllers, viewers, version, seen, is_whole=True)

    def _whole(self, role: PortalRole, version: int, encoding: Encoding) -> bytes:
        return content(PortalViewUpdated(payload=self.seen_by(role, encoding), version=version), encoding)

    def seen_by(self, role: PortalRole, encoding: Encoding) -> msgspec.Raw:
        """The encoded state as that role sees it."""
        made = self._encoded.get((role, encoding))
        if made is None:
            made = self._encoded[role, encoding] = self._encode(role, encoding)
        return made

    def _encode(self, role: PortalRole, encoding: Encoding) -> msgspec.Raw:
        if encoding is Encoding.MSGPACK:  # translating takes a fraction of the time of projecting
            return msgspec.Raw(translated(self.seen_by(role, Encoding.JSON)))
        return encode_state(project(self.stored.state, role, self.stored.disclosure))


@dataclass(slots=True)
class SnapshotRequest:
    """A request to send the state to a connection.

    `at_least` is the version that the state must have, so that it shows nothing older. `access_version` is the
    library's at the time when the connection's role was looked up, None if that does not matter.
    """

    connection: Connection
    at_least: int = 0
    access_version: int | None = None

    def has_missed_nothing(self, snapshot: Snapshot) -> bool:
        """Whether the client has all of the snapshot and of the updates since, for its role."""
        return False

    def has_old_role(self, access_version: int) -> bool:
        """Whether the role was looked up before the library's access reached that version."""
        return self.access_version is not None and self.access_version < access_version

    def message(self, snapshot: Snapshot, recovered: bool) -> ServerMessage:
        """The message with the state; `recovered` says that the client has missed nothing."""
        raise NotImplementedError


@dataclass(slots=True)
class Entry(SnapshotRequest):
    """A new connection. `known_version` and `known_epoch` are what its client has already.

    `name` is the person's, and `guest` the credential of a guest. `reconnect_within` is what the client is told.
    """

    known_version: int | None = None
    known_epoch: str | None = None
    name: str = ""
    guest: str = ""
    reconnect_within: int = 0

    def has_missed_nothing(self, snapshot: Snapshot) -> bool:
        """Whether the client named the version and the epoch that the snapshot leads to, for its role."""
        role = self.connection.role
        through = snapshot.through if role is PortalRole.CONTROLLER else snapshot.viewers_through
        return (self.known_version, self.known_epoch) == (through, epoch_seen(snapshot.stored.epoch, role))

    def message(self, snapshot: Snapshot, recovered: bool) -> ServerMessage:
        """`connected`, without the state if the client has it."""
        connection, stored = self.connection, snapshot.stored
        role = connection.role
        return Connected(
            portal_view_id=connection.portal_view_id,
            role=role,
            subject=who(connection, self.name),
            user_id=connection.subject.user_id or UNSET,
            guest=self.guest or UNSET,
            message=f"Connected to “{stored.state['name']}” as a {role}.",
            connection_id=connection.id,
            version=connection.told_version,
            epoch=epoch_seen(stored.epoch, role),
            recovered=recovered,
            reconnect_within=self.reconnect_within,
            state=UNSET if recovered else snapshot.seen_by(role, connection.encoding),
        )


@dataclass(slots=True)
class RoleChange(SnapshotRequest):
    """A connection whose role has changed, or whose guest has become a user."""

    def message(self, snapshot: Snapshot, recovered: bool) -> ServerMessage:
        """`role-changed`."""
        role, version = self.connection.role, self.connection.told_version
        epoch = epoch_seen(snapshot.stored.epoch, role)
        became = self.connection.became
        subject = UNSET if became is None else who(self.connection, became)
        state = snapshot.seen_by(role, self.connection.encoding)
        return RoleChanged(role=role, subject=subject, version=version, epoch=epoch, state=state)


@dataclass(slots=True)
class Answer(SnapshotRequest):
    """A connection whose `request-sync` gets no answer from a controller."""

    def message(self, snapshot: Snapshot, recovered: bool) -> ServerMessage:
        """`sync-response`."""
        payload = snapshot.seen_by(self.connection.role, self.connection.encoding)
        return SyncResponded(payload=payload, version=self.connection.told_version, source="server")


@dataclass(slots=True)
class CatchUp(SnapshotRequest):
    """A connection that got no updates for a while."""

    def message(self, snapshot: Snapshot, recovered: bool) -> ServerMessage:
        """`portal-view-updated` with the whole state."""
        payload = snapshot.seen_by(self.connection.role, self.connection.encoding)
        return PortalViewUpdated(payload=payload, version=self.connection.told_version)


def who(connection: Connection, name: str) -> Who:
    """The person of a connection, as told to themselves."""
    return Who(kind=connection.subject.kind, id=connection.subject.id, name=name or None)
