"""Sends an attack as fast as the server takes it, over plain sockets, without knowing its content.

An attack has parts. A part keeps a number of connections open: each sends its opening, waits for an answer if one is
named, and then repeats its block without end. A connection that the server ends is opened again.
"""

from __future__ import annotations

import re
import select
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

READ_BYTES = 1 << 18
POLL_SECONDS = 0.005
EVENTS_AT_ONCE = 64
OPENS_AT_ONCE = 50
"""The connections of a part that are opened before the open ones have their turn again."""
STALLED_BUFFER_BYTES = 4096
LOOKED_AT_BYTES = 1000
"""The octets of a read that are inspected: enough to see the kind of answer, and few enough to be fast."""
IP_BIND_ADDRESS_NO_PORT = 24
"""From Linux's <netinet/in.h>: leave the choice of a port to connect()."""
ANSWER = re.compile(rb'HTTP/1\.1 (\d{3})|"code":"([a-z-]+)"')
CONNECTION_ID = re.compile(rb'"connectionId":"([^"]+)"')


@dataclass(frozen=True)
class Part:
    """Connections that all do the same.

    `opening` gives the first octets of the nth connection. `block`, which has a number of `messages`, is repeated once
    `awaits` was received. It may be made again each time, for the id of a connection of a part that does not read.
    Without a block the connection is held until the server ends it. A part that `abandons` resets each connection once
    the opening is sent, or once `awaits` was received.
    """

    opening: Callable[[int], bytes]
    connections: int = 1
    awaits: bytes = b""
    block: bytes | Callable[[str], bytes] = b""
    messages: int = 0
    reads: bool = True
    abandons: bool = False
    opens_per_second: float = 50.0


@dataclass
class Counts:
    """The counts. `answers` are the statuses and error codes in the inspected octets, so only their kinds are exact."""

    opened: int = 0
    ended: int = 0
    messages: float = 0.0
    sent_bytes: int = 0
    answers: Counter[str] = field(default_factory=Counter)


class _Crowd:
    """A part, and the number of its open connections."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.open = 0
        self.opened = 0
        self._credit = float(part.connections)
        self._credited_at = time.monotonic()

    def due(self, now: float) -> int:
        """The number of connections to open now."""
        self._credit += (now - self._credited_at) * self.part.opens_per_second
        self._credit = min(self._credit, float(self.part.connections))
        self._credited_at = now
        return min(self.part.connections - self.open, int(self._credit), OPENS_AT_ONCE)

    def take(self) -> bytes:
        """The opening of one more connection."""
        self._credit -= 1
        self.open += 1
        self.opened += 1
        return self.part.opening(self.opened)


class _Connection:
    def __init__(self, crowd: _Crowd, one: socket.socket, opening: bytes) -> None:
        self.crowd = crowd
        self.socket = one
        self.unsent = memoryview(opening)
        self.has_opened = False
        self.floods = False
        self.unheard = b""


class Engine:
    """Runs an attack from one address to one port of this machine."""

    def __init__(self, parts: Sequence[Part], port: int, source: str) -> None:
        self.counts = Counts()
        self._crowds = [_Crowd(part) for part in parts]
        self._port = port
        self._source = source
        self._poll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._stalled_id = ""

    def run(self, seconds: float) -> Counts:
        """Attack for this many seconds; then reset all connections."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            for crowd in self._crowds:
                for _ in range(crowd.due(now)):
                    self._open(crowd)
            for number, events in self._poll.poll(POLL_SECONDS, EVENTS_AT_ONCE):
                connection = self._connections[number]
                try:
                    self._go_on(connection, events)
                except BlockingIOError:
                    pass  # the kernel had reported too early; it will report again
                except OSError:
                    self._end(connection)
        for connection in list(self._connections.values()):
            self._end(connection)
        return self.counts

    def _open(self, crowd: _Crowd) -> None:
        one = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Closing resets: otherwise thousands of connections each leave a port that waits for a minute.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if not crowd.part.reads:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, STALLED_BUFFER_BYTES)
        one.bind((self._source, 0))
        with suppress(BlockingIOError):
            one.connect(("127.0.0.1", self._port))
        connection = _Connection(crowd, one, crowd.take())
        self._connections[one.fileno()] = connection
        self._poll.register(one, select.EPOLLIN | select.EPOLLOUT)
        self.counts.opened += 1

    def _go_on(self, connection: _Connection, events: int) -> None:
        if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            received = connection.socket.recv(READ_BYTES)
            if not received:
                raise ConnectionResetError
            self._hear(connection, received)
        if events & select.EPOLLOUT:
            self._send(connection)

    def _hear(self, connection: _Connection, received: bytes) -> None:
        for status, code in ANSWER.findall(received[:LOOKED_AT_BYTES]):
            self.counts.answers[(status or code).decode()] += 1
        part = connection.crowd.part
        if connection.floods or not part.awaits:
            return
        connection.unheard += received
        if part.awaits not in connection.unheard:
            return
        if part.abandons:
            raise ConnectionResetError
        if not part.reads and (found := CONNECTION_ID.search(connection.unheard)):
            self._stalled_id = found[1].decode()
        connection.unheard = b""
        connection.floods = True
        self._watch(connection)

    def _send(self, connection: _Connection) -> None:
        part = connection.crowd.part
        if not connection.unsent:
            block = part.block if isinstance(part.block, bytes) else part.block(self._stalled_id)
            connection.unsent = memoryview(block)
        sent = connection.socket.send(connection.unsent)
        self.counts.sent_bytes += sent
        if connection.floods:
            block_bytes = connection.unsent.obj
            self.counts.messages += part.messages * sent / len(block_bytes)  # type: ignore[arg-type]
        connection.unsent = connection.unsent[sent:]
        if not connection.unsent and not connection.has_opened:
            connection.has_opened = True
            connection.floods = not part.awaits
            if part.abandons and not part.awaits:
                raise ConnectionResetError
            self._watch(connection)

    def _watch(self, connection: _Connection) -> None:
        """Wait for the events that a connection needs now."""
        part = connection.crowd.part
        sends = connection.floods and part.block
        reads = part.reads or not connection.floods
        events = (select.EPOLLOUT if sends else 0) | (select.EPOLLIN if reads else 0)
        self._poll.modify(connection.socket, events)

    def _end(self, connection: _Connection) -> None:
        del self._connections[connection.socket.fileno()]
        self._poll.unregister(connection.socket)
        connection.socket.close()
        connection.crowd.open -= 1
        self.counts.ended += 1
