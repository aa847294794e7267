"""How much input of a client is read at a time: in portions, and with a limit on frames per second.

The kernel delivers up to 256 KiB at once, which may be 40,000 frames, and a few octets may unpack to a message of the
maximum length. Read at once, this would delay everybody else or fill the memory. Nothing here reads or waits.
"""

from __future__ import annotations

from realtime.limits import configured
from realtime.limits.rates import Bucket

FIRST = 4096
"""Octets of the first portion; this much, or less, is read immediately when it arrives."""
LEAST, MOST = 64, 16_384
WORK = 16_384
"""The target cost of a portion, in octets to unpack and check.

A smaller portion follows one that costs more.
"""
FRAME_WORK = 1024
"""The additional cost of a frame."""
PATIENCE_SECONDS = 10.0
"""How long a client may exceed its rate of frames; then its connection ends."""


class Portions:
    """The unread input of one client."""

    __slots__ = ("_frames", "_late_since", "_unread", "size")

    def __init__(self) -> None:
        self._unread: bytearray | None = None
        self.size = FIRST
        """Octets of the next portion."""
        self._frames = Bucket()
        self._late_since: float | None = None

    def __bool__(self) -> bool:
        """Whether there is any input."""
        return self._unread is not None

    def add(self, data: bytes) -> None:
        """Add input."""
        if self._unread is None:
            self._unread = bytearray()
        self._unread += data

    def take(self) -> bytes:
        """The next portion."""
        if self._unread is None:
            return b""
        portion = bytes(self._unread[: self.size])
        del self._unread[: self.size]
        if not self._unread:
            self._unread = None
        return portion

    def drop(self) -> None:
        """Drop all input."""
        self._unread = None

    def charge(self, frames: int, unpacked: int, size: int, now: float) -> float:
        """Record the content of a portion of that size: frames, and octets unpacked.

        Returns the seconds until the next.

        `now` is monotonic.
        """
        work = frames * FRAME_WORK + unpacked
        if work > WORK:
            self.size = max(LEAST, size * WORK // work)
        elif size >= self.size:
            self.size = min(MOST, 2 * self.size)
        rate = configured.frames()
        self._frames.take(rate, frames, now)
        wait = self._frames.wait(rate, 1, now)
        if not wait:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = now
        return wait

    def is_too_late(self, now: float) -> bool:
        """Whether the client has sent too many frames for too long."""
        return self._late_since is not None and now - self._late_since > PATIENCE_SECONDS
