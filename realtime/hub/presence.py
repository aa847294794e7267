"""The presence of one portal view in this process: when it looks who is connected, and when it tells clients.

`realtime.rooms.presence` decides what is told. `realtime.hub.presences` shares it with the other processes.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from typing import Protocol
from uuid import UUID

from libraries.rules.roles import PortalRole
from realtime.delivery.prepared import Prepared
from realtime.hub.timer import Timer
from realtime.protocol.events import Counts, Presence
from realtime.rooms.connection import Connection
from realtime.rooms.elsewhere import Elsewhere
from realtime.rooms.presence import (
    FEW_SECONDS,
    VIEWERS_SECONDS,
    Delta,
    Here,
    Person,
    Told,
    collects_for,
    merged,
)
from realtime.rooms.room import Room
from realtime.rooms.updates import Update

READ_SECONDS = 1.0
"""How long people who came, or who are gone, wait until the people of other processes are known."""
SETTLE_SECONDS = 0.1
"""The interval at which it is looked whether they are."""


class Home(Protocol):
    """The owner of the presence of all portal views: the hub's."""

    name: str

    def room_of(self, portal_view_id: UUID) -> Room | None:
        """The room, if anybody is connected."""

    def save(self, keeper: PresenceKeeper, delta: Delta) -> None:
        """Share what changed here, and forget the keeper if nobody is left."""

    def is_complete(self, keeper: PresenceKeeper) -> bool:
        """Whether the people of other processes are known; if not, they are read soon."""

    def is_settled(self, keeper: PresenceKeeper) -> bool:
        """Whether what changed here is stored, and no write of another process before it was missed."""


class PresenceKeeper:
    """Keeps the presence of one portal view up to date, and its clients informed."""

    def __init__(self, portal_view_id: UUID, home: Home) -> None:
        self.id = portal_view_id
        self.here = Here()
        self.elsewhere = Elsewhere(home.name)
        self.seen: tuple[int, bool] | None = None
        self.began = asyncio.get_running_loop().time()
        self._home = home
        self._told = Told()
        self._knowing: set[str] = set()
        self._counting: set[str] = set()
        self._counted = Counts(controllers=0, viewers=0)
        self._told_at = self._settles_by = -math.inf
        self._look = Timer(self.look)
        self._tell = Timer(self.tell)
        self._count = Timer(self.count)

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here, nor was a moment ago."""
        return not self.here.people and self._home.room_of(self.id) is None

    def look_soon(self) -> None:
        """Somebody came, went, or is another now."""
        self._look.start(_now() + FEW_SECONDS)

    def stop(self) -> None:
        """Stop the timers."""
        for timer in (self._look, self._tell, self._count):
            timer.stop()

    def look(self) -> None:
        """Compare with the connections here."""
        if not self._home.is_complete(self) and _now() - self.began < READ_SECONDS:
            self.look_soon()
            return
        room = self._home.room_of(self.id)
        self.seen = None if room is None else (room.people.changes, room.shows_audience)
        known = merged({}, self.elsewhere.entries.values())
        delta = self.here.see({} if room is None else self._connected(room), known, _now())
        self._look.start(self.here.next_at)
        if delta.gone:
            self.tell_settled()
        elif delta or (room is not None and self._owes(room)):
            self.tell_soon()
        self._home.save(self, delta)

    def _connected(self, room: Room) -> dict[UUID, Person]:
        connected: dict[UUID, Person] = {}
        at = time.time_ns() // 1_000_000
        for one in room.people.everybody():
            if one.closed or one.is_preview:
                continue
            subject, name, role = one.subject, one.name or None, one.role
            known = self.here.people.get(subject.id)
            if known is None or known.name != name or known.role is not role or known.kind != subject.kind:
                known = Person(subject.id, subject.kind, name, role, at, at, one.grant.link_id)
            connected[subject.id] = known
        return connected

    def _owes(self, room: Room) -> bool:
        """Whether somebody was not told who is here."""
        if any(one.id not in self._knowing for one in room.people.controllers()):
            return True
        if not room.shows_audience:
            self._counting = set()
            return False
        return not room.people.viewer_ids() <= self._counting

    # Telling clients.

    def tell_soon(self) -> None:
        """Tell clients, but not more often than they are to be."""
        people = len(self._told.people)
        self._tell.start(max(_now(), self._told_at + collects_for(people)))

    def tell_settled(self) -> None:
        """Tell clients that somebody is gone, once it is sure that they are not in another process.

        The news of that may be lost. The version that the store has after a write says whether they are.
        """
        self._settles_by = _now() + READ_SECONDS
        self._tell.start(_now() + SETTLE_SECONDS)

    def tell(self) -> None:
        """Tell the controllers what changed, or everything, and count the viewers soon."""
        room = self._home.room_of(self.id)
        if room is not None and self.seen is None:
            return  # the first look is still to come, and tells
        if _now() < self._settles_by and not self._home.is_settled(self):
            self._tell.start(_now() + SETTLE_SECONDS)
            return
        self._told_at = _now()
        message = self._told.tell(merged(self.here.people, self.elsewhere.entries.values()))
        if room is None:
            return
        change = None if message is None else Prepared.of(message)
        snapshot: Prepared | None = None
        knowing: set[str] = set()
        for one in list(room.people.controllers()):
            if one.outlet.stalled_since is not None:
                continue
            knowing.add(one.id)
            if one.id not in self._knowing:
                snapshot = snapshot or Prepared.of(self._told.snapshot())
                one.outlet.deliver(snapshot)
            elif change is not None:
                one.outlet.deliver(change)
        self._knowing = knowing
        if self._owes_later(room):
            self.tell_soon()
        if room.shows_audience:
            self._count.start(_now() + VIEWERS_SECONDS)

    def _owes_later(self, room: Room) -> bool:
        """Whether a controller waits for the state, or does not read: it gets the snapshot later."""
        waiting = (request.connection for request in room.people.waiting.values())
        return any(one.role is PortalRole.CONTROLLER for one in waiting) or any(
            one.id not in self._knowing for one in room.people.controllers()
        )

    def count(self) -> None:
        """Tell the viewers how many are here, if the library allows it: all, or those who do not know."""
        room = self._home.room_of(self.id)
        if room is None or not room.shows_audience:
            self._counting, self._counted = set(), Counts(controllers=0, viewers=0)
            return
        counts = self._told.counts
        message = Prepared.of(Presence(event="snapshot", counts=counts))
        viewers = list(self._reading_viewers(room))
        if counts != self._counted:
            self._counted = counts
            room.take(Update(None, message))
        else:
            for one in viewers:
                if one.id not in self._counting:
                    one.outlet.deliver(message)
        self._counting = {one.id for one in viewers}
        if not room.people.viewer_ids() <= self._counting:
            self._count.start(_now() + VIEWERS_SECONDS)

    @staticmethod
    def _reading_viewers(room: Room) -> Iterator[Connection]:
        connections = room.people.connections.values()
        return (one for one in connections if one.role is PortalRole.VIEWER and one.outlet.stalled_since is None)


def _now() -> float:
    return asyncio.get_running_loop().time()
