"""The store of presence on a real Valkey: two processes that write, read, live and die."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import pytest
import redis

from libraries.rules.errors import Unavailable
from realtime.presence import reading
from realtime.presence.reading import read_presence
from realtime.presence.records import records
from realtime.presence.shared import SharedPresence
from realtime.rooms.presence import Delta
from realtime.tests.audience import person
from testing.stores import Valkey, valkey

pytestmark = pytest.mark.valkey
ANN, BOB = person(1), person(2)


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    with valkey() as started:
        yield started


@pytest.fixture
async def pair(server: Valkey, nothing_left: None) -> AsyncIterator[tuple[SharedPresence, SharedPresence]]:
    one, two = SharedPresence(server.url, "one"), SharedPresence(server.url, "two")
    redis.Redis.from_url(server.url).flushall()
    yield one, two
    await one.close()
    await two.close()


@pytest.fixture
def view() -> UUID:
    return uuid4()


async def test_a_write_raises_the_version_by_one(pair: tuple[SharedPresence, SharedPresence], view: UUID) -> None:
    one, two = pair
    first = (await one.write({view: Delta({ANN.id: ANN})}))[view]
    assert first > 1_700_000_000_000_000  # a time, which no earlier hash has reached
    assert await two.write({view: Delta({BOB.id: BOB})}) == {view: first + 1}
    assert await one.write({view: Delta(gone={ANN.id})}) == {view: first + 2}
    read = (await one.read([view]))[view]
    assert (read.version, read.entries, read.alive) == (first + 2, {"two": {BOB.id: BOB}}, set())


async def test_all_people_of_a_process_are_replaced(pair: tuple[SharedPresence, SharedPresence], view: UUID) -> None:
    one, two = pair
    await one.write({view: Delta({ANN.id: ANN})})
    await two.write({view: Delta({ANN.id: ANN})})
    await one.replace({view: {BOB.id: BOB}})
    assert (await one.read([view]))[view].entries == {"one": {BOB.id: BOB}, "two": {ANN.id: ANN}}


async def test_signs_of_life(pair: tuple[SharedPresence, SharedPresence], view: UUID) -> None:
    one, two = pair
    assert await one.live((), ()) == (False, set(), {})
    version = (await two.write({view: Delta({ANN.id: ANN})}))[view]
    assert await one.live(["two"], [view, UUID(int=0)]) == (True, set(), {view: version, UUID(int=0): 0})
    await two.live((), ())
    assert (await one.live(["two"], ())).alive == {"two"}
    assert (await one.read([view]))[view].alive == {"two"}


async def test_only_a_dead_process_is_swept(
    pair: tuple[SharedPresence, SharedPresence], view: UUID, server: Valkey
) -> None:
    one, two = pair
    await two.live((), ())
    await two.write({view: Delta({ANN.id: ANN})})
    await one.sweep("two", [view])
    assert (await one.read([view]))[view].entries == {"two": {ANN.id: ANN}}
    redis.Redis.from_url(server.url).delete(records().life("two"))
    await one.sweep("two", [view])
    assert (await one.read([view]))[view].entries == {}


async def test_rest_reads_the_living(
    pair: tuple[SharedPresence, SharedPresence], view: UUID, server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = pair
    monkeypatch.setattr(reading, "store_url", lambda: server.url)
    assert read_presence([view]) == {view: {}}
    await one.live((), ())
    await one.write({view: Delta({ANN.id: ANN})})
    await two.write({view: Delta({BOB.id: BOB})})
    assert read_presence([view]) == {view: {ANN.id: ANN}}
    monkeypatch.setattr(reading, "store_url", lambda: "redis://127.0.0.1:1/0")
    with pytest.raises(Unavailable):
        read_presence([view])
    reading._client.cache_clear()
