"""`python -m bench.abuse.sink PORT [refuse]`: accepts an attacker's traffic, and ignores it.

The quiet phase is measured while the attacker sends to it: the same traffic and the same work on the attacker's core.
It lets the server run first. With `refuse` it ends each opened WebSocket, as a server does with a bad token.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import sys
from typing import cast

import uvloop

from realtime.server.tests.peer import GUID, TEXT, frame

HEAD_BYTES = 1 << 17
"""The most that is searched for the end of a request's head."""
KEY = re.compile(rb"\r\nSec-WebSocket-Key: *([^\r]+)\r\n", re.IGNORECASE)
CONNECTED = frame(TEXT, b'{"type":"connected","connectionId":"sink"}', mask=None)
REFUSED = frame(TEXT, b'{"type":"error"}', mask=None)
NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Sink(asyncio.Protocol):
    """One connection: its first request is answered, the rest is dropped."""

    def __init__(self, refuses: bool) -> None:
        self._refuses = refuses
        self._head = b""
        self._is_done = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Handle a new connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Handle input."""
        if self._is_done:
            return
        self._head += data
        if b"\r\n\r\n" in self._head:
            self._is_done = True
            self._answer()
            self._head = b""
        elif len(self._head) > HEAD_BYTES:
            self._is_done = True
            self._head = b""

    def _answer(self) -> None:
        found = KEY.search(self._head)
        if found:
            accept = base64.b64encode(hashlib.sha1(found[1].strip() + GUID.encode(), usedforsecurity=False).digest())
            upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            first = REFUSED if self._refuses else CONNECTED
            self._transport.write(upgrade + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + first)
            if self._refuses:
                self._transport.close()
        elif b"Connection: close" in self._head:
            self._transport.write(NOTHING)
            self._transport.close()


async def _serve(port: int, refuses: bool) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(refuses), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


def main() -> None:
    """Serve until ended."""
    os.nice(19)
    uvloop.run(_serve(int(sys.argv[1]), "refuse" in sys.argv[2:]))


if __name__ == "__main__":
    main()
