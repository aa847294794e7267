"""The connections of this process by what can end them: a person, a session, a share link. Pure."""

from __future__ import annotations

from uuid import UUID

from realtime.rooms.connection import Connection

RECONNECTS_PER_SECOND = 400
"""How many clients of a process that died may come back in a second."""
RECONNECT_STEP_MILLISECONDS, MAX_RECONNECT_MILLISECONDS = 500, 5_000
"""The shortest and the longest time over which they spread their first attempts. It grows in steps, because the number
of connections is nobody's business."""


class Roster:
    """Finds the connections that a revocation names without looking at any other."""

    def __init__(self) -> None:
        self._by_key: dict[UUID, set[Connection]] = {}
        self.count = 0
        """The number of connections."""

    def add(self, connection: Connection) -> None:
        """Add a connection, by its grant."""
        self.count += 1
        for key in connection.grant.keys:
            self._by_key.setdefault(key, set()).add(connection)

    def remove(self, connection: Connection) -> None:
        """Remove a connection; one that is not here is ignored."""
        was_here = False
        for key in connection.grant.keys:
            found = self._by_key.get(key)
            if found is not None and connection in found:
                was_here = True
                found.remove(connection)
                if not found:
                    del self._by_key[key]
        self.count -= was_here

    def of(self, key: UUID) -> list[Connection]:
        """The connections of that person, session or link."""
        return list(self._by_key.get(key, ()))

    @property
    def reconnect_within(self) -> int:
        """The time in milliseconds over which these connections would have to spread their reconnects."""
        step = RECONNECT_STEP_MILLISECONDS
        steps = -(-self.count * 1_000 // (RECONNECTS_PER_SECOND * step))
        return min(max(steps, 1) * step, MAX_RECONNECT_MILLISECONDS)
