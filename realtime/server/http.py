"""Uvicorn's HTTP protocol with bounds: how long a request may take to come, how long its head may be, who waits for whom.

What a request's body may hold, and how many requests are answered at once, is decided above (`portal.admission`).
A WebSocket starts here, too; once its handshake is done nothing here looks at it any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import httptools
import structlog
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from realtime.server.files import most_connections
from realtime.server.listening import BUSY
from realtime.server.seldom import Seldom
from realtime.server.sweep import sweep_of

HEAD_SECONDS = 10.0
"""How long a request line with its headers may take, from the connection or its first byte on; also a handshake."""
BODY_SECONDS = 60.0
"""How long a body may bring nothing."""
SLOWEST_BYTES = 8 * 1024
"""How much of a body has to come a second, on average, after its first minute."""
STUCK_SECONDS = 60.0
"""How long a client may read nothing of what waits for it."""
LINGER_SECONDS = 2.0
"""How long a client that was refused may go on sending, before it is cut; it would not read the answer otherwise."""
LINGER_BYTES = 1024 * 1024
"""How much it may send meanwhile."""

MAX_TARGET_BYTES = 8 * 1024
"""Of a request's path and query (RFC 9110, section 4.1, asks for 8,000 at least)."""
MAX_HEAD_BYTES = 32 * 1024
"""Of a request's target and headers together."""
MAX_HEADERS = 100
PIECE_BYTES = 4 * 1024
"""What the parser is given at once: so many small requests in one piece are no more than this holds."""
TURNED_AWAY_AT_ONCE = 32
"""How many connections too many are open at once, while they are told so."""

CONNECTION: Final = "portal.connection"
"""The extension of a request's scope that has its connection: see `Connection`."""

log = structlog.get_logger(__name__)
_too_many = Seldom()


class Awaited(Enum):
    """What has to come next."""

    HEAD = auto()
    BODY = auto()
    NOTHING = auto()


class _Refused(Exception):
    """Leaves a callback of the parser: the request is not read further."""


