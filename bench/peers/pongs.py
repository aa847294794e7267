"""Sockets that answer pings, and nothing else: picows on uvloop. Run with `python -m bench.peers.pongs PORT`."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server


class Pongs(WSListener):
    """One connection."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Greet."""
        transport.send(WSMsgType.TEXT, b'{"type":"connected"}')

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Answer a ping; other messages are not answered."""
        payload = frame.get_payload_as_bytes()
        if frame.msg_type == WSMsgType.TEXT and b'"type":"ping"' in payload:
            transport.send(WSMsgType.TEXT, payload.replace(b"ping", b"pong", 1))


async def main(port: int) -> None:
    """Serve until killed."""
    server = await ws_create_server(lambda _: Pongs(), "127.0.0.1", port)
    await asyncio.shield(server.serve_forever())


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
