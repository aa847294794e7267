"""An application that says back what it hears, on the server that `manage.py serve` runs, in a thread.

Texts go back through `portal.outlet` under `/outlet`, and through ASGI's `send` elsewhere.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from portal.testing.in_process import InProcessServer, wait_until
from realtime.delivery import EXTENSION, Prepared
from realtime.server.frames import FramesProtocol
from realtime.server.tests.peer import Peer


class EchoServer(InProcessServer):
    """The server. `heard` has what the application was told since it was last cleared."""

    def __init__(self, http: str = "auto") -> None:
        super().__init__()
        self._config.app = self._serve
        self._config.interface = "asgi3"
        self._config.http = http
        self.heard: list[dict[str, Any]] = []
        self._peers: list[Peer] = []

    def connect(self, **options: int) -> Peer:
        """A TCP connection; it is closed at the end of the test."""
        self._peers.append(Peer(self.port, **options))
        return self._peers[-1]

    def open(self, path: str = "/", *lines: str) -> Peer:
        """A WebSocket connection."""
        peer = self.connect()
        peer.open(path, *lines)
        return peer

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.http.rsplit(":", 1)[1])

    @property
    def protocol(self) -> FramesProtocol:
        """The server's side of the only connection."""
        (protocol,) = self.server.server_state.connections
        assert isinstance(protocol, FramesProtocol)
        return protocol

    def texts(self) -> list[str]:
        """The texts that the application has heard in all; whoever is connected is gone now."""
        for peer in self._peers:
            peer.socket.close()
        self.settle()
        return [event["text"] for event in self.heard if event.get("text") is not None]

    def do(self, what: Any, *args: Any) -> Any:
        """Call something in the server's event loop."""

        async def call() -> Any:
            return what(*args)

        return self.ask(call())

    def shrink(self, octets: int = 4096) -> None:
        """Let the kernel hold little of what waits for the only client."""
        kept = self.protocol.transport.get_extra_info("socket")
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, octets)

    def settle(self) -> None:
        """Wait until nobody is connected, and no application runs."""
        state = self.server.server_state
        wait_until(lambda: not (state.connections or state.tasks))

    def clean(self) -> None:
        """Close what the test has opened; then nothing may be left."""
        self.texts()
        self._peers.clear()
        self.heard.clear()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "websocket"
        outlet = scope["extensions"][EXTENSION]
        while True:
            event = await receive()
            self.heard.append(event)
            try:
                match event:
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
            except (OSError, RuntimeError):  # uvicorn says so in one of these ways that the connection is closed
                await asyncio.sleep(0)
