"""Questions to the database, many in one read: those that come while one read runs share the next one.

So the load depends on the speed of the database, and not on the number of people who come at once.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeVar

Question = TypeVar("Question", bound=Hashable)
Answer = TypeVar("Answer")


class Batches(Generic[Question, Answer]):
    """The questions of one event loop; there is a task only while there are questions.

    `read` answers each of the questions that it is given; what it raises, each of their askers gets. After a read there
    are `pause` seconds for each of its questions, and at most `most_pause`, in which more may come: few who ask hardly
    wait, and many share few reads.
    """

    def __init__(
        self,
        read: Callable[[list[Question]], Awaitable[Mapping[Question, Answer]]],
        pause: float = 0.0,
        most_pause: float = 0.0,
    ) -> None:
        self._read = read
        self._pause = pause
        self._most_pause = most_pause
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
                asked, self._asked = self._asked, {}
                await self._answer(asked)
                if self._pause:
                    await asyncio.sleep(min(self._pause * len(asked), self._most_pause))
        finally:
            self._task = None

    async def _answer(self, asked: dict[Question, Future[Answer]]) -> None:
        try:
            found = await self._read(list(asked))
        except Exception as error:  # each caller raises it: nothing is lost
            for answer in asked.values():
                answer.set_exception(error)
            return
        for question, answer in asked.items():
            answer.set_result(found[question])
