"""The ASGI application of one connection (ASGI, "WebSocket", version 2.4, with "WebSocket Denial Response")."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, Protocol

from uvicorn.protocols.utils import ClientDisconnected
from websockets.http11 import Response

from realtime.protocol.closing import CloseCode
from realtime.server.websocket import upgrade
from realtime.server.websocket.phase import Phase

_logger = logging.getLogger("uvicorn.error.websockets")


class Client(Protocol):
    """The connection that an application runs for."""

    phase: Phase

    def open(self, response: Response) -> None:
        """Answer the handshake with this response."""

    def deny(self, response: Response) -> None:
        """Answer the handshake with another response, and close."""

    def send_message(self, content: str | bytes) -> None:
        """Send a message."""

    def close_after(self, code: int, reason: str) -> None:
        """Close, if it is open."""

    def end(self) -> None:
        """Handle the end of the application."""

    async def wait_drained(self) -> None:
        """Wait until the client has read most of what waits for it."""

    async def receive(self) -> Any:
        """The next event."""


class Application:
    """Runs the application. Only its task refers to it, so it forms no cycle with its connection."""

    __slots__ = ("_app", "_client", "_denial", "_response")

    def __init__(self, app: Any, client: Client, response: Response) -> None:
        self._app = app
        self._client = client
        self._response = response
        self._denial: dict[str, Any] | None = None

    async def run(self, scope: dict[str, Any]) -> None:
        """Run it to its end."""
        client = self._client
        try:
            await self._app(scope, client.receive, self._send)
        except ClientDisconnected:
            pass  # an event reports this, too
        except Exception:
            _logger.exception("The application has failed.")
        if client.phase is Phase.HANDSHAKE:
            client.deny(upgrade.denial(HTTPStatus.INTERNAL_SERVER_ERROR, (), b""))
        else:
            client.end()

    async def _send(self, message: Any) -> None:
        """Handle an event of the application; OSError if the client is gone (ASGI, "Send")."""
        client = self._client
        await client.wait_drained()
        match client.phase, message["type"]:
            case ((Phase.CLOSING | Phase.GONE), _):
                raise ClientDisconnected
            case Phase.OPEN, "websocket.send":
                text = message.get("text")
                client.send_message(message["bytes"] if text is None else text)
            case Phase.OPEN, "websocket.close":
                client.close_after(message.get("code", CloseCode.NORMAL), message.get("reason") or "")
            case Phase.HANDSHAKE, "websocket.accept":
                self._accept(message)
            case Phase.HANDSHAKE, "websocket.close":
                client.deny(upgrade.denial(HTTPStatus.FORBIDDEN, (), b""))
            case Phase.HANDSHAKE, "websocket.http.response.start":
                self._denial = {**message, "body": b""}
            case Phase.HANDSHAKE, "websocket.http.response.body" if (denial := self._denial) is not None:
                denial["body"] += message.get("body", b"")
                if not message.get("more_body", False):
                    client.deny(upgrade.denial(denial["status"], denial.get("headers", ()), denial["body"]))
            case phase, kind:
                raise RuntimeError(f"An application cannot send {kind!r} in the phase {phase.name}.")

    def _accept(self, message: Any) -> None:
        headers = self._response.headers
        for name, value in message.get("headers", ()):
            headers[name.decode("latin-1")] = value.decode("latin-1")
        if subprotocol := message.get("subprotocol"):
            headers["Sec-WebSocket-Protocol"] = subprotocol
        self._client.open(self._response)
        del self._response
