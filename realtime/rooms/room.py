"""One portal view's connections in this process, and the order in which they hear of it. No I/O in here.

News of stored changes come with versions, from many processes, and may come late, twice or never. A room delivers
them in rising order, each once, and holds those that came too early.
"""

from __future__ import annotations

from asyncio import Task, TimerHandle
from collections.abc import Callable, Mapping
from uuid import UUID

from libraries.rules.roles import PortalRole
from libraries.selectors import Pulse, Stored
from realtime.delivery.audience import Audience
from realtime.delivery.outlet import Form, Prepared
from realtime.protocol.closing import CloseCode
from realtime.protocol.encodings import encode
from realtime.protocol.events import ServerMessage, SyncRequested
from realtime.rooms.bulletin import Bulletin, Snapshot
from realtime.rooms.connection import Connection
from realtime.rooms.greeting import Waiting, greeting


class Room:
    """The connections of one portal view, and what they have been told.

    `version` is the newest that was delivered; 0 until the state was read for the first time.
    """

    __slots__ = (
        "_ahead",
        "_audiences",
        "_behind",
        "_early",
        "_on_drain",
        "_owed",
        "_recent",
        "access_version",
        "connections",
        "epoch",
        "id",
        "newest_access",
        "questions",
        "refreshing",
        "snapshot",
        "subscribed",
        "timer",
        "version",
        "waiting",
    )

    def __init__(self, portal_view_id: UUID, on_drain: Callable[[Room, Waiting], None]) -> None:
        self.id = portal_view_id
        self.connections: dict[str, Connection] = {}
        self.waiting: dict[str, Waiting] = {}
        self.snapshot: Snapshot | None = None
        self.version = 0
        self.epoch = ""
        self.access_version: int | None = None
        self.newest_access = 0
        self.subscribed = False
        self.refreshing: Task[None] | None = None
        self.timer: TimerHandle | None = None
        self.questions: dict[str, TimerHandle] = {}
        self._early: dict[int, Bulletin] = {}
        self._recent: list[Bulletin] | None = None
        # Connections whose snapshot is newer than what the room has delivered; then those that are level with it.
        self._ahead: dict[str, Connection] = {}
        self._audiences: dict[tuple[PortalRole, Form], Audience] = {}
        self._behind = 0
        self._owed: dict[str, Waiting] = {}  # what connections get once they read again
        self._on_drain = on_drain

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here, or on the way in."""
        return not self.connections and not self.waiting

    @property
    def has_gap(self) -> bool:
        """Whether there is a change that the room has not delivered."""
        return bool(self._early) or self._behind > self.version

    @property
    def has_controller(self) -> bool:
        """Whether a controller is connected to this process."""
        return any(connection.role is PortalRole.CONTROLLER for connection in self.connections.values())

    def take(self, bulletin: Bulletin) -> None:
        """Deliver a bulletin, or hold it until those before it have come, or drop it as known."""
        version = bulletin.version
        if version is None:
            self._deliver(bulletin)
        elif version > self.version:
            self._early[version] = bulletin
            self._deliver_early()

    def note(self, pulse: Pulse) -> None:
        """There is a stored version to be reached; until it is, the room has a gap."""
        self._behind = pulse.version

    def is_other_past(self, epoch: str, version: int, version_before: int) -> bool:
        """Whether what is stored comes from a restored backup and not from what the room has delivered.

        `version_before` is the room's version when the stored one was asked for.
        """
        return self.version > 0 and (epoch != self.epoch or version < version_before)

    def start_reading(self) -> None:
        """From now on remember what is delivered: a state that is being read may not have it."""
        self._recent = []

    def stop_reading(self, stored: Stored | None, *, catch_up: bool) -> None:
        """Take the state that was read, None if it could not be; with `catch_up` everybody is told what it has.

        Those who wait for a snapshot get it now.
        """
        # Not a copy: the early ones that are delivered below belong to it too.
        recent = [] if self._recent is None else self._recent
        if stored is not None:
            snapshot = self.snapshot = Snapshot(stored)
            if self.version == 0:
                self.version, self.epoch = stored.version, stored.epoch
            elif catch_up and stored.version > self.version:
                self._deliver(Bulletin.whole(snapshot))
            self._deliver_early()
            snapshot.since = [late for late in recent if late.version is not None and late.version > stored.version]
        self._recent = None
        for waiting in list(self.waiting.values()):
            self.admit(waiting)

    def admit(self, waiting: Waiting) -> bool:
        """Bring a connection up to date if the snapshot at hand is new enough for it; else it waits for one.

        While it waits nothing is delivered to it, and nothing is lost: the snapshot will have it.
        """
        snapshot, connection = self.snapshot, waiting.connection
        if self.waiting.get(connection.id) is not waiting:
            # Nobody who comes now is shown what others here know to be over: it may be hidden since.
            waiting.at_least = max(waiting.at_least, self.version)
        if waiting.access_version is not None:
            known = self.access_version
            self.access_version = waiting.access_version if known is None else min(known, waiting.access_version)
        connection.outlet.leave()
        self._ahead.pop(connection.id, None)
        if connection.outlet.stalled_since is not None and waiting.greeting != "connected":
            self._owe(waiting)
            return True
        recovered = snapshot is not None and waiting.knows(snapshot)
        is_fit = snapshot is not None and snapshot.is_fit(recovered, self.version, waiting.at_least)
        if snapshot is None or not is_fit or waiting.has_old_role(self.newest_access):
            self.connections.pop(connection.id, None)
            self.waiting[connection.id] = waiting
            return False
        connection.version = snapshot.through if recovered else snapshot.stored.version
        connection.reply(greeting(waiting, snapshot, recovered))
        self.waiting.pop(connection.id, None)  # only now: a state that can't be shown leaves it waiting
        for bulletin in snapshot.since:
            bulletin.deliver_to(connection)
        self.connections[connection.id] = connection
        if connection.version > self.version:
            self._ahead[connection.id] = connection
        else:
            self._seat(connection)
        return True

    def _owe(self, waiting: Waiting) -> None:
        """Bring a connection up to date once it reads again, by one message however many there were to be."""
        connection = waiting.connection
        self.waiting.pop(connection.id, None)
        self.connections[connection.id] = connection
        if waiting.greeting == "role-changed" or connection.id not in self._owed:
            self._owed[connection.id] = waiting
        self._seat(connection)  # which tells us when it has drained

    def hear_of_access(self, access_version: int) -> None:
        """Somebody's access changed; a role that was looked up before that, by the library's count, may be old."""
        self.newest_access = max(self.newest_access, access_version)

    def _seat(self, connection: Connection) -> None:
        """Put a connection among those that get what the room delivers."""
        outlet = connection.outlet
        if connection.closed:
            return
        key = (connection.role, outlet.form)
        audience = self._audiences.get(key)
        if audience is None:
            audience = self._audiences[key] = Audience(outlet.form, self._stalled, self._drained)
        audience.add(connection.id, outlet)

    def _stalled(self, connection_id: str) -> None:
        # It has all that was delivered until now, and skips what comes.
        if (connection := self.connections.get(connection_id)) is not None:
            connection.version = self.version

    def _drained(self, connection_id: str) -> None:
        # It skipped what the newest state supersedes, and gets that now; if it skipped nothing, no version twice.
        if (connection := self.connections.get(connection_id)) is None:
            return
        if connection_id in self._owed:
            self._on_drain(self, self._owed.pop(connection_id))
        elif connection.version < self.version:
            self._on_drain(self, Waiting(connection, "portal-view-updated"))
        elif connection_id not in self._ahead:
            self._seat(connection)

    def change_roles(self, roles: Mapping[str, PortalRole | None]) -> None:
        """Give people's connections other roles, by their ids, from the very next frame; None: they are closed."""
        for connection in self.everybody():
            role = roles.get(connection.user_id, connection.role)
            if role is None:
                connection.refuse("access-withdrawn", "You are not a member of this portal view's library any more.")
                self.remove(connection)
            elif role is not connection.role:
                connection.role = role
                waiting = self.waiting.get(connection.id) or Waiting(connection, "role-changed")
                if waiting.greeting != "connected":
                    waiting = Waiting(connection, "role-changed", access_version=waiting.access_version)
                self.admit(waiting)

    def ask_controllers(self, question: SyncRequested) -> bool:
        """Send a viewer's question to the controllers here; false if there is none that reads."""
        message = Prepared(encode(question))
        controllers = [one for one in self.connections.values() if one.role is PortalRole.CONTROLLER]
        reading = [one.outlet for one in controllers if one.outlet.stalled_since is None]
        for outlet in reading:
            outlet.deliver(message)
        return bool(reading)

    def close_overdue(self, now: float, monotonic: float) -> None:
        """Close who has no credential any more, or was too slow for too long; the times of the two clocks."""
        # Nothing is called for the others: there may be thousands, each second.
        for connection in [one for one in self.everybody() if one.due <= now or one.outlet.stalled_since is not None]:
            if not connection.check_credential(now) or not connection.check_pace(monotonic):
                self.remove(connection)

    def close_all(self, last: Callable[[], ServerMessage], code: CloseCode, reason: str) -> None:
        """Send everybody a last message, and close."""
        for connection in self.everybody():
            connection.reply(last())
            connection.close(code, reason)
            self.remove(connection)

    def remove(self, connection: Connection) -> None:
        """Forget a connection."""
        connection.outlet.leave()
        self._ahead.pop(connection.id, None)
        self.connections.pop(connection.id, None)
        self.waiting.pop(connection.id, None)
        self._owed.pop(connection.id, None)
        self.forget_question(connection.id)

    def forget_question(self, connection_id: str) -> None:
        """A viewer's `request-sync` is answered, or the viewer is gone."""
        if (question := self.questions.pop(connection_id, None)) is not None:
            question.cancel()

    def stop(self) -> None:
        """End what goes on for a room that is left."""
        if self.timer is not None:
            self.timer.cancel()
        if self.refreshing is not None:
            self.refreshing.cancel()

    def everybody(self) -> list[Connection]:
        """All connections, those that wait for a snapshot included."""
        return [*self.connections.values(), *(waiting.connection for waiting in self.waiting.values())]

    def _deliver_early(self) -> None:
        for version in [version for version in self._early if version <= self.version]:
            del self._early[version]
        if self.version:
            while bulletin := self._early.pop(self.version + 1, None):
                self._deliver(bulletin)

    def _deliver(self, bulletin: Bulletin) -> None:
        if bulletin.version is not None:
            self.version = bulletin.version
            if self._recent is not None:
                self._recent.append(bulletin)
        else:
            bulletin = bulletin.by(self.version)
        if bulletin.to is not None:
            addressee = self.connections.get(bulletin.to)
            if addressee is not None:
                bulletin.deliver_to(addressee)
            return
        sender = self.connections.get(bulletin.sender or "")
        for (role, _), audience in self._audiences.items():
            message = bulletin.seen_by(role)
            if message is not None:
                audience.send(message, None if sender is None or sender.role is not role else sender)
        if self._ahead:
            self._deliver_ahead(bulletin)

    def _deliver_ahead(self, bulletin: Bulletin) -> None:
        for connection in list(self._ahead.values()):
            bulletin.deliver_to(connection)
            if connection.version <= self.version:
                del self._ahead[connection.id]
                self._seat(connection)
