"""Looks up the access of credentials to portal views, many in one query (`realtime.batches`)."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from uuid import UUID
from weakref import WeakKeyDictionary

from libraries.grants import Access, accesses
from libraries.rules.subjects import Grant
from realtime.batches import Batches
from realtime.database import in_database

Pair = tuple[Grant, UUID]


async def _read(pairs: list[Pair]) -> dict[Pair, Access | None]:
    found = await in_database(accesses, pairs)
    return {pair: found.get(pair) for pair in pairs}


_lookups: WeakKeyDictionary[AbstractEventLoop, Batches[Pair, Access | None]] = WeakKeyDictionary()


async def look_up(grant: Grant, portal_view_id: UUID) -> Access | None:
    """A credential's access to the portal view; None if there is no such person or link any more.

    Unavailable without the database.
    """
    lookup = _lookups.setdefault(asyncio.get_running_loop(), Batches(_read))
    return await lookup.ask((grant, portal_view_id))
