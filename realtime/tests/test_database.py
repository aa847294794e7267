"""Calls of the database from coroutines, and what becomes of a database that is away."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DataError, InterfaceError, OperationalError, connection

from libraries.errors import Unavailable
from libraries.models import User
from realtime.database import in_database

pytestmark = pytest.mark.django_db(transaction=True)  # the thread looks at its connection


async def test_the_call_is_made_in_another_thread() -> None:
    def call(*args: int, **more: int) -> tuple[threading.Thread, tuple[int, ...], dict[str, int]]:
        return threading.current_thread(), args, more

    thread, args, more = await in_database(call, 1, 2, three=3)
    assert thread is not threading.current_thread()
    assert (args, more) == ((1, 2), {"three": 3})


@pytest.mark.parametrize("away", [OperationalError, InterfaceError])
async def test_a_database_that_is_away_is_said_to_be(away: type[Exception]) -> None:
    def call() -> None:
        raise away("connection to server at 10.0.0.1 failed")

    with pytest.raises(Unavailable, match="try again") as caught:
        await in_database(call)
    assert isinstance(caught.value.__cause__, away)
    assert "10.0.0.1" not in caught.value.message


@pytest.mark.parametrize("bug", [DataError, ZeroDivisionError])
async def test_any_other_error_is_a_bug(bug: type[Exception]) -> None:
    def call() -> None:
        raise bug

    with pytest.raises(bug):
        await in_database(call)


async def test_no_record_of_queries_is_kept(settings: Any) -> None:
    settings.DEBUG = True

    def count() -> int:
        User.objects.exists()
        return len(connection.queries_log)

    assert [await in_database(count) for _ in range(3)] == [1, 1, 1]
