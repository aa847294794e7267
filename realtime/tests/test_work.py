"""The order of one connection's jobs: one at a time, merged while they wait, and none lost at the end."""

from __future__ import annotations

import asyncio
import sys

from realtime.tests.clients import DEADLINE_SECONDS, until
from realtime.tests.doubles import Task
from realtime.work import MAX_WAITING, Work


class Slow(Task):
    """A job that takes until it is let go."""

    def __init__(self, done: list[str]) -> None:
        super().__init__("slow", done)
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()

    async def run(self) -> None:
        """See `realtime.work.Job`."""
        self.began.set()
        await self.go_on.wait()
        await super().run()


class Crash(Task):
    """A job with a bug."""

    async def run(self) -> None:
        """See `realtime.work.Job`."""
        raise ZeroDivisionError


def unexpected() -> None:
    """What a test calls that no job may reach."""
    raise AssertionError("crashed")


async def busy() -> tuple[Work, Slow, list[str]]:
    """Work whose first job is under way, and what is done."""
    done: list[str] = []
    work, slow = Work(unexpected), Slow(done)
    await work.add(slow)
    await slow.began.wait()
    return work, slow, done


async def finish(work: Work) -> None:
    """Wait for the end of all jobs."""
    await asyncio.wait_for(work.finish(), DEADLINE_SECONDS)


async def test_jobs_are_done_in_order_one_at_a_time() -> None:
    work, slow, done = await busy()
    for name in "abc":
        await work.add(Task(name, done))
    assert done == []
    slow.go_on.set()
    await finish(work)
    assert done == ["slow", "a", "b", "c"]


async def test_a_waiting_job_absorbs_a_later_one() -> None:
    work, slow, done = await busy()
    for name in "aab":
        await work.add(Task(name, done, absorbs="a"))
    slow.go_on.set()
    await finish(work)
    assert done == ["slow", "aa", "b"]


async def test_a_job_under_way_absorbs_nothing() -> None:
    work, slow, done = await busy()
    slow.absorbs = "a"
    await work.add(Task("a", done))
    slow.go_on.set()
    await finish(work)
    assert done == ["slow", "a"]


async def test_a_later_job_passes_those_that_let_it_to_be_absorbed() -> None:
    work, slow, done = await busy()
    await work.add(Task("a", done, absorbs="a"))
    await work.add(Task("b", done, lets_pass="a"))
    await work.add(Task("a", done))
    slow.go_on.set()
    await finish(work)
    assert done == ["slow", "aa", "b"]


async def test_a_later_job_does_not_pass_a_barrier() -> None:
    work, slow, done = await busy()
    await work.add(Task("a", done, absorbs="a"))
    await work.add(Task("|", done))
    await work.add(Task("a", done))
    slow.go_on.set()
    await finish(work)
    assert done == ["slow", "a", "|", "a"]


async def test_a_job_that_nobody_absorbs_stays_behind_those_it_could_pass() -> None:
    work, slow, done = await busy()
    await work.add(Task("b", done, lets_pass="a"))
    await work.add(Task("a", done))
    slow.go_on.set()
    await finish(work)
    assert done == ["slow", "b", "a"]


async def test_without_jobs_there_is_nothing_to_wait_for() -> None:
    work = Work(unexpected)
    await finish(work)
    done: list[str] = []
    for name in "ab":
        await work.add(Task(name, done))
        await finish(work)
    assert done == ["a", "b"]


async def test_who_asks_for_too_much_waits_until_all_is_done() -> None:
    work, slow, done = await busy()
    for number in range(MAX_WAITING):
        await work.add(Task(str(number), done))
    one_more = asyncio.create_task(work.add(Task("one more", done)))
    await until(lambda: len(work._waiting) > MAX_WAITING, "the job too many")
    assert not one_more.done()
    slow.go_on.set()
    await asyncio.wait_for(one_more, DEADLINE_SECONDS)
    assert done[-1] == "one more"
    assert len(done) == MAX_WAITING + 2


async def test_after_a_crash_nothing_more_is_done() -> None:
    crashes: list[str] = []
    done: list[str] = []
    work = Work(lambda: crashes.append("crash"))
    await work.add(Crash("bug", done))
    await work.add(Task("a", done))
    await finish(work)
    assert (crashes, done) == (["crash"], [])
    await work.add(Task("b", done))
    await finish(work)
    assert done == ["b"]


async def test_the_error_is_at_hand_when_the_crash_is_told() -> None:
    seen: list[BaseException | None] = []

    def crashed() -> None:
        seen.append(sys.exception())

    work = Work(crashed)
    await work.add(Crash("bug", []))
    await finish(work)
    assert [type(error) for error in seen] == [ZeroDivisionError]
