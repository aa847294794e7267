"""The presence of all portal views of one event loop, shared with the other processes through Valkey or Redis.

Without Valkey the people of this process are all there are. While it is away, each process knows the people of the
others as it last heard of them. Afterwards each writes its own again, and reads those of the others.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID

import msgspec
import structlog
from redis.exceptions import RedisError

from libraries.rules.errors import Unavailable, described
from realtime.hub.keeper import Keeper
from realtime.hub.presence import PresenceKeeper
from realtime.news.layer import publish
from realtime.news.structs import PresenceNews
from realtime.presence import memory
from realtime.presence.records import store_url
from realtime.presence.shared import SharedPresence
from realtime.rooms.connection import Connection
from realtime.rooms.elsewhere import Written
from realtime.rooms.presence import Delta, Person
from realtime.rooms.room import Room

LIFE_TICKS = 3
"""The number of the hub's ticks between signs of life."""
TURNS = 5
"""The number of signs of life in which the versions of all portal views are looked at, some in each."""
GAP_SECONDS = 0.25
"""How long news that overtook others wait for them."""
STEADY_SECONDS = 8.0
"""How long Valkey must have answered before a process without a sign of life counts as dead."""
MAX_TOLD = 200
"""The most entries in one piece of news; if there are more, the others read the store."""

log = structlog.get_logger(__name__)


