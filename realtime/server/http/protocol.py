"""The limits of an HTTP connection: the time for a request, the size of its head, and the number of connections.

`portal.admission` limits the size of a request's body and the number of requests answered at once. A WebSocket starts
here, too; after its handshake nothing here checks it any more.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog

from realtime.limits import rush
from realtime.seldom import Seldom
from realtime.server.http.gate import gate_of
from realtime.server.http.pipeline import PIECE_BYTES, OrderedHttpProtocol
from realtime.server.http.refusals import (
    BODY_SECONDS,
    HEAD_SECONDS,
    LINGER_BYTES,
    LINGER_SECONDS,
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_TARGET_BYTES,
    SLOWEST_BYTES,
    STUCK_SECONDS,
    TOO_LATE,
    TOO_MANY,
    answer,
)
from realtime.server.http.sweep import sweep_of
from realtime.server.process.condition import draining
from realtime.server.process.files import most_connections
from realtime.server.process.garbage import Turnover

if TYPE_CHECKING:
    from realtime.server.websocket.connection import WebSocketConnection

TURNED_AWAY_AT_ONCE = 32
"""The number of connections beyond the limit that are open at once to be told so."""

CONNECTION: Final = "portal.connection"
"""The scope extension with the transport of a request, for an application that must `abort` it."""

log = structlog.get_logger(__name__)
_too_many = Seldom()
_turnover = Turnover()


class Awaited(Enum):
    """The next input that the connection waits for."""

    HEAD = auto()
    BODY = auto()
    NOTHING = auto()


class TooLong(Exception):
    """Raised in a parser callback: the request is not read further."""


class BoundedHttpProtocol(OrderedHttpProtocol):
    """One connection of `manage.py serve`, until it becomes a WebSocket."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._awaited = Awaited.HEAD
        self._heard = False
        """Whether any of the awaited input has come."""
        self._since = self._progress = self._moved = 0.0
        """When the wait began, when input came last, and when the client last read something."""
        self._silent = self._head = self._body = self._waiting = 0
        """Bytes parsed since the parser's last callback; bytes of the head, of the body, and in the send buffer."""
        self._status = HTTPStatus.BAD_REQUEST
        self._deaf_since: float | None = None

    # Callbacks of the transport.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Handle a new connection. Beyond the limit it replaces a silent one, or is told to come back."""
        super().connection_made(transport)
        # `portal.outgoing` must know how much of an answer waits for the client.
        transport.set_write_buffer_limits(high=0)
        self._since = self._moved = self.loop.time()
        _turnover.count()
        self._sweep = sweep_of(self.loop)
        self._gate = gate_of(self.loop)
        self._sweep.watch(self)
        most = most_connections()
        if most and len(self.connections) > most and not self._take_place():
            if times := _too_many.count():
                log.warning("connections_refused", connections=most, refused=times)
            self._hear_no_more(TOO_MANY)
            if len(self.connections) > most + TURNED_AWAY_AT_ONCE:
                transport.abort()

    def data_received(self, data: bytes) -> None:
        """Handle input from the client."""
        self._progress = self.loop.time()
        self._sweep.watch(self)
        if self._awaited is Awaited.NOTHING:
            self._await(Awaited.HEAD)
        self._heard = True
        self._body += len(data)
        if self._is_done_with_body and self._body > LINGER_BYTES:
            self.transport.abort()
        elif not self.is_over:
            self._unset_keepalive_if_required()
            if self._awaited is Awaited.HEAD and not self._gate.enter(self.feed_held):
                self.hold(data)
            else:
                self.feed(data)

    def resume_writing(self) -> None:
        """The client has read the send buffer."""
        self._moved = self.loop.time()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the connection."""
        self._sweep.forget(self)
        super().connection_lost(exc)

    # Callbacks of the parser.

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        extensions: dict[str, Any] = {CONNECTION: self.transport}
        self.scope["extensions"] = extensions
        self._await(Awaited.HEAD)
        self._heard = True
        self._head = 0

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        super().on_url(url)
        if len(self.url) > MAX_TARGET_BYTES:
            self._stop(HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; a trailer after the body is dropped (RFC 9110, section 6.5.1)."""
        if self._awaited is Awaited.BODY:
            return
        self._head += len(name) + len(value)
        if self._head + len(self.url) > MAX_HEAD_BYTES or len(self.headers) >= MAX_HEADERS:
            self._stop(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete, and the request may be answered; it must name one host (RFC 9112, section 3.2)."""
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            self._stop(HTTPStatus.BAD_REQUEST)
        self._await(Awaited.BODY)
        super().on_headers_complete()
        cycle = self.pipeline[0][0] if self.pipeline else self.cycle
        if cycle is not None and draining.is_set():
            cycle.keep_alive = False  # the client's next request belongs to another connection

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._silent = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._await(Awaited.NOTHING)
        super().on_message_complete()

    def feed_piece(self, piece: memoryview) -> None:
        """Give the parser one piece. It buffers a header, a trailer or skipped input until that is complete."""
        super().feed_piece(piece)
        self._silent += len(piece)
        if self._silent > MAX_HEAD_BYTES + PIECE_BYTES and not self.is_over:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_response_complete(self) -> None:
        """A request is answered."""
        self._progress = self.loop.time()
        super().on_response_complete()

    def _await(self, what: Awaited) -> None:
        self._awaited = what
        self._since = self._progress
        self._heard = False
        self._silent = self._body = 0

    def _stop(self, status: HTTPStatus) -> None:
        self._status = status
        raise TooLong

    # Clients that take too long, or ask for too much.

    @property
    def is_over(self) -> bool:
        """Whether input is no longer read here."""
        return self._deaf_since is not None or super().is_over

    @property
    def _is_done_with_body(self) -> bool:
        """Whether the rest of the body is no longer needed, because the request was refused."""
        answered = self.cycle is not None and self.cycle.response_complete and self._awaited is Awaited.BODY
        return answered or self._deaf_since is not None

    @property
    def _is_awaited(self) -> bool:
        """Whether the client must act next: no request is being answered."""
        is_done = self._awaited is Awaited.NOTHING and self.is_answering
        return not is_done and not self.is_over

    def _take_place(self) -> bool:
        """End another connection, the one that has been silent for longest, if there is one."""
        silent = next((one for one in self._sweep if isinstance(one, BoundedHttpProtocol) and one._is_awaited), self)
        if silent is self:
            return False
        rush.notice()
        silent.transport.abort()
        return True

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to a WebSocket, which must finish its handshake in time."""
        self._since = self.loop.time()
        super().handle_websocket_upgrade()

    def look(self, now: float) -> bool:
        """Refuse or cut a client whose time is over; returns whether to look again."""
        if self.websocket is not None:
            return self._look_at_handshake(self.websocket, now)
        if self._is_stuck(now) or (self._deaf_since is not None and now - self._deaf_since > LINGER_SECONDS):
            self.transport.abort()
        elif not self.is_over and self._is_late(now):
            if self._heard or self._awaited is Awaited.BODY:
                self.refuse(HTTPStatus.REQUEST_TIMEOUT)
            else:
                self.transport.close()
        return True

    def _is_late(self, now: float) -> bool:
        if self._awaited is Awaited.BODY:
            silence, all_in_all = now - self._progress, now - self._since
            return silence > BODY_SECONDS or all_in_all > BODY_SECONDS + self._body / SLOWEST_BYTES
        if self.is_answering:
            self._since = now
        # Between two requests uvicorn has a timer, unless input came between them.
        return now - self._since > HEAD_SECONDS and self.timeout_keep_alive_task is None

    def _is_stuck(self, now: float) -> bool:
        waiting = self.transport.get_write_buffer_size()
        if not waiting or waiting != self._waiting:
            self._waiting, self._moved = waiting, now
        return now - self._moved > STUCK_SECONDS

    def _look_at_handshake(self, websocket: WebSocketConnection, now: float) -> bool:
        """End a handshake that the application does not answer in time."""
        if websocket.is_answered or self.transport.is_closing():
            return False
        if now - self._since > HEAD_SECONDS:
            self.transport.write(TOO_LATE)
            self.transport.close()
        return True

    def refuse(self, status: HTTPStatus) -> None:
        """Answer a request that cannot be read, after the answers to earlier requests."""
        if status is HTTPStatus.BAD_REQUEST:
            status = self._status
        if self._awaited is not Awaited.BODY or self.cycle is None:
            self.when_answered(partial(self._hear_no_more, answer(status)))
        elif self.cycle.response_started or self.pipeline:
            self.transport.abort()  # its answer has begun, or earlier answers have not ended
        else:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._hear_no_more(answer(status))

    def _hear_no_more(self, last: bytes) -> None:
        """Send a last answer, and close when the client has closed.

        With unread input, a close could lose the answer.
        """
        self._deaf_since = self.loop.time()
        self._body = 0
        self.transport.write(last)
        self.transport.write_eof()
        self.flow.release()
