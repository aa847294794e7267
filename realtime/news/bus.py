"""The channel layer on Valkey or Redis, with group names that cannot be guessed and sealed messages.

`realtime.news.seal` makes both. The in-process layer needs neither: no other process can reach it.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings

from realtime.news.seal import Heard, Opened, Sealer


class SignedChannelLayer(RedisPubSubChannelLayer):  # type: ignore[misc]  # channels-redis has no types
    """Channels' layer over PUBLISH and SUBSCRIBE, with one tag for each sent message, whatever the number of receivers.

    Channels can encrypt (`symmetric_encryption_keys`). That costs ten times as much for each message and process,
    leaves the names of groups readable, and allows anybody who has seen a message to send it again.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sealer = Sealer([settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])
        self._heard: dict[str, Heard] = {}

    def serialize(self, message: dict[str, Any]) -> bytes:
        """The bytes that are published for a message."""
        return self._sealer.seal(msgspec.msgpack.encode(message))

    def deserialize(self, message: bytes) -> Opened:
        """The message in published bytes, not yet decoded; NotAuthentic."""
        return self._sealer.open(message)

    async def receive(self, channel: str) -> dict[str, Any]:
        """The next message to a channel of this process; NotAuthentic if it is not from this site."""
        try:
            opened: Opened = await self.__getattr__("receive")(channel)
        except asyncio.CancelledError:  # which closes the channel
            self._heard.pop(channel, None)
            raise
        self._heard.setdefault(channel, Heard()).note(opened)
        message: dict[str, Any] = msgspec.msgpack.decode(opened.body)
        return message

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send a message to a group."""
        await self.__getattr__("group_send")(self._sealer.names(group)[0], message)

    async def group_add(self, group: str, channel: str) -> None:
        """Add a channel to a group and, during a change of the secret, to the group of the old secret too."""
        for name in self._sealer.names(group):
            await self.__getattr__("group_add")(name, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Remove a channel from a group."""
        for name in self._sealer.names(group):
            await self.__getattr__("group_discard")(name, channel)
