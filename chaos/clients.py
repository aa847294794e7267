"""Clients like real ones: they connect anywhere, reconnect with back-off, and obey close codes.

The messages of a connection are recorded in the books (`ledger`). The state of a watcher is in `picture`; the senders
are in `controllers`.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from chaos.ledger import Ledger, Reader
from chaos.picture import Picture
from realtime.client.python.portal_client.fold import CHANGES
from testing.presence import Audience
from testing.sockets import Message, portal_view_path

COME_BACK: dict[int, bool] = {1000: False, 1003: False, 1008: False, 1009: False, 1011: True, 1012: True, 1013: True}
"""Whether a client may reconnect after each close code (docs/protocol.md, section 6); any other end is a cut line."""
MEANT_TO_END = {1006, 1012, 1013}
"""The ends that a fault may cause; any other end breaks a promise."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.25, 2.0
OPEN_SECONDS = 5.0
CONNECTED_SECONDS = 15.0
SMALL_BUFFER_BYTES = 4096

_decode = msgspec.json.decode


@dataclass(frozen=True)
class Table:
    """One portal view of the run: its id, and its books."""

    name: str
    portal_view_id: str
    ledger: Ledger
    controllers: tuple[str, ...]


@dataclass
class Entry:
    """The address of the servers, and the number of closed connections by close code."""

    url: str
    ends: Counter[int] = field(default_factory=Counter)


class Client:
    """One client of one table. `is_open` is set while it has its `connected`; `goes_on` while it reads."""

    role = "viewer"

    def __init__(self, name: str, table: Table, token: str, entry: Entry, rng: random.Random) -> None:
        self.name = name
        self.table = table
        self.connected_at = 0.0
        self.changed_at = 0.0
        self.is_open = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.socket: ClientConnection | None = None
        self.connection_id = ""
        self.picture = Picture()
        self.audience = Audience()
        self.reader = Reader(table.ledger, name, self.role)
        self.small_buffer = False
        self.compression: str | None = None
        self._token = token
        self._entry = entry
        self._rng = rng
        self._failures = 0
        self._retry_after: float | None = None
        self._leaving: asyncio.Task[None] | None = None

    # Connecting and disconnecting.

    async def run(self) -> None:
        """Stay connected until cancelled, or until the server forbids a reconnect."""
        while True:
            code = await self._be_there()
            self._entry.ends[code] += 1
            if self._leaving is not None:
                await self._leaving
                self._leaving, code = None, 1006  # it reconnects as if the line had been cut
            if code not in MEANT_TO_END:
                self.table.ledger.break_promise(f"{self.name} was closed with {code}")
            if not COME_BACK.get(code, True):
                return
            await asyncio.sleep(self._wait_seconds())

    def _wait_seconds(self) -> float:
        wanted, self._retry_after = self._retry_after, None
        if wanted is not None:
            return wanted
        most = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**self._failures)
        self._failures += 1
        return self._rng.uniform(most / 2, most)

    async def _be_there(self) -> int:
        """One connection, to its end; returns its close code, 1006 if there was none."""
        try:
            async with connect(
                self._address(),
                sock=await self._small_socket() if self.small_buffer else None,
                proxy=None,
                compression=self.compression,
                open_timeout=OPEN_SECONDS,
                close_timeout=1,
                ping_interval=20,
                ping_timeout=20,
                max_size=None,
                max_queue=1 if self.small_buffer else 16,
            ) as opened:
                self.socket = opened
                return await self._listen(opened)
        except (OSError, WebSocketException):  # refused, or cut while it opened; a timeout is an OSError
            return 1006
        finally:
            self.socket = None
            self.is_open.clear()

    def _address(self) -> str:
        known = {} if self.picture.epoch is None else {"version": self.reader.version, "epoch": self.picture.epoch}
        path = portal_view_path(self.table.portal_view_id)
        return f"{self._entry.url}{path}?{urlencode({'token': self._token, **known})}"

    async def _small_socket(self) -> socket.socket:
        """A connection with small buffers: unread data soon waits at the server."""
        parts = urlsplit(self._entry.url)
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        made.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(made, (parts.hostname, parts.port))
        except BaseException:
            made.close()
            raise
        return made

    async def _listen(self, opened: ClientConnection) -> int:
        try:
            async with asyncio.timeout(CONNECTED_SECONDS):
                first = _decode(await opened.recv())
            if first["type"] == "connected":
                self._begin(first)
            else:
                self._take(first)
            async for frame in opened:
                await self.goes_on.wait()
                self._take(_decode(frame))
        except ConnectionClosed:
            pass
        code = opened.close_code
        return 1006 if code is None else code

    def _begin(self, connected: Message) -> None:
        if connected["recovered"] and connected["version"] != self.reader.version:
            self.table.ledger.break_promise(f"{self.name} missed versions and was told that it had not")
        self.connection_id = connected["connectionId"]
        self.picture.receive(connected)
        self.reader = Reader(self.table.ledger, self.name, self.role)
        self.reader.version = connected["version"]
        self._failures = 0
        self.audience.counts = {}  # until the snapshot has come
        self.connected_at = self.changed_at = time.monotonic()
        self.is_open.set()
        self.on_connected()

    def on_connected(self) -> None:
        """Called when the client is let in."""

    def _take(self, message: Message) -> None:
        match message["type"]:
            case kind if kind in CHANGES:
                self.reader.read(message)
                self.on_update(message)
                if "version" in message:
                    self.changed_at = time.monotonic()
            case "going-away":
                self._retry_after = message["retryAfter"] / 1000
            case "ack" | "error":
                self.on_answer(message)
            case "presence":
                self.audience.take(message)
            case "activity" | "sync-requested":
                pass
            case other:
                self.table.ledger.break_promise(f"{self.name} got an unexpected {other}")

    def is_at(self, stored: Message) -> bool:
        """Whether the client has the expected state, given the stored state as its role sees it."""
        raise NotImplementedError

    def on_update(self, message: Message) -> None:
        """Handle a change."""

    def on_answer(self, message: Message) -> None:
        """Handle an `ack` or an `error`; the error of a refusal is followed by its close."""

    # Ends of a connection.

    def leave(self) -> None:
        """Close in good order, and reconnect."""
        if self.socket is not None and self._leaving is None:
            self._leaving = asyncio.create_task(self.socket.close())

    def cut(self, last_bytes: bytes = b"") -> None:
        """Send some bytes as they are, and cut the line with a reset."""
        opened = self.socket
        if opened is None or opened.transport.is_closing():
            return
        opened.transport.write(last_bytes)
        raw: Any = opened.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        opened.transport.abort()


class Watcher(Client):
    """A client that sends nothing and folds all messages: every viewer, and a controller who only watches."""

    def on_update(self, message: Message) -> None:
        """Fold the change in."""
        self.picture.receive(message)

    def is_at(self, stored: Message) -> bool:
        """Whether its state is the stored one, as its role sees it."""
        return self.picture.shows(stored)


class Onlooker(Watcher):
    """A controller who only watches."""

    role = "controller"


def half_frame(text: str) -> bytes:
    """The first half of a masked text frame (RFC 6455, section 5.2)."""
    data = text.encode()
    return whole_frame(text)[: 8 + len(data) // 2]


def whole_frame(text: str) -> bytes:
    """A masked text frame of 126 to 65,535 bytes; the mask is 0, which changes nothing."""
    data = text.encode()
    return bytes((0x81, 0xFE)) + len(data).to_bytes(2, "big") + bytes(4) + data
