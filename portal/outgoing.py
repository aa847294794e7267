"""Answers that wait for slow clients: limited in total bytes per process; beyond it the slowest client is cut.

Django has done its part by then, and its thread does something else. The time for which a client may read nothing is
limited by its connection (`realtime.server.http.protocol`).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from realtime.seldom import Seldom

log = structlog.get_logger(__name__)

Send = Callable[[Any], Awaitable[None]]

END = {"type": "http.response.body", "body": b"", "more_body": False}


class Answer:
    """The ASGI events of one answer until they are sent. `cut` ends its connection, if the server supports that."""

    def __init__(self, cut: Callable[[], None] | None) -> None:
        self.cut = cut
        self.events: deque[Any] = deque()
        self.size = 0

    async def keep(self, event: Any) -> None:
        """ASGI's `send` for the application: it never waits for the client."""
        self.events.append(event)
        self.size += len(event.get("body", b""))


class Outgoing:
    """All answers of a process that are being sent; `most` bytes in total, 0 is no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[Answer, None] = OrderedDict()
        self._said = Seldom()
        self.held = 0
        """Bytes that wait."""

    async def send(self, answer: Answer, send: Send) -> None:
        """Send all of an answer, as fast as its client reads."""
        self._answers[answer] = None
        self.held += answer.size
        self._make_room(answer)
        try:
            while answer.events:
                event = answer.events.popleft()
                is_last = not answer.events
                await send({**event, "more_body": True} if is_last else event)
                if is_last:
                    await send(END)  # returns once the earlier events have left this process
                self._forget(answer, len(event.get("body", b"")))
                if answer in self._answers:
                    self._answers.move_to_end(answer)  # it has made progress
        finally:
            self._forget(answer, answer.size)
            self._answers.pop(answer, None)

    def _make_room(self, newest: Answer) -> None:
        """Cut the clients whose last progress is longest ago."""
        while self._most and self.held > self._most and (victim := self._slowest(newest)) is not None:
            if times := self._said.count():
                log.warning("slow_readers_cut", held=self.held, cut=times)
            del self._answers[victim]
            victim.events.clear()
            self._forget(victim, victim.size)
            if victim.cut is not None:
                victim.cut()

    def _slowest(self, newest: Answer) -> Answer | None:
        waiting = (answer for answer in self._answers if answer is not newest)
        return next((answer for answer in waiting if answer.cut is not None and answer.size), None)

    def _forget(self, answer: Answer, size: int) -> None:
        size = min(size, answer.size)
        answer.size -= size
        self.held -= size