class _Flow(FlowControl):
    """Whether the client is heard: not while `held`, whoever would hear more of a request that is answered."""

    held = False

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection of `manage.py serve`, until it becomes a WebSocket."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._awaited = Awaited.HEAD
        self._since = self._progress = self._moved = 0.0
        self._heard = False
        """Whether anything of the awaited request has come."""
        self._silent = 0
        """Bytes that the parser has taken since it last told something."""
        self._head = 0
        self._body = 0
        self._waiting = 0
        self._status: HTTPStatus | None = None
        self._unfed = b""
        self._next: Callable[[], None] | None = None
        """What is done once all requests before it are answered."""
        self._deaf_since: float | None = None
        self._websocket: Any = None

    # What the transport says.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client has come; beyond the limit it is told to come back."""
        super().connection_made(transport)
        self.flow = self._flow = _Flow(transport)
        self._since = self._moved = self.loop.time()
        sweep_of(self.loop).watch(self)
        most = most_connections()
        if most and len(self.connections) > most:
            if times := _too_many.count():
                log.warning("too_many_connections", connections=most, refused=times)
            self._hear_no_more(BUSY)
            if len(self.connections) > most + TURNED_AWAY_AT_ONCE:
                transport.abort()

    def data_received(self, data: bytes) -> None:
        """The client has sent something."""
        now = self.loop.time()
        if self._deaf_since is not None:
            self._linger(len(data))
            return
        self._unset_keepalive_if_required()
        if self._awaited is Awaited.NOTHING:
            self._await(Awaited.HEAD, now)
        self._heard = True
        self._progress = now
        if self._awaited is Awaited.BODY and self.cycle is not None:
            self._body += len(data)
            if self.cycle.response_complete and self._body > LINGER_BYTES:
                self.transport.abort()
                return
        self._feed(data)

    def resume_writing(self) -> None:
        """The client has read most of what waited."""
        self._moved = self.loop.time()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        sweep_of(self.loop).forget(self)
        self._next = None
        self._unfed = b""
        super().connection_lost(exc)

    # What the parser says.

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: self.transport}  # type: ignore[typeddict-item]
        self._await(Awaited.HEAD, self._progress)
        self._heard = True
        self._head = 0

    def on_url(self, url: bytes) -> None:
        """A part of its target."""
        super().on_url(url)
        if len(self.url) > MAX_TARGET_BYTES:
            self._stop_reading(HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; one that comes behind the body is dropped (RFC 9110, section 6.5.1)."""
        if self._awaited is Awaited.BODY:
            return
        self._head += len(name) + len(value)
        if self._head + len(self.url) > MAX_HEAD_BYTES or len(self.headers) >= MAX_HEADERS:
            self._stop_reading(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete, and the request may be answered."""
        self._await(Awaited.BODY, self._progress)
        self._body = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._silent = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._await(Awaited.NOTHING, self._progress)
        super().on_message_complete()

    def _await(self, what: Awaited, now: float) -> None:
        self._awaited = what
        self._since = now
        self._heard = False
        self._silent = 0

    def _stop_reading(self, status: HTTPStatus) -> None:
        self._status = status
        raise _Refused

    # Requests in their order.

    def _feed(self, data: bytes) -> None:
        """Give the parser what has come, as long as nothing waits for an answer to what came before."""
        view = memoryview(data)
        for start in range(0, len(data), PIECE_BYTES):
            if self.pipeline or self._next is not None:
                self._unfed += data[start:]
                self._hold()
                return
            if self._deaf_since is not None or self._websocket is not None or self.transport.is_closing():
                return
            self._feed_piece(view[start : start + PIECE_BYTES])

    def _feed_piece(self, piece: memoryview) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self._when_answered(self.handle_websocket_upgrade)
        except httptools.HttpParserError:
            self._refuse(self._status or HTTPStatus.BAD_REQUEST)
        else:
            self._silent += len(piece)
            if self._silent > MAX_HEAD_BYTES + PIECE_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_response_complete(self) -> None:
        """A request is answered: it is the turn of those that came with it."""
        self._flow.held = False
        self._progress = self.loop.time()
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self.pipeline:
            if self._unfed:
                self._hold()
        elif (act := self._next) is not None:
            self._next = None
            self._unset_keepalive_if_required()
            act()
        elif self._unfed:
            unfed, self._unfed = self._unfed, b""
            self._unset_keepalive_if_required()
            self._feed(unfed)

    def _when_answered(self, act: Callable[[], None]) -> None:
        if self._is_answering:
            self._next = act
        else:
            act()

    def _hold(self) -> None:
        self._flow.held = True
        self._flow.pause_reading()

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to a WebSocket; what came in one piece with its request is lost (RFC 6455, 4.1)."""
        self._unfed = b""
        self._since = self.loop.time()
        super().handle_websocket_upgrade()
        self._websocket = self.transport.get_protocol()

    # Who takes too long, or asks for too much.

    def look(self, now: float) -> bool:
        """See `realtime.server.sweep.Watched`."""
        if self._websocket is not None:
            return self._look_at_handshake(now)
        if self._is_stuck(now) or (self._deaf_since is not None and now - self._deaf_since > LINGER_SECONDS):
            self.transport.abort()
        elif self.transport.is_closing() or self._deaf_since is not None:
            pass
        elif self._awaited is Awaited.BODY:
            if self._is_slow(now):
                self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        elif self._is_answering:
            self._since = now
        elif now - self._since > HEAD_SECONDS and self.timeout_keep_alive_task is None:
            if self._heard:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT)
            else:
                self.transport.close()
        return True

    def _is_slow(self, now: float) -> bool:
        return now - self._progress > BODY_SECONDS or now - self._since > BODY_SECONDS + self._body / SLOWEST_BYTES

    def _is_stuck(self, now: float) -> bool:
        waiting = self.transport.get_write_buffer_size()
        if not waiting or waiting != self._waiting:
            self._waiting, self._moved = waiting, now
        return now - self._moved > STUCK_SECONDS

    def _look_at_handshake(self, now: float) -> bool:
        """A handshake that the application does not answer ends, too."""
        if self._websocket.handshake_complete or self.transport.is_closing():
            return False
        if now - self._since > HEAD_SECONDS:
            self.transport.write(_answer(HTTPStatus.SERVICE_UNAVAILABLE, "Retry-After: 5"))
            self.transport.close()
        return True

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer what cannot be read, behind the answers to what came before it."""
        if self._awaited is not Awaited.BODY or self.cycle is None:
            self._when_answered(partial(self._hear_no_more, _answer(status)))
        elif self.cycle.response_started or self.pipeline:
            self.transport.abort()  # the answer to it has begun, or those before it have not ended
        else:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._hear_no_more(_answer(status))

    def _hear_no_more(self, answer: bytes) -> None:
        """Say it, and end the connection once the client has: closed with something unread, it might lose the answer."""
        self._deaf_since = self.loop.time()
        self._body = 0
        self.transport.write(answer)
        self.transport.write_eof()
        self._flow.held = False
        self._flow.resume_reading()

    def _linger(self, more: int) -> None:
        self._body += more
        if self._body > LINGER_BYTES:
            self.transport.abort()


def _answer(status: HTTPStatus, *headers: str) -> bytes:
    text = f"{status.phrase}: {_SENTENCES[status]}\n".encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(text)}",
        "Connection: close",
        *headers,
    )
    return "\r\n".join((*head, "", "")).encode() + text


_SENTENCES = {
    HTTPStatus.BAD_REQUEST: "this is not valid HTTP.",
    HTTPStatus.REQUEST_TIMEOUT: f"a request has to come within {HEAD_SECONDS:.0f} s, its body without long pauses.",
    HTTPStatus.REQUEST_URI_TOO_LONG: f"a path and its query have at most {MAX_TARGET_BYTES} bytes.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"at most {MAX_HEADERS} headers and {MAX_HEAD_BYTES} bytes of them.",
    HTTPStatus.SERVICE_UNAVAILABLE: "the handshake could not be answered in time; come back later.",
}
