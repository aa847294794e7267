"""Password hashing: argon2 with little memory, and a limit on simultaneous hashes in one process.

Every way to hash or verify a password uses Django's hashers, and so this module: a log-in by REST or in the admin's
form, a registration, a new password, and the hash that Django makes for an unknown account. The limits on attempts to
log in are in `libraries.services.logins`.
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
"""The most hashes that may wait in one process."""

P = ParamSpec("P")
T = TypeVar("T")


class TooBusy(Unavailable):
    """More people log in at once than the process can serve; nothing was hashed."""

    def __init__(self) -> None:
        super().__init__("Too many people are logging in at this moment: try again in a few seconds.")


class Gate:
    """Runs at most `at_once` calls at once, and lets at most `waiting` wait; TooBusy for any beyond.

    The calls run in separate threads. The C library keeps freed memory for each thread that used some: with the threads
    of all requests, each would hold a hash's memory.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._pool = ThreadPoolExecutor(at_once, "password")

    def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Wait for a turn and run the call; returns its result, or raises its exception."""
        if not self._places.acquire(blocking=False):
            raise TooBusy
        try:
            return self._pool.submit(call, *args, **kwargs).result()
        finally:
            self._places.release()


def hashes_at_once() -> int:
    """The number of simultaneous hashes of one process: its share of the cores, minus one core for everything else."""
    return max(1, (_cores() - 1) // settings.PORTAL_WORKERS)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on all systems; it respects a container's share
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def gate() -> Gate:
    """The gate of this process."""
    return Gate(hashes_at_once(), WAITING)


def _hash(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the call through the gate. While it waits, a pooled database connection is returned for others to use."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["OPTIONS"].get("pool") and not connection.in_atomic_block:
            connection.close()
    return gate().run(call, *args, **kwargs)


class Argon2(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane: the first choice of the OWASP Password Storage Cheat Sheet.

    Hashes with other parameters are valid, and are replaced at the next log-in.
    """

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The hash; TooBusy if too many wait."""
        return _hash(super().encode, password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password matches the hash; TooBusy if too many wait."""
        return _hash(super().verify, password, encoded)


class PBKDF2(PBKDF2PasswordHasher):
    """Hashes imported from elsewhere, until the next log-in. `verify` uses `encode`, too."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """The hash; TooBusy if too many wait."""
        return _hash(super().encode, password, salt, iterations)
