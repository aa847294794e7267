"""A server in a thread, and the plain sockets that a test opens to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from realtime.server.tests.peer import Peer
from realtime.server.websocket.connection import WebSocketConnection
from testing.in_process import SECONDS, InProcessServer, wait_until

T = TypeVar("T")


class Served(InProcessServer):
    """The server that `manage.py serve` runs. `clean` closes the test's connections at its end."""

    def __init__(self) -> None:
        super().__init__()
        self._peers: list[Peer] = []

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.http.rsplit(":", 1)[1])

    def connect(self, *, receive_buffer: int | None = None) -> Peer:
        """A TCP connection."""
        self._peers.append(Peer(self.port, receive_buffer=receive_buffer))
        return self._peers[-1]

    def open(self, path: str = "/", *lines: str, receive_buffer: int | None = None) -> Peer:
        """A WebSocket connection."""
        peer = self.connect(receive_buffer=receive_buffer)
        peer.open(path, *lines)
        return peer

    def open_narrow(self, path: str = "/") -> Peer:
        """A WebSocket connection with small kernel buffers: the server keeps the data that the client does not read."""
        peer = self.open(path, receive_buffer=4096)
        kept = self.do(self.protocol_of(peer).transport.get_extra_info, "socket")
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return peer

    @property
    def protocols(self) -> list[WebSocketConnection]:
        """The server's side of the WebSocket connections."""
        return [one for one in self.server.server_state.connections if isinstance(one, WebSocketConnection)]

    def protocol_of(self, peer: Peer) -> WebSocketConnection:
        """The server's side of a connection."""
        name = peer.socket.getsockname()

        def find() -> WebSocketConnection:
            (protocol,) = (one for one in self.protocols if one.transport.get_extra_info("peername") == name)
            return protocol

        return self.do(find)

    def do(self, what: Callable[..., T], *args: Any) -> T:
        """Call a function in the server's event loop."""

        async def call() -> T:
            return what(*args)

        return self.ask(call())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Stop the server's event loop, so that everything sent in the meantime reaches it at once."""
        begun, ended = threading.Event(), threading.Event()

        def hold() -> None:
            begun.set()
            ended.wait(SECONDS)

        assert self._loop is not None
        self._loop.call_soon_threadsafe(hold)
        assert begun.wait(SECONDS)
        yield
        ended.set()

    def settle(self) -> None:
        """Wait until nobody is connected, and no application runs."""
        state = self.server.server_state
        wait_until(lambda: not (state.connections or state.tasks))

    def clean(self) -> None:
        """Close the test's connections; then nothing may be left."""
        for peer in self._peers:
            peer.socket.close()
        self.settle()
        self._peers.clear()
