"""One portal view's connections in this process, and what they have been told. No I/O in here.

A room puts together the order of versions, who is here, and who is delivered to. What it needs from outside, a state
that is new enough, it asks for by saying that a request is not served; who brings it is `realtime.hub.keeper`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Subject
from libraries.selectors import Pulse, Stored
from realtime.delivery.prepared import Prepared
from realtime.protocol.closing import CloseCode
from realtime.protocol.encodings import encode
from realtime.protocol.events import ServerMessage, SyncRequested
from realtime.rooms.connection import Connection
from realtime.rooms.order import Order
from realtime.rooms.people import People
from realtime.rooms.seats import Seats
from realtime.rooms.snapshots import CatchUp, Entry, RoleChange, Snapshot, SnapshotRequest
from realtime.rooms.updates import Update


class Room:
    """The connections of one portal view, and what they have been told.

    `on_drain` is called with a request of a connection that reads again, and is to be served. `access_version` is that
    of the library when the roles here were looked up, `newest_access` the newest that was heard of.
    """

    __slots__ = ("_on_drain", "_seats", "access_version", "id", "newest_access", "order", "people", "snapshot")

    def __init__(self, portal_view_id: UUID, on_drain: Callable[[SnapshotRequest], None]) -> None:
        self.id = portal_view_id
        self.order = Order()
        self.people = People()
        self.snapshot: Snapshot | None = None
        self.access_version: int | None = None
        self.newest_access = 0
        self._seats = Seats(self._stalled, self._drained)
        self._on_drain = on_drain

    @property
    def version(self) -> int:
        """The newest version that was delivered; 0 until the state was read for the first time."""
        return self.order.version

    @property
    def has_gap(self) -> bool:
        """Whether there is a change that the room has not delivered."""
        return self.order.has_gap

    @property
    def has_controller(self) -> bool:
        """Whether a controller is connected to this process."""
        return any(self.people.controllers())

    def take(self, update: Update) -> None:
        """Deliver an update, or hold it until those before it have come, or drop it as known."""
        for ready in self.order.take(update):
            self._deliver(ready)

    def note(self, pulse: Pulse) -> None:
        """There is a stored version to be reached; until it is, the room has a gap."""
        self.order.note(pulse.version)

    def stop_reading(self, stored: Stored | None, *, catch_up: bool) -> None:
        """Take the state that was read, None if it could not be; with `catch_up` everybody is told what it has.

        Those who wait for a snapshot get it now.
        """
        if stored is None:
            self.order.stop_reading()
        else:
            snapshot = self.snapshot = Snapshot(stored)
            for ready in self.order.jump(stored, snapshot.as_update if catch_up else None):
                self._deliver(ready)
            later = (update for update in self.order.stop_reading() if (update.version or 0) > stored.version)
            snapshot.since = list(later)
        for request in list(self.people.waiting.values()):
            self.serve(request)

    def serve(self, request: SnapshotRequest) -> bool:
        """Bring a connection up to date if the snapshot at hand is new enough for it; else it waits for one."""
        snapshot, connection = self.snapshot, request.connection
        if self.people.waiting.get(connection.id) is not request:
            # Nobody who comes now is shown what others here know to be over: it may be hidden since.
            request.at_least = max(request.at_least, self.version)
        self._note_access(request)
        self._seats.take_away(connection)
        if connection.outlet.stalled_since is not None and not isinstance(request, Entry):
            self.people.owe(request)
            self._seats.put_level(connection)  # which tells us when it has drained
            return True
        recovered = snapshot is not None and request.has_missed_nothing(snapshot)
        is_fit = snapshot is not None and snapshot.is_fit(recovered, self.version, request.at_least)
        if snapshot is None or not is_fit or request.has_old_role(self.newest_access):
            self.people.wait(request)
            return False
        connection.version = snapshot.through if recovered else snapshot.stored.version
        connection.reply(request.message(snapshot, recovered))
        for update in snapshot.since:
            update.deliver_to(connection)
        self.people.stay(connection)  # only now: a state that can't be shown leaves it waiting
        self._seats.put(connection, self.version)
        return True

    def _note_access(self, request: SnapshotRequest) -> None:
        if request.access_version is not None:
            known = self.access_version
            self.access_version = request.access_version if known is None else min(known, request.access_version)

    def hear_of_access(self, access_version: int) -> None:
        """Somebody's access changed; a role that was looked up before that, by the library's count, may be old."""
        self.newest_access = max(self.newest_access, access_version)

    def _stalled(self, connection_id: str) -> None:
        # It has all that was delivered until now, and skips what comes.
        if (connection := self.people.connections.get(connection_id)) is not None:
            connection.version = self.version

    def _drained(self, connection_id: str) -> None:
        # It skipped what the newest state supersedes, and gets that now; if it skipped nothing, no version twice.
        if (connection := self.people.connections.get(connection_id)) is None:
            return
        if (owed := self.people.owed.pop(connection_id, None)) is not None:
            self._on_drain(owed)
        elif connection.version < self.version:
            self._on_drain(CatchUp(connection))
        elif connection_id not in self._seats.ahead:
            self._seats.put_level(connection)

    def change_roles(self, roles: Mapping[Subject, PortalRole | None]) -> None:
        """Give people's connections other roles, by their ids, from the very next frame; None: they are closed."""
        for connection, role in self.people.with_other_roles(roles):
            if role is None:
                connection.refuse("access-withdrawn", "You are not a member of this portal view's library any more.")
                self.remove(connection)
                continue
            connection.role = role
            request = self.people.waiting.get(connection.id)
            if not isinstance(request, Entry):
                request = RoleChange(connection, access_version=None if request is None else request.access_version)
            self.serve(request)

    def ask_controllers(self, question: SyncRequested) -> bool:
        """Send a viewer's question to the controllers here; false if there is none that reads."""
        message = Prepared(encode(question))
        reading = [one.outlet for one in self.people.controllers() if one.outlet.stalled_since is None]
        for outlet in reading:
            outlet.deliver(message)
        return bool(reading)

    def close_overdue(self, now: float, monotonic: float) -> list[Connection]:
        """Close who has no credential any more, or was too slow for too long, and say who; the times of two clocks."""
        closed = self.people.close_overdue(now, monotonic)
        for connection in closed:
            self.remove(connection)
        return closed

    def close_all(self, last: Callable[[], ServerMessage], code: CloseCode, reason: str) -> None:
        """Send everybody a last message, and close."""
        for connection in self.people.everybody():
            connection.reply(last())
            connection.close(code, reason)
            self.remove(connection)

    def remove(self, connection: Connection) -> None:
        """Forget a connection."""
        self._seats.take_away(connection)
        self.people.remove(connection)

    def _deliver(self, update: Update) -> None:
        if update.to is not None:
            addressee = self.people.connections.get(update.to)
            if addressee is not None:
                update.deliver_to(addressee)
            return
        sender = self.people.connections.get(update.sender or "")
        self._seats.deliver(update, sender, self.version)