class Home(Protocol):
    """The owner of the rooms: the hub."""

    keepers: dict[UUID, Keeper]

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a coroutine that nobody waits for."""


class Presences:
    """The presence of each portal view with somebody here, or who was here a moment ago."""

    def __init__(self, home: Home) -> None:
        self.name = secrets.token_urlsafe(9)
        self.keepers: dict[UUID, PresenceKeeper] = {}
        self._home = home
        self._store: SharedPresence | None = None
        self._unsaved: dict[UUID, Delta] = {}
        self._unwritten: set[UUID] = set()
        self._unread: set[UUID] = set()
        self._working: asyncio.Task[None] | None = None
        self._ticks = self._turn = 0
        self._lived = self._is_away = False
        self._steady_since = time.monotonic()

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
                self._store = self._store or SharedPresence(url, self.name)
                self._unread.add(portal_view_id)
        keeper.look_soon()

    def expel(self, connection: Connection) -> None:
        """Let a person whose access has ended go at once."""
        if (keeper := self.keepers.get(connection.portal_view_id)) is not None:
            keeper.here.expel(connection.subject.id)
            keeper.look_soon()

    def tick(self) -> None:
        """Called by the hub's clock, while there are rooms."""
        self._ticks += 1
        if self._ticks % LIFE_TICKS:
            return
        for keeper in self.keepers.values():
            room = self.room_of(keeper.id)
            if room is not None and (room.people.changes, room.shows_audience) != keeper.seen:
                keeper.look_soon()
        if self._store is not None:
            self._work(live=True)

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
        if keeper.elsewhere.has_gap:
            asyncio.get_running_loop().call_later(GAP_SECONDS, self._check_gap, news.portal_view_id)

    def _check_gap(self, portal_view_id: UUID) -> None:
        keeper = self.keepers.get(portal_view_id)
        if keeper is not None and keeper.elsewhere.has_gap:
            self._unread.add(portal_view_id)
            self._work()

    # What the keepers need.

    def save(self, keeper: PresenceKeeper, delta: Delta) -> None:
        """Share what changed here, and forget the keeper if nobody is left."""
        if self._store is None:
            memory.put(keeper.id, self.name, keeper.here.people)
        elif delta:
            self._unsaved.setdefault(keeper.id, Delta()).add(delta)
            self._work()
        self._forget_if_empty(keeper.id)

    def is_complete(self, keeper: PresenceKeeper) -> bool:
        """Whether the people of other processes are known; if not, they are read soon."""
        if keeper.id in self._unread and not self._is_away:
            self._work()
            return False
        return True

    def _forget_if_empty(self, portal_view_id: UUID) -> None:
        """Forget a keeper if nobody is left; what could not be written expires with this process's sign of life."""
        keeper = self.keepers.get(portal_view_id)
        if keeper is None or not keeper.is_empty or portal_view_id in self._unsaved:
            return
        keeper.stop()
        del self.keepers[portal_view_id]
        self._unread.discard(portal_view_id)
        self._unwritten.discard(portal_view_id)
        if not self.keepers and self._store is not None:
            self._work()  # which closes the connection

    # Working with the store: one round trip at a time.

    def _work(self, *, live: bool = False) -> None:
        if self._working is None:
            self._working = self._home.start(self._do_work(live=live or not self._lived))

    async def _do_work(self, *, live: bool) -> None:
        store = self._store
        assert store is not None  # noqa: S101  # nothing is shared without one
        try:
            if live and self.keepers:
                await self._live(store)
            while self._unsaved or self._unwritten or self._readable():
                await self._write(store)
                await self._read(store)
        except (OSError, RedisError) as error:
            self._note_away(error)
        except Exception:  # a bug; the next sign of life tries again
            log.exception("presence_not_shared")
        finally:
            self._working = None
        if not self.keepers:
            await self._close(store)

    async def _close(self, store: SharedPresence) -> None:
        self._lived = False
        await store.close()

    async def _live(self, store: SharedPresence) -> None:
        """Give a sign of life; find out which processes have died, and which portal views have changed unheard."""
        processes = {process for keeper in self.keepers.values() for process in keeper.elsewhere.entries}
        looked_at = [one for one in self.keepers if one.int % TURNS == self._turn]
        self._turn = (self._turn + 1) % TURNS
        life = await store.live(processes, looked_at)
        if self._is_away or (self._lived and not life.was_known):
            # What is stored may be older than what is known, or nothing.
            self._steady_since = time.monotonic()
            self._unwritten |= self.keepers.keys()
            self._unread |= self.keepers.keys()
        if self._is_away:
            log.info("presence_shared")
        self._lived, self._is_away = True, False
        for one, version in life.versions.items():
            keeper = self.keepers.get(one)
            if keeper is not None and version != keeper.elsewhere.version and one not in self._unsaved:
                self._unread.add(one)
        if time.monotonic() - self._steady_since >= STEADY_SECONDS:
            for process in processes - life.alive:
                await self._bury(store, process)

    async def _bury(self, store: SharedPresence, process: str) -> None:
        """Forget the people of a process that has died."""
        concerned = [keeper for keeper in self.keepers.values() if keeper.elsewhere.drop(process)]
        for keeper in concerned:
            keeper.tell_soon()
        log.info("presence_of_dead_process", portalViews=len(concerned))
        await store.sweep(process, [keeper.id for keeper in concerned])

    async def _write(self, store: SharedPresence) -> None:
        whole = {one: self.keepers[one].here.people for one in self._unwritten if one in self.keepers}
        deltas = {one: delta for one, delta in self._unsaved.items() if one not in whole}
        self._unsaved, self._unwritten = {}, set()
        try:
            versions = await store.write(deltas) if deltas else {}
            versions |= await store.replace(whole) if whole else {}
        except (OSError, RedisError):
            self._unwritten |= {*deltas, *whole}
            raise
        finally:
            for one in (*deltas, *whole):
                self._forget_if_empty(one)
        for one, version in versions.items():
            await self._tell_others(one, version, deltas.get(one))

    async def _tell_others(self, portal_view_id: UUID, version: int, delta: Delta | None) -> None:
        if (keeper := self.keepers.get(portal_view_id)) is not None:
            keeper.elsewhere.hear(Written(self.name, version))
        news = PresenceNews(portal_view_id=portal_view_id, process=self.name, at=version)
        if delta is not None and len(delta.came) + len(delta.gone) <= MAX_TOLD:
            came = [msgspec.to_builtins(person) for person in delta.came.values()]
            news = msgspec.structs.replace(news, came=came, gone=list(delta.gone))
        with suppress(Unavailable):  # others find the version
            await publish(news)

    def _readable(self) -> set[UUID]:
        """The unread portal views whose news this process gets: nothing is lost between reading and hearing."""
        return {one for one in self._unread if (keeper := self._home.keepers.get(one)) and keeper.subscribed}

    async def _read(self, store: SharedPresence) -> None:
        asked = self._readable()
        if not asked:
            return
        self._unread -= asked
        try:
            found = await store.read(asked)
        except (OSError, RedisError):
            self._unread |= asked
            raise
        for one, (version, entries, alive) in found.items():
            if (keeper := self.keepers.get(one)) is None:
                continue
            known = alive | keeper.elsewhere.entries.keys()
            others = {process: people for process, people in entries.items() if process in known}
            if keeper.elsewhere.load(version, others):
                keeper.tell_soon()
            if one not in self._unsaved and entries.get(self.name, {}) != keeper.here.people:
                self._unwritten.add(one)

    def _note_away(self, error: Exception) -> None:
        if not self._is_away:
            log.warning("presence_not_shared", error=described(error))
        self._is_away = True
