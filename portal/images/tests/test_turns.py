"""The steps of many requests, between which sockets of others come in."""

from __future__ import annotations

import asyncio
import time

from portal.images.turns import REST_SECONDS, WORK_SECONDS, Turns


def test_steps_come_in_the_order_in_which_they_were_asked_for() -> None:
    done: list[int] = []

    async def work() -> None:
        turns = Turns()

        async def step(number: int) -> None:
            for _ in range(3):
                await turns.next()
                done.append(number)

        await asyncio.gather(*(step(number) for number in range(4)))

    asyncio.run(work())
    assert done == [0, 1, 2, 3] * 3


def test_others_come_in_between_all_steps_and_have_most_of_the_time() -> None:
    seen: list[int] = []
    steps = 0

    async def work() -> float:
        nonlocal steps
        turns = Turns()

        async def step() -> None:
            nonlocal steps
            await turns.next()
            _be_busy(WORK_SECONDS / 2)
            steps += 1

        async def others() -> None:
            while steps < 40:
                seen.append(steps)
                await asyncio.sleep(0)

        began = time.monotonic()
        await asyncio.gather(*(step() for _ in range(40)), others())
        return time.monotonic() - began

    took = asyncio.run(work())
    assert set(seen) >= set(range(1, 40)), "two steps were made in one turn of the event loop"
    assert took >= 40 / 2 * (WORK_SECONDS + REST_SECONDS) * 0.9


def test_a_request_that_has_gone_takes_no_turn() -> None:
    async def work() -> list[str]:
        turns = Turns()
        done: list[str] = []

        async def step(name: str) -> None:
            await turns.next()
            done.append(name)

        gone, stays = (asyncio.create_task(step(name)) for name in ("gone", "stays"))
        await asyncio.sleep(0)
        gone.cancel()
        await stays
        await asyncio.wait_for(step("later"), 1)
        return done

    assert asyncio.run(work()) == ["stays", "later"]


def _be_busy(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass
