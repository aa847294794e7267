"""Database errors that are independent of the query: the database is unavailable, read-only or full.

Only such an error is `unavailable`. An error about the request itself, such as an invalid value for a column, is a bug.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import structlog
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connection,
)

from libraries.rules.errors import described

P = ParamSpec("P")
T = TypeVar("T")

_OF_THE_REQUEST = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
_RIGHTS = "42501"
"""insufficient_privilege: psycopg treats it as a programming error, but no request causes it."""
TRANSIENT = frozenset({"40001", "40P01"})
"""serialization_failure and deadlock_detected: another transaction conflicted, and a retry may succeed at once."""
_DISK_FULL = "53100"
"""disk_full; a read-only server reports this by itself."""
_NO_WRITES_SQLITE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL})
NO_WRITES_SECONDS = 10.0
"""How long a refused write counts. Without requests in the meantime, a process cannot find out otherwise."""
PAUSES = (0.01, 0.05, 0.2)
"""Seconds before the retries. Each is lengthened randomly up to twice, so that two do not collide again."""

log = structlog.get_logger(__name__)


def sqlstate(error: BaseException) -> str:
    """Postgres' error code (its documentation, appendix A), empty without one."""
    return str(getattr(error.__cause__, "sqlstate", None) or "")


def is_outage(error: BaseException) -> bool:
    """Whether the error is the database's own refusal."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return False
    return not isinstance(error, _OF_THE_REQUEST) or sqlstate(error) == _RIGHTS


def refuses_writes(error: BaseException) -> bool:
    """Whether every write would fail, independent of the request."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF  # the other bits are details
    return sqlstate(error) == _DISK_FULL or code in _NO_WRITES_SQLITE


_refused_until = 0.0


def writes_were_refused() -> bool:
    """Whether the database has refused a write recently, for example with a full disk; reads work then."""
    return time.monotonic() < _refused_until


def report(error: BaseException) -> None:
    """Log an outage, remember refused writes, and drop the thread's connection: a pool would hand it out again.

    After a failover the old primary still answers, and refuses each write.
    """
    global _refused_until  # noqa: PLW0603  # of the process, as is its database
    if refuses_writes(error):
        _refused_until = time.monotonic() + NO_WRITES_SECONDS
    log.warning("database_away", error=described(error), sqlstate=sqlstate(error) or None)
    if connection.vendor == "postgresql" and connection.connection is not None and not connection.in_atomic_block:
        connection.connection.close()  # really closed; Django's own close would return it to the pool
        connection.close()


def tried_again(function: Callable[P, T]) -> Callable[P, T]:
    """A service that is one transaction, retried a few times after a conflict with another one.

    Inside a transaction of the caller it is not retried: the caller's transaction fails.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        for pause in PAUSES:
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                if sqlstate(error) not in TRANSIENT or connection.in_atomic_block:
                    raise
                log.info("transaction_tried_again", sqlstate=sqlstate(error))
            time.sleep(pause * (1 + random.random()))  # noqa: S311  # no secret
        return function(*args, **kwargs)

    return call
