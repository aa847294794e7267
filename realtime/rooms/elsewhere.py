"""The people of one portal view who are connected to other processes, as this process has heard. No I/O, no clock.

Each process writes its own entries to the store, and each write raises the portal view's version there by one. The news
of a write have that version: so lost news are a gap, after which the store is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from realtime.rooms.presence import Delta, Person

MAX_HELD = 1_000
"""The most news that wait for earlier news."""

Entries = dict[str, dict[UUID, Person]]
"""The people by process."""


@dataclass(slots=True)
class Written:
    """A write of one process: `version` is the portal view's after it. Without `delta` the store must be read."""

    process: str
    version: int
    delta: Delta | None = field(default_factory=Delta)


class Elsewhere:
    """The entries of the other processes, and the version that they are at; `own` is this process."""

    def __init__(self, own: str) -> None:
        self.version = 0
        self.entries: Entries = {}
        self._own = own
        self._held: dict[int, Written] = {}
        self._since_asked: dict[int, Written] | None = None
        """What was applied while the store is read: the answer may be older."""
        self._is_read = False

    @property
    def has_gap(self) -> bool:
        """Whether a write is known to be missing."""
        return self._is_read and bool(self._held)

    def hear(self, written: Written) -> bool:
        """Take the news of a write, in the order of versions; returns whether an entry changed."""
        if self._is_read and written.version <= self.version:
            return False
        if len(self._held) < MAX_HELD:
            self._held[written.version] = written
        return self._is_read and self._catch_up()

    def ask(self) -> None:
        """The store is read from now on, until `load`."""
        self._since_asked = {}

    def load(self, version: int, entries: Mapping[str, Mapping[UUID, Person]], *, keeps: bool = False) -> bool:
        """Take what was read from the store, and what was heard since; returns whether an entry changed.

        With `keeps` nobody goes: the store has lost what it knew, and not every process has written its people again.
        """
        before = self.entries
        self.version, self._is_read = version, True
        self.entries = {process: dict(people) for process, people in entries.items() if process != self._own}
        if keeps:
            for process, people in before.items():
                self.entries[process] = people | self.entries.get(process, {})
        heard, self._since_asked = self._held | (self._since_asked or {}), None
        self._held = {number: written for number, written in heard.items() if number > version}
        self._catch_up()
        return self.entries != before

    def drop(self, process: str) -> bool:
        """Forget the people of a process that has died; returns whether there were any."""
        return bool(self.entries.pop(process, None))

    def _catch_up(self) -> bool:
        changed = False
        while (written := self._held.get(self.version + 1)) is not None and written.delta is not None:
            del self._held[written.version]
            self.version = written.version
            if self._since_asked is not None and len(self._since_asked) < MAX_HELD:
                self._since_asked[written.version] = written
            if written.process != self._own and written.delta:
                self._apply(written.process, written.delta)
                changed = True
        return changed

    def _apply(self, process: str, delta: Delta) -> None:
        people = self.entries.setdefault(process, {})
        people |= delta.came
        for one in delta.gone:
            people.pop(one, None)
        if not people:
            del self.entries[process]
