"""The presence of all portal views of one event loop.

`realtime.hub.presence` keeps that of one portal view, and `realtime.hub.sharing` shares it with the other processes.
Without Valkey or Redis the people of this process are all there are.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol
from uuid import UUID

import msgspec

from realtime.hub.keeper import Keeper
from realtime.hub.presence import PresenceKeeper
from realtime.hub.sharing import Sharing
from realtime.hub.timer import Timer
from realtime.news.structs import PresenceNews
from realtime.presence import memory
from realtime.presence.records import store_url
from realtime.presence.shared import SharedPresence
from realtime.rooms.connection import Connection
from realtime.rooms.elsewhere import Written
from realtime.rooms.presence import Delta, Person
from realtime.rooms.room import Room

LIFE_SECONDS = 3.0
"""The interval of looks at rooms that have changed, and of signs of life."""
GAP_SECONDS = 0.25
"""How long news that overtook others wait for them."""


class Home(Protocol):
    """The owner of the rooms: the hub."""

    @property
    def keepers(self) -> Mapping[UUID, Keeper]:
        """The keepers of its rooms."""

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a coroutine that nobody waits for."""


class Presences:
    """The presence of each portal view with somebody here, or who was here a moment ago."""

    def __init__(self, home: Home) -> None:
        self.name = secrets.token_urlsafe(9)
        self.keepers: dict[UUID, PresenceKeeper] = {}
        self._home = home
        self._sharing: Sharing | None = None
        self._clock = Timer(self._tick)

    @property
    def subjects(self) -> int:
        """The number of people in the portal views of this process, each counted once in each."""
        return sum(len(keeper.here.people) for keeper in self.keepers.values())

    def room_of(self, portal_view_id: UUID) -> Room | None:
        """The room, if anybody is connected."""
        keeper = self._home.keepers.get(portal_view_id)
        return None if keeper is None else keeper.room

    def look(self, portal_view_id: UUID) -> None:
        """Somebody came to a portal view, went, or is another now."""
        keeper = self.keepers.get(portal_view_id)
        if keeper is None:
            keeper = self.keepers[portal_view_id] = PresenceKeeper(portal_view_id, self)
            if (url := store_url()) is not None:
                self._sharing = self._sharing or Sharing(self, SharedPresence(url, self.name))
                self._sharing.read_soon(portal_view_id)
        keeper.look_soon()
        self._start_clock()

    def expel(self, connection: Connection) -> None:
        """Let a person whose access has ended go at once."""
        if (keeper := self.keepers.get(connection.portal_view_id)) is not None:
            keeper.here.expel(connection.subject.id)
            keeper.look_soon()

    def _start_clock(self) -> None:
        self._clock.start(asyncio.get_running_loop().time() + LIFE_SECONDS)

    def _tick(self) -> None:
        """Look, and give a sign of life, also for people whose last connection has ended a moment ago."""
        if not self.keepers:
            return
        self._start_clock()
        for keeper in self.keepers.values():
            room = self.room_of(keeper.id)
            if room is not None and (room.people.changes, room.shows_audience) != keeper.seen:
                keeper.look_soon()
        if self._sharing is not None:
            self._sharing.live()

    def hear(self, news: PresenceNews) -> None:
        """Take news of a write of any process, also of this one."""
        if (keeper := self.keepers.get(news.portal_view_id)) is None or news.process == self.name:
            return
        delta = None
        if news.came is not None and news.gone is not None:
            came = msgspec.convert(news.came, list[Person])
            delta = Delta({person.id: person for person in came}, set(news.gone))
        if keeper.elsewhere.hear(Written(news.process, news.at, delta)):
            keeper.tell_soon()
        self.close_gap(keeper)

    def close_gap(self, keeper: PresenceKeeper) -> None:
        """Read the store if news are missing, unless they come in a moment."""
        if keeper.elsewhere.has_gap:
            asyncio.get_running_loop().call_later(GAP_SECONDS, self._check_gap, keeper.id)

    def _check_gap(self, portal_view_id: UUID) -> None:
        keeper = self.keepers.get(portal_view_id)
        if self._sharing is not None and keeper is not None and keeper.elsewhere.has_gap:
            self._sharing.read_soon(portal_view_id)

    # What the keepers, and the sharing, need.

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a coroutine that nobody waits for."""
        return self._home.start(work)

    def hears(self, portal_view_id: UUID) -> bool:
        """Whether this process gets the news of a portal view."""
        keeper = self._home.keepers.get(portal_view_id)
        return keeper is not None and keeper.subscribed

    def save(self, keeper: PresenceKeeper, delta: Delta) -> None:
        """Share what changed here, and forget the keeper if nobody is left."""
        if self._sharing is None:
            memory.put(keeper.id, self.name, keeper.here.people)
        elif delta:
            self._sharing.save(keeper.id, delta)
        self.forget_if_empty(keeper.id)

    def is_complete(self, keeper: PresenceKeeper) -> bool:
        """Whether the people of other processes are known; if not, they are read soon."""
        return self._sharing is None or self._sharing.is_read(keeper.id)

    def is_settled(self, keeper: PresenceKeeper) -> bool:
        """Whether what changed here is stored, and no write of another process before it was missed."""
        return self._sharing is None or self._sharing.is_settled(keeper)

    def forget_if_empty(self, portal_view_id: UUID) -> None:
        """Forget a keeper if nobody is left, and nothing is to be shared."""
        keeper = self.keepers.get(portal_view_id)
        if keeper is None or not keeper.is_empty or (self._sharing and self._sharing.is_writing(portal_view_id)):
            return
        keeper.stop()
        del self.keepers[portal_view_id]
        if self._sharing is not None:
            self._sharing.forget(portal_view_id)
