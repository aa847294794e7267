"""A server that says what a test has it say, on a real socket; and the client of a test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgpack
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from realtime.client.python.portal_client import PortalClient

Message = dict[str, Any]
DEADLINE_SECONDS = 10.0
ADA = {"kind": "user", "id": "ada", "name": "Ada"}
STATE: Message = {
    **{"id": "view", "libraryId": "library", "name": "Evening", "version": 5, "updatedAt": "", "createdAt": ""},
    **dict.fromkeys(("showEncounter", "showHealth", "showAC", "showActions", "showConditions", "blackout"), False),
    **{"healthDisplay": "words", "autoResetImageState": True, "viewersMayPoint": False},
    **{"currentItem": 0, "currentItemId": "ogre", "camera": {"x": 0, "y": 0, "zoom": 2}},
    "encounter": {"round": 1, "turn": "ogre", "order": [{"itemId": "ogre"}, {"itemId": "imp"}]},
    "items": [{"id": "ogre", "hp": 30}, {"id": "imp", "hp": 4}],
}


class Peer:
    """One connection, as the server has it."""

    def __init__(self, socket: ServerConnection, number: int) -> None:
        assert socket.request is not None
        self.socket = socket
        self.number = number
        address = urlsplit(socket.request.path)
        self.path, self.query = address.path, dict(parse_qsl(address.query))
        offered = socket.request.headers["Sec-WebSocket-Protocol"]
        self.offered = [one.strip() for one in offered.split(",")]

    async def send(self, **message: Any) -> None:
        """Send a message."""
        is_text = self.socket.subprotocol != "portal.v1.msgpack"
        await self.socket.send(json.dumps(message) if is_text else msgpack.packb(message))

    async def receive(self, type_: str | None = None) -> Message:
        """The next message of the client."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            frame = await self.socket.recv()
        message: Message = json.loads(frame) if isinstance(frame, str) else msgpack.unpackb(frame)
        assert type_ is None or message["type"] == type_, message
        return message

    async def is_quiet(self, seconds: float = 0.15) -> bool:
        """Whether the client sends nothing for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self.socket.recv()
        except TimeoutError:
            return True
        return False

    async def ack(self, message: Message, version: int, **more: Any) -> None:
        """Acknowledge a message."""
        await self.send(type="ack", ref=message["ref"], version=version, **more)

    async def greet(self, **more: Any) -> None:
        """Let the client in."""
        greeting = {"role": "controller", "subject": ADA, "connectionId": f"c{self.number}", "message": "Welcome."}
        known = {"version": 5, "epoch": "one", "recovered": False, "state": STATE, "reconnectWithin": 10}
        await self.send(**{"type": "connected", "portalViewId": "view", **greeting, **known, **more})

    async def refuse(self, code: str, close: int, **more: Any) -> None:
        """Send an error, and close."""
        await self.send(type="error", code=code, message=f"Because of {code}.", **more)
        await self.socket.close(close, code)

    def cut(self) -> None:
        """End the connection without a close frame."""
        self.socket.transport.abort()


class Fake:
    """The server; `peers` has each connection as it comes."""

    def __init__(self) -> None:
        self.url = ""
        self.peers: asyncio.Queue[Peer] = asyncio.Queue()
        self.count = 0
        self._over = asyncio.Event()

    async def serve(self, socket: ServerConnection) -> None:
        """Take a connection, which the test then speaks on."""
        self.count += 1
        await self.peers.put(Peer(socket, self.count))
        await socket.wait_closed()

    async def next(self, **greeting: Any) -> Peer:
        """The next connection, let in."""
        peer = await self.arrival()
        await peer.greet(**greeting)
        return peer

    async def arrival(self) -> Peer:
        """The next connection, which waits for a word."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.peers.get()


@asynccontextmanager
async def fake_server(port: int = 0) -> AsyncIterator[Fake]:
    """A server on a port of its own."""
    fake = Fake()
    names = [Subprotocol("portal.v1.json"), Subprotocol("portal.v1.msgpack")]
    async with serve(fake.serve, "127.0.0.1", port, subprotocols=names, ping_interval=None) as server:
        fake.url = f"http://127.0.0.1:{port_of(server)}"
        yield fake


def port_of(server: Server) -> int:
    """The port that a server listens on."""
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


@asynccontextmanager
async def joined(fake: Fake, greeting: Message | None = None, **how: Any) -> AsyncIterator[tuple[PortalClient, Peer]]:
    """A client that is in, and its connection."""
    client = made(fake, **how)
    beginning = asyncio.create_task(client.connect())
    try:
        peer = await fake.next(**(greeting or {}))
        await beginning
        yield client, peer
    finally:
        await client.close()


def made(fake: Fake, **how: Any) -> PortalClient:
    """A client that is not connected."""
    return PortalClient(fake.url, "view", **{"get_credential": lambda: {"token": "t"}, **how})


def heard(client: PortalClient, kind: str) -> list[Any]:
    """A list of the data of all events of a kind from now on."""
    found: list[Any] = []
    client.on(kind, lambda event: found.append(event.data))
    return found


async def until(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110  # of the test's own making
            await asyncio.sleep(0.005)
