"""Django's backend for SQLite: the transactions of one process wait in a queue instead of polling for the lock.

SQLite has one writer. A writer that finds its lock taken sleeps for up to 100 ms and tries again
(`sqliteDefaultBusyCallback` in SQLite's main.c), so under load the order is random, and one writer can lose for
seconds. Here they wait in a queue. Between processes, and for a statement outside of any transaction, SQLite's way
remains.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

from portal.sqlite.turns import Turns


@cache
def turns_of(file: str) -> Turns:
    """The queue of a database's writers in this process."""
    return Turns()


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose transactions wait for their turn."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turns: Turns | None = None
        """Set while it is our turn."""

    def _start_transaction_under_autocommit(self) -> None:
        turns = turns_of(str(self.settings_dict["NAME"]))
        seconds = self.settings_dict["OPTIONS"]["timeout"]
        if not turns.take(seconds):
            raise OperationalError(f"Others wrote for {seconds} s; it was not our turn.")
        self._turns = turns
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # the stubs leave it out
        except BaseException:
            self._give_turn()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]  # the stubs leave it out
        self._give_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]  # the stubs leave it out
        finally:
            self._give_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]  # the stubs leave it out
        finally:
            self._give_turn()

    def _give_turn(self) -> None:
        if self._turns is not None:
            self._turns.give()
            self._turns = None
