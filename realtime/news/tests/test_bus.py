"""The channel layer on a real Valkey: foreign messages are refused, and a change of the secret loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from realtime.news.bus import SignedChannelLayer
from realtime.news.seal import NotAuthentic
from realtime.tests.clients import DEADLINE_SECONDS
from testing.stores import Valkey, valkey

pytestmark = pytest.mark.valkey

GROUP = "portal-view.0195d5a0-0000-7000-8000-000000000001"
NEWS = {"type": "portal_view.news", "event": "message", "version": 7, "viewers": "für alle"}


@pytest.fixture(scope="module")
def store() -> Iterator[Valkey]:
    with valkey() as store:
        yield store


class Site:
    """A process of a site: its layer, with a channel in the group."""

    def __init__(self, store: Valkey, settings: Any, *secrets: str) -> None:
        settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS = secrets
        self.layer = SignedChannelLayer(hosts=[store.url], prefix="portal")
        self._channel = ""

    async def join(self) -> Site:
        """Start to listen."""
        self._channel = await self.layer.new_channel("portal")
        await self.layer.group_add(GROUP, self._channel)
        return self

    async def tell(self, version: int) -> None:
        """Send news."""
        await self.layer.group_send(GROUP, {**NEWS, "version": version})

    async def hear(self) -> int:
        """The version of the next news."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return int((await self.layer.receive(self._channel))["version"])

    async def hear_nothing_good(self) -> str:
        """The reason why the next message is refused."""
        with pytest.raises(NotAuthentic) as caught:
            await self.hear()
        return caught.value.reason

    async def leave(self) -> None:
        """Leave the group."""
        await self.layer.group_discard(GROUP, self._channel)

    async def end(self) -> None:
        """Close the connections."""
        await self.layer.flush()


def stranger_of(store: Valkey) -> Redis:
    """A connection of a stranger to another database of the same Valkey."""
    return Redis.from_url(store.url.replace("/0", "/9"))


async def test_each_listener_receives_a_message_once(store: Valkey, settings: Any) -> None:
    here, there = await Site(store, settings, "secret").join(), await Site(store, settings, "secret").join()
    for version in (1, 2):
        await here.tell(version)
    assert [await site.hear() for site in (here, there) for _ in range(2)] == [1, 2, 1, 2]
    for site in (here, there):
        await site.leave()
    assert await (stranger := stranger_of(store)).pubsub_channels("portal__group__*") == []
    await stranger.aclose()
    for site in (here, there):
        await site.end()


async def test_foreign_messages_are_refused(store: Valkey, settings: Any) -> None:
    site, other = await Site(store, settings, "secret").join(), await Site(store, settings, "another site's").join()
    stranger = stranger_of(store)
    names = await stranger.pubsub_channels("*")
    assert GROUP not in str(names)
    plain = msgspec.msgpack.encode(NEWS)
    forged = [plain, other.layer.serialize(NEWS), b"", b"\xff" * 200]
    for name in names:
        for bad in forged:
            await stranger.publish(name, bad)
    await site.tell(3)
    for _ in range(2):  # in the group, and in the channel of this process
        for _ in forged:
            assert await site.hear_nothing_good() == "tag"
    assert await site.hear() == 3
    await stranger.aclose()
    for one in (site, other):
        await one.end()


async def test_a_replayed_message_is_refused(store: Valkey, settings: Any) -> None:
    here, there = await Site(store, settings, "secret").join(), await Site(store, settings, "secret").join()
    stranger = stranger_of(store)
    spy = stranger.pubsub()
    await spy.psubscribe("portal__group__*")
    await spy.get_message(timeout=DEADLINE_SECONDS)
    await here.tell(1)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (seen := await spy.get_message(timeout=1)) is None:
            pass
    for _ in range(3):
        await stranger.publish(seen["channel"], seen["data"])
    await here.tell(2)
    for site in (here, there):
        assert await site.hear() == 1
        assert [await site.hear_nothing_good() for _ in range(3)] == ["replay"] * 3
        assert await site.hear() == 2
    await spy.aclose()  # type: ignore[no-untyped-call]
    await stranger.aclose()
    for site in (here, there):
        await site.end()


async def test_no_news_is_missed_during_a_change_of_the_secret(store: Valkey, settings: Any) -> None:
    """The order of docs/operations.md: all processes learn the new key, then use it, then forget the old one."""
    steps = [("old",), ("old", "new"), ("new", "old"), ("new",)]
    for before, after in zip(steps, steps[1:], strict=False):
        sites = [await Site(store, settings, *secrets).join() for secrets in (before, after)]
        for version, site in enumerate(sites):
            await site.tell(version)
        assert [[await site.hear() for _ in sites] for site in sites] == [[0, 1], [0, 1]]
        for site in sites:
            await site.end()


async def test_a_process_that_stops_listening_leaves_nothing_behind(store: Valkey, settings: Any) -> None:
    site = await Site(store, settings, "secret").join()
    await site.tell(1)
    assert await site.hear() == 1
    assert len(site.layer._heard) == 1
    listening = asyncio.create_task(site.hear())
    await asyncio.sleep(0)
    listening.cancel()
    await asyncio.wait([listening], timeout=DEADLINE_SECONDS)
    assert site.layer._heard == {}
    await site.end()
