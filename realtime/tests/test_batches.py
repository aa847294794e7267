"""Questions that share a read."""

from __future__ import annotations

import asyncio
import itertools
import time

from realtime.batches import WOKEN_AT_ONCE, Batches

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


def test_a_read_waits_until_no_question_has_come_for_a_while() -> None:
    reads = Reads()

    async def ask() -> None:
        batches = Batches(reads, still=0.02, most=1.0)
        await asyncio.gather(*(_later(batches, number, 0.01) for number in range(10)))
        await batches.ask(10)

    asyncio.run(ask())
    assert reads.asked == [list(range(10)), [10]]


def test_a_read_does_not_wait_for_ever() -> None:
    reads = Reads()

    async def ask() -> None:
        batches = Batches(reads, still=0.02, most=0.05)
        await asyncio.gather(*(_later(batches, number, 0.01) for number in range(30)))

    began = time.monotonic()
    asyncio.run(ask())
    assert reads.moments[0] - began >= 0.05
    assert len(reads.asked) > 1
    assert sorted(sum(reads.asked, [])) == list(range(30))


def test_not_all_who_ask_go_on_in_one_turn_of_the_loop() -> None:
    seen: list[int] = []

    async def ask() -> None:
        batches = Batches(Reads())
        asking = [asyncio.create_task(batches.ask(number)) for number in range(4 * WOKEN_AT_ONCE)]
        while (left := sum(not one.done() for one in asking)) > 0:
            seen.append(left)
            await asyncio.sleep(0)

    asyncio.run(ask())
    steps = [before - after for before, after in itertools.pairwise([*seen, 0])]
    assert max(steps) == WOKEN_AT_ONCE


async def _later(batches: Batches[int, int], number: int, seconds: float) -> int:
    await asyncio.sleep(number * seconds)
    return await batches.ask(number)
