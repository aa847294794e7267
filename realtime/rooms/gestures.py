"""What people do in a portal view that is over in a moment: that they edit, and what they point at. No I/O, no clock.

Nothing of it is stored or has a version. `realtime.hub.gestures` has the timers. Times are seconds of a monotonic
clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from libraries.rules.roles import PortalRole
from libraries.rules.sight import Pointed
from realtime.rooms.connection import Connection

RELAY_SECONDS = 1.0
"""The minimum interval between two relays of one person's activity; the newest one waits."""
HOLD_SECONDS = 5.0
"""How long a person counts as editing after the last relay that said so."""
POINTERS_PER_SECOND = 10
"""How often a person's pointer is relayed; the newest one waits."""
POINTER_SECONDS = 1 / POINTERS_PER_SECOND
VIEWERS_AT_ONCE = 10
"""The most pointers of viewers that a process relays in one interval; the others keep their turn."""


class Doing(NamedTuple):
    """Whether a controller is editing, and the id of the item, if they say so."""

    is_editing: bool
    target: str | None = None


@dataclass(slots=True)
class _Mine:
    connection: Connection
    wanted: Doing | None = None
    told: Doing | None = None
    at: float = -math.inf


class Outbox:
    """The activity of the controllers of this process: what is relayed to all processes, and when.

    A person is one entry, however many connections they have.
    """

    def __init__(self) -> None:
        self._people: dict[UUID, _Mine] = {}

    @property
    def next_at(self) -> float:
        """When something is due; `math.inf` for never."""
        waits = (one.at + (HOLD_SECONDS if one.wanted is None else RELAY_SECONDS) for one in self._people.values())
        return min(waits, default=math.inf)

    def put(self, connection: Connection, doing: Doing) -> None:
        """Note what a controller does now. An end of nothing says nothing."""
        mine = self._people.get(connection.subject.id)
        if mine is None:
            if not doing.is_editing:
                return
            mine = self._people[connection.subject.id] = _Mine(connection)
        mine.connection, mine.wanted = connection, doing

    def take(self, now: float) -> list[tuple[Connection, Doing]]:
        """What is relayed now."""
        due: list[tuple[Connection, Doing]] = []
        for subject_id, mine in list(self._people.items()):
            if mine.wanted is None:
                if now >= mine.at + HOLD_SECONDS:
                    del self._people[subject_id]
            elif now >= mine.at + RELAY_SECONDS:
                doing = mine.wanted if mine.connection.role is PortalRole.CONTROLLER else Doing(is_editing=False)
                if doing.is_editing or (mine.told is not None and mine.told.is_editing):
                    due.append((mine.connection, doing))
                    mine.told, mine.at = doing, now
                mine.wanted = None
        return due

    def leave(self, connection: Connection) -> bool:
        """Forget a connection that has ended; true if its person was editing with it, and others were told so."""
        mine = self._people.get(connection.subject.id)
        if mine is None or mine.connection is not connection:
            return False
        del self._people[connection.subject.id]
        return mine.told is not None and mine.told.is_editing


@dataclass(slots=True)
class _Theirs:
    sender: str = ""
    waiting: Doing | None = None
    told: Doing = Doing(is_editing=False)
    at: float = -math.inf
    until: float = -math.inf


class Editors:
    """The people of all processes who are editing, each with the connection that said so last, and what is told of it.

    A person may speak through several processes, each of which relays once in `RELAY_SECONDS`. So the clients here are
    told no more often than that, too.
    """

    def __init__(self) -> None:
        self._people: dict[UUID, _Theirs] = {}

    def __bool__(self) -> bool:
        return any(theirs.told.is_editing for theirs in self._people.values())

    @property
    def next_at(self) -> float:
        """When something is due; `math.inf` for never."""
        return min(map(self._due_at, self._people.values()), default=math.inf)

    def hear(self, subject_id: UUID, sender: str, doing: Doing, now: float) -> None:
        """Note what somebody does. An end of nothing says nothing."""
        theirs = self._people.get(subject_id)
        if theirs is None:
            if not doing.is_editing:
                return
            theirs = self._people[subject_id] = _Theirs()
        theirs.sender, theirs.waiting = sender, doing
        if doing.is_editing:
            theirs.until = now + HOLD_SECONDS

    def take(self, now: float) -> list[tuple[UUID, str, Doing]]:
        """What is told now: each time that somebody edits, and each end, also of those who say nothing any more."""
        due: list[tuple[UUID, str, Doing]] = []
        for subject_id, theirs in list(self._people.items()):
            if now < self._due_at(theirs):
                continue
            doing, theirs.waiting = theirs.waiting or Doing(is_editing=False), None
            if doing.is_editing or theirs.told.is_editing:
                theirs.told, theirs.at = doing, now
                due.append((subject_id, theirs.sender, doing))
            else:
                del self._people[subject_id]
        return due

    @staticmethod
    def _due_at(theirs: _Theirs) -> float:
        """When the next word about a person is told, or they are forgotten."""
        is_quiet = theirs.waiting is None and theirs.told.is_editing
        return theirs.until if is_quiet else theirs.at + RELAY_SECONDS


class Pointers:
    """The newest pointer of each person of this process that was not relayed yet, in the order of their turns."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, tuple[Connection, Pointed]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, connection: Connection, pointed: Pointed) -> None:
        """Note where somebody points now; an earlier pointer of theirs is dropped, and its turn is kept."""
        self._waiting[connection.subject.id] = connection, pointed

    def take(self) -> list[tuple[Connection, Pointed]]:
        """The pointers whose turn it is: those of all controllers, and of `VIEWERS_AT_ONCE` viewers."""
        taken: list[tuple[Connection, Pointed]] = []
        viewers = 0
        for subject_id, (connection, pointed) in list(self._waiting.items()):
            if connection.role is not PortalRole.CONTROLLER and not connection.closed:
                if viewers == VIEWERS_AT_ONCE:
                    continue
                viewers += 1
            del self._waiting[subject_id]
            if not connection.closed:
                taken.append((connection, pointed))
        return taken
