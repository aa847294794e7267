"""How much of what a client has sent is read at a time: in portions, and so many frames a second.

The kernel hands over up to 256 KiB at once, which may be 40,000 frames, and a few octets may unpack to a message of the
greatest length. Read in one go they would hold up everybody else, or fill the memory. Nothing here reads or waits.
"""

from __future__ import annotations

from realtime.limits import configured
from realtime.limits.rates import Bucket

FIRST = 4096
"""Octets of the first portion; so much, or less, is read at once as it comes."""
LEAST, MOST = 64, 16_384
WORK = 16_384
"""About what a portion may cost, in octets to unpack and look at; one that costs more is followed by a smaller one."""
FRAME_WORK = 1024
"""What a frame costs besides."""
PATIENCE_SECONDS = 10.0
"""How long a client may send more frames than it may; then its connection ends."""


class Portions:
    """What one client has sent and is not read yet."""

    __slots__ = ("_frames", "_late_since", "_unread", "size")

    def __init__(self) -> None:
        self._unread: bytearray | None = None
        self.size = FIRST
        """Octets of the next portion."""
        self._frames = Bucket()
        self._late_since: float | None = None

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self._unread is not None

    def add(self, data: bytes) -> None:
        """The client has sent more."""
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
        """Nothing more is to be read."""
        self._unread = None

    def charge(self, frames: int, unpacked: int, size: int, now: float) -> float:
        """Note what a portion of that size held: frames, and octets without compression; seconds until the next.

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
