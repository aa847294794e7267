"""What a database says that has nothing to do with what it was asked: it is away, read-only or full.

Only such an error is `unavailable`. One about the request itself, as a value that a column does not take, is a bug.
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
"""insufficient_privilege: psycopg counts it among a program's errors, but nobody's request is at fault."""
TRANSIENT = frozenset({"40001", "40P01"})
"""serialization_failure and deadlock_detected: another transaction was in the way, and the same may go well at once."""
_DISK_FULL = "53100"
"""disk_full; that a server is read-only it tells whoever asks."""
_NO_WRITES_SQLITE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL})
NO_WRITES_SECONDS = 10.0
"""How long a refused write counts: who is sent no requests meanwhile has none by which to find out."""
PAUSES = (0.01, 0.05, 0.2)
"""Seconds before it is tried again; up to twice as long, so that two do not meet again."""

log = structlog.get_logger(__name__)


def sqlstate(error: BaseException) -> str:
    """Postgres' code (its documentation, appendix A), empty without one."""
    return str(getattr(error.__cause__, "sqlstate", None) or "")


def is_outage(error: BaseException) -> bool:
    """Whether it is the database's own refusal."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return False
    return not isinstance(error, _OF_THE_REQUEST) or sqlstate(error) == _RIGHTS


def refuses_writes(error: BaseException) -> bool:
    """Whether no write would go well, whoever asked for it."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF  # the rest says more of it
    return sqlstate(error) == _DISK_FULL or code in _NO_WRITES_SQLITE


_refused_until = 0.0


def writes_were_refused() -> bool:
    """Whether the database has refused to write of late, as where its disk is full; reading goes well then."""
    return time.monotonic() < _refused_until


def report(error: BaseException) -> None:
    """Log an outage, remember if nothing is written, and drop the thread's connection: a pool would give it out again.

    After a failover the old primary answers as before, and refuses each write.
    """
    global _refused_until  # noqa: PLW0603  # of the process, as is its database
    if refuses_writes(error):
        _refused_until = time.monotonic() + NO_WRITES_SECONDS
    log.warning("database_away", error=described(error), sqlstate=sqlstate(error) or None)
    if connection.vendor == "postgresql" and connection.connection is not None and not connection.in_atomic_block:
        connection.connection.close()  # for good; Django's own would give it back
        connection.close()


def tried_again(function: Callable[P, T]) -> Callable[P, T]:
    """A service that is one transaction, and is tried a few times more where another one was in its way.

    Within a transaction of the caller it is that one that fails.
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
