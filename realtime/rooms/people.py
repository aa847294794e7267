"""Who is in a room: those who have the state, those who wait for it, and what those are owed who do not read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Subject
from realtime.rooms.connection import Connection
from realtime.rooms.snapshots import RoleChange, SnapshotRequest


class People:
    """The connections of one room, by their ids."""

    __slots__ = ("connections", "owed", "waiting")

    def __init__(self) -> None:
        self.connections: dict[str, Connection] = {}
        self.waiting: dict[str, SnapshotRequest] = {}
        """Nothing is delivered to them, and nothing is lost: the snapshot will have it."""
        self.owed: dict[str, SnapshotRequest] = {}
        """What those get who do not read, once they do."""

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here, or on the way in."""
        return not self.connections and not self.waiting

    def everybody(self) -> list[Connection]:
        """All connections, those that wait for a snapshot included."""
        return [*self.connections.values(), *(request.connection for request in self.waiting.values())]

    def subjects(self) -> set[Subject]:
        """Who they are."""
        return {connection.subject for connection in self.everybody()}

    def controllers(self) -> Iterator[Connection]:
        """Those that decide what is shown, and have the state."""
        return (one for one in self.connections.values() if one.role is PortalRole.CONTROLLER)

    def wait(self, request: SnapshotRequest) -> None:
        """A connection waits for a snapshot."""
        self.connections.pop(request.connection.id, None)
        self.waiting[request.connection.id] = request

    def stay(self, connection: Connection) -> None:
        """A connection has the state."""
        self.waiting.pop(connection.id, None)
        self.connections[connection.id] = connection

    def owe(self, request: SnapshotRequest) -> None:
        """A connection gets the state once it reads again: in one message, however many there were to be."""
        self.stay(request.connection)
        if isinstance(request, RoleChange) or request.connection.id not in self.owed:
            self.owed[request.connection.id] = request

    def remove(self, connection: Connection) -> None:
        """A connection is gone."""
        self.connections.pop(connection.id, None)
        self.waiting.pop(connection.id, None)
        self.owed.pop(connection.id, None)

    def with_other_roles(
        self, roles: Mapping[Subject, PortalRole | None]
    ) -> list[tuple[Connection, PortalRole | None]]:
        """Connections whose role is another in `roles`, by who it is, with that role."""
        found = ((one, roles.get(one.subject, one.role)) for one in self.everybody())
        return [(one, role) for one, role in found if role is not one.role]

    def close_overdue(self, now: float, monotonic: float) -> list[Connection]:
        """Close who has no credential any more, or was too slow for too long, and say who; the times of two clocks."""
        # Nothing is called for the others: there may be thousands, each second.
        looked_at = [one for one in self.everybody() if one.due <= now or one.outlet.stalled_since is not None]
        return [one for one in looked_at if not one.check_credential(now) or not one.check_pace(monotonic)]
