"""An application that answers http according to the path, to test the server around it.

`/bytes/N` answers N bytes, `/body` the length of the body. `/held` waits until it is released, and any other path
answers itself. A WebSocket is accepted; under `/silent` it never is.
"""

from __future__ import annotations

import asyncio
from typing import Any

from realtime.server.tests.peer import Peer
from realtime.server.tests.served import Served


class AnsweringServer(Served):
    """The server. `paths` has the requested paths, in order, and `hosts` the requested host names."""

    def __init__(self) -> None:
        super().__init__()
        self._config.app = self._serve
        self._config.interface = "asgi3"
        self.paths: list[str] = []
        self.hosts: list[list[bytes]] = []
        self._let_go = asyncio.Event()

    def let_go(self) -> None:
        """Answer the held requests."""
        self.do(self._let_go.set)

    def clean(self) -> None:
        """Close the test's connections, and forget the requests."""
        self.let_go()
        super().clean()
        self.do(self._let_go.clear)
        self.paths.clear()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        path: str = scope["path"]
        self.paths.append(path)
        self.hosts.append([value for name, value in scope["headers"] if name == b"host"])
        if scope["type"] == "websocket":
            await receive()
            if path != "/silent":
                await send({"type": "websocket.accept"})
            while (await receive())["type"] != "websocket.disconnect":
                pass
            return
        read = 0
        while (event := await receive())["type"] == "http.request":
            read += len(event["body"])
            if not event["more_body"]:
                break
        else:
            return
        if path == "/held":
            await self._let_go.wait()
        data = path.encode()
        if path == "/body":
            data = f"{read} {sorted(name.decode() for name, _ in scope['headers'])}".encode()
        elif path.startswith("/bytes/"):
            data = b"x" * int(path.rpartition("/")[2])
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", str(len(data)).encode())],
            }
        )
        await send({"type": "http.response.body", "body": data})


def get(path: str, *lines: str, method: str = "GET") -> bytes:
    """A request without its body."""
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", "")).encode("latin-1")


def answered(peer: Peer) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of the next answer."""
    status, headers = peer.response()
    return status, headers, peer._read(int(headers["content-length"])).decode()
