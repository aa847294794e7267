"""A small WebSocket client for tests and chaos runs: send a message, wait for the answer, with a deadline.

It sends nothing by itself, never reconnects and checks only the shape of frames; the test checks their content.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from realtime.protocol.encodings import Encoding
from testing.spoken import note, note_all

DEADLINE_SECONDS = 10.0
# The server sends presence at its own intervals; only a test about presence asks for it.
UNASKED = frozenset({"presence"})

Message = dict[str, Any]
PREFIXES = frozenset({"bearer", "ticket", "share", "guest"})


class Closed(NamedTuple):
    """The end of a connection, as the client was told."""

    code: int
    reason: str


class PortalSocket:
    """One open connection to a portal view."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server selected."""
        return self.connection.subprotocol

    @property
    def encoding(self) -> Encoding:
        """How messages are encoded: as the subprotocol says, or in JSON."""
        return Encoding.JSON if self.subprotocol is None else Encoding(self.subprotocol)

    async def send(self, type_: str, **body: object) -> None:
        """Send one message as one frame."""
        await self.send_message({"type": type_, **body})

    async def send_message(self, message: object) -> None:
        """Send a value as one frame, which need not be a message."""
        await self.connection.send(json.dumps(message) if self.encoding.is_text else packed(message))

    async def send_json(self, text: str) -> None:
        """Send what JSON text says: the text itself, or the same in MessagePack."""
        await self.connection.send(text if self.encoding.is_text else packed(json.loads(text)))

    async def send_text(self, text: str | Sequence[str]) -> None:
        """Send raw text; a sequence of texts is one message in that many fragments."""
        await self.connection.send(text)

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame."""
        await self.connection.send(data)

    async def receive(self, type_: str | None = None, *, ignore: frozenset[str] = UNASKED) -> Message:
        """The next message whose type is not in `ignore`.

        Raises AssertionError if it is not of `type_` or none comes before the deadline, ConnectionClosed at the end.
        """
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                message = await self._next()
                while message.get("type") in ignore:
                    message = await self._next()
        except TimeoutError:
            raise AssertionError(f"no {type_ or 'message'} came within {DEADLINE_SECONDS} s") from None
        if type_ is not None:
            assert message.get("type") == type_, f"expected {type_}, got {message}"
        return message

    async def expect_nothing_before_pong(self) -> None:
        """Assert that the server has sent nothing: the next message is the pong to a ping sent now."""
        ref = uuid4().hex
        await self.send("ping", ref=ref)
        message = await self.receive()
        assert (message["type"], message.get("ref")) == ("pong", ref), f"expected the pong alone, got {message}"

    async def refused(self) -> tuple[Message, Closed]:
        """The `error` that the server sends next, and the close after it."""
        return await self.receive("error"), await self.closed()

    async def closed(self) -> Closed:
        """Wait for the server to close; raises AssertionError if it sends a message instead, or nothing."""
        try:
            message = await self.receive()
        except ConnectionClosed as end:
            # Without a close frame the browser would see 1006, and so does this client.
            return Closed(1006, "") if end.rcvd is None else Closed(end.rcvd.code, end.rcvd.reason)
        raise AssertionError(f"expected the end of the connection, got {message}")

    async def next_of(self, type_: str) -> Message:
        """The next message of a type, whatever comes before it, and without a deadline."""
        while (message := await self._next())["type"] != type_:
            pass
        return message

    async def _next(self) -> Message:
        frame = await self.connection.recv()
        if self.encoding.is_text:
            assert isinstance(frame, str), f"expected a text frame, got {frame!r}"
            message = json.loads(frame)
        else:
            assert isinstance(frame, bytes), f"expected a binary frame, got {frame!r}"
            message = msgpack.unpackb(frame)  # it refuses keys that are neither text nor bytes
        assert isinstance(message, dict), f"expected an object, got {frame!r}"
        return message


def packed(value: object) -> bytes:
    """A value in MessagePack, by another library than the server's."""
    return bytes(msgpack.packb(value))


@asynccontextmanager
async def open_socket(
    server_url: str,
    path: str,
    *,
    token: str | None = None,
    encoding: Encoding = Encoding.JSON,
    subprotocols: Sequence[str] | None = None,
    query: Mapping[str, str] | None = None,
    origin: str | None = None,
    compression: str | None = "deflate",
    unix_path: str | None = None,
) -> AsyncIterator[PortalSocket]:
    """A connection to `path` of the server at `server_url` (`ws://host:port`), closed at the end of the block.

    With `unix_path` it connects to the Unix socket there, and the URL only names the resource.

    `token` goes into the query as `?token=`, before the further entries of `query`; `compression` is our offer. Another
    `encoding` than JSON is offered as a subprotocol, unless `subprotocols` are given.
    """
    if subprotocols is None and encoding is not Encoding.JSON:
        subprotocols = [encoding.value]
    parameters = {**({} if token is None else {"token": token}), **(query or {})}
    note_all(parameters)
    for offered in subprotocols or ():
        note(offered.partition(".")[2] if offered.partition(".")[0] in PREFIXES else "")
    async with connect(
        f"{server_url}{path}" + (f"?{urlencode(parameters)}" if parameters else ""),
        subprotocols=None if subprotocols is None else [Subprotocol(name) for name in subprotocols],
        origin=None if origin is None else Origin(origin),
        proxy=None,
        open_timeout=DEADLINE_SECONDS,
        close_timeout=DEADLINE_SECONDS,
        compression=compression,
        ping_interval=None,
        max_size=None,
        max_queue=None,  # otherwise a close waits behind unread messages
        sock=None if unix_path is None else _connected(unix_path),
    ) as connection:
        yield PortalSocket(connection)


def _connected(unix_path: str) -> socket.socket:
    found = socket.socket(socket.AF_UNIX)
    found.connect(unix_path)
    return found


def portal_view_path(portal_view_id: str) -> str:
    """The path of a portal view's sockets."""
    return f"/ws/portal-view/{portal_view_id}/"
