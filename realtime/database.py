"""Database calls from coroutines: on several threads, and one at a time for each portal view.

A locked row, or a state that is slow to read, takes one thread. It delays only the connections of that portal view.
SQLite has one writer: there one thread does all writes, one at a time, instead of several threads that poll for its
lock. Queries about many portal views at once have threads of their own: who may connect, and whether the rooms are up
to date.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache
from typing import ParamSpec, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import connection, reset_queries

from libraries.outages import is_outage, report
from libraries.rules.errors import Unavailable
from realtime.scheduling import let_sockets_first

THREADS_FOR_MANY = 2
"""One for handshakes and one for the beat: neither starts a second query before the first is answered."""

_ONE_WRITER = UUID(int=0)

P = ParamSpec("P")
T = TypeVar("T")


class _Lane:
    """The calls for one portal view that wait or run."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.calls = 0


_lanes: WeakKeyDictionary[AbstractEventLoop, dict[Hashable, _Lane]] = WeakKeyDictionary()


async def in_lane(portal_view_id: UUID, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a selector about one portal view, after the earlier calls in the same lane.

    Unavailable while the database is unavailable.
    """
    async with _turn(portal_view_id):
        return await _call(_threads(), function, *args, **kwargs)


async def in_write_lane(portal_view_id: UUID, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a service that writes to one portal view. As `in_lane`, and on SQLite one write at a time.

    On SQLite the portal views take turns: however many writes wait for one of them, the next write of another portal
    view waits for only one.
    """
    if connection.features.has_select_for_update:
        return await in_lane(portal_view_id, function, *args, **kwargs)
    async with _turn(("write", portal_view_id)):
        return await in_lane(_ONE_WRITER, function, *args, **kwargs)


async def in_database(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a selector or a service about many portal views; Unavailable while the database is unavailable."""
    return await _call(_threads_for_many(), function, *args, **kwargs)


async def _call(threads: ThreadPoolExecutor, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    def call() -> T:
        # In debug mode Django keeps each query with its values until a request begins; here no request ever begins.
        reset_queries()
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if not is_outage(error):
                raise
            report(error)
            raise Unavailable("The database did not answer; try again in a moment.") from error

    # This closes the thread's connection, or returns it to the pool, after each call.
    return await database_sync_to_async(call, thread_sensitive=False, executor=threads)()


@asynccontextmanager
async def _turn(key: Hashable) -> AsyncIterator[None]:
    """Wait for all earlier callers with the same key."""
    lanes = _lanes.setdefault(asyncio.get_running_loop(), {})
    lane = lanes.setdefault(key, _Lane())
    lane.calls += 1
    try:
        async with lane.lock:
            yield
    finally:
        lane.calls -= 1
        if not lane.calls:
            del lanes[key]


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.PORTAL_DATABASE_THREADS, "portal-view", initializer=let_sockets_first)


@cache
def _threads_for_many() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS_FOR_MANY, "portal-views", initializer=let_sockets_first)
