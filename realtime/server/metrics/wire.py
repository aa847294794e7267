"""Messages over the socket pair of a supervisor and one of its processes; neither end ever waits for the other.

A message is its length in four octets, its kind in one, and its body.
"""

from __future__ import annotations

import socket
from enum import IntEnum

_HEAD = 5
_READ_BYTES = 65_536


class Kind(IntEnum):
    """What a message is."""

    ALIVE = 0
    """From a process, each second: its event loop runs."""
    COUNTS = 1
    """From a process, each second: its counters and histograms."""
    ALL = 2
    """From a process: the same and its gauges, because they were wanted."""
    ASK = 3
    """From a process that serves /metrics: it needs the sum."""
    WANT = 4
    """From the supervisor: it needs a process's gauges."""
    SUM = 5
    """From the supervisor: the sum that was asked for."""


class Wire:
    """One end of the pair."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self.socket = end
        self._incoming = bytearray()
        self._outgoing = bytearray()

    @property
    def has_unsent(self) -> bool:
        """Whether the other end has not taken everything yet."""
        return bool(self._outgoing)

    def send(self, kind: Kind, body: bytes = b"") -> None:
        """Send a message, or keep what the other end does not take now; OSError if that has ended."""
        self._outgoing += len(body).to_bytes(4, "big") + bytes((kind,)) + body
        self.flush()

    def flush(self) -> None:
        """Send what was kept; OSError if the other end has ended."""
        try:
            while self._outgoing:
                del self._outgoing[: self.socket.send(self._outgoing)]
        except BlockingIOError:
            pass  # the other end reads it later, or is frozen

    def receive(self) -> list[tuple[Kind, bytes]]:
        """The messages that have come; EOFError, after the last ones, or OSError, if the other end has ended."""
        is_over = False
        try:
            while data := self.socket.recv(_READ_BYTES):
                self._incoming += data
            is_over = True
        except BlockingIOError:
            pass
        messages = []
        while len(self._incoming) >= _HEAD:
            end = _HEAD + int.from_bytes(self._incoming[:4], "big")
            if len(self._incoming) < end:
                break
            messages.append((Kind(self._incoming[4]), bytes(self._incoming[_HEAD:end])))
            del self._incoming[:end]
        if is_over and not messages:
            raise EOFError
        return messages
