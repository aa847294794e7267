"""Which errors are the database's own refusals: every error that psycopg knows is classified."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

import django.db
import psycopg.errors
import pytest
from django.db import transaction

from libraries import outages
from libraries.outages import PAUSES, TRANSIENT, is_outage, tried_again

OF_THE_REQUEST = ("22", "23", "42", "0A")
OF_THE_DATABASE = ("08", "40", "53", "55", "57", "58", "XX")
"""Classes of SQLSTATE (Postgres' documentation, appendix A); the others concern sessions, cursors and functions."""
KNOWN = sorted(
    {
        str(error.sqlstate): error
        for error in vars(psycopg.errors).values()
        if isinstance(error, type) and issubclass(error, psycopg.Error) and getattr(error, "sqlstate", None)
    }.items()
)


def wrapped(error: psycopg.Error) -> Exception:
    """The error as Django raises it: Django's class of the same name, caused by psycopg's."""
    kind = next(name for name in (one.__name__ for one in type(error).__mro__) if hasattr(django.db, name))
    made: Exception = getattr(django.db, kind)(*error.args)
    made.__cause__ = error
    return made


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [one for one in KNOWN if one[0].startswith((*OF_THE_REQUEST, *OF_THE_DATABASE))],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_every_error_of_postgres(sqlstate: str, kind: type[psycopg.Error]) -> None:
    is_of_the_request = sqlstate.startswith(OF_THE_REQUEST) and sqlstate != "42501"
    assert is_outage(wrapped(kind("no"))) is not is_of_the_request


@pytest.mark.parametrize(
    "kind",
    [
        psycopg.errors.ReadOnlySqlTransaction,
        psycopg.errors.CannotConnectNow,
        psycopg.errors.AdminShutdown,
        psycopg.errors.CrashShutdown,
        psycopg.errors.TooManyConnections,
        psycopg.errors.DiskFull,
        psycopg.errors.OutOfMemory,
        psycopg.errors.SerializationFailure,
        psycopg.errors.DeadlockDetected,
        psycopg.errors.LockNotAvailable,
        psycopg.errors.QueryCanceled,
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.IdleInTransactionSessionTimeout,
        psycopg.errors.InFailedSqlTransaction,
    ],
)
def test_errors_that_operators_meet(kind: type[psycopg.Error]) -> None:
    assert is_outage(wrapped(kind("no")))


@pytest.mark.parametrize(
    ("statement", "refuses"),
    [
        ("INSERT INTO full SELECT hex(randomblob(100000))", True),
        ("INSERT INTO nothing VALUES (1)", False),
    ],
)
def test_a_full_sqlite_refuses_writes(statement: str, refuses: bool) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE full (a)")
    connection.execute("PRAGMA max_page_count = 4")
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute(statement)
    error = django.db.OperationalError("no")
    error.__cause__ = caught.value
    assert outages.refuses_writes(error) is refuses


def test_a_refused_write_counts_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "_refused_until", 0.0)
    outages.report(wrapped(psycopg.errors.TooManyConnections("no")))
    assert not outages.writes_were_refused()
    monkeypatch.setattr(outages, "NO_WRITES_SECONDS", 0.2)
    outages.report(wrapped(psycopg.errors.DiskFull("no")))
    assert outages.writes_were_refused()
    time.sleep(0.25)
    assert not outages.writes_were_refused()


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (django.db.DatabaseError("database disk image is malformed"), True),  # in SQLite
        (django.db.OperationalError("attempt to write a readonly database"), True),
        (django.db.OperationalError("database or disk is full"), True),
        (django.db.InterfaceError("connection already closed"), True),
        (django.db.DataError("value too long"), False),
        (ValueError("no"), False),
        (OSError("no"), False),
    ],
    ids=str,
)
def test_other_errors(error: Exception, is_one: bool) -> None:
    assert is_outage(error) is is_one


# --- Retries ------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr("libraries.outages.time.sleep", waited.append)
    return waited


def failing(times: int, error: Exception) -> Callable[[], int]:
    """A service that fails this many times, and a counter of its calls."""
    calls = 0

    def service() -> int:
        nonlocal calls
        calls += 1
        if calls <= times:
            raise error
        return calls

    return tried_again(service)


@pytest.mark.parametrize("kind", [psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected])
def test_a_conflict_with_another_transaction_is_retried(quick: list[float], kind: Any) -> None:
    assert kind.sqlstate in TRANSIENT
    for times in range(len(PAUSES) + 1):
        quick.clear()
        assert failing(times, wrapped(kind("no")))() == times + 1
        assert all(least <= wait < 2 * least for least, wait in zip(PAUSES, quick, strict=False))
        assert len(quick) == times
    with pytest.raises(django.db.OperationalError):
        failing(len(PAUSES) + 1, wrapped(kind("no")))()


@pytest.mark.parametrize("error", [wrapped(psycopg.errors.AdminShutdown("no")), ValueError("no")], ids=str)
def test_other_errors_are_not_retried(quick: list[float], error: Exception) -> None:
    with pytest.raises(type(error)):
        failing(1, error)()
    assert not quick


@pytest.mark.django_db
def test_within_a_transaction_the_outer_one_fails(quick: list[float]) -> None:
    service = failing(1, wrapped(psycopg.errors.SerializationFailure("no")))
    with pytest.raises(django.db.OperationalError), transaction.atomic():
        service()
    assert not quick
