"""A WebSocket connection of `manage.py serve`: websockets' sans-I/O protocol on a transport, with an ASGI application.

A connection is its own outlet (see `realtime.delivery.outlet`); the transport's high and low marks show when a client
is too slow. `realtime.server.websocket.wire` defines what a client may send, `intake` when it is read, and `sender`
what is written. Uvicorn provides what all connections share: the configuration, their set, and the set of their tasks.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from http import HTTPStatus
from random import getrandbits
from socket import SO_ERROR, SOL_SOCKET
from typing import Any

import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import CloseCode as FrameCode
from websockets.frames import Opcode
from websockets.http11 import Response

from realtime.delivery.outlet import EXTENSION
from realtime.delivery.prepared import WINDOW_BITS, Framing, form
from realtime.limits.rates import COME_BACK_SECONDS
from realtime.metrics import names
from realtime.protocol.closing import CloseCode
from realtime.rooms.connection import refuse
from realtime.server.websocket import upgrade
from realtime.server.websocket.application import Application
from realtime.server.websocket.inbox import Inbox
from realtime.server.websocket.intake import Intake
from realtime.server.websocket.keepalive import PING_SECONDS, keepalive_of
from realtime.server.websocket.pace import pace_of
from realtime.server.websocket.phase import Phase
from realtime.server.websocket.sender import Sender
from realtime.server.websocket.wire import PortalServerProtocol, deflate

CLOSE_SECONDS = 10.0
"""How long a client has to answer a close frame."""
LAST_WORD_SECONDS = 1.0
"""The time a client that was too slow or silent has to read why it is cut."""
GOODBYE_SECONDS = 2.0
"""How long a client has to answer the close frame of a server that ends."""
GOING_AWAY = "going-away"

_logger = logging.getLogger("uvicorn.error.websockets")
"""The level of this logger is set in `portal.logs`."""

log = structlog.get_logger(__name__)


class WebSocketConnection(Sender, asyncio.Protocol):
    """One connection, from its handshake on."""

    __slots__ = ("_app", "_connections", "_inbox", "_intake", "_is_leaving", "_ping", "_tasks", "close_seconds")

    _intake: Intake

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        wire = PortalServerProtocol(extensions=[deflate], max_size=config.ws_max_size or None, logger=_logger)
        super().__init__(wire, asyncio.get_running_loop())
        self._app: Any = config.loaded_app
        self._connections: set[Any] = server_state.connections
        self._tasks = server_state.tasks
        self._inbox = Inbox()
        self._is_leaving = False
        self._ping: bytes | None = None
        """The payload of the ping that the client has not answered yet."""
        self.close_seconds = CLOSE_SECONDS

    # The handshake.

    def take_over(self, http: HttpToolsProtocol) -> None:
        """Continue a connection whose handshake the HTTP parser has read (RFC 6455, section 4.2.1)."""
        self.transport = http.transport
        self._intake = Intake(self, http.transport, self._loop)
        self._connections.add(self)
        scope: Any = http.scope
        asked = upgrade.request(scope, http.url)
        response = self.wire.accept(asked)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self.deny(response)
            return
        deflates = [one for one in self.wire.extensions if isinstance(one, PerMessageDeflate)]
        if any(one.local_max_window_bits >= WINDOW_BITS for one in deflates):
            self.form = form(Framing.DEFLATED)
        offered = asked.headers.get_all("Sec-WebSocket-Protocol")
        scope = upgrade.websocket_scope(scope, http.url, offered)
        scope["extensions"] = {"websocket.http.response": {}, EXTENSION: self}
        self.transport.set_write_buffer_limits(high=self.limit, low=0)
        self._inbox.put({"type": "websocket.connect"})
        task = self._loop.create_task(Application(self._app, self, response).run(scope))
        task.add_done_callback(self._tasks.discard)
        self._tasks.add(task)

    def open(self, response: Response) -> None:
        """Answer the handshake with this response, which is 101: from now on messages go both ways."""
        if self.transport.is_closing():
            return
        self.phase = Phase.OPEN
        self.wire.send_response(response)
        self._flush()
        keepalive_of(self._loop).watch(self)
        pace_of(self._loop).watch(self)
        self._intake.resume()

    def deny(self, response: Response) -> None:
        """Answer the handshake with this response, and close."""
        self.phase = Phase.CLOSING
        self._inbox.put({"type": "websocket.disconnect", "code": FrameCode.ABNORMAL_CLOSURE})
        self.wire.send_response(response)
        self._flush()
        self._close_transport()

    # The application.

    async def receive(self) -> Any:
        """Return the next ASGI event; then more may be read from the client."""
        event = await self._inbox.get()
        self._intake.resume()
        return event

    def end(self) -> None:
        """Close, because the application has ended: with 1012 if the server ended it, with 1011 otherwise."""
        if self._is_leaving:
            self.close_after(CloseCode.RESTART, GOING_AWAY)
        else:
            self.close_after(CloseCode.INTERNAL, "internal-error")

    def close_after(self, code: int, reason: str) -> None:
        """Send a close frame after the messages delivered before, and cut a client that does not answer in time."""
        self.leave()
        if self.phase is not Phase.OPEN:
            return
        self.phase = Phase.CLOSING
        # A client that does not read is cut soon, whether it takes the close frame or not.
        self._cut_after(self.close_seconds if self.stalled_since is None else LAST_WORD_SECONDS)
        self._inbox.put({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.wire.send_close(code, reason)
        self._flush()
        self._intake.resume()  # the client's close frame may be in the unread input

    # Callbacks of the transport.

    def data_received(self, data: bytes) -> None:
        """Handle input from the client."""
        names.RECEIVED_BYTES.value += len(data)
        self._intake.come(data)

    def pause_writing(self) -> None:
        """The client is too slow. If the send buffer is full, input waits too: each ping would add a pong."""
        self._stall()
        if self.is_full:
            self._intake.pause()

    def fall_behind(self) -> None:
        """Data has waited for the client for too long: until it is read, nothing follows that a state supersedes."""
        if self.stalled_since is None and self.phase is Phase.OPEN:
            self.transport.set_write_buffer_limits(high=0)  # which calls `pause_writing` at once

    def resume_writing(self) -> None:
        """The client has read the send buffer."""
        self.transport.set_write_buffer_limits(high=self.limit, low=0)
        self._drained()
        self._wake()
        self._intake.resume()

    def eof_received(self) -> None:
        """The client will send nothing more: the transport closes once its buffer is empty."""
        self.leave()
        self._cut_after(self.close_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the connection."""
        self.leave()
        code = FrameCode.ABNORMAL_CLOSURE if self.phase is Phase.HANDSHAKE else FrameCode.NO_STATUS_RCVD
        self.phase = Phase.GONE
        self._inbox.put({"type": "websocket.disconnect", "code": code})
        self._intake.stop()
        self._connections.discard(self)
        keepalive_of(self._loop).forget(self)
        pace_of(self._loop).forget(self)
        self._do_not_cut()
        self._wake()
        self.wire.parser.close()  # a suspended parser would stay alive, and keep this connection
        self.transport.close()

    # Input from the client.

    @property
    def is_ready(self) -> bool:
        """Whether input is processed: the client reads its messages, and the application keeps up."""
        if self.is_full:
            return False
        return self.phase is Phase.CLOSING or (self.phase is Phase.OPEN and self._inbox.is_empty)

    def read(self, data: bytes) -> None:
        """Parse input from the client, and handle its messages and control frames."""
        wire = self.wire
        frames, unpacked = wire.frames_read, wire.octets_read
        wire.receive_data(data)
        self._flush()
        for event in wire.events_received():
            self._take(event)
        if self.is_full:
            self._intake.pause()
        if self._intake.pay(wire.frames_read - frames, wire.octets_read - unpacked, len(data)):
            refuse(self, "rate-limited", "You send too many frames: connect again later.", wait=COME_BACK_SECONDS)
        if wire.parser_exc is not None:
            self._fail()
        elif self.transport.get_extra_info("socket").getsockopt(SOL_SOCKET, SO_ERROR):
            # uvloop reports a reset that came with data only once, and aiofastnet has only read the data.
            self.transport.abort()

    def _take(self, event: Any) -> None:
        if isinstance(event, str | bytes):
            self._take_message(event)
        elif event.opcode is Opcode.CLOSE:
            self._client_closes()
        elif event.opcode is Opcode.PONG and event.data == self._ping:
            self._ping = None

    def _take_message(self, content: str | bytes) -> None:
        """Pass a message on, and stop reading if the application has not taken the previous one."""
        if self.phase is not Phase.OPEN:
            return
        is_behind = not self._inbox.is_empty
        self._inbox.put({"type": "websocket.receive", "text" if isinstance(content, str) else "bytes": content})
        if is_behind:
            self._intake.pause()

    # Whatever ends a connection, only pongs may be written after the close frame, and none may wait without end for a
    # client that does not read.

    def _client_closes(self) -> None:
        """Handle the client's close frame: it is answered already, unless it is itself an answer."""
        self.leave()
        if self.phase is Phase.OPEN:
            self.phase = Phase.CLOSING
            close: Any = self.wire.close_rcvd
            self._inbox.put({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self._close_transport()

    def _fail(self) -> None:
        """Handle a violation of the protocol (RFC 6455, section 7.1.7); the close frame that says so is written.

        The client may continue to send. A socket that is closed with unread input is reset, and then the client may
        never see the reason. So the end waits until the client has closed too.
        """
        self.leave()
        self.phase = Phase.CLOSING
        close: Any = self.wire.close_sent
        self._inbox.put({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.transport.write_eof()
        self._cut_after(self.close_seconds)
        self._intake.stop()

    def _close_transport(self) -> None:
        self.transport.close()
        self._cut_after(self.close_seconds)

    # Pings and the end, started by the server.

    def ping(self) -> bool:
        """Ping the client; close if it could have answered the last ping and did not. Returns whether to ping again."""
        if self.phase is not Phase.OPEN:
            return False
        self._note_progress()
        if self._ping is not None and not self._intake.is_paused and self.stalled_since is None:
            log.info("no_answer", seconds=PING_SECONDS)
            refuse(self, "no-answer", "You did not answer a ping in time: connect again.")
            self._cut_after(LAST_WORD_SECONDS)
            return False
        self._ping = struct.pack("!I", getrandbits(32))
        self.wire.send_ping(self._ping)
        self._flush()
        return True

    def finish(self) -> None:
        """Read nothing more from the client, and close when everything is done and answered.

        The application gets a disconnect event after all that the client has sent, so it ends in its usual way.
        """
        if self.phase is Phase.OPEN and not self._is_leaving:
            self._is_leaving = True
            self.close_seconds = GOODBYE_SECONDS
            self._inbox.put({"type": "websocket.disconnect", "code": CloseCode.RESTART, "reason": GOING_AWAY})

    def shutdown(self) -> None:
        """End at once, because the server ends."""
        if self.phase is Phase.HANDSHAKE:
            self.deny(upgrade.denial(HTTPStatus.SERVICE_UNAVAILABLE, (), b""))
        self.close_after(CloseCode.RESTART, "")
        self._close_transport()
