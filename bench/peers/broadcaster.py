"""The `websockets` library's own `broadcast`, on uvloop. Run with `python -m bench.peers.broadcaster PORT`."""

from __future__ import annotations

import json
import sys
from http import HTTPStatus
from typing import Any

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

sockets: set[ServerConnection] = set()


async def handle(socket: ServerConnection) -> None:
    """Relay what a socket sends to the others."""
    sockets.add(socket)
    await socket.send(json.dumps({"type": "connected"}))
    try:
        async for text in socket:
            message = json.dumps({"type": "portal-view-updated", "payload": json.loads(text)["payload"]})
            broadcast(sockets - {socket}, message)
    finally:
        sockets.discard(socket)


def answer_http(connection: ServerConnection, request: Any) -> Any:
    """Answer the readiness probe."""
    return None if request.path.startswith("/ws") else connection.respond(HTTPStatus.OK, "ready")


async def main(port: int) -> None:
    """Serve until killed."""
    async with serve(handle, "127.0.0.1", port, process_request=answer_http, compression=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
