"""Shares the presence of this process with the others, through Valkey or Redis: one round trip at a time.

Each process gives signs of life, writes its people, and sends news of that. It reads the people of the others when it
begins, and after lost news. While Valkey is away, it knows the others as it last heard of them; afterwards each process
writes its own people again. For as long as not all may have done so, nobody goes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID

import msgspec
import structlog
from redis.exceptions import RedisError

from libraries.rules.errors import Unavailable, described
from realtime.hub.presence import PresenceKeeper
from realtime.news.layer import publish
from realtime.news.structs import PresenceNews
from realtime.presence.shared import Read, SharedPresence
from realtime.rooms.elsewhere import Written
from realtime.rooms.presence import Delta

TURNS = 5
"""The number of signs of life in which the versions of all portal views are looked at, some in each."""
STEADY_SECONDS = 8.0
"""How long Valkey must have answered before what it does not have counts as gone: entries, or a sign of life."""
MAX_TOLD = 200
"""The most entries in one piece of news; if there are more, the others read the store."""

log = structlog.get_logger(__name__)


class Home(Protocol):
    """The owner of the presence of the portal views."""

    name: str

    @property
    def keepers(self) -> Mapping[UUID, PresenceKeeper]:
        """The keepers by portal view."""

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a coroutine that nobody waits for."""

    def hears(self, portal_view_id: UUID) -> bool:
        """Whether this process gets the news of a portal view."""

    def close_gap(self, keeper: PresenceKeeper) -> None:
        """Read the store if news are missing, unless they come in a moment."""

    def forget_if_empty(self, portal_view_id: UUID) -> None:
        """Forget a keeper if nobody is left, and nothing is to be shared."""


