"""Uvicorn's sans-I/O WebSocket protocol, which is its connection's outlet (see `realtime.delivery.outlet`).

A ready frame goes to the transport as it is: no task, no coroutine, no framing for each connection. The transport's
own marks say when a client is too slow. What a client may send is in `realtime.server.websocket.wire`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from socket import SO_ERROR, SOL_SOCKET
from typing import Any

import structlog
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.protocol import State

from realtime.delivery.outlet import EXTENSION, WINDOW_BITS, Form, Member, Prepared, Raw
from realtime.limits.entrance import over_limit
from realtime.limits.rates import COME_BACK_SECONDS
from realtime.rooms.connection import refuse
from realtime.server.websocket import upgrade
from realtime.server.websocket.portions import Portions
from realtime.server.websocket.slim import Gate, Inbox
from realtime.server.websocket.wire import PortalServerProtocol, deflate

LAST_WORD_SECONDS = 1.0
"""How long a client that was too slow, or said nothing, has to read why it is cut."""

_logger = logging.getLogger("uvicorn.error.websockets")
"""Whose level is set in `portal.logs`."""

PAUSE_SECONDS = 0.1
"""Between two portions of what a client still sends that was told to go: its close is behind them."""

log = structlog.get_logger(__name__)

NO_LIMIT = 2**31 - 1
"""Bytes that may wait for a client where the settings have no limit: event loops take no more."""


class FramesProtocol(WebSocketsSansIOProtocol, Member):
    """One WebSocket connection of `manage.py serve`."""

    # What uvicorn sets, too: an object with more than 30 attributes otherwise has a dictionary of its own, of 1.5 KB.
    __slots__ = (
        "app",
        "app_state",
        "asgi_version",
        "client",
        "close_sent",
        "close_timeout",
        "close_timer",
        "config",
        "conn",
        "connections",
        "curr_msg_data_type",
        "default_headers",
        "disconnected",
        "form",
        "frames",
        "handshake_complete",
        "handshake_initiated",
        "initial_response",
        "last_ping_rtt",
        "logger",
        "loop",
        "pending_ping_payload",
        "ping_interval",
        "ping_sent_at",
        "ping_timeout",
        "ping_timer",
        "pong_timer",
        "portions",
        "queue",
        "read_paused",
        "request",
        "response",
        "root_path",
        "scheme",
        "scope",
        "server",
        "tasks",
        "transport",
        "writable",
    )

    conn: PortalServerProtocol
    _deaf = False
    """Set once the connection has failed: then nothing more is heard."""
    _early = b""
    """What the client has sent before it was answered."""
    _next_portion: asyncio.Handle | None = None
    """Set while the next portion of what the client has sent is to be read by itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _logger
        self.conn = PortalServerProtocol(extensions=[deflate], max_size=self.config.ws_max_size or None, logger=_logger)
        self.form = Form.FRAME
        self.portions = Portions()
        self.queue = Inbox()  # type: ignore[assignment]  # the part of a queue that the base class uses
        self.writable = Gate()  # type: ignore[assignment]  # likewise of an event
        self.writable.set()

    # The outlet.

    @property
    def write(self) -> Callable[[bytes], None]:
        """See `realtime.delivery.outlet.Outlet`: the transport's own method, with nothing in between."""
        return self.transport.write

    @property
    def raw(self) -> Raw | None:  # type: ignore[override]  # read-only here
        """See `realtime.delivery.outlet.Outlet`; none below TLS, which would have to encrypt what is written."""
        if self.transport.get_extra_info("sslcontext") is not None:
            return None
        return Raw(self.transport.get_extra_info("socket").fileno(), self.transport.get_write_buffer_size)

    def deliver(self, message: Prepared) -> None:
        """See `realtime.delivery.outlet.Outlet`."""
        if self._is_open:
            self.sent += 1
            self.transport.write(message.in_form(self.form))

    def close_after(self, code: int, reason: str) -> None:
        """See `realtime.delivery.outlet.Outlet`."""
        self.leave()
        if not self._is_open:
            return
        # One that does not read is cut soon, whether it takes the close frame or not.
        self._cut_after(self.close_timeout if self.stalled_since is None else LAST_WORD_SECONDS)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.stalled_since is None:
            self._listen()

    async def drained(self) -> None:
        """See `realtime.delivery.outlet.Outlet`."""
        await self.writable.wait()

    @property
    def _is_open(self) -> bool:
        return self.conn.state is State.OPEN and not self.disconnected

    # What the transport says.

    def data_received(self, data: bytes) -> None:
        """The client has sent something: what came before a mistake is heard, whether in one piece with it or not."""
        if self._deaf:
            return
        if not self.handshake_complete:
            # A pong must not come before the response to the handshake.
            self._early += data
            self._do_not_listen()
        elif len(data) <= self.portions.size and not self.portions:
            self._read(data)
        else:
            self.portions.add(data)
            self._do_not_listen()
            if self._next_portion is None:
                self._read_portion()

    def _read_portion(self) -> None:
        """Read some of what the client has sent, unless what it has sent before is not taken yet."""
        self._next_portion = None
        if self._deaf or self.disconnected:
            self.portions.drop()
            return
        if self.portions and (self.close_sent or self._is_free):
            self._read(self.portions.take())
        if self.close_sent:
            self._listen()
        else:
            self._listen_again()

    def _read(self, data: bytes) -> None:
        frames, unpacked = self.conn.frames_read, self.conn.octets_read
        self.conn.receive_data(data)
        self.handle_events()
        frames, unpacked = self.conn.frames_read - frames, self.conn.octets_read - unpacked
        wait = self.portions.charge(frames, unpacked, len(data), self.loop.time())
        if wait and self._next_portion is None and over_limit("PORTAL_FRAMES_PER_SECOND"):
            self._do_not_listen()
            self._next_portion = self.loop.call_later(wait, self._read_portion)
            if self.portions.is_too_late(self.loop.time()):
                refuse(self, "rate-limited", "You send too many frames: connect again later.", wait=COME_BACK_SECONDS)
        if self.conn.parser_exc is not None:
            self.handle_parser_exception()
        elif self.transport.get_extra_info("socket").getsockopt(SOL_SOCKET, SO_ERROR):
            # Of a reset that came with data uvloop tells once, and aiofastnet has only read the data.
            self.transport.abort()

    def pause_writing(self) -> None:
        """More waits for the client than the limit; what it sends waits too, as each ping would add a pong."""
        super().pause_writing()
        self._stall()
        self._do_not_listen()

    def resume_writing(self) -> None:
        """The client has read most of what waited."""
        super().resume_writing()
        self._drained()
        self._listen_again()

    def eof_received(self) -> None:
        """The client will send nothing more: the transport closes, once it is rid of what waits."""
        self.leave()
        self._cut_after(self.close_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self.leave()
        self._forget_unread()
        super().connection_lost(exc)
        self.conn.parser.close()  # suspended, it would keep the parser, and that it

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """The application has ended; its scope has this connection, which must not have it for ever."""
        super().on_task_complete(task)
        del self.scope

    # What the application does.

    async def receive(self) -> Any:
        """The next ASGI event."""
        event = await self.queue.get()
        self._listen_again()
        return event

    async def send(self, message: Any) -> None:
        """An ASGI event of the application."""
        if message["type"] == "websocket.accept" and not self.handshake_complete and self.initial_response is None:
            self._accept(message)
            return
        await super().send(message)
        if message["type"] == "websocket.close":
            self._cut_after(self.close_timeout)
            self._listen()  # the client's close may be behind what is not read yet

    def _accept(self, message: Any) -> None:
        """Answer the handshake; OSError if the client is gone (ASGI, WebSocket, "Send")."""
        if self.disconnected:
            raise ClientDisconnected
        if self.transport.is_closing():
            return
        headers = self.response.headers
        for name, value in message.get("headers", ()):
            headers[name.decode("latin-1")] = value.decode("latin-1")
        if subprotocol := message.get("subprotocol"):
            headers["Sec-WebSocket-Protocol"] = subprotocol
        self.handshake_complete = True
        self.conn.send_response(self.response)
        del self.response
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.start_keepalive()
        self._hear_early()
        self._listen_again()

    # What the client sends.

    def take_over(self, http: HttpToolsProtocol) -> None:
        """Go on with a connection whose handshake the HTTP parser has read (RFC 6455, section 4.2.1)."""
        self.transport, self.client = http.transport, http.client
        self.connections.add(self)
        scope: Any = http.scope
        asked = upgrade.request(scope, http.url)
        self.response = self.conn.accept(asked)
        if self.response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._refuse_handshake()
            return
        if any(
            isinstance(extension, PerMessageDeflate) and extension.local_max_window_bits >= WINDOW_BITS
            for extension in self.conn.extensions
        ):
            self.form = Form.COMPRESSED
        offered = asked.headers.get_all("Sec-WebSocket-Protocol")
        self.scope: Any = upgrade.websocket_scope(scope, http.url, offered)
        self.scope["extensions"] = {"websocket.http.response": {}, EXTENSION: self}
        self.transport.set_write_buffer_limits(high=settings.PORTAL_SEND_BUFFER_BYTES or NO_LIMIT)
        self.queue.put_nowait({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)

    def _refuse_handshake(self) -> None:
        self.handshake_complete = self.close_sent = True
        self.conn.send_response(self.response)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    def handle_cont(self, event: Frame) -> None:
        """A further fragment; in one buffer, as a message may be in any number of them, empty ones too."""
        pieces: list[Any] = self.frames
        if not isinstance(pieces[0], bytearray):
            pieces[0] = bytearray(pieces[0])
        pieces[0] += event.data
        if event.fin:
            pieces[0] = bytes(pieces[0])
            self.send_receive_event_to_app()

    def send_receive_event_to_app(self) -> None:
        """Hand a message on, and read no further if the application has not taken the one before it."""
        held = not self.queue.empty()
        data = b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return  # but go on reading: the client's close is behind it
        if self.curr_msg_data_type == "text":
            self.queue.put_nowait({"type": "websocket.receive", "text": data.decode()})
        else:
            self.queue.put_nowait({"type": "websocket.receive", "bytes": data})
        if held:
            self._do_not_listen()

    # Wherever a connection ends, nothing more may be written behind the close frame, and none may wait without end
    # for a client that does not read.

    def handle_close(self, event: Frame) -> None:
        """The client closes."""
        self.leave()
        super().handle_close(event)
        self._cut_after(self.close_timeout)

    def handle_parser_exception(self) -> None:
        """The client breaks the protocol (RFC 6455, section 7.1.7).

        It may go on sending. A socket that is closed with something unread is reset, and then the client may never see
        why: so the end waits until the client has closed too.
        """
        self.leave()
        self._deaf = True
        self._forget_unread()
        close: Any = self.conn.close_sent
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.write_eof()
        self._cut_after(self.close_timeout)
        self._listen()

    def shutdown(self) -> None:
        """The server stops."""
        self.leave()
        # Who has closed already was answered.
        self.close_sent = self.close_sent or self.conn.state is State.CLOSING
        super().shutdown()
        self._cut_after(self.close_timeout)

    def keepalive_timeout(self) -> None:
        """Send a client away that does not answer a ping, unless it is we who do not listen: then ask again."""
        self.pong_timer = self.pending_ping_payload = None
        if self.read_paused:
            self.schedule_ping()
        elif self._is_open and not self.close_sent:
            log.info("no_answer", seconds=self.ping_timeout)
            refuse(self, "no-answer", "You did not answer a ping in time: connect again.")
            self._cut_after(LAST_WORD_SECONDS)

    def _cut_after(self, seconds: float) -> None:
        """Cut the connection, unless it has ended by then: a transport that is closed first sends what waits."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(seconds, self.transport.abort)

    def _hear_early(self) -> None:
        if self._early and self.handshake_complete:
            early, self._early = self._early, b""
            self.data_received(early)

    def _do_not_listen(self) -> None:
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _listen(self) -> None:
        if self._next_portion is not None:
            return
        if self.portions:
            pause = PAUSE_SECONDS if self.close_sent else 0
            self._next_portion = self.loop.call_later(pause, self._read_portion)
        elif self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def _forget_unread(self) -> None:
        self.portions.drop()
        if self._next_portion is not None:
            self._next_portion.cancel()
            self._next_portion = None

    @property
    def _is_free(self) -> bool:
        """Whether the application has taken everything, and the client what waits for it."""
        return self.handshake_complete and self.stalled_since is None and self.queue.empty()

    def _listen_again(self) -> None:
        if self._is_free:
            self._listen()
