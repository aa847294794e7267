"""One connection's way out: nothing here waits for a client.

A message for many is encoded, framed and compressed once (`Prepared`). A server that offers the ASGI scope extension
`portal.outlet` is the outlet itself and writes ready frames; for any other server a connection has a queue and, while
it is not empty, one task. An outlet that a slow client has filled says so (`stalled_since`): then it is not to be given
what a newer state will supersede.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol

from django.conf import settings

EXTENSION = "portal.outlet"

COMPRESS_FROM_BYTES = 1024
"""Shorter messages are sent as they are."""
WINDOW_BITS = 12
"""Of the compression, RFC 7692, section 7.1.2: 4 KiB, which every client's window of at least that size can read."""

_TEXT_AND_FINAL = 0x81
_COMPRESSED = 0x40  # RSV1, RFC 7692, section 6
_SHORT, _MEDIUM = 126, 65_536
_SYNC_TAIL = b"\x00\x00\xff\xff"


class Form(Enum):
    """What an outlet writes: ready frames, ready compressed frames, or messages."""

    FRAME = auto()
    COMPRESSED = auto()
    MESSAGE = auto()


class Prepared:
    """A text, and the WebSocket frames (RFC 6455, section 5.2) that carry it, each made when it is first asked for."""

    __slots__ = ("_compressed", "_frame", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._frame: bytes | None = None
        self._compressed: bytes | None = None

    def in_form(self, form: Form) -> Any:
        """What an outlet of that form writes."""
        if form is Form.FRAME:
            return self.frame
        return self.compressed if form is Form.COMPRESSED else self

    @property
    def frame(self) -> bytes:
        """The unmasked, uncompressed frame."""
        if self._frame is None:
            self._frame = _frame(self.text.encode(), _TEXT_AND_FINAL)
        return self._frame

    @property
    def compressed(self) -> bytes:
        """The frame for connections with permessage-deflate and no context takeover: the same for all of them."""
        if self._compressed is None:
            data = self.text.encode()
            self._compressed = self.frame if len(data) < COMPRESS_FROM_BYTES else _deflated(data)
        return self._compressed


def _frame(data: bytes, first: int) -> bytes:
    size = len(data)
    if size < _SHORT:
        return bytes((first, size)) + data
    if size < _MEDIUM:
        return bytes((first, _SHORT)) + size.to_bytes(2, "big") + data
    return bytes((first, _SHORT + 1)) + size.to_bytes(8, "big") + data


def _deflated(data: bytes) -> bytes:
    deflate = zlib.compressobj(level=1, wbits=-WINDOW_BITS)
    deflated = deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return _frame(deflated.removesuffix(_SYNC_TAIL), _TEXT_AND_FINAL | _COMPRESSED)


class Seating(Protocol):
    """What an outlet knows of the audience that it is in."""

    def discard(self, connection_id: str, outlet: Outlet) -> None:
        """Take the outlet out."""

    def drained(self, connection_id: str) -> None:
        """The outlet, which left because it was stalled, can be written to again."""


@dataclass(frozen=True, slots=True)
class Raw:
    """The socket below an outlet: where nothing `waits` (in bytes), ready frames may go to the descriptor itself."""

    descriptor: int
    waits: Callable[[], int]


class Outlet(Protocol):
    """How a connection sends: in order, and without waiting.

    `write` takes what `form` says, for an audience that the outlet is in. `sent` counts messages; `stalled_since`, of
    the monotonic clock, is set while more waits for the client than the limit.
    """

    form: Form
    sent: int
    stalled_since: float | None

    @property
    def write(self) -> Callable[[Any], None]:
        """Writes one message in the outlet's form."""

    @property
    def raw(self) -> Raw | None:
        """The socket, as long as the outlet is in an audience; None if it is not to be had."""

    def join(self, audience: Seating, connection_id: str) -> None:
        """Remember the audience, to leave it when the outlet stalls or closes, and to tell it when it has drained."""

    def leave(self) -> None:
        """Leave the audience."""

    def deliver(self, message: Prepared) -> None:
        """Send a message; it is dropped if the connection is closing."""

    def close_after(self, code: int, reason: str) -> None:
        """Close behind what was delivered before; a stalled connection is cut if it cannot even take that."""

    async def drained(self) -> None:
        """Wait until the outlet is no longer stalled, or the client is gone."""


class Addressee(Protocol):
    """Whoever has an outlet."""

    @property
    def id(self) -> str:
        """Their id in audiences."""

    @property
    def outlet(self) -> Outlet:
        """Their outlet."""


class Member:
    """The part of an outlet that belongs to an audience."""

    form: Form
    sent = 0
    stalled_since: float | None = None
    raw: Raw | None = None
    _audience: Seating | None = None
    _connection_id = ""

    def join(self, audience: Seating, connection_id: str) -> None:
        """See `Outlet`."""
        self._audience, self._connection_id = audience, connection_id

    def leave(self) -> None:
        """See `Outlet`."""
        if self._audience is not None:
            self._audience.discard(self._connection_id, self)  # type: ignore[arg-type]  # every member is an outlet

    def _stall(self) -> None:
        self.stalled_since = time.monotonic()
        self.leave()

    def _drained(self) -> None:
        self.stalled_since = None
        if self._audience is not None:
            self._audience.drained(self._connection_id)


class QueueOutlet(Member):
    """Sends through ASGI's `send`, with a task that lives while something waits."""

    form = Form.MESSAGE

    def __init__(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self._send = send
        self._waiting: deque[dict[str, Any]] = deque()
        self._waiting_chars = 0
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def deliver(self, message: Prepared) -> None:
        """See `Outlet`."""
        if not self._closed:
            self.sent += 1
            self.write(message)

    def write(self, message: Prepared) -> None:
        """See `Outlet`."""
        self._put({"type": "websocket.send", "text": message.text})
        self._waiting_chars += len(message.text)
        if 0 < settings.PORTAL_SEND_BUFFER_BYTES < self._waiting_chars and self.stalled_since is None:
            self._stall()

    def close_after(self, code: int, reason: str) -> None:
        """See `Outlet`."""
        if self._closed:
            return
        self.leave()
        if self.stalled_since is not None:
            self._waiting.clear()
        self._put({"type": "websocket.close", "code": code, "reason": reason})
        self._closed = True

    async def drained(self) -> None:
        """See `Outlet`."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def _put(self, event: dict[str, Any]) -> None:
        self._waiting.append(event)
        if self._task is None:
            self._task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._waiting:
                event = self._waiting.popleft()
                await self._send(event)
                self._waiting_chars -= len(event.get("text", ""))
        except OSError:
            # The client is gone; the server tells the application so by a disconnect event.
            self._closed = True
            self._waiting.clear()
            self.leave()
        finally:
            self._task = None
            self._waiting_chars = 0
            if self.stalled_since is not None:
                self._drained()
