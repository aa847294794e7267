"""Uvicorn's sans-I/O WebSocket protocol, which is its connection's outlet (see `realtime.delivery`).

A ready frame goes to the transport as it is: no task, no coroutine, no framing for each connection. The transport's
own marks say when a client is too slow.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from realtime.delivery import EXTENSION, WINDOW_BITS, Form, Member, Prepared
from realtime.protocol import CLOSE_REASONS, Error, encode
from realtime.server.slim import Gate, Inbox

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


class FramesProtocol(WebSocketsSansIOProtocol, Member):
    """One WebSocket connection of `manage.py serve`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = PortalServerProtocol(
            extensions=[_deflate], max_size=self.config.ws_max_size or None, logger=logging.getLogger("uvicorn.error")
        )
        self.form = Form.FRAME
        self.queue = Inbox()  # type: ignore[assignment]  # the part of a queue that the base class uses
        self.writable = Gate()  # type: ignore[assignment]  # likewise of an event
        self.writable.set()

    def handle_connect(self, event: Request) -> None:
        """Offer the outlet to the application."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is None:  # the handshake failed
            return
        scope["extensions"][EXTENSION] = self
        if any(
            isinstance(extension, PerMessageDeflate) and extension.local_max_window_bits >= WINDOW_BITS
            for extension in self.conn.extensions
        ):
            self.form = Form.COMPRESSED
        # The application has its own copies of what it needs; kept, these are several KiB for each connection.
        del self.request
        if settings.PORTAL_SEND_BUFFER_BYTES:
            self.transport.set_write_buffer_limits(high=settings.PORTAL_SEND_BUFFER_BYTES)

    async def send(self, message: Any) -> None:
        """An ASGI event of the application; the response to the handshake is dropped once it is sent."""
        await super().send(message)
        if message["type"] == "websocket.accept":
            del self.response

    @property
    def write(self) -> Callable[[bytes], None]:
        """See `realtime.delivery.Outlet`: the transport's own method, with nothing in between."""
        return self.transport.write

    def deliver(self, message: Prepared) -> None:
        """See `realtime.delivery.Outlet`."""
        if not self.close_sent and not self.disconnected:
            self.sent += 1
            self.transport.write(message.in_form(self.form))

    def close_after(self, code: int, reason: str) -> None:
        """See `realtime.delivery.Outlet`."""
        self.leave()
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
        self._stall()

    def resume_writing(self) -> None:
        """The client has read most of what waited."""
        super().resume_writing()
        self._drained()

    # Wherever the base class closes, nothing more may be written behind the close frame.

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self.leave()
        super().connection_lost(exc)

    def handle_close(self, event: Frame) -> None:
        """The client closes."""
        self.leave()
        super().handle_close(event)

    def handle_parser_exception(self) -> None:
        """The client breaks the protocol (RFC 6455, section 7.1.7)."""
        self.leave()
        super().handle_parser_exception()

    def shutdown(self) -> None:
        """The server stops."""
        self.leave()
        super().shutdown()

    def keepalive_timeout(self) -> None:
        """Cut a client that does not answer a ping: what waits for it will never be read."""
        self.leave()
        super().keepalive_timeout()
        self.transport.abort()
