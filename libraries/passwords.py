"""How passwords are hashed: argon2 with little memory, and only so many at once in one process.

Every way to hash or test a password goes through Django's hashers, and so through here: a log-in by REST or in the
admin's form, a registration, a new password, and the hash that Django makes for an account that does not exist.
Whether somebody may try a password at all is said in `libraries.services.logins`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher
from django.db import connections

from libraries.rules.errors import Unavailable

WAITING = 64
"""How many hashes may wait in one process."""

P = ParamSpec("P")
T = TypeVar("T")


class TooBusy(Unavailable):
    """More people log in than can be served at once; nothing was hashed."""

    def __init__(self) -> None:
        super().__init__("Too many people are logging in at this moment: try again in a few seconds.")


class Gate:
    """Runs at most `at_once` calls at once, and lets at most `waiting` wait; TooBusy for any beyond.

    They run in threads of its own. The C library keeps freed memory for each thread that asked for some: those of all
    requests would come to hold a hash's memory each.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._pool = ThreadPoolExecutor(at_once, "password")

    def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the call returns or raises, once it has had its turn."""
        if not self._places.acquire(blocking=False):
            raise TooBusy
        try:
            return self._pool.submit(call, *args, **kwargs).result()
        finally:
            self._places.release()


def hashes_at_once() -> int:
    """How many hashes one process makes at once: its part of the cores, of which one is left to all else."""
    return max(1, (_cores() - 1) // settings.PORTAL_WORKERS)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # not everywhere; it knows of a container's share
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def gate() -> Gate:
    """The gate of this process."""
    return Gate(hashes_at_once(), WAITING)


def _hash(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The call's turn at the gate. Who waits for it gives a pooled connection to the database to others meanwhile."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["OPTIONS"].get("pool") and not connection.in_atomic_block:
            connection.close()
    return gate().run(call, *args, **kwargs)


class Argon2(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane: the OWASP Password Storage Cheat Sheet's first choice.

    Hashes of other sizes are good, and are made anew at the next log-in.
    """

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The hash; TooBusy if too many wait."""
        return _hash(super().encode, password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether it is the password of the hash; TooBusy if too many wait."""
        return _hash(super().verify, password, encoded)


class PBKDF2(PBKDF2PasswordHasher):
    """Hashes that were brought from elsewhere, until the next log-in. `verify` goes through `encode`, too."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """The hash; TooBusy if too many wait."""
        return _hash(super().encode, password, salt, iterations)
