"""The connections of one portal view in this process, and what they have received. No I/O in here.

A room combines the order of versions, the connections and the delivery. If it needs a newer state, it reports a request
as not served; `realtime.hub.keeper` then reads the state.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from uuid import UUID

from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Subject
from libraries.selectors import Pulse, Stored
from realtime.delivery.prepared import Prepared
from realtime.metrics import names
from realtime.protocol.closing import CloseCode
from realtime.protocol.events import ServerMessage, SyncRequested
from realtime.rooms.connection import Connection
from realtime.rooms.order import Order
from realtime.rooms.people import People
from realtime.rooms.seats import Seats
from realtime.rooms.snapshots import CatchUp, Entry, RoleChange, Snapshot, SnapshotRequest
from realtime.rooms.tally import Tally, count_written
from realtime.rooms.updates import Update


class Room:
    """The connections of one portal view, and what they have received.

    `on_drain` is called with a request of a connection that reads again and needs to be served. `access_version` is the
    library's at the time when the roles here were looked up, `newest_access` the newest one heard of.
    """

    __slots__ = (
        *("_on_drain", "_seats", "access_version", "id", "newest_access", "order", "people", "snapshot"),
        "tally",
    )

    def __init__(self, portal_view_id: UUID, on_drain: Callable[[SnapshotRequest], None]) -> None:
        self.id = portal_view_id
        self.order = Order()
        self.people = People()
        self.snapshot: Snapshot | None = None
        self.access_version: int | None = None
        self.newest_access = 0
        self._seats = Seats(self._stalled, self._drained)
        self._on_drain = on_drain
        self.tally = Tally(time.monotonic())

    @property
    def version(self) -> int:
        """The newest version that was delivered; 0 until the state was read for the first time."""
        return self.order.version

    @property
    def viewers_version(self) -> int:
        """The viewers' version at that version."""
        return self.order.viewers_version

    @property
    def has_gap(self) -> bool:
        """Whether the room has not delivered some change."""
        return self.order.has_gap

    @property
    def shows_activity(self) -> bool:
        """Whether viewers are told that a controller is editing."""
        return self.snapshot is not None and self.snapshot.stored.show_activity

    @property
    def shows_audience(self) -> bool:
        """Whether viewers are told how many are here."""
        return self.snapshot is not None and self.snapshot.stored.show_audience

    @property
    def has_controller(self) -> bool:
        """Whether a controller is connected to this process."""
        return any(self.people.controllers())

    def take(self, update: Update) -> None:
        """Deliver an update, hold it until the earlier ones have come, or drop it as known."""
        for ready in self.order.take(update):
            self._deliver(ready)

    def note(self, pulse: Pulse) -> None:
        """Note a stored version; until the room reaches it, it has a gap."""
        self.order.note(pulse.version)

    def stop_reading(self, stored: Stored | None, *, catch_up: bool) -> None:
        """Take the state that was read, None if the read failed. With `catch_up` all connections get all of it.

        Connections that wait for a snapshot get it now.
        """
        had_gap = self.order.has_gap
        if stored is None:
            self.order.stop_reading()
        else:
            lost = self.order.missing(stored.version) if catch_up else 0
            self.tally.news_lost += lost
            names.NEWS_LOST.value += lost
            snapshot = self.snapshot = Snapshot(stored)
            whole = partial(snapshot.as_update, self.viewers_version)
            for ready in self.order.jump(stored, whole if catch_up else None):
                self._deliver(ready)
            later = (update for update in self.order.stop_reading() if (update.version or 0) > stored.version)
            snapshot.since = list(later)
        if had_gap and not self.order.has_gap:
            self.tally.gaps_repaired += 1
            names.GAPS_REPAIRED.value += 1
        for request in list(self.people.waiting.values()):
            self.serve(request)

    def serve(self, request: SnapshotRequest) -> bool:
        """Serve a connection from the snapshot if it is new enough; otherwise the connection waits for a newer one."""
        snapshot, connection = self.snapshot, request.connection
        if self.people.waiting.get(connection.id) is not request:
            # A new connection must not see what the others here know to be outdated: it may be hidden since.
            request.at_least = max(request.at_least, self.version)
        self._note_access(request)
        if connection.is_level:
            self._note_delivered(connection)
        self._seats.take_away(connection)
        if connection.outlet.stalled_since is not None and not isinstance(request, Entry):
            self.people.owe(request)
            self._seats.put_level(connection)  # it then notifies us when it has drained
            return True
        recovered = snapshot is not None and request.has_missed_nothing(snapshot)
        is_fit = snapshot is not None and snapshot.is_fit(recovered, self.version, request.at_least)
        if snapshot is None or not is_fit or request.has_old_role(self.newest_access):
            self.people.wait(request)
            return False
        if recovered:
            connection.version, connection.viewers_version = snapshot.through, snapshot.viewers_through
        else:
            connection.version, connection.viewers_version = snapshot.stored.version, snapshot.stored.viewers_version
        connection.reply(request.message(snapshot, recovered))
        connection.note_snapshot()
        for update in snapshot.since:
            update.deliver_to(connection)
        self.people.stay(connection)  # only now: if the state cannot be shown, the connection keeps waiting
        self._seats.put(connection, self.version)
        if isinstance(request, Entry):
            self._count_entry(request, recovered)
        return True

    def _count_entry(self, entry: Entry, recovered: bool) -> None:
        self.tally.connected += 1
        if entry.known_version is None:
            return
        names.RECONNECTS.add(names.RECOVERED if recovered else names.SNAPSHOT)
        if recovered:
            self.tally.recovered += 1
        else:
            self.tally.snapshots += 1

    def _note_access(self, request: SnapshotRequest) -> None:
        if request.access_version is not None:
            known = self.access_version
            self.access_version = request.access_version if known is None else min(known, request.access_version)

    def hear_of_access(self, access_version: int) -> None:
        """Note a change of somebody's access; a role looked up at an older `access_version` may be outdated."""
        self.newest_access = max(self.newest_access, access_version)

    def _stalled(self, connection_id: str) -> None:
        # It has all that was delivered until now, and skips what comes next.
        if (connection := self.people.connections.get(connection_id)) is not None:
            self._note_delivered(connection)

    def _note_delivered(self, connection: Connection) -> None:
        connection.is_level = False
        connection.version, connection.viewers_version = self.version, self.viewers_version

    def _drained(self, connection_id: str) -> None:
        # If it skipped what it may see, it gets the newest state now. If it skipped nothing, it gets no version twice.
        if (connection := self.people.connections.get(connection_id)) is None:
            return
        if (owed := self.people.owed.pop(connection_id, None)) is not None:
            self._on_drain(owed)
        elif self._has_skipped(connection):
            self._on_drain(CatchUp(connection))
        elif connection_id not in self._seats.ahead:
            self._seats.put_level(connection)

    def _has_skipped(self, connection: Connection) -> bool:
        """Whether the room has delivered changes that the connection may see, and has not got."""
        newest = self.version if connection.role is PortalRole.CONTROLLER else self.viewers_version
        return connection.told_version < newest

    def change_roles(self, roles: Mapping[Subject, PortalRole | None]) -> None:
        """Change the roles of connections, by subject, from the next frame on; with None they are closed."""
        self.people.note_own_roles(roles)
        for connection, role in self.people.with_other_roles(roles):
            if role is None:
                connection.withdraw("access-withdrawn", "You are not a member of this portal view's library any more.")
                self.remove(connection)
                continue
            connection.role = connection.own_role = role
            request = self.people.waiting.get(connection.id)
            if not isinstance(request, Entry):
                request = RoleChange(connection, access_version=None if request is None else request.access_version)
            self.serve(request)

    def ask_controllers(self, question: SyncRequested) -> bool:
        """Send a viewer's question to the controllers here; returns false if none of them reads."""
        message = Prepared.of(question)
        reading = [one.outlet for one in self.people.controllers() if one.outlet.stalled_since is None]
        for outlet in reading:
            outlet.deliver(message)
        return bool(reading)

    def close_overdue(self, now: float, monotonic: float) -> list[Connection]:
        """Close expired connections and those too slow for too long; returns them. The times are of two clocks."""
        closed = self.people.close_overdue(now, monotonic)
        for connection in closed:
            self.remove(connection)
        return closed

    def close_all(self, last: Callable[[], ServerMessage], code: CloseCode, reason: str) -> None:
        """Send a last message to everybody, and close."""
        for connection in self.people.everybody():
            connection.reply(last())
            connection.close(code, reason)
            self.remove(connection)

    def remove(self, connection: Connection) -> None:
        """Remove a connection."""
        self._seats.take_away(connection)
        self.people.remove(connection)

    def _deliver(self, update: Update) -> None:
        if update.to is not None:
            addressee = self.people.connections.get(update.to)
            if addressee is not None:
                update.deliver_to(addressee)
            return
        sender = self.people.connections.get(update.sender or "")
        self._seats.deliver(update, sender, self.version, self.tally)
        if update.committed_at is not None:
            count_written(update.committed_at)
