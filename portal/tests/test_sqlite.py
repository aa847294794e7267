"""SQLite's one writer: in a process transactions wait for their turn; with polling, some writer always lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection, transaction
from django.db.backends.sqlite3 import base

from libraries.models import Library
from portal.sqlite.turns import WRITES_FOR, Turns

PATIENCE = 10.0


class Crowd:
    """Threads that each take one turn, in the order in which they are started."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.served: list[str] = []
        self._threads: list[threading.Thread] = []

    def come(self, asker: str, name: str) -> None:
        """Start one more thread; returns once it waits."""
        waiting = self.count()
        thread = threading.Thread(target=self._take, args=(asker, name))
        self._threads.append(thread)
        thread.start()
        until(lambda: self.count() > waiting)

    def count(self) -> int:
        """The number of waiting threads."""
        return sum(len(queue) for queue in self.turns._waiting.values())

    def all_served(self) -> list[str]:
        """The names, in the order of their turns."""
        for thread in self._threads:
            thread.join(PATIENCE)
        return self.served

    def _take(self, asker: str, name: str) -> None:
        WRITES_FOR.set(asker)
        assert self.turns.take(PATIENCE)
        self.served.append(name)
        self.turns.give()


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_writers_of_one_client_come_in_order_and_clients_in_turn() -> None:
    crowd = Crowd(Turns())
    assert crowd.turns.take(0)
    for asker, name in [("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("", "sockets"), ("b", "b2")]:
        crowd.come(asker, name)
    crowd.turns.give()
    assert crowd.all_served() == ["a1", "b1", "sockets", "a2", "b2", "a3"]
    assert crowd.turns.take(0)


def test_a_writer_that_waits_too_long_gets_an_error_and_is_forgotten() -> None:
    turns = Turns()
    assert turns.take(0)
    assert not turns.take(0.01)
    turns.give()
    assert turns.take(0)
    assert not turns._waiting


def test_a_turn_that_comes_at_the_last_moment_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the end of the wait and its detection."""
    turns = Turns()
    assert turns.take(0)
    real = threading.Lock

    class Late:
        def __init__(self) -> None:
            self._lock = real()

        def acquire(self, timeout: float = -1) -> bool:
            if timeout >= 0:
                turns.give()
                return False
            return self._lock.acquire()

        def release(self) -> None:
            self._lock.release()

    monkeypatch.setattr("portal.sqlite.turns.threading.Lock", Late)
    assert turns.take(0)
    assert not turns._waiting


needs_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="the suite runs on Postgres, too")


@needs_sqlite
@pytest.mark.django_db(transaction=True)
def test_writers_wait_for_each_other_and_lose_nothing() -> None:
    def write(number: int) -> None:
        for _ in range(20):
            with transaction.atomic():
                count = Library.objects.count()
                Library.objects.create(name=f"{number}-{count}")
        connection.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert {int(name.split("-")[1]) for name in Library.objects.values_list("name", flat=True)} == set(range(120))


@needs_sqlite
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", ["commit", "error", "close"])
def test_a_turn_ends_with_its_transaction(end: str) -> None:
    if end == "close":
        connection.ensure_connection()
        connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        connection.close()
    else:
        try:
            with transaction.atomic():
                Library.objects.create(name="x")
                if end == "error":
                    raise KeyError
        except KeyError:
            assert end == "error"
    done = []

    def write() -> None:
        with transaction.atomic():
            done.append(Library.objects.create(name="y"))
        connection.close()

    other = threading.Thread(target=write)
    other.start()
    other.join(PATIENCE)
    assert done


@needs_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_does_not_begin_passes_its_turn_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(base.DatabaseWrapper, "_start_transaction_under_autocommit", busy)
    with pytest.raises(OperationalError, match="locked"), transaction.atomic():
        pass
    monkeypatch.undo()
    with transaction.atomic():
        Library.objects.create(name="x")


@needs_sqlite
@pytest.mark.django_db(transaction=True)
def test_the_error_of_a_writer_that_waits_too_long_names_the_other_writers(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            begun.set()
            go_on.wait(PATIENCE)
        connection.close()

    connection.ensure_connection()
    holder = threading.Thread(target=hold)
    holder.start()
    begun.wait(PATIENCE)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
    with pytest.raises(OperationalError, match="Others wrote for 0.05 s"), transaction.atomic():
        pass
    go_on.set()
    holder.join(PATIENCE)
