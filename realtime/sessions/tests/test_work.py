"""The order of one connection's jobs: one at a time, merged while they wait, and none lost at the end."""

from __future__ import annotations

import asyncio
import sys

from realtime.sessions.work import MAX_WAITING, MAX_WAITING_BYTES, Work
from realtime.tests.clients import DEADLINE_SECONDS
from realtime.tests.doubles import Task


class Slow(Task):
    """A job that runs until it is released."""

    def __init__(self, done: list[str]) -> None:
        super().__init__("slow", done)
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()

    async def run(self) -> None:
        """Report that it has begun, and wait until it may end."""
        self.began.set()
        await self.go_on.wait()
        await super().run()


class Crash(Task):
    """A job with a bug."""

    async def run(self) -> None:
        """Raise the bug's exception."""
        raise ZeroDivisionError


def unexpected() -> None:
    """A function that no job may call."""
    raise AssertionError("crashed")


async def busy() -> tuple[Work, Slow, list[str]]:
    """Work whose first job is running, and the list of finished jobs."""
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


async def test_a_running_job_absorbs_nothing() -> None:
    work, slow, done = await busy()
    slow.absorbs = "a"
    await work.add(Task("a", done))
    slow.go_on.set()
    await finish(work)
    assert done == ["slow", "a"]


async def test_a_later_job_overtakes_others_to_be_absorbed() -> None:
    work, slow, done = await busy()
    await work.add(Task("a", done, absorbs="a"))
    await work.add(Task("b", done, lets_pass="a"))
    await work.add(Task("a", done))
    slow.go_on.set()
    await finish(work)
    assert done == ["slow", "aa", "b"]


async def test_a_later_job_does_not_overtake_a_barrier() -> None:
    work, slow, done = await busy()
    await work.add(Task("a", done, absorbs="a"))
    await work.add(Task("|", done))
    await work.add(Task("a", done))
    slow.go_on.set()
    await finish(work)
    assert done == ["slow", "a", "|", "a"]


async def test_a_job_that_is_not_absorbed_stays_behind_those_it_could_overtake() -> None:
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


async def test_a_client_with_too_many_jobs_waits_until_all_are_done() -> None:
    work, slow, done = await busy()
    for number in range(MAX_WAITING - 1):  # in addition to the running one
        await work.add(Task(str(number), done))
    await waits(work, slow, Task("one more", done))
    assert done[-1] == "one more"
    assert len(done) == MAX_WAITING + 1


async def test_merged_messages_are_counted_separately() -> None:
    work, slow, done = await busy()
    for _ in range(MAX_WAITING - 1):
        await work.add(Task("a", done, absorbs="a"))
    assert len(work._waiting) == 1
    await waits(work, slow, Task("a", done))
    assert done == ["slow", "a" * MAX_WAITING]


async def test_large_jobs_reach_the_limit_sooner() -> None:
    work, slow, done = await busy()
    await work.add(Task("long", done, size=MAX_WAITING_BYTES - 1))
    await waits(work, slow, Task("short", done))
    assert done == ["slow", "long", "short"]


async def test_finished_jobs_do_not_count() -> None:
    done: list[str] = []
    work = Work(unexpected)
    for number in range(3 * MAX_WAITING):
        await work.add(Task(str(number), done, size=MAX_WAITING_BYTES // 2))
        await finish(work)
    assert len(done) == 3 * MAX_WAITING
    assert (work._messages, work._size) == (0, 0)


async def waits(work: Work, slow: Slow, job: Task) -> None:
    """Whether adding the job waits until all is done."""
    adding = asyncio.create_task(work.add(job))
    await asyncio.sleep(0)
    assert not adding.done()
    slow.go_on.set()
    await asyncio.wait_for(adding, DEADLINE_SECONDS)


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


async def test_the_error_is_available_when_the_crash_is_reported() -> None:
    seen: list[BaseException | None] = []

    def crashed() -> None:
        seen.append(sys.exception())

    work = Work(crashed)
    await work.add(Crash("bug", []))
    await finish(work)
    assert [type(error) for error in seen] == [ZeroDivisionError]
