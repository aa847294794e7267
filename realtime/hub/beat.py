"""The periodic work of a hub: it expires credentials, and compares its rooms and their roles with the stored data.

The hub decides what follows from a difference.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import UUID

import structlog

from libraries.cleaning import forget_ended_in_turn
from libraries.receipts import forget_receipts_in_turn
from libraries.rules.errors import Unavailable, described
from libraries.rules.revocations import Reason
from libraries.selectors import Pulse, pulses
from realtime.database import in_database
from realtime.hub.revocations import Revocations
from realtime.hub.roles import check_roles, find_changed, find_ended
from realtime.rooms.connection import Connection
from realtime.rooms.room import Room

TICK_SECONDS = 1.0
"""The interval at which expiring credentials are checked."""
BEAT_TICKS = 2
"""The number of ticks between comparisons of the rooms with the stored data. It finds lost news."""
TURNS = 29
"""The number of beats in which all roles are checked, some rooms in each: less than a minute in total."""
FORGET_TICKS = 60
"""The number of ticks between checks whether it is this process's turn to delete old receipts."""

log = structlog.get_logger(__name__)


class Keeper(Protocol):
    """What the beat needs of a room's keeper."""

    room: Room

    def look_after(self) -> None:
        """Read the state for the connections that wait for it."""

    def delete(self) -> None:
        """Handle the deletion of the portal view."""

    def start_anew(self) -> None:
        """Reconnect everybody: the stored history is not the one that was delivered."""


class Home(Protocol):
    """The owner of the rooms: the hub."""

    revocations: Revocations

    def end(self, connection: Connection, reason: Reason) -> None:
        """Close a connection whose credential has ended."""

    @property
    def keepers(self) -> Mapping[UUID, Keeper]:
        """The keepers of its rooms."""

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a coroutine that nobody waits for."""


class Beat:
    """The clock of one hub: it runs while there are rooms."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._ticker: asyncio.TimerHandle | None = None
        self._ticks = 0
        self._turn = 0
        self._beating: asyncio.Task[None] | None = None
        self._doubted: set[UUID] = set()
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start, if not started yet: there are rooms."""
        if self._ticker is None:
            self._ticker = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)

    def end(self) -> None:
        """Stop: there are no rooms any more."""
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None

    def compare_soon(self, portal_view_id: UUID) -> None:
        """Compare one room soon, together with other rooms requested in the meantime."""
        self._doubted.add(portal_view_id)
        if self._looking is None:
            self._looking = self._home.start(self._look())

    def _tick(self) -> None:
        self._ticker = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)
        for keeper in self._home.keepers.values():
            keeper.room.close_overdue(time.time(), time.monotonic())
            keeper.room.tally.step(time.monotonic())
        self._ticks += 1
        if self._ticks % BEAT_TICKS == 0 and self._beating is None:
            self._beating = self._home.start(self._beat(forget=self._ticks % FORGET_TICKS == 0))

    async def _beat(self, *, forget: bool) -> None:
        with _patience():
            await self._home.revocations.read()
            stored = await self._compare_all(set(self._home.keepers))
            await self._check_turn(stored)
            if forget:
                await in_database(forget_receipts_in_turn)
                await in_database(forget_ended_in_turn)
        self._beating = None

    async def _look(self) -> None:
        while self._doubted:
            doubted, self._doubted = self._doubted, set()
            with _patience():
                await self._compare_all(doubted)
        self._looking = None

    async def _compare_all(self, portal_view_ids: set[UUID]) -> dict[UUID, Pulse]:
        """Compare rooms with the stored data, in one query; returns the stored data."""
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
        """Check the credentials and roles of some rooms, which take turns.

        This finds changes that sent no news, made by SQL or a shell.
        """
        keepers = [
            keeper
            for room_id, keeper in self._home.keepers.items()
            if room_id in stored and room_id.int % TURNS == self._turn
        ]
        for connection, reason in await find_ended(keeper.room for keeper in keepers):
            self._home.end(connection, reason)
        await find_changed({keeper.room.id: (keeper.room, stored[keeper.room.id]) for keeper in keepers})
        self._turn = (self._turn + 1) % TURNS
        for keeper in keepers:
            if self._is_kept(keeper):
                keeper.look_after()

    def _is_kept(self, keeper: Keeper) -> bool:
        """Whether the keeper's room still exists."""
        return self._home.keepers.get(keeper.room.id) is keeper


@contextmanager
def _patience() -> Iterator[None]:
    """Log an error of the beat; the next beat tries again."""
    try:
        yield
    except Unavailable as error:
        log.warning("rooms_not_compared", error=described(error.__cause__))
    except Exception:  # a bug
        log.exception("rooms_not_compared")
