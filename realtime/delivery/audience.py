"""The connections of a room that get the same bytes: the innermost loop of the application.

An audience does not know roles, versions or sockets. It holds the write function of each connection and calls it. If
there are many connections, the kernel writes to all of them at once (`realtime.delivery.ring`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from operator import call
from typing import Any

from realtime.delivery.outlet import Addressee, Outlet
from realtime.delivery.prepared import Form, Prepared
from realtime.delivery.ring import Ring, Targets, current_ring

MANY = 16
"""From this number of connections on, one system call writes to all of them."""


class Audience:
    """The write functions of the connections, by connection id, for one form of a message."""

    __slots__ = (
        *("_behind", "_filenos", "_is_sure", "_on_drain", "_on_stall", "_targets", "_waits", "_writes"),
        *("count", "form"),
    )

    def __init__(self, form: Form, on_stall: Callable[[str], None], on_drain: Callable[[str], None]) -> None:
        self.form = form
        self.count = 0
        self._on_stall = on_stall
        self._on_drain = on_drain
        self._writes: dict[str, Callable[[Any], None]] = {}
        # What is asked of each socket has a dict of its own, so that a send asks all of them without a loop in Python.
        self._filenos: dict[str, Callable[[], int]] = {}
        self._waits: dict[str, Callable[[], int]] = {}
        # The connections for which data may wait. It is known as long as only the ring writes, and those for one
        # connection are reported.
        self._behind: set[str] = set()
        self._is_sure = True
        self._targets: Targets | None = None

    def add(self, connection_id: str, outlet: Outlet) -> None:
        """Add the outlet: it gets every message from now on. It leaves by itself when it stalls or closes."""
        outlet.join(self, connection_id)
        if outlet.stalled_since is None:
            self._writes[connection_id] = outlet.write
            if (raw := outlet.raw) is not None:
                self._filenos[connection_id], self._waits[connection_id] = raw.fileno, raw.waits
                self._behind.add(connection_id)
            self._targets = None
            outlet.sent -= self.count

    def discard(self, connection_id: str, outlet: Outlet) -> None:
        """Remove the outlet, if it is in the audience."""
        if self._writes.pop(connection_id, None) is not None:
            self._filenos.pop(connection_id, None)
            self._waits.pop(connection_id, None)
            self._behind.discard(connection_id)
            self._targets = None
            outlet.sent += self.count
            if outlet.stalled_since is not None:
                self._on_stall(connection_id)

    def drained(self, connection_id: str) -> None:
        """Handle an outlet that left because it was stalled, and can be written to again."""
        self._on_drain(connection_id)

    def behind(self, connection_id: str) -> None:
        """Record that data waits for an outlet: the next message for all must not overtake it."""
        if connection_id in self._waits:
            self._behind.add(connection_id)

    def send(self, message: Prepared, but: Addressee | None) -> tuple[int, int]:
        """Write a message to all except `but`. Nothing is awaited, so a slow client delays nobody.

        Returns to how many it was written, and how long it was for each: octets, or characters without a frame.
        """
        self.count += 1
        ready = message.in_form(self.form)
        own = None if but is None else self._writes.get(but.id)
        if own is not None and but is not None:
            but.outlet.sent -= 1
        elif MANY <= len(self._writes) == len(self._filenos) and (ring := current_ring()) is not None:
            count = len(self._writes)
            self._send_at_once(ring, ready)
            return count, len(ready)
        self._is_sure = False
        # A copy, because a write that fills a buffer removes its outlet.
        writes = list(self._writes.values())
        for write in writes:
            if write is not own:
                try:
                    write(ready)
                except (OSError, RuntimeError):
                    # The transport was closed at this moment. Its protocol is notified next, and removes the outlet.
                    continue
        return len(writes) - (own is not None), len(ready)

    def _send_at_once(self, ring: Ring, ready: bytes) -> None:
        # Ask each socket for its descriptor again: a closed socket has none, and another may have got the number.
        descriptors = list(map(call, self._filenos.values()))
        if self._targets is None or self._targets.descriptors != descriptors:
            self._targets = Targets(descriptors)
        asked = self._behind if self._is_sure else self._waits
        self._behind, self._is_sure = {one for one in asked if self._waits[one]()}, True
        # A place is an index into the three dicts, which have the same keys in the same order. If data already waits
        # for a connection, that data goes first: its transport writes this message after it. For a closed socket the
        # kernel reports an error.
        passed_over = [place for place, one in enumerate(self._writes) if one in self._behind] if self._behind else ()
        incomplete = ring.send(self._targets, ready, passed_over)
        if incomplete:
            writes = list(self._writes.items())
            for place, taken in incomplete:
                connection_id, write = writes[place]
                self._behind.add(connection_id)
                with suppress(OSError, RuntimeError):  # as above
                    write(ready[taken:])
