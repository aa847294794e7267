"""What one controller has asked for and is not done yet: in order, one at a time, and merged while it waits.

So the load follows the database and not the mouse, and a slow write holds up what comes behind it, but never the
socket's pings or its end. What a job does is said in `realtime.sessions.jobs`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

MAX_WAITING = 256
"""Messages of one connection; when so many wait, merged or not, no further one is read from its socket."""
MAX_WAITING_BYTES = 1024 * 1024
"""Likewise of the messages' sizes together."""


class Job(Protocol):
    """Something to be done for a connection; it answers the client itself, refusals too.

    It holds so many `messages`, which were of so many characters (`size`) as text.
    """

    @property
    def messages(self) -> int:
        """How many messages it is made of."""

    @property
    def size(self) -> int:
        """Their characters."""

    async def run(self) -> None:
        """Do it."""

    def absorb(self, later: Job) -> bool:
        """Take over what a later job was to do, if both together mean the same as one after the other."""

    def lets_pass(self, later: Job) -> bool:
        """Whether a later job may be done before this one."""


class Work:
    """One connection's jobs. There is a task only while there are jobs."""

    __slots__ = ("_messages", "_on_crash", "_size", "_task", "_waiting")

    def __init__(self, on_crash: Callable[[], None]) -> None:
        self._on_crash = on_crash
        self._task: asyncio.Task[None] | None = None
        self._waiting: list[Job] = []
        self._messages = 0
        self._size = 0

    async def add(self, job: Job) -> None:
        """Do a job when those before it are done, together with one of them if it can be.

        While too much waits it does not return: then its caller reads nothing more.
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
