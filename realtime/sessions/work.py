"""The pending work of one controller: done in order, one at a time, and merged while it waits.

So the load depends on the speed of the database, and not on that of the mouse. A slow write delays the work behind it,
but never the socket's pings or its end. The jobs are in `realtime.sessions.jobs`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

MAX_WAITING = 256
"""Messages of one connection; if this many wait, merged or not, no further one is read from its socket."""
MAX_WAITING_BYTES = 1024 * 1024
"""The same limit for the sizes of the waiting messages together."""


class Job(Protocol):
    """Work for a connection; the job answers the client itself, also with refusals.

    It holds a number of `messages`, which had `size` characters together as text.
    """

    @property
    def messages(self) -> int:
        """The number of messages in it."""

    @property
    def size(self) -> int:
        """Their characters."""

    async def run(self) -> None:
        """Do it."""

    def absorb(self, later: Job) -> bool:
        """Merge a later job into this one, if both together mean the same as one after the other."""

    def lets_pass(self, later: Job) -> bool:
        """Whether a later job may be done before this one."""


class Work:
    """The jobs of one connection. There is a task only while there are jobs."""

    __slots__ = ("_messages", "_on_crash", "_size", "_task", "_waiting")

    def __init__(self, on_crash: Callable[[], None]) -> None:
        self._on_crash = on_crash
        self._task: asyncio.Task[None] | None = None
        self._waiting: list[Job] = []
        self._messages = 0
        self._size = 0

    async def add(self, job: Job) -> None:
        """Do a job after the earlier ones, merged with one of them if possible.

        While too much waits, it does not return: the caller then reads nothing more.
        """
        self._messages += job.messages
        self._size += job.size
        if not self._is_absorbed(job):
            self._waiting.append(job)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        if self._messages > MAX_WAITING or self._size > MAX_WAITING_BYTES:
            await self.finish()

    def _is_absorbed(self, job: Job) -> bool:
        for earlier in reversed(self._waiting):
            if earlier.absorb(job):
                return True
            if not earlier.lets_pass(job):
                break
        return False

    async def finish(self) -> None:
        """Wait until everything is done."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while self._waiting:
                job = self._waiting.pop(0)
                await job.run()
                self._messages -= job.messages
                self._size -= job.size
        except Exception:  # a bug: logged with its traceback, and the connection is closed with 1011
            self._waiting.clear()
            self._messages = self._size = 0
            self._on_crash()
        finally:
            self._task = None
