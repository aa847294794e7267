"""Uvicorn's HTTP protocol, with all answers in the order of their requests, and with little input in memory.

Uvicorn 0.54 answers a handshake before the requests that came with it, and takes in as many requests as a client sends
without reading the answers (RFC 9112, section 9.3.2). Limits and deadlines are in `realtime.server.http.protocol`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from realtime.server.websocket.upgrade import fault

if TYPE_CHECKING:
    from realtime.server.websocket.connection import WebSocketConnection

_ABSOLUTE = re.compile(rb"(?i)(?:http|ws)s?://(?:[^/?#@]*@)?(?P<host>[^/?#@]+)(?P<rest>.*)", re.DOTALL)

PIECE_BYTES = 4 * 1024
"""The size of the parser's input. The parser takes no more pipelined requests at once than fit into it."""


def absolute_form(target: bytes) -> tuple[bytes, bytes] | None:
    """The host named by a target in absolute form, and the target in origin form; None for other targets."""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        return None
    rest = absolute["rest"]
    return absolute["host"], rest if rest.startswith(b"/") else b"/" + rest


class Flow(FlowControl):
    """Flow control that stays paused while `held`, even if an application asks for more of its request."""

    held = False

    def hold(self) -> None:
        """Stop reading until `release`."""
        self.held = True
        self.pause_reading()

    def release(self) -> None:
        """Read again."""
        self.held = False
        self.resume_reading()

    def resume_reading(self) -> None:
        """Read, unless held."""
        if not self.held:
            super().resume_reading()


class OrderedHttpProtocol(HttpToolsProtocol):
    """One connection; a subclass decides what is refused."""

    flow: Flow

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unfed = b""
        """Input that waits until earlier requests are answered."""
        self._next: Callable[[], None] | None = None
        """The action to run once everything is answered."""
        self.websocket: WebSocketConnection | None = None
        """The WebSocket connection, after an upgrade."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Handle a new connection."""
        super().connection_made(transport)
        self.flow = Flow(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the connection."""
        self._next = None
        self._unfed = b""
        super().connection_lost(exc)

    def refuse(self, status: HTTPStatus) -> None:
        """Answer a request that cannot be read."""
        raise NotImplementedError

    @property
    def is_over(self) -> bool:
        """Whether input is no longer read here."""
        return self.websocket is not None or self.transport.is_closing()

    @property
    def is_answering(self) -> bool:
        """Whether a request is not answered yet."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _must_wait(self) -> bool:
        """Whether an earlier request waits for its answer, and input after it for that."""
        return bool(self.pipeline) or self._next is not None

    def feed(self, data: bytes) -> None:
        """Give the parser the input, as long as no earlier request waits for an answer."""
        view = memoryview(data)
        for start in range(0, len(data), PIECE_BYTES):
            if self.is_over:
                return
            if self._must_wait:
                self.hold(data[start:])
                return
            self.feed_piece(view[start : start + PIECE_BYTES])

    def hold(self, data: bytes) -> None:
        """Keep input for later, and read no more until then."""
        self._unfed += data
        self.flow.hold()

    def feed_held(self) -> None:
        """Give the parser what was held, unless earlier requests wait for an answer: then it is given after it."""
        if self._unfed and not self._must_wait:
            self.flow.release()
            unfed, self._unfed = self._unfed, b""
            self.feed(unfed)

    def feed_piece(self, piece: memoryview) -> None:
        """Give the parser one piece of input."""
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.when_answered(self.handle_websocket_upgrade)
        except httptools.HttpParserError:
            self.refuse(HTTPStatus.BAD_REQUEST)

    def on_headers_complete(self) -> None:
        """The head is complete. A target in absolute form gives the host and the path (RFC 9112, section 3.2.2)."""
        if absolute := absolute_form(self.url):
            host, self.url = absolute
            self.headers[:] = [line for line in self.headers if line[0] != b"host"]
            self.headers.append((b"host", host))
        super().on_headers_complete()

    def when_answered(self, act: Callable[[], None]) -> None:
        """Run `act` once all requests are answered."""
        if self.is_answering:
            self._next = act
        else:
            act()

    def on_response_complete(self) -> None:
        """A request is answered: the requests that came with it are next."""
        self.flow.held = False
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self.pipeline:
            if self._unfed:
                self.flow.hold()
        elif (act := self._next) is not None:
            self._next = None
            self._unset_keepalive_if_required()
            act()
        elif self._unfed:
            self._unset_keepalive_if_required()
            self.feed_held()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to a WebSocket.

        Input that came together with the handshake is lost (RFC 6455, section 4.1).
        """
        scope: Any = self.scope
        if status := fault(scope, self.url):
            self.refuse(status)
            return
        self._unfed = b""
        self.connections.discard(self)
        made: Any = self.ws_protocol_class  # the `ws=` of `realtime.server.process.run`
        self.websocket = websocket = made(self.config, self.server_state, self.app_state)
        self.transport.set_protocol(websocket)
        websocket.take_over(self)
        self.parser = None  # type: ignore[assignment]  # it has our methods, and we would be kept with the WebSocket
