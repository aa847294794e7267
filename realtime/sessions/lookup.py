"""Looks up who may see what, for many at once.

When a room of people connects together, those who come while one query runs share the next one: the load on the
database is that of its speed, and not of the number of people.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop, Future
from uuid import UUID
from weakref import WeakKeyDictionary

from libraries.rules.subjects import Subject
from libraries.selectors import Access, accesses
from realtime.database import in_database

Pair = tuple[Subject, UUID]


class Lookup:
    """The questions of one event loop; there is a task only while there are any."""

    def __init__(self) -> None:
        self._asked: dict[Pair, Future[Access | None]] = {}
        self._task: asyncio.Task[None] | None = None

    def ask(self, pair: Pair) -> Future[Access | None]:
        """The access of somebody to a portal view, as the database has it from now on."""
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
        ids = [(subject.user_id, portal_view_id) for subject, portal_view_id in asked if subject.user_id is not None]
        found = await in_database(accesses, ids)
    except Exception as error:  # whoever asked raises it: nothing is lost
        for answer in asked.values():
            answer.set_exception(error)
        return
    for (subject, portal_view_id), answer in asked.items():
        access = None if subject.user_id is None else found.get((subject.user_id, portal_view_id))
        answer.set_result(access)


_lookups: WeakKeyDictionary[AbstractEventLoop, Lookup] = WeakKeyDictionary()


async def look_up(subject: Subject, portal_view_id: UUID) -> Access | None:
    """Somebody's access to the portal view, None if there is nobody such; Unavailable without the database."""
    lookup = _lookups.setdefault(asyncio.get_running_loop(), Lookup())
    # Others may wait for the same answer: one who goes away must not take it from them.
    return await asyncio.shield(lookup.ask((subject, portal_view_id)))
