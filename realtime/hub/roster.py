"""The connections of this process by what can end them: a person, a session, a share link. Pure."""

from __future__ import annotations

from uuid import UUID

from realtime.rooms.connection import Connection


class Roster:
    """Finds the connections that a revocation names without looking at any other."""

    def __init__(self) -> None:
        self._by_key: dict[UUID, set[Connection]] = {}

    def add(self, connection: Connection) -> None:
        """Add a connection, by its grant."""
        for key in connection.grant.keys:
            self._by_key.setdefault(key, set()).add(connection)

    def remove(self, connection: Connection) -> None:
        """Remove a connection; one that is not here is ignored."""
        for key in connection.grant.keys:
            found = self._by_key.get(key)
            if found is not None:
                found.discard(connection)
                if not found:
                    del self._by_key[key]

    def of(self, key: UUID) -> list[Connection]:
        """The connections of that person, session or link."""
        return list(self._by_key.get(key, ()))
