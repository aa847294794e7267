"""Calls of the database from coroutines: on several threads, and one at a time for each portal view.

So a row that is locked, or a state that is slow to read, takes one thread and holds up nobody but those who are
connected to that portal view. SQLite has one writer: there all that is stored is stored by one thread at a time, rather
than by several that poll for its lock. What is asked for many portal views at once has threads of its own: that is who
may come in, and whether the rooms are up to date.
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

THREADS_FOR_MANY = 2
"""One for those who connect, and one for the beat: neither asks a second question before the first is answered."""

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
    """Run a selector that is about one portal view, after what came before it in the same lane.

    Unavailable while the database is away.
    """
    async with _turn(portal_view_id):
        return await _call(_threads(), function, *args, **kwargs)


async def in_write_lane(portal_view_id: UUID, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a service that stores something in one portal view; as `in_lane`, and on SQLite one write at a time.

    There portal views take turns: however many writes wait for one of them, the next of another waits for one only.
    """
    if connection.features.has_select_for_update:
        return await in_lane(portal_view_id, function, *args, **kwargs)
    async with _turn(("write", portal_view_id)):
        return await in_lane(_ONE_WRITER, function, *args, **kwargs)


async def in_database(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a selector or a service that is about many portal views; Unavailable while the database is away."""
    return await _call(_threads_for_many(), function, *args, **kwargs)


async def _call(threads: ThreadPoolExecutor, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    def call() -> T:
        # While debugging, Django keeps each query with its values until a request begins; here none ever does.
        reset_queries()
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if not is_outage(error):
                raise
            report(error)
            raise Unavailable("The database did not answer; try again in a moment.") from error

    # This closes the thread's connection, or gives it back to the pool, behind each call.
    return await database_sync_to_async(call, thread_sensitive=False, executor=threads)()


@asynccontextmanager
async def _turn(key: Hashable) -> AsyncIterator[None]:
    """Wait for all who came before with the same key."""
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
    return ThreadPoolExecutor(settings.PORTAL_DATABASE_THREADS, thread_name_prefix="portal-view")


@cache
def _threads_for_many() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS_FOR_MANY, thread_name_prefix="portal-views")
