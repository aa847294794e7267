"""Questions to the database, many in one read: those that come while one read runs share the next one.

So the load depends on the speed of the database, and not on the number of people who come at once.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import Future
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeVar

Question = TypeVar("Question", bound=Hashable)
Answer = TypeVar("Answer")

WOKEN_AT_ONCE = 16
"""The number of those who ask that go on in one turn of the event loop: other sockets come in between."""


class Batches(Generic[Question, Answer]):
    """The questions of one event loop; there is a task only while there are questions.

    `read` answers each of the questions that it is given; what it raises, each of their askers gets. A read begins when
    no question has come for `still` seconds, and at the latest after `most` seconds: those who come one after the other
    share it, too.
    """

    def __init__(
        self,
        read: Callable[[list[Question]], Awaitable[Mapping[Question, Answer]]],
        still: float = 0.0,
        most: float = 0.0,
    ) -> None:
        self._read = read
        self._still = still
        self._most = most
        self._asked: dict[Question, Future[Answer]] = {}
        self._task: asyncio.Task[None] | None = None

    async def ask(self, question: Question) -> Answer:
        """The answer, read after this call."""
        answer = self._asked.get(question)
        if answer is None:
            answer = self._asked[question] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._answer_all())
        # Others may wait for the same answer: a caller that goes away must not cancel it for them.
        return await asyncio.shield(answer)

    async def _answer_all(self) -> None:
        try:
            while self._asked:
                if self._still:
                    await self._gather()
                asked, self._asked = self._asked, {}
                await self._answer(asked)
        finally:
            self._task = None

    async def _gather(self) -> None:
        latest = time.monotonic() + self._most
        known = 0
        while known < len(self._asked) and time.monotonic() < latest:
            known = len(self._asked)
            await asyncio.sleep(self._still)

    async def _answer(self, asked: dict[Question, Future[Answer]]) -> None:
        try:
            found = await self._read(list(asked))
        except Exception as error:  # each caller raises it: nothing is lost
            for answer in asked.values():
                answer.set_exception(error)
            return
        for number, (question, answer) in enumerate(asked.items(), 1):
            answer.set_result(found[question])
            if not number % WOKEN_AT_ONCE:
                await asyncio.sleep(0)
