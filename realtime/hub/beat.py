"""What a hub does without news: it ends credentials, and compares its rooms, and who is in them, with what is stored.

What a difference leads to is the hub's affair.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import UUID

import structlog

from libraries.receipts import forget_receipts_in_turn
from libraries.rules.errors import Unavailable, described
from libraries.selectors import Pulse, pulses
from realtime.database import in_database
from realtime.hub.roles import check_roles, find_changed
from realtime.rooms.room import Room

TICK_SECONDS = 1.0
"""How often the ends of credentials are looked at."""
BEAT_TICKS = 2
"""How many ticks apart rooms are compared with what is stored: that finds a loss that no later news shows."""
TURNS = 29
"""In how many beats all people's roles are looked up, those of some rooms in each: less than a minute in all."""
FORGET_TICKS = 60
"""How many ticks apart it asks whether it is its turn to drop old receipts."""

log = structlog.get_logger(__name__)


class Keeper(Protocol):
    """Who looks after one room."""

    room: Room

    def look_after(self) -> None:
        """Read the state for those who wait for it."""

    def delete(self) -> None:
        """The portal view is gone."""

    def start_anew(self) -> None:
        """What is stored is another past than the one that was delivered."""


class Home(Protocol):
    """Whose rooms they are: the hub."""

    @property
    def keepers(self) -> Mapping[UUID, Keeper]:
        """The keepers of its rooms."""

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have something done that ends by itself."""


class Beat:
    """The clock of one hub: it goes while there are rooms."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._ticker: asyncio.TimerHandle | None = None
        self._ticks = 0
        self._turn = 0
        self._beating: asyncio.Task[None] | None = None
        self._doubted: set[UUID] = set()
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """There are rooms; it may go already."""
        if self._ticker is None:
            self._ticker = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)

    def end(self) -> None:
        """There are no rooms any more."""
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None

    def compare_soon(self, portal_view_id: UUID) -> None:
        """Compare one room now, with others of which that is asked meanwhile."""
        self._doubted.add(portal_view_id)
        if self._looking is None:
            self._looking = self._home.start(self._look())

    def _tick(self) -> None:
        self._ticker = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)
        for keeper in self._home.keepers.values():
            keeper.room.close_overdue(time.time(), time.monotonic())
        self._ticks += 1
        if self._ticks % BEAT_TICKS == 0 and self._beating is None:
            self._beating = self._home.start(self._beat(forget=self._ticks % FORGET_TICKS == 0))

    async def _beat(self, *, forget: bool) -> None:
        with _patience():
            stored = await self._compare_all(set(self._home.keepers))
            await self._check_turn(stored)
            if forget:
                await in_database(forget_receipts_in_turn)
        self._beating = None

    async def _look(self) -> None:
        while self._doubted:
            doubted, self._doubted = self._doubted, set()
            with _patience():
                await self._compare_all(doubted)
        self._looking = None

    async def _compare_all(self, portal_view_ids: set[UUID]) -> dict[UUID, Pulse]:
        """Compare rooms with what is stored, in one query; what that is."""
        keepers = [keeper for room_id, keeper in self._home.keepers.items() if room_id in portal_view_ids]
        before = {keeper.room.id: keeper.room.version for keeper in keepers}
        stored = await in_database(pulses, list(before))
        for keeper in keepers:
            if self._is_kept(keeper):
                await self._compare(keeper, stored.get(keeper.room.id), before[keeper.room.id])
        return stored

    async def _compare(self, keeper: Keeper, pulse: Pulse | None, version_before: int) -> None:
        room = keeper.room
        if pulse is None:
            keeper.delete()
        elif room.order.is_other_past(pulse.epoch, pulse.version, version_before):
            keeper.start_anew()
        else:
            room.note(pulse)
            if room.access_version != pulse.access_version:
                await check_roles(room, pulse.access_version)
            if self._is_kept(keeper):
                keeper.look_after()

    async def _check_turn(self, stored: dict[UUID, Pulse]) -> None:
        """Look for roles that were changed without a word, by SQL or a shell: it is the turn of some of the rooms."""
        keepers = [
            keeper
            for room_id, keeper in self._home.keepers.items()
            if room_id in stored and room_id.int % TURNS == self._turn
        ]
        await find_changed({keeper.room.id: (keeper.room, stored[keeper.room.id]) for keeper in keepers})
        self._turn = (self._turn + 1) % TURNS
        for keeper in keepers:
            if self._is_kept(keeper):
                keeper.look_after()

    def _is_kept(self, keeper: Keeper) -> bool:
        """Whether the room was not left meanwhile."""
        return self._home.keepers.get(keeper.room.id) is keeper


@contextmanager
def _patience() -> Iterator[None]:
    """The database may be away for a while: the next beat may do better."""
    try:
        yield
    except Unavailable as error:
        log.warning("rooms_not_compared", error=described(error.__cause__))
    except Exception:  # a bug
        log.exception("rooms_not_compared")