class Sharing:
    """The work of one event loop with the store."""

    def __init__(self, home: Home, store: SharedPresence) -> None:
        self._home = home
        self._store = store
        self._unsaved: dict[UUID, Delta] = {}
        """What changed here and was not written yet."""
        self._unwritten: set[UUID] = set()
        """The portal views whose people here are to be written as a whole."""
        self._being_written: set[UUID] = set()
        self._unread: set[UUID] = set()
        self._being_read: set[UUID] = set()
        self._unsure: set[UUID] = set()
        """The portal views with people whom the store does not have: they are read again once it is steady."""
        self._working: asyncio.Task[None] | None = None
        self._turn = 0
        self._lived = self._is_away = False
        self._steady_since = time.monotonic()

    # What is to be done.

    def save(self, portal_view_id: UUID, delta: Delta) -> None:
        """Write what changed here."""
        self._unsaved.setdefault(portal_view_id, Delta()).add(delta)
        self._work()

    def read_soon(self, portal_view_id: UUID) -> None:
        """Read the people of the others, as soon as this process gets the news of the portal view."""
        self._unread.add(portal_view_id)
        self._work()

    def live(self) -> None:
        """Give a sign of life."""
        self._work(live=True)

    def is_read(self, portal_view_id: UUID) -> bool:
        """Whether the people of the others are known, as far as possible; if not, they are read soon."""
        if self._is_away or portal_view_id not in self._unread | self._being_read:
            return True
        self._work()
        return False

    def is_settled(self, keeper: PresenceKeeper) -> bool:
        """Whether what changed here is stored, and no write of another process before it was missed."""
        if self._is_away:
            return True
        if keeper.elsewhere.has_gap or not self.is_read(keeper.id):
            return False
        return not any(keeper.id in some for some in (self._unsaved, self._unwritten, self._being_written))

    def is_writing(self, portal_view_id: UUID) -> bool:
        """Whether something that changed here is still to be written."""
        return portal_view_id in self._unsaved

    def forget(self, portal_view_id: UUID) -> None:
        """Forget a portal view where nobody is left. What could not be written expires with the signs of life."""
        for some in (self._unread, self._unwritten, self._unsure):
            some.discard(portal_view_id)
        if not self._home.keepers:
            self._work()  # which closes the connection

    # The work.

    def _work(self, *, live: bool = False) -> None:
        if self._working is None:
            self._working = self._home.start(self._do_work(live=live or self._is_away or not self._lived))

    async def _do_work(self, *, live: bool) -> None:
        try:
            if live and self._home.keepers:
                await self._live(looks=True)
            while self._unsaved or self._unwritten or self._readable():
                await self._write()
                await self._read()
        except (OSError, RedisError) as error:
            if not self._is_away:
                log.warning("presence_not_shared", error=described(error))
            self._is_away = True
            self._give_up()
        except Exception:  # a bug; the next sign of life tries again
            log.exception("presence_not_shared")
        finally:
            self._working = None
        if not self._home.keepers:
            self._lived = False
            await self._store.close()

    def _give_up(self) -> None:
        """Write everything as a whole later. Where nobody is left, the entries expire with the signs of life."""
        unsaved, self._unsaved = self._unsaved, {}
        self._unwritten |= unsaved.keys()
        for one in unsaved:
            self._home.forget_if_empty(one)

    async def _live(self, *, looks: bool) -> None:
        """Give a sign of life; find out which processes have died, and which portal views have changed unheard."""
        keepers = self._home.keepers
        processes = {process for keeper in keepers.values() for process in keeper.elsewhere.entries}
        looked_at = []
        if looks:
            looked_at = [one for one in keepers if one.int % TURNS == self._turn]
            self._turn = (self._turn + 1) % TURNS
        life = await self._store.live(processes, looked_at)
        if self._is_away or (self._lived and not life.was_known):  # it may have lost what was written
            self._steady_since = time.monotonic()
            self._unwritten |= keepers.keys()
            self._unread |= keepers.keys()
        if self._is_away:
            log.info("presence_shared")
        self._lived, self._is_away = True, False
        self._unread |= {one for one, version in life.versions.items() if self._differs(one, version)}
        if self._is_steady:
            self._unread |= self._unsure
            self._unsure = set()
            for process in processes - life.alive:
                await self._bury(process)

    def _differs(self, portal_view_id: UUID, version: int) -> bool:
        keeper = self._home.keepers.get(portal_view_id)
        return keeper is not None and version != keeper.elsewhere.version and portal_view_id not in self._unsaved

    @property
    def _is_steady(self) -> bool:
        return time.monotonic() - self._steady_since >= STEADY_SECONDS

    async def _bury(self, process: str) -> None:
        """Forget the people of a process that has died."""
        concerned = [keeper for keeper in self._home.keepers.values() if keeper.elsewhere.drop(process)]
        for keeper in concerned:
            self._unread.add(keeper.id)  # some may be in another process by now
            keeper.tell_settled()
        log.info("process_has_died", portalViews=len(concerned))
        await self._store.sweep(process, [keeper.id for keeper in concerned])

    async def _write(self) -> None:
        keepers = self._home.keepers
        whole = {one: keepers[one].here.people for one in self._unwritten if one in keepers}
        deltas = {one: delta for one, delta in self._unsaved.items() if one not in whole}
        self._unsaved, self._unwritten, self._being_written = {}, set(), {*deltas, *whole}
        try:
            versions = await self._store.write(deltas) if deltas else {}
            versions |= await self._store.replace(whole) if whole else {}
        except Exception:
            self._unwritten |= self._being_written
            raise
        finally:
            self._being_written = set()
            for one in (*deltas, *whole):
                self._home.forget_if_empty(one)
        for one, version in versions.items():
            await self._tell_others(one, version, deltas.get(one))

    async def _tell_others(self, portal_view_id: UUID, version: int, delta: Delta | None) -> None:
        if (keeper := self._home.keepers.get(portal_view_id)) is not None:
            keeper.elsewhere.hear(Written(self._home.name, version))
            self._home.close_gap(keeper)
        news = PresenceNews(portal_view_id=portal_view_id, process=self._home.name, at=version)
        if delta is not None and len(delta.came) + len(delta.gone) <= MAX_TOLD:
            came = [msgspec.to_builtins(person) for person in delta.came.values()]
            news = msgspec.structs.replace(news, came=came, gone=list(delta.gone))
        with suppress(Unavailable):  # the others find the version
            await publish(news)

    def _readable(self) -> set[UUID]:
        """The unread portal views whose news this process gets: nothing is lost between reading and hearing."""
        return {one for one in self._unread & self._home.keepers.keys() if self._home.hears(one)}

    async def _read(self) -> None:
        if not (asked := self._readable()):
            return
        self._unread -= asked
        self._being_read = asked
        try:
            if any(self._home.keepers[one].elsewhere.entries for one in asked):
                await self._live(looks=False)  # has the store lost what it knew?
            for one in asked & self._home.keepers.keys():
                self._home.keepers[one].elsewhere.ask()
            found = await self._store.read(asked)
        except Exception:
            self._unread |= asked & self._home.keepers.keys()
            raise
        finally:
            self._being_read = set()
        for one, read in found.items():
            if (keeper := self._home.keepers.get(one)) is not None:
                self._take(keeper, read)

    def _take(self, keeper: PresenceKeeper, read: Read) -> None:
        own, known = self._home.name, read.alive | keeper.elsewhere.entries.keys()
        others = {one: people for one, people in read.entries.items() if one in known and one != own}
        if keeper.elsewhere.load(read.version, others, keeps=not self._is_steady):
            keeper.tell_soon()
        if keeper.elsewhere.entries != others:
            self._unsure.add(keeper.id)
        if keeper.id not in self._unsaved and read.entries.get(own, {}) != keeper.here.people:
            self._unwritten.add(keeper.id)
