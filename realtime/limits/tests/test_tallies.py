"""The exchange of counts between processes, through a real Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis.asyncio
from structlog.typing import EventDict

from libraries.rules.roles import PortalRole
from realtime.limits import tallies
from realtime.limits.attempts import Attempts, Verdict
from realtime.limits.occupancy import Caps, Occupancy
from realtime.limits.rates import Rate
from realtime.limits.tallies import Tallies
from realtime.tests.clients import until
from testing.stores import Valkey, valkey

pytestmark = pytest.mark.valkey

CAPS = Caps(per_user_and_view=3, per_user=5, per_view=8)
FAILED = Rate(0.001, 10)
SCHOOL = "192.0.2.0/24"


class Process:
    """The counts of one process."""

    def __init__(self) -> None:
        self.occupancy, self.attempts = Occupancy(), Attempts()
        self.tallies = Tallies(self.occupancy, self.attempts)

    def enter(self) -> str | None:
        """Count a connection of Ann."""
        return self.occupancy.enter("ann", "mill", PortalRole.VIEWER, CAPS)


@pytest.fixture(scope="module")
def store() -> Iterator[Valkey]:
    with valkey() as running:
        yield running


@pytest.fixture
async def client(store: Valkey) -> AsyncIterator[Any]:
    made = redis.asyncio.Redis.from_url(store.url)
    await made.flushall()
    yield made
    await made.aclose()


@pytest.fixture(autouse=True)
def _limits(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PORTAL_CONNECTIONS_PER_USER_AND_VIEW, settings.PORTAL_CONNECTIONS_PER_USER = 3, 5
    settings.PORTAL_HANDSHAKES_PER_SECOND, settings.PORTAL_HANDSHAKE_BURST = FAILED.per_second, FAILED.burst
    monkeypatch.setattr(tallies, "TELL_SECONDS", 0.02)


async def test_counts_of_two_processes_add_up(client: Any) -> None:
    here, there = Process(), Process()
    assert [there.enter() for _ in range(2)] == [None, None]
    await there.tallies.exchange(client)
    await here.tallies.exchange(client)
    assert [here.enter() for _ in range(2)] == [None, "too-many-connections"]
    there.occupancy.leave("ann", "mill")
    await there.tallies.exchange(client)
    await here.tallies.exchange(client)
    assert here.enter() is None


async def test_an_ended_process_is_forgotten(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "KEPT_SECONDS", 1)
    here, there = Process(), Process()
    for _ in range(3):
        there.enter()
    await there.tallies.exchange(client)
    await here.tallies.exchange(client)
    assert here.enter() == "too-many-connections"
    await client.delete(there.tallies._key(there.tallies._name))  # as Valkey does after KEPT_SECONDS
    await here.tallies.exchange(client)
    assert here.enter() is None
    assert await client.smembers(here.tallies._key(tallies.NAMES)) == {here.tallies._name.encode()}


async def test_failures_are_charged_once(client: Any) -> None:
    here, there = Process(), Process()
    for _ in range(6):
        there.attempts.fail(SCHOOL, FAILED, 1.0)
    await there.tallies.exchange(client)
    for _ in range(3):
        await here.tallies.exchange(client)
    now = asyncio.get_running_loop().time()
    for _ in range(4):
        assert here.attempts.look(SCHOOL, FAILED, now)[0] is Verdict.ALLOWED
        here.attempts.fail(SCHOOL, FAILED, now)
    assert here.attempts.look(SCHOOL, FAILED, now)[0] is Verdict.LIMITED


async def test_an_unsealed_tally_is_not_believed(client: Any, logged: list[EventDict]) -> None:
    here, there = Process(), Process()
    for _ in range(3):
        there.enter()
    await there.tallies.exchange(client)
    sealed = await client.get(there.tallies._key(there.tallies._name))
    await client.set(there.tallies._key(there.tallies._name), b"x" + sealed[1:])
    await client.sadd(here.tallies._key(tallies.NAMES), "forged", "copied")
    await client.set(here.tallies._key("forged"), b"\x94" * 100)
    await client.set(here.tallies._key("copied"), sealed)  # authentic, but of another process
    await here.tallies.exchange(client)
    assert [here.enter() for _ in range(3)] == [None] * 3
    assert [entry["event"] for entry in logged] == ["counts_not_read"] * 2


async def test_another_site_has_other_names(client: Any, settings: Any) -> None:
    here = Process()
    settings.SECRET_KEY = "another secret key that is long enough for this test"
    there = Process()
    for _ in range(3):
        there.enter()
    await there.tallies.exchange(client)
    await here.tallies.exchange(client)
    assert here.enter() is None


@pytest.mark.usefixtures("nothing_left")
async def test_the_exchange_runs_while_there_is_something_to_tell(
    store: Valkey, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "_urls", lambda: [store.url])
    here, there = Process(), Process()
    for process in (here, there):
        process.enter()
        process.tallies.begin()
        process.tallies.begin()
    await until(lambda: here.occupancy._elsewhere["ann mill"] == 1, "the count of the other")
    for process in (here, there):
        process.occupancy.leave("ann", "mill")
    await until(lambda: here.tallies._task is None and there.tallies._task is None, "the end")


@pytest.mark.usefixtures("nothing_left")
async def test_without_valkey_each_process_counts_for_itself(
    store: Valkey, client: Any, monkeypatch: pytest.MonkeyPatch, logged: list[EventDict]
) -> None:
    monkeypatch.setattr(tallies, "_urls", lambda: [store.url])
    here, there = Process(), Process()
    for _ in range(3):
        there.enter()
    await there.tallies.exchange(client)
    here.occupancy.take("bob", "mill")
    here.tallies.begin()
    await until(lambda: here.occupancy._elsewhere["ann mill"] == 3, "the count of the other")
    assert here.enter() == "too-many-connections"
    monkeypatch.setattr(here.tallies, "exchange", _refused)
    await until(lambda: here.occupancy._elsewhere == {}, "forgetting")
    assert here.enter() is None
    monkeypatch.undo()
    here.occupancy.leave("ann", "mill")
    here.occupancy.leave("bob", "mill")
    await until(lambda: here.tallies._task is None, "the end")
    assert [entry["event"] for entry in logged][:1] == ["counts_not_shared"]
    assert [entry["event"] for entry in logged].count("counts_not_shared") == 1


async def _refused(_client: object) -> None:
    raise ConnectionRefusedError("refused")
