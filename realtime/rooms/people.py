"""The connections in a room: those that have the state, those that wait for it, and those that do not read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Subject
from realtime.rooms.connection import Connection
from realtime.rooms.snapshots import RoleChange, SnapshotRequest


class People:
    """The connections of one room, by their ids."""

    __slots__ = ("changes", "connections", "owed", "waiting")

    def __init__(self) -> None:
        self.changes = 0
        """Rises whenever somebody comes, goes, or has another role."""
        self.connections: dict[str, Connection] = {}
        self.waiting: dict[str, SnapshotRequest] = {}
        """Nothing is delivered to them, and nothing is lost: the snapshot will contain it."""
        self.owed: dict[str, SnapshotRequest] = {}
        """The snapshots for connections that do not read, sent once they read again."""

    @property
    def is_empty(self) -> bool:
        """Whether no connection is here or waits for the state."""
        return not self.connections and not self.waiting

    def everybody(self) -> list[Connection]:
        """All connections, including those that wait for a snapshot."""
        return [*self.connections.values(), *(request.connection for request in self.waiting.values())]

    def subjects(self) -> set[Subject]:
        """The subjects of all connections."""
        return {connection.subject for connection in self.everybody()}

    def controllers(self) -> Iterator[Connection]:
        """The controllers that have the state."""
        return (one for one in self.connections.values() if one.role is PortalRole.CONTROLLER)

    def viewer_ids(self) -> set[str]:
        """The ids of the viewers' connections that have the state."""
        return {one.id for one in self.connections.values() if one.role is PortalRole.VIEWER}

    def wait(self, request: SnapshotRequest) -> None:
        """Record that a connection waits for a snapshot."""
        self.changes += 1
        self.connections.pop(request.connection.id, None)
        self.waiting[request.connection.id] = request

    def stay(self, connection: Connection) -> None:
        """Record that a connection has the state."""
        self.changes += 1
        self.waiting.pop(connection.id, None)
        self.connections[connection.id] = connection

    def owe(self, request: SnapshotRequest) -> None:
        """Send the connection the state once it reads again: one message, however many it has missed."""
        self.stay(request.connection)
        if isinstance(request, RoleChange) or request.connection.id not in self.owed:
            self.owed[request.connection.id] = request

    def remove(self, connection: Connection) -> None:
        """Remove a connection."""
        self.changes += 1
        self.connections.pop(connection.id, None)
        self.waiting.pop(connection.id, None)
        self.owed.pop(connection.id, None)

    def with_other_roles(
        self, roles: Mapping[Subject, PortalRole | None]
    ) -> list[tuple[Connection, PortalRole | None]]:
        """The connections whose role differs from the one in `roles`, each with its new role."""
        concerned = (one for one in self.everybody() if one.subject in roles)
        found = ((one, one.role_for(roles[one.subject])) for one in concerned)
        return [(one, role) for one, role in found if role is not one.role]

    def note_own_roles(self, roles: Mapping[Subject, PortalRole | None]) -> None:
        """Note the roles of the people themselves, which a connection that looks as a viewer does not have."""
        for one in self.everybody():
            role = roles.get(one.subject)
            if one.as_viewer and role is not None and role is not one.own_role:
                one.own_role = role
                self.changes += 1

    def close_overdue(self, now: float, monotonic: float) -> list[Connection]:
        """Close expired connections and those too slow for too long; returns them. The times are of two clocks."""
        # Nothing is called for the others: there may be thousands, every second.
        looked_at = [one for one in self.everybody() if one.due <= now or one.outlet.stalled_since is not None]
        return [one for one in looked_at if not one.check_credential(now) or not one.check_pace(monotonic)]
