"""Uvicorn's sans-I/O WebSocket protocol, which is its connection's outlet (see `realtime.delivery`).

A ready frame goes to the transport as it is: no task, no coroutine, no framing for each connection. The transport's
own marks say when a client is too slow.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from realtime.delivery import EXTENSION, WINDOW_BITS, Prepared
from realtime.protocol import CLOSE_REASONS, Error, encode

LAST_WORD_SECONDS = 1.0
"""How long a client that was too slow has to read why it is cut."""

TOO_BIG = encode(Error(message="The message is too long.", code="message-too-big")).encode()

_deflate = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=WINDOW_BITS,
    client_max_window_bits=WINDOW_BITS,
)


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
            extensions=[_deflate], max_size=self.config.ws_max_size or None, logger=logging.getLogger("uvicorn.error")
        )
        self.sent = 0
        self.stalled_since: float | None = None
        self.on_drain: Callable[[], None] | None = None
        self._compresses = False

    def handle_connect(self, event: Request) -> None:
        """Offer the outlet to the application."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is None:  # the handshake failed
            return
        scope["extensions"][EXTENSION] = self
        self._compresses = any(
            isinstance(extension, PerMessageDeflate) and extension.local_max_window_bits >= WINDOW_BITS
            for extension in self.conn.extensions
        )
        if settings.PORTAL_SEND_BUFFER_BYTES:
            self.transport.set_write_buffer_limits(high=settings.PORTAL_SEND_BUFFER_BYTES)

    def deliver(self, message: Prepared) -> None:
        """See `realtime.delivery.Outlet`."""
        if not self.close_sent and not self.disconnected:
            self.sent += 1
            self.transport.write(message.compressed if self._compresses else message.frame)

    def close_after(self, code: int, reason: str) -> None:
        """See `realtime.delivery.Outlet`."""
        if self.close_sent or self.disconnected or self.conn.state is not State.OPEN:
            return
        if self.stalled_since is not None:
            # It does not read: whether it takes the close frame or not, it is cut.
            self.loop.call_later(LAST_WORD_SECONDS, self.transport.abort)
            self.writable.set()
        task = self.loop.create_task(self.send({"type": "websocket.close", "code": code, "reason": reason}))
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)

    async def drained(self) -> None:
        """See `realtime.delivery.Outlet`."""
        await self.writable.wait()

    def pause_writing(self) -> None:
        """More waits for the client than the limit."""
        super().pause_writing()
        self.stalled_since = time.monotonic()

    def resume_writing(self) -> None:
        """The client has read most of what waited."""
        super().resume_writing()
        self.stalled_since = None
        on_drain, self.on_drain = self.on_drain, None
        if on_drain is not None:
            on_drain()

    def keepalive_timeout(self) -> None:
        """Cut a client that does not answer a ping: what waits for it will never be read."""
        super().keepalive_timeout()
        self.transport.abort()
