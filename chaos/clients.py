"""Clients like real ones: the Python client of the site, with an end of the line that can stall and be cut.

The messages of a connection are recorded in the books (`ledger`). The senders are in `controllers`.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from chaos.ledger import Ledger, Reader
from chaos.picture import differs_in
from realtime.client.python.portal_client import Event, PortalClient, PortalError
from realtime.client.python.portal_client.fold import CHANGES
from testing.presence import Audience
from testing.sockets import Message

CUT, LEFT = 1006, 1001
MEANT_TO_END = {CUT, LEFT, 1012, 1013}
"""The ends that a fault may cause; any other end breaks a promise."""
OPEN_SECONDS = 5.0
SMALL_BUFFER_BYTES = 4096
UNREAD = frozenset({"ack", "error", "pong", "activity", "sync-requested", "going-away"})
"""Messages that the books have no place for; answers are told by the client's futures."""


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


class Socket(ClientConnection):
    """A client's end of a connection. With `cuts_by`, the next message is sent so, and the line is cut."""

    client: Client
    cuts_by: Callable[[str], bytes] | None = None

    async def recv(self, decode: bool | None = None) -> Any:
        """The next frame, once the client reads."""
        frame = await super().recv(decode)
        await self.client.goes_on.wait()
        return frame

    async def send(self, message: Any, text: bool | None = None) -> None:
        """Send a frame, or cut the line in it or behind it."""
        if '"retry":true' in message:
            self.client.table.ledger.tally.retried += 1
        if self.cuts_by is None:
            await super().send(message)
            return
        self.reset(self.cuts_by(message.ljust(200)))
        await self.wait_closed()
        raise ConnectionClosedError(None, None)

    def reset(self, last_bytes: bytes) -> None:
        """Send some bytes as they are, and cut the line with a reset."""
        if self.transport.is_closing():
            return
        self.transport.write(last_bytes)
        raw: Any = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


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
        self.socket: Socket | None = None
        self.audience = Audience()
        self.reader = Reader(table.ledger, name, self.role)
        self.small_buffer = False
        self.compression: str | None = None
        self.portal = PortalClient(
            entry.url,
            table.portal_view_id,
            get_credential=lambda: {"token": token},
            open_timeout=None,
            dial=self._dial,
        )
        self.portal.on("message", self._on_message)
        self.portal.on("status", self._on_status)
        self._entry = entry
        self._rng = rng
        self._known = 0
        self._leaving: set[asyncio.Task[None]] = set()

    # Connecting and disconnecting.

    async def run(self) -> None:
        """Stay connected until cancelled, or until the server forbids a reconnect, which breaks a promise."""
        try:
            async with self.portal:
                await self.portal.until(lambda portal: False)
        except PortalError as end:
            self.is_open.clear()
            self.table.ledger.break_promise(f"{self.name} was closed for good: {end}")

    def _on_status(self, event: Event) -> None:
        if event.data.kind != "waiting":
            return
        self.is_open.clear()
        self.socket = None
        code = event.data.ending.code
        self._entry.ends[code] += 1
        if code not in MEANT_TO_END:
            self.table.ledger.break_promise(f"{self.name} was closed with {code}")

    async def _dial(self, address: str, **options: Any) -> Socket:
        """Open the client's end, with small buffers if it shall have some: unread data soon waits at the server."""
        small = {"sock": await _small_socket(address), "max_queue": 1} if self.small_buffer else {}
        own = {"open_timeout": OPEN_SECONDS, "proxy": None, "compression": self.compression}
        opened = await connect(address, create_connection=Socket, **{**options, **own, **small})
        assert isinstance(opened, Socket)  # noqa: S101  # for mypy
        opened.client, self.socket = self, opened
        return opened

    def _on_message(self, event: Event) -> None:
        message: Message = event.data
        match message["type"]:
            case "connected":
                self._begin(message)
            case kind if kind in CHANGES:
                self.reader.read(message)
                if "version" in message:
                    self.changed_at = time.monotonic()
            case "presence":
                self.audience.take(message)
            case "ack":
                self.changed_at = time.monotonic()
            case kind if kind not in UNREAD:
                self.table.ledger.break_promise(f"{self.name} got an unexpected {kind}")
        self._known = self.portal.version

    def _begin(self, connected: Message) -> None:
        if connected["recovered"] and connected["version"] != self._known:
            self.table.ledger.break_promise(f"{self.name} missed versions and was told that it had not")
        self.reader = Reader(self.table.ledger, self.name, self.role)
        self.reader.version = connected["version"]
        self.audience.counts = {}  # until the snapshot has come
        self.connected_at = self.changed_at = time.monotonic()
        self.is_open.set()

    def is_at(self, stored: Message) -> bool:
        """Whether it has the stored state, as its role sees it, and shows nothing else."""
        return not self.differs_in(stored)

    def differs_in(self, stored: Message) -> list[str]:
        """The keys that differ in what it has, or in what it shows."""
        return differs_in(self.portal.confirmed, stored) or differs_in(self.portal.state, stored)

    # Ends of a connection.

    def leave(self) -> None:
        """Close in good order, and reconnect."""
        if self.socket is not None and not self._leaving:
            task = asyncio.create_task(self.socket.close(LEFT))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    def cut(self, last_bytes: bytes = b"") -> None:
        """Send some bytes as they are, and cut the line with a reset."""
        if self.socket is not None:
            self.socket.reset(last_bytes)


class Watcher(Client):
    """A client that sends nothing: every viewer, and a controller who only watches."""


class Onlooker(Watcher):
    """A controller who only watches."""

    role = "controller"


async def _small_socket(address: str) -> socket.socket:
    parts = urlsplit(address)
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
    made.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(made, (parts.hostname, parts.port))
    except BaseException:
        made.close()
        raise
    return made


def half_frame(text: str) -> bytes:
    """The first half of a masked text frame (RFC 6455, section 5.2)."""
    data = text.encode()
    return whole_frame(text)[: 8 + len(data) // 2]


def whole_frame(text: str) -> bytes:
    """A masked text frame of 126 to 65,535 bytes; the mask is 0, which changes nothing."""
    data = text.encode()
    return bytes((0x81, 0xFE)) + len(data).to_bytes(2, "big") + bytes(4) + data
