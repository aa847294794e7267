"""A store of presence without a server: several processes of a test share one `Hash` of each portal view."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from realtime.presence.shared import Life, Read
from realtime.rooms.elsewhere import Entries
from realtime.rooms.presence import Delta, Person


class Shelf:
    """What a Valkey knows. While it `is_away`, every question raises OSError."""

    def __init__(self) -> None:
        self.is_away = False
        self.alive: set[str] = set()
        self.versions: dict[UUID, int] = {}
        self.entries: dict[UUID, Entries] = {}
        self.asked: list[str] = []

    def lose(self) -> None:
        """Begin again with nothing, as a Valkey that was killed."""
        self.alive, self.versions, self.entries = set(), {}, {}

    def put(self, process: str, portal_view_id: UUID, *people: Person) -> int:
        """Write the people of another process, which is alive; returns the version."""
        self.alive.add(process)
        return self.write(process, portal_view_id, people)

    def write(self, process: str, portal_view_id: UUID, people: Iterable[Person]) -> int:
        """Write the people of a process; returns the version."""
        self.entries.setdefault(portal_view_id, {})[process] = {one.id: one for one in people}
        self.versions[portal_view_id] = self.versions.get(portal_view_id, 100) + 1
        return self.versions[portal_view_id]


class ShelfPresence:
    """As `realtime.presence.shared.SharedPresence`, on a shelf."""

    def __init__(self, shelf: Shelf, process: str) -> None:
        self._shelf = shelf
        self._process = process
        self.closed = 0

    def _ask(self, what: str) -> None:
        self._shelf.asked.append(what)
        if self._shelf.is_away:
            raise ConnectionError("away")

    async def live(self, others: Collection[str], looked_at: Sequence[UUID]) -> Life:
        """Give a sign of life."""
        self._ask("live")
        was_known = self._process in self._shelf.alive
        self._shelf.alive.add(self._process)
        versions = {one: self._shelf.versions.get(one, 0) for one in looked_at}
        return Life(was_known, set(others) & self._shelf.alive, versions)

    async def write(self, deltas: Mapping[UUID, Delta]) -> dict[UUID, int]:
        """Write what changed."""
        self._ask("write")
        for one, delta in deltas.items():
            people = self._shelf.entries.setdefault(one, {}).get(self._process, {}) | delta.came
            here = [person for key, person in people.items() if key not in delta.gone]
            self._shelf.write(self._process, one, here)
        return {one: self._shelf.versions[one] for one in deltas}

    async def replace(self, people: Mapping[UUID, Mapping[UUID, Person]]) -> dict[UUID, int]:
        """Write everybody."""
        self._ask("replace")
        return {one: self._shelf.write(self._process, one, found.values()) for one, found in people.items()}

    async def read(self, portal_view_ids: Collection[UUID]) -> dict[UUID, Read]:
        """Read everything."""
        self._ask("read")
        shelf = self._shelf
        return {
            one: Read(shelf.versions.get(one, 0), {**shelf.entries.get(one, {})}, set(shelf.alive))
            for one in portal_view_ids
        }

    async def sweep(self, process: str, portal_view_ids: Collection[UUID]) -> None:
        """Delete the entries of a process."""
        self._ask("sweep")
        for one in portal_view_ids:
            self._shelf.entries.get(one, {}).pop(process, None)

    async def close(self) -> None:
        """Count it."""
        self.closed += 1
