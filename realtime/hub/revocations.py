"""Ends the connections whose person, session or share link has ended.

The table of revocations is read with each beat, and at once after news of one. A reading costs revocations: it looks at
no connection that none of them names.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import structlog

from libraries.grants import Ended, revocations_within
from libraries.rules.errors import Unavailable, described
from libraries.rules.revocations import Reason
from realtime.database import in_database
from realtime.hub.keeper import Keeper
from realtime.hub.roster import Roster
from realtime.hub.subscriptions import Subscriptions
from realtime.news.structs import REVOCATIONS_GROUP
from realtime.rooms.connection import Connection

MARGIN_SECONDS = 60.0
"""How far back each reading goes: longer than a transaction takes to commit, and a handshake until it is in the hub."""

log = structlog.get_logger(__name__)


class End(NamedTuple):
    """Why a connection ends, and after how many seconds it may come back."""

    reason: Reason
    wait: float | None = None


class Home(Protocol):
    """The owner of the connections: the hub."""

    keepers: dict[UUID, Keeper]
    roster: Roster
    subscriptions: Subscriptions

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a coroutine that nobody waits for."""


class Revocations:
    """The revocations of the last minute that this process has read. `end` ends a connection."""

    def __init__(self, home: Home, end: Callable[[Connection, Reason, float | None], None]) -> None:
        self._home = home
        self._end = end
        self._recent: dict[UUID, list[Ended]] = {}
        self._read_at: float | None = None
        self._is_wanted = False
        self._reading: asyncio.Task[None] | None = None
        self._subscribed = False

    def find_end(self, connection: Connection) -> End | None:
        """Why a new connection's credential has ended, if that was read since its access was looked up."""
        recent = (row for key in connection.grant.keys for row in self._recent.get(key, ()))
        return next((end for row in recent if (end := _end_by(row, connection)) is not None), None)

    def read_soon(self) -> None:
        """Read the table soon, once for all that is told in the meantime."""
        self._is_wanted = True
        if self._reading is None:
            self._reading = self._home.start(self._read_wanted())

    async def read(self) -> None:
        """Read the table, and end what it names; Unavailable without the database."""
        began = time.monotonic()
        if not self._subscribed:  # before the table is read: nothing is lost in between
            self._subscribed = await self._home.subscriptions.add(REVOCATIONS_GROUP)
        if not self._home.keepers:  # everybody has left in the meantime
            await self.forget()
            return
        since = 0.0 if self._read_at is None else began - self._read_at
        rows = await in_database(revocations_within, since + MARGIN_SECONDS)
        self._read_at = began
        self._recent = {}
        for row in rows:
            self._recent.setdefault(row.key, []).append(row)
            for connection in self._home.roster.of(row.key):
                if (end := _end_by(row, connection)) is not None:
                    self._end(connection, end.reason, end.wait)

    async def forget(self) -> None:
        """Hear no news any more, because nobody is connected, unless somebody comes in the meantime."""
        self._subscribed = False
        await self._home.subscriptions.discard(REVOCATIONS_GROUP, unless=lambda: bool(self._home.keepers))

    async def _read_wanted(self) -> None:
        try:
            while self._is_wanted:
                self._is_wanted = False
                await self.read()
        except Unavailable as error:  # the next beat reads
            log.warning("revocations_not_read", error=described(error.__cause__))
        except Exception:  # a bug
            log.exception("revocations_not_read")
        finally:
            self._reading = None


def _end_by(row: Ended, connection: Connection) -> End | None:
    """How a row ends the connection; None if it does not."""
    if row.portal_view_id is not None:
        wait = 0.0 if row.until is None else (row.until - datetime.now(UTC)).total_seconds()
        return End(row.reason, wait) if row.portal_view_id == connection.portal_view_id and wait > 0 else None
    if row.auth_version is not None and row.auth_version <= connection.grant.auth_version:
        return None
    return End(row.reason)
