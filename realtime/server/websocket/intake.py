"""When a client is read: in portions, never more than is processed, and never faster than its rate of frames."""

from __future__ import annotations

import asyncio
from typing import Protocol

from realtime.limits.entrance import over_limit
from realtime.server.websocket.portions import Portions

PAUSE_SECONDS = 0.1
"""The pause between two portions of the input of a client that was told to go: its close frame comes after them."""


class Reader(Protocol):
    """The object that reads the input."""

    @property
    def is_answered(self) -> bool:
        """Whether the client's handshake is answered: before that, a pong would be too early."""

    @property
    def is_ready(self) -> bool:
        """Whether the client's input is processed now."""

    @property
    def is_closing(self) -> bool:
        """Whether only the client's close is awaited."""

    def read(self, data: bytes) -> None:
        """Handle the client's input."""


class Intake(Portions):
    """The unread input of one client; the transport is paused while there is any."""

    __slots__ = ("_is_paused", "_loop", "_next", "_reader", "_transport")

    def __init__(self, reader: Reader, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._reader: Reader | None = reader
        self._transport = transport
        self._loop = loop
        self._is_paused = False
        self._next: asyncio.Handle | None = None
        """Set while the next portion is scheduled to be read."""

    @property
    def is_paused(self) -> bool:
        """Whether the client is not read at the moment: it may have answered already."""
        return self._is_paused

    def come(self, data: bytes) -> None:
        """Add input. The frames before an error are processed, whether they come in one piece with it or not."""
        reader = self._reader
        if reader is None:
            return
        if reader.is_answered and len(data) <= self.size and not self:
            reader.read(data)
        else:
            self.add(data)
            self.pause()
            if self._next is None:
                self._read_portion()

    def pause(self) -> None:
        """Stop reading until `resume`."""
        if not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Continue reading, if the reader is ready: first the input that has come already."""
        reader = self._reader
        if reader is None or self._next is not None or not reader.is_ready:
            return
        if self:
            self._next = self._loop.call_later(PAUSE_SECONDS if reader.is_closing else 0, self._read_portion)
        elif self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    def pay(self, frames: int, unpacked: int, size: int) -> bool:
        """Record the work of a portion of that size; returns whether the client has sent too many frames for too long.

        A client that sends faster than its rate is read later.
        """
        wait = self.charge(frames, unpacked, size, self._loop.time())
        if not wait or self._next is not None or not over_limit("PORTAL_FRAMES_PER_SECOND"):
            return False
        self.pause()
        self._next = self._loop.call_later(wait, self._read_portion)
        return self.is_too_late(self._loop.time())

    def stop(self) -> None:
        """Read nothing any more. Further input is dropped, so that the client's end is noticed."""
        self._reader = None
        self.drop()
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    def _read_portion(self) -> None:
        self._next = None
        reader = self._reader
        if reader is not None and self and reader.is_ready:
            reader.read(self.take())
        self.resume()
