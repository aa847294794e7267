"""Questions that share a read."""

from __future__ import annotations

import asyncio
import time

from realtime.batches import Batches

READ_SECONDS = 0.01


class Reads:
    """A read of the squares of numbers that takes some time, and may fail."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.moments: list[float] = []
        self.fault: Exception | None = None

    async def __call__(self, questions: list[int]) -> dict[int, int]:
        self.asked.append(questions)
        self.moments.append(time.monotonic())
        await asyncio.sleep(READ_SECONDS)
        if self.fault is not None:
            raise self.fault
        return {question: question * question for question in questions}


def test_questions_that_come_while_one_read_runs_share_the_next() -> None:
    reads = Reads()

    async def ask() -> list[int]:
        batches = Batches(reads)
        first = asyncio.create_task(batches.ask(1))
        await asyncio.sleep(0.005)
        return await asyncio.gather(first, *(batches.ask(number) for number in (2, 3, 2, 1)))

    assert asyncio.run(ask()) == [1, 4, 9, 4, 1]
    assert reads.asked == [[1], [2, 3, 1]]


def test_a_caller_that_goes_away_takes_no_answer_from_others() -> None:
    async def ask() -> int:
        batches = Batches(Reads())
        leaving, staying = (asyncio.create_task(batches.ask(3)) for _ in range(2))
        await asyncio.sleep(0.005)
        leaving.cancel()
        return await staying

    assert asyncio.run(ask()) == 9


def test_what_a_read_raises_each_asker_gets_and_the_next_read_is_made() -> None:
    reads = Reads()

    async def ask() -> int:
        batches = Batches(reads)
        reads.fault = OSError("away")
        for fault in await asyncio.gather(batches.ask(1), batches.ask(2), return_exceptions=True):
            assert isinstance(fault, OSError)
        reads.fault = None
        return await batches.ask(2)

    assert asyncio.run(ask()) == 4


def test_after_a_read_there_is_a_pause_for_each_of_its_questions() -> None:
    reads = Reads()

    async def ask() -> None:
        batches = Batches(reads, pause=0.03, most_pause=0.05)
        await batches.ask(1)
        await asyncio.gather(*(_later(batches, number) for number in range(2, 6)))
        await batches.ask(6)

    async def _later(batches: Batches[int, int], number: int) -> int:
        await asyncio.sleep(number / 1000)
        return await batches.ask(number)

    asyncio.run(ask())
    assert reads.asked == [[1], [2, 3, 4, 5], [6]]
    first, second, third = reads.moments
    assert second - first >= 0.03 + READ_SECONDS
    assert third - second >= 0.05 + READ_SECONDS
