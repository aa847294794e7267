"""Uvicorn's sans-I/O WebSocket protocol, with the ASGI scope extension `portal.frames` (see `realtime.delivery`).

A ready frame goes to the transport as it is: no task, no coroutine, no framing of its own for each connection.
"""

from __future__ import annotations

import logging
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from realtime.delivery import EXTENSION
from realtime.protocol import CLOSE_REASONS, Error, encode

TOO_BIG = encode(Error(message="The message is too long.", code="message-too-big")).encode()


class PortalServerProtocol(ServerProtocol):
    """Says why before it fails a connection, in the words of the protocol."""

    def fail(self, code: CloseCode | int, reason: str = "") -> None:
        """RFC 6455, section 7.1.7, with the error's code as the reason."""
        if code == CloseCode.MESSAGE_TOO_BIG and self.state is State.OPEN:
            self.send_text(TOO_BIG)
        super().fail(code, CLOSE_REASONS.get(int(code), reason))


class FramesProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection of `manage.py serve`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = PortalServerProtocol(
            max_size=self.config.ws_max_size or None, logger=logging.getLogger("uvicorn.error")
        )

    def handle_connect(self, event: Request) -> None:
        """Offer the extension to the application."""
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][EXTENSION] = self

    def write_frame(self, frame: bytes) -> None:
        """See `realtime.delivery.FrameWriter`."""
        if not self.close_sent and not self.disconnected:
            self.transport.write(frame)

    def close_after(self, code: int, reason: str) -> None:
        """See `realtime.delivery.FrameWriter`."""
        if self.close_sent or self.disconnected:
            return
        task = self.loop.create_task(self._close(code, reason))
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)

    async def _close(self, code: int, reason: str) -> None:
        if not self.close_sent and not self.disconnected:
            await self.send({"type": "websocket.close", "code": code, "reason": reason})
