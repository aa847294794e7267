"""Database calls from coroutines, and an unavailable database."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import DataError, InterfaceError, OperationalError, connection

from libraries.models import User
from libraries.rules.errors import Unavailable
from realtime.database import _lanes, in_database, in_lane, in_write_lane
from realtime.tests.clients import DEADLINE_SECONDS, until

pytestmark = pytest.mark.django_db(transaction=True)  # the thread checks its connection

ONE, OTHER = UUID(int=1), UUID(int=2)


WAYS = [in_database, partial(in_lane, ONE), partial(in_write_lane, ONE)]


@pytest.mark.parametrize("way", WAYS)
async def test_the_call_is_made_in_another_thread(way: Callable[..., Any]) -> None:
    def call(*args: int, **more: int) -> tuple[threading.Thread, tuple[int, ...], dict[str, int]]:
        return threading.current_thread(), args, more

    thread, args, more = await way(call, 1, 2, portal_view_id=3, function=4)
    assert thread is not threading.current_thread()
    assert (args, more) == ((1, 2), {"portal_view_id": 3, "function": 4})


class Slow:
    """Calls that wait until they are released, and record their order."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._go_on = {name: threading.Event() for name in "abcd"}

    def call(self, name: str) -> str:
        """Wait in a thread."""
        self.begun.append(name)
        assert self._go_on[name].wait(DEADLINE_SECONDS)
        return name

    def let_go(self, name: str) -> None:
        """End a call."""
        self._go_on[name].set()


async def test_calls_for_one_portal_view_run_one_at_a_time_and_others_meanwhile() -> None:
    slow = Slow()
    first = asyncio.create_task(in_lane(ONE, slow.call, "a"))
    await until(lambda: slow.begun == ["a"], "the first call")
    second = asyncio.create_task(in_lane(ONE, slow.call, "b"))
    assert await in_lane(OTHER, str, 1) == "1"
    assert await in_database(str, 2) == "2"
    assert slow.begun == ["a"]
    slow.let_go("b")
    slow.let_go("a")
    assert list(await asyncio.gather(first, second)) == ["a", "b"]
    assert slow.begun == ["a", "b"]
    assert not _lanes[asyncio.get_running_loop()]


async def test_a_cancelled_caller_delays_nobody() -> None:
    slow = Slow()
    first = asyncio.create_task(in_lane(ONE, slow.call, "a"))
    await until(lambda: slow.begun == ["a"], "the first call")
    waiting = asyncio.create_task(in_lane(ONE, slow.call, "b"))
    await asyncio.sleep(0)
    waiting.cancel()
    slow.let_go("a")
    assert await first == "a"
    assert await in_lane(ONE, str, 1) == "1"
    assert not _lanes[asyncio.get_running_loop()]


async def test_all_threads_but_one_may_be_blocked(settings: Any) -> None:
    slow = Slow()
    held = [
        asyncio.create_task(in_lane(UUID(int=number), slow.call, "a"))
        for number in range(1, settings.PORTAL_DATABASE_THREADS)
    ]
    await until(lambda: len(slow.begun) == len(held), "the threads")
    assert await in_lane(UUID(int=99), str, 1) == "1"
    slow.let_go("a")
    await asyncio.gather(*held)


async def test_sqlite_has_one_writer_and_postgres_one_for_each_portal_view() -> None:
    slow = Slow()
    first = asyncio.create_task(in_write_lane(ONE, slow.call, "a"))
    await until(lambda: slow.begun == ["a"], "the first call")
    second = asyncio.create_task(in_write_lane(OTHER, slow.call, "b"))
    assert await in_lane(OTHER, str, 1) == "1"
    assert slow.begun == (["a", "b"] if connection.features.has_select_for_update else ["a"])
    slow.let_go("a")
    slow.let_go("b")
    assert list(await asyncio.gather(first, second)) == ["a", "b"]


async def test_portal_views_take_turns_however_many_writes_wait_for_one() -> None:
    slow = Slow()
    first = asyncio.create_task(in_write_lane(ONE, slow.call, "a"))
    await until(lambda: slow.begun == ["a"], "the first call")
    flood = [asyncio.create_task(in_write_lane(ONE, slow.begun.append, f"flood {number}")) for number in range(30)]
    await asyncio.sleep(0)
    other = asyncio.create_task(in_write_lane(OTHER, slow.begun.append, "other"))
    await asyncio.sleep(0)
    slow.let_go("a")
    await asyncio.gather(first, other, *flood)
    assert slow.begun.index("other") <= 2


async def test_connections_to_a_server_are_closed_and_those_to_a_file_are_kept() -> None:
    def ask() -> object:
        User.objects.exists()
        return connection.connection

    def kept() -> object:
        return connection.connection

    def is_given_back() -> bool:
        return connection.connection is None

    numbers = [UUID(int=number) for number in range(20)]
    asked = [await in_lane(number, ask) for number in numbers]
    if connection.vendor == "sqlite":
        assert {await in_lane(number, kept) for number in numbers} <= set(asked)
    else:
        assert all([await in_lane(number, is_given_back) for number in numbers])


@pytest.mark.parametrize("away", [OperationalError, InterfaceError])
async def test_an_unavailable_database_raises_unavailable(away: type[Exception]) -> None:
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


class Rests:
    """Whether a thread rests before its queries: what it does, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def sleep(self, seconds: float) -> None:
        """In place of `time.sleep`."""
        self.done.append(f"sleeps {seconds}")

    def ask(self, *, anew: bool = False) -> Any:
        """A query of this thread; on a new connection to the database if so said."""
        if anew:
            connection.close()
        self.done.append("asks")
        with connection.cursor() as cursor:
            cursor.execute("SELECT 7")
            return cursor.fetchone()[0]


@pytest.mark.parametrize("way", WAYS)
async def test_a_query_waits_until_the_loop_has_had_its_turn(
    way: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rests = Rests()
    await way(rests.ask, anew=True)  # makes what each new connection asks for
    rests.done.clear()
    monkeypatch.setattr("realtime.scheduling.time.sleep", rests.sleep)
    assert await way(rests.ask) == 7
    assert rests.done == ["asks", "sleeps 0"]
    await way(rests.ask, anew=True)
    await way(rests.ask)
    assert rests.done[-2:] == ["asks", "sleeps 0"], "once, on whatever connection"


def test_other_threads_do_not_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    rests = Rests()
    monkeypatch.setattr("realtime.scheduling.time.sleep", rests.sleep)
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(rests.ask, anew=True).result() == 7
        threads.submit(lambda: connection.close()).result()  # noqa: PLW0108  # that of this thread
    assert rests.done == ["asks"]
