"""Looks up the access of credentials to portal views, many in one query.

When many people connect at once, the requests that come while one query runs share the next one. So the load depends on
the speed of the database, and not on the number of people.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop, Future
from uuid import UUID
from weakref import WeakKeyDictionary

from libraries.grants import Access, accesses
from libraries.rules.subjects import Grant
from realtime.database import in_database

Pair = tuple[Grant, UUID]


class Lookup:
    """The requests of one event loop; there is a task only while there are requests."""

    def __init__(self) -> None:
        self._asked: dict[Pair, Future[Access | None]] = {}
        self._task: asyncio.Task[None] | None = None

    def ask(self, pair: Pair) -> Future[Access | None]:
        """The access of a credential to a portal view, read from the database after this call."""
        answer = self._asked.get(pair)
        if answer is None:
            answer = self._asked[pair] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._answer())
        return answer

    async def _answer(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                await _answer(asked)
        finally:
            self._task = None


async def _answer(asked: dict[Pair, Future[Access | None]]) -> None:
    try:
        found = await in_database(accesses, list(asked))
    except Exception as error:  # each caller raises it: nothing is lost
        for answer in asked.values():
            answer.set_exception(error)
        return
    for pair, answer in asked.items():
        answer.set_result(found.get(pair))


_lookups: WeakKeyDictionary[AbstractEventLoop, Lookup] = WeakKeyDictionary()


async def look_up(grant: Grant, portal_view_id: UUID) -> Access | None:
    """A credential's access to the portal view; None if there is no such person or link any more.

    Unavailable without the database.
    """
    lookup = _lookups.setdefault(asyncio.get_running_loop(), Lookup())
    # Others may wait for the same answer: a caller that goes away must not cancel it for them.
    return await asyncio.shield(lookup.ask((grant, portal_view_id)))
