"""The connections of a room that get the same bytes: the innermost loop of the application.

An audience knows nothing of roles, versions or sockets: it holds what writes to each of them, and calls that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from realtime.connection import Connection
from realtime.delivery import Form, Outlet, Prepared


class Audience:
    """What writes to each connection, by its id, for one form of a message."""

    __slots__ = ("_on_drain", "_writes", "count", "form")

    def __init__(self, form: Form, on_drain: Callable[[str], None]) -> None:
        self.form = form
        self.count = 0
        self._on_drain = on_drain
        self._writes: dict[str, Callable[[Any], None]] = {}

    def add(self, connection_id: str, outlet: Outlet) -> None:
        """From now on the outlet gets what is sent; it leaves by itself when it stalls or closes."""
        outlet.join(self, connection_id)
        if outlet.stalled_since is None:
            self._writes[connection_id] = outlet.write
            outlet.sent -= self.count

    def discard(self, connection_id: str, outlet: Outlet) -> None:
        """The outlet gets nothing more, if it got anything."""
        if self._writes.pop(connection_id, None) is not None:
            outlet.sent += self.count

    def drained(self, connection_id: str) -> None:
        """An outlet that left because it was stalled can be written to again."""
        self._on_drain(connection_id)

    def send(self, message: Prepared, but: Connection | None) -> None:
        """Write a message to all `but` one. Nothing is awaited, so a slow client holds up nobody."""
        own = None if but is None else self._writes.pop(but.id, None)
        self.count += 1
        ready = message.in_form(self.form)
        # A copy, as a write that fills a buffer takes its outlet out.
        for write in list(self._writes.values()):
            try:
                write(ready)
            except (OSError, RuntimeError):
                # The transport was closed in this very moment; its protocol is told next, and takes it out.
                continue
        if own is not None and but is not None:
            self._writes[but.id] = own
            but.outlet.sent -= 1
