"""Daphne's server with a WebSocket protocol that closes as our protocol requires.

Daphne 4.2.3 itself turns 1008 into 1011, drops close reasons, and drops the connection without a close frame after a
message that is too long. autobahn waits for a client's close frame for one second, and drops the connection then: a
client that is late sees 1006. Ours waits for as long as Portal's own connections do.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from daphne.server import Server
from daphne.ws_protocol import ConnectionDeny, WebSocketFactory, WebSocketProtocol

from realtime.protocol.closing import CloseCode
from realtime.protocol.encodings import Encoding, chosen
from realtime.server.websocket.connection import CLOSE_SECONDS
from realtime.server.websocket.wire import TOO_BIG


class PortalWebSocketProtocol(WebSocketProtocol):
    """One WebSocket connection of `manage.py runserver`."""

    def onConnect(self, request: Any) -> Any:  # noqa: N802  # autobahn's name
        """Refuse non-ASCII where ASCII is required (RFC 6455, section 4.1) with 400: Daphne would answer with 500."""
        if not f"{request.path}{request.headers.get('sec-websocket-protocol', '')}".isascii():
            raise ConnectionDeny(int(HTTPStatus.BAD_REQUEST), "The path and the subprotocols must be ASCII.")
        return super().onConnect(request)

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Send the application's close code and reason; autobahn's `sendClose` allows only 1000 and 3000 to 4999."""
        if message["type"] == "websocket.close" and self.state == self.STATE_OPEN:
            reason = message.get("reason") or ""
            self.sendCloseFrame(code=message.get("code") or CloseCode.NORMAL, reasonUtf8=reason.encode())
        elif message["type"] == "websocket.send" and self.state in {self.STATE_CLOSING, self.STATE_CLOSED}:
            raise ConnectionResetError("The client is gone.")  # an OSError, as ASGI requires (WebSocket, "Send")
        else:
            super().handle_reply(message)

    def _max_message_size_exceeded(self, msg_size: int, max_msg_size: int, reason: str) -> None:
        encoding = chosen([self.websocket_protocol_in_use or ""]) or Encoding.JSON
        self.sendMessage(TOO_BIG[encoding], not encoding.is_text)
        self._fail_connection(CloseCode.TOO_BIG, "message-too-big")


class PortalServer(Server):
    """Daphne with our protocol."""

    @property
    def ws_factory(self) -> WebSocketFactory:
        """The factory of the protocol objects of WebSockets; Daphne sets it when it starts."""
        return self._ws_factory

    @ws_factory.setter
    def ws_factory(self, factory: WebSocketFactory) -> None:
        factory.protocol = PortalWebSocketProtocol
        factory.setProtocolOptions(failByDrop=False, closeHandshakeTimeout=CLOSE_SECONDS)
        self._ws_factory = factory
