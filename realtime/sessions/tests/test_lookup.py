"""Many simultaneous requests for access: which share a query, and which get its failure."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from libraries.grants import Access
from libraries.rules.errors import Unavailable
from libraries.rules.subjects import Grant, Subject
from realtime.sessions import lookup
from realtime.sessions.lookup import look_up
from realtime.tests.clients import DEADLINE_SECONDS, until

Pair = tuple[Grant, UUID]

ONE, OTHER, VIEW = Grant(Subject(UUID(int=1))), Grant(Subject(UUID(int=2))), UUID(int=3)


class Database:
    """Answers with the number of the query, once it is allowed to."""

    def __init__(self) -> None:
        self.queries: list[list[Pair]] = []
        self.error: Exception | None = None
        self.gate = asyncio.Event()

    async def __call__(self, function: object, asked: list[Pair]) -> dict[Pair, Access]:
        """In place of `realtime.database.in_database`."""
        self.queries.append(asked)
        access = Access(role=None, version=len(self.queries), access_version=1)
        await asyncio.wait_for(self.gate.wait(), DEADLINE_SECONDS)
        if self.error is not None:
            raise self.error
        return {pair: access for pair in asked if pair[0] != OTHER}


@pytest.fixture
async def database(nothing_left: None, monkeypatch: pytest.MonkeyPatch) -> Database:
    database = Database()
    monkeypatch.setattr(lookup, "in_database", database)
    return database


def ask(who: Grant) -> asyncio.Task[Any]:
    """Request the access of a person."""
    return asyncio.create_task(look_up(who, VIEW))


async def answers(*tasks: asyncio.Task[Any]) -> list[int | None]:
    """The number of the query behind each answer; None without an answer."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        return [None if access is None else access.version for access in await asyncio.gather(*tasks)]


async def test_requests_during_a_query_share_the_next_one(database: Database) -> None:
    first = ask(ONE)
    await until(lambda: database.queries, "the first query")
    later = [ask(ONE), ask(OTHER), ask(ONE)]
    await asyncio.sleep(0)
    database.gate.set()
    assert await answers(first, *later) == [1, 2, None, 2]
    assert database.queries == [[(ONE, VIEW)], [(ONE, VIEW), (OTHER, VIEW)]]
    assert await answers(ask(ONE)) == [3]


async def test_all_requests_that_share_a_query_get_its_failure(database: Database) -> None:
    asking = [ask(ONE), ask(OTHER)]
    await until(lambda: database.queries, "the query")
    database.error = Unavailable("Away.")
    database.gate.set()
    for task in asking:
        with pytest.raises(Unavailable):
            await asyncio.wait_for(task, DEADLINE_SECONDS)
    database.error = None
    assert await answers(ask(ONE)) == [2]


async def test_a_cancelled_request_takes_no_answer_from_the_others(database: Database) -> None:
    gone, stays = ask(ONE), ask(ONE)
    await until(lambda: database.queries, "the query")
    gone.cancel()
    database.gate.set()
    assert await answers(stays) == [1]
    assert gone.cancelled()


async def test_guests_and_users_share_a_query(database: Database) -> None:
    database.gate.set()
    guest = Grant(Subject(ONE.subject.id, is_guest=True), link_id=UUID(int=9))
    assert await answers(ask(guest), ask(ONE)) == [1, 1]
    assert database.queries == [[(guest, VIEW), (ONE, VIEW)]]
