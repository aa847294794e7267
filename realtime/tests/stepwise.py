"""Jobs and coroutines that go on only when a test says so."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any

from realtime.sessions.work import Job


class Pause:
    """Awaited, it waits until the coroutine is told to go on."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Queue:
    """The waiting jobs of one connection, merged as in `realtime.sessions.work`, and the job that is being done."""

    def __init__(self) -> None:
        self.waiting: list[Job] = []
        self._running: Coroutine[Any, Any, None] | None = None

    async def add(self, job: Job) -> None:
        """Merge the job with a waiting one, or queue it."""
        for earlier in reversed(self.waiting):
            if earlier.absorb(job):
                return
            if not earlier.lets_pass(job):
                break
        self.waiting.append(job)

    def go_on(self) -> bool:
        """Let the job go on to its next pause; returns whether there was anything to do."""
        if self._running is None:
            if not self.waiting:
                return False
            self._running = self.waiting.pop(0).run()
        try:
            self._running.send(None)
        except StopIteration:
            self._running = None
        return True


def run(work: Any) -> None:
    """Run a coroutine that does not wait."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("It waits.")
