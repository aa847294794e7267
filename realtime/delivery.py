"""One connection's way out: nothing here waits for a client.

A message for many is encoded once (`Prepared`). A server that offers the ASGI scope extension `portal.frames` gets
ready frames to write; for any other server a connection has a queue and, while it is not empty, one task.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

EXTENSION = "portal.frames"

_TEXT_AND_FINAL = 0x81
_SHORT, _MEDIUM = 126, 65_536


class Prepared:
    """A text, and the WebSocket frame (RFC 6455, section 5.2) that carries it, made when it is first asked for."""

    __slots__ = ("_frame", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._frame: bytes | None = None

    @property
    def frame(self) -> bytes:
        """The unmasked, uncompressed frame."""
        if self._frame is None:
            data = self.text.encode()
            size = len(data)
            if size < _SHORT:
                head = bytes((_TEXT_AND_FINAL, size))
            elif size < _MEDIUM:
                head = bytes((_TEXT_AND_FINAL, _SHORT)) + size.to_bytes(2, "big")
            else:
                head = bytes((_TEXT_AND_FINAL, _SHORT + 1)) + size.to_bytes(8, "big")
            self._frame = head + data
        return self._frame


class FrameWriter(Protocol):
    """What a server puts into the scope under `portal.frames`."""

    def write_frame(self, frame: bytes) -> None:
        """Hand over a whole frame; it is dropped if the connection is closing."""

    def close_after(self, code: int, reason: str) -> None:
        """Close once what was written before is out."""


class Outlet(Protocol):
    """How a connection sends, in order and without waiting; `sent` counts its messages."""

    sent: int

    def send(self, message: Prepared) -> None:
        """Send a message; it is dropped if the connection is closing."""

    def close(self, code: int, reason: str) -> None:
        """Close the connection behind what was sent before."""


class FrameOutlet:
    """Writes frames straight to a server that offers to."""

    __slots__ = ("_writer", "sent")

    def __init__(self, writer: FrameWriter) -> None:
        self._writer = writer
        self.sent = 0

    def send(self, message: Prepared) -> None:
        """See `Outlet`."""
        self.sent += 1
        self._writer.write_frame(message.frame)

    def close(self, code: int, reason: str) -> None:
        """See `Outlet`."""
        self._writer.close_after(code, reason)


class QueueOutlet:
    """Sends through ASGI's `send`, with a task that lives while something waits."""

    __slots__ = ("_closed", "_send", "_task", "_waiting", "sent")

    def __init__(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self._send = send
        self._waiting: deque[dict[str, Any]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.sent = 0

    def send(self, message: Prepared) -> None:
        """See `Outlet`."""
        self.sent += 1
        self._put({"type": "websocket.send", "text": message.text})

    def close(self, code: int, reason: str) -> None:
        """See `Outlet`."""
        self._put({"type": "websocket.close", "code": code, "reason": reason})
        self._closed = True

    def _put(self, event: dict[str, Any]) -> None:
        if self._closed:
            return
        self._waiting.append(event)
        if self._task is None:
            self._task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await self._send(self._waiting.popleft())
        except OSError:
            # The client is gone; the server tells the application so by a disconnect event.
            self._closed = True
            self._waiting.clear()
        finally:
            self._task = None
