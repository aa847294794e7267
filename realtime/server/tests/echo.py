"""An application that sends back each text it receives.

Texts go back through `portal.outlet` under `/outlet`, and through ASGI's `send` elsewhere. Under `/closing` the first
text is answered by a close; under `/refusing` nobody is let in.
"""

from __future__ import annotations

import asyncio
from typing import Any

from realtime.delivery.outlet import EXTENSION
from realtime.delivery.prepared import Prepared
from realtime.server.tests.served import Served
from realtime.server.websocket.connection import WebSocketConnection


class EchoServer(Served):
    """The server. `heard` has the events that the application received since the last `clean`."""

    def __init__(self) -> None:
        super().__init__()
        self._config.app = self._serve
        self._config.interface = "asgi3"
        self.heard: list[dict[str, Any]] = []

    @property
    def protocol(self) -> WebSocketConnection:
        """The server's side of the only connection."""
        (protocol,) = self.protocols
        return protocol

    def texts(self) -> list[str]:
        """All texts that the application received; waits until nobody is connected."""
        super().clean()
        return [event["text"] for event in self.heard if event.get("text") is not None]

    def clean(self) -> None:
        """Close the test's connections, and forget the events."""
        super().clean()
        self.heard.clear()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "websocket"
        outlet = scope["extensions"][EXTENSION]
        while True:
            event = await receive()
            self.heard.append(event)
            try:
                match event:
                    case {"type": "websocket.connect"} if scope["path"] == "/refusing":
                        await send({"type": "websocket.close"})
                    case {"text": str(words)} if scope["path"] == "/closing":
                        await send({"type": "websocket.close", "code": 4000, "reason": words})
                    case {"type": "websocket.connect"}:
                        await send({"type": "websocket.accept"})
                    case {"type": "websocket.disconnect"}:
                        return
                    case {"text": str(words)} if scope["path"] == "/outlet":
                        outlet.deliver(Prepared(words))
                    case {"text": str(words)}:
                        await send({"type": "websocket.send", "text": words})
                    case {"bytes": bytes(data)}:
                        await send({"type": "websocket.send", "bytes": data})
            except OSError:  # the connection is closed
                await asyncio.sleep(0)
