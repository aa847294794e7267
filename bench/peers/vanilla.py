"""Channels as in its documentation: a channel for each socket, `group_send`, on Daphne with the in-memory layer.

Run with `python -m bench.peers.vanilla PORT`.
"""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings

settings.configure(
    SECRET_KEY="bench",  # noqa: S106
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}},
)

import django  # noqa: E402

django.setup()

from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from daphne.server import Server  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import re_path  # noqa: E402

GROUP = "bench"


class Consumer(AsyncJsonWebsocketConsumer):
    """A socket of the group."""

    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()
        await self.send_json({"type": "connected"})

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        event = {"type": "relay", "payload": content["payload"], "sender": self.channel_name}
        await self.channel_layer.group_send(GROUP, event)

    async def relay(self, event: Any) -> None:
        if event["sender"] != self.channel_name:
            await self.send_json({"type": "portal-view-updated", "payload": event["payload"]})


consumer: Any = Consumer.as_asgi()
routes: list[Any] = [re_path(r"^ws/", consumer)]
application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": URLRouter(routes)})

if __name__ == "__main__":
    Server(application, endpoints=[f"tcp:port={int(sys.argv[1])}:interface=127.0.0.1"]).run()
