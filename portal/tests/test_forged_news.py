"""An attacker who reaches the Valkey without the secret: nothing that they publish is accepted.

They know everything on the bus: the names of groups, and each message. PUBLISH ignores databases, so another site's
access to the same Valkey is enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from testing.installation import ServerKind, StoreKind, installation
from testing.sockets import DEADLINE_SECONDS
from testing.stacks import STACK_ENV, Stack, running
from testing.stores import Valkey, valkey
from testing.tokens import user_id_of

pytestmark = [pytest.mark.server, pytest.mark.valkey]


@pytest.fixture(scope="module")
def store() -> Iterator[Valkey]:
    with valkey() as store:
        yield store


@pytest.fixture(scope="module")
def stack(store: Valkey) -> Iterator[Stack]:
    with (
        installation(StoreKind.SQLITE, REDIS_URL=store.url, **STACK_ENV) as made,
        running(made, made.prepare(), ServerKind.SERVE) as stack,
    ):
        yield stack


class Attacker:
    """Hears everything, and publishes to every known name, from another database."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._spy = redis.pubsub()

    async def listen(self) -> None:
        """Start to listen to everything."""
        await self._spy.psubscribe("*")
        await self._spy.get_message(timeout=DEADLINE_SECONDS)

    async def overhear(self) -> tuple[bytes, bytes]:
        """The next name and message."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (heard := await self._spy.get_message(timeout=1)) is None:
                pass
        return heard["channel"], heard["data"]

    async def forge(self, *news: dict[str, Any]) -> None:
        """Publish forged news to all names, in the previous release's format, and with the head of a real message."""
        _, sealed = await self.overhear()
        names = [*await self._redis.pubsub_channels("portal*"), f"portal__group__portal-view.{news[0]['portalViewId']}"]
        for told in news:
            plain = msgspec.msgpack.encode({"type": "portal_view.news", **told})
            for name in names:
                for forged in (plain, sealed[:56] + plain):
                    await self._redis.publish(name, forged)

    async def repeat(self, name: bytes, message: bytes) -> None:
        """Publish an overheard message again."""
        await self._redis.publish(name, message)


@asynccontextmanager
async def attacker(store: Valkey) -> AsyncIterator[Attacker]:
    redis = Redis.from_url(store.url.replace("/0", "/9"))
    try:
        yield Attacker(redis)
    finally:
        await redis.aclose()


async def test_forged_news_changes_no_role(store: Valkey, stack: Stack) -> None:
    portal_view = stack.new_portal_view()
    async with (
        stack.join_all(portal_view, stack.controller, stack.viewer, stack.viewer) as (controller, viewer, other),
        attacker(store) as mallory,
    ):
        await mallory.listen()
        await controller.send("portal-view-update", ref=1, payload={"zoom": 1})
        await controller.receive("ack")
        for socket in (viewer, other):
            await socket.receive("portal-view-updated")
        about: dict[str, Any] = {"portalViewId": portal_view, "accessVersion": 99}
        spoof = '{"type":"portal-view-updated","payload":{"name":"Mallory was here"}}'
        await mallory.forge(
            {**about, "event": "access", "userId": user_id_of(stack.viewer.access), "role": "controller"},
            {**about, "event": "access", "userId": user_id_of(stack.controller.access), "role": None},
            {**about, "event": "message", "controllers": spoof, "viewers": spoof},
            {**about, "event": "message", "controllers": spoof, "viewers": spoof, "version": 2},
            {**about, "event": "sync-requested", "userId": "somebody", "sender": "somebody"},
            {**about, "event": "deleted"},
        )
        # The bus keeps the order: accepted messages would have been processed before this one.
        await controller.send("portal-view-update", ref=2, payload={"name": "Evening"})
        assert (await controller.receive("ack"))["version"] == 2
        for socket in (viewer, other):
            assert (await socket.receive("portal-view-updated"))["payload"] == {"name": "Evening"}
            await socket.send("portal-view-update", ref=3, payload={"name": "Mine"})
            assert (await socket.receive("error"))["code"] == "forbidden"
        await controller.expect_nothing_before_pong()
    stack.server.process.wait_until(lambda: "news_not_authentic" in stack.server.process.log_since(0))


async def test_an_overheard_command_cannot_be_replayed(store: Valkey, stack: Stack) -> None:
    portal_view = stack.new_portal_view()
    async with (
        stack.join_all(portal_view, stack.controller, stack.viewer) as (controller, viewer),
        attacker(store) as mallory,
    ):
        await mallory.listen()
        for zoom in (1, 2):
            await controller.send("portal-view-update", payload={"zoom": zoom})
            assert (await viewer.receive("portal-view-updated"))["payload"] == {"zoom": zoom}
        name, first = await mallory.overhear()
        for _ in range(3):
            await mallory.repeat(name, first)
        await controller.send("portal-view-update", payload={"zoom": 3})
        assert (await viewer.receive("portal-view-updated"))["payload"] == {"zoom": 3}
        await viewer.expect_nothing_before_pong()
