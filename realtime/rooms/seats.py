"""Delivery in a room: connections level with it get each update, those ahead of it once it reaches their version."""

from __future__ import annotations

from collections.abc import Callable

from libraries.rules.roles import PortalRole
from realtime.delivery.audience import Audience
from realtime.delivery.prepared import Form
from realtime.rooms.connection import Connection
from realtime.rooms.tally import Tally, count_broadcast, count_deliveries
from realtime.rooms.updates import Update


class Seats:
    """The connections of one room that get updates.

    `on_stall` and `on_drain` are called with the id of a connection that stops reading, or reads again.
    """

    __slots__ = ("_on_drain", "_on_stall", "ahead", "audiences")

    def __init__(self, on_stall: Callable[[str], None], on_drain: Callable[[str], None]) -> None:
        self._on_stall = on_stall
        self._on_drain = on_drain
        self.ahead: dict[str, Connection] = {}
        """Connections whose snapshot is newer than the room's version."""
        self.audiences: dict[tuple[PortalRole, Form], Audience] = {}
        """Connections that are level with the room."""

    def put(self, connection: Connection, version: int) -> None:
        """Add a connection: ahead of the room at that version, or level with it."""
        if connection.version > version:
            self.ahead[connection.id] = connection
        else:
            self.put_level(connection)

    def put_level(self, connection: Connection) -> None:
        """Add a connection to those level with the room, unless it is closed."""
        outlet = connection.outlet
        if connection.closed:
            return
        key = (connection.role, outlet.form)
        audience = self.audiences.get(key)
        if audience is None:
            audience = self.audiences[key] = Audience(outlet.form, self._on_stall, self._on_drain)
        connection.is_level = outlet.stalled_since is None
        audience.add(connection.id, outlet)

    def take_away(self, connection: Connection) -> None:
        """Remove a connection: it gets nothing more."""
        connection.outlet.leave()
        connection.is_level = False
        self.ahead.pop(connection.id, None)

    def deliver(self, update: Update, sender: Connection | None, version: int, tally: Tally) -> None:
        """Deliver to all except the sender, if it knows the update; the room is at that version now.

        However many get it, it is counted once for each audience: there are no more than roles and forms.
        """
        if sender is not None and not sender.knows_own(update.version):
            sender = None
        count_broadcast(tally)
        for (role, _), audience in self.audiences.items():
            message = update.seen_by(role)
            if message is not None:
                written = audience.send(message, None if sender is None or sender.role is not role else sender)
                count_deliveries(tally, message, *written)
        if self.ahead:
            self._deliver_ahead(update, version)

    def _deliver_ahead(self, update: Update, version: int) -> None:
        for connection in list(self.ahead.values()):
            update.deliver_to(connection)
            if connection.version <= version:
                del self.ahead[connection.id]
                self.put_level(connection)
