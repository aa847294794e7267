"""The frames that a connection writes, and when a slow client is cut (see `realtime.delivery.outlet`).

A ready frame goes to the transport as it is: no task, no coroutine and no framing for each client.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from django.conf import settings

from realtime.delivery.outlet import Member, Raw, count_reply
from realtime.delivery.prepared import Framing, Prepared, form
from realtime.protocol.encodings import Encoding
from realtime.server.websocket.phase import Phase
from realtime.server.websocket.wire import PortalServerProtocol

PROGRESS_BYTES = 8_192
"""A stalled client that takes so much from one ping to the next is slow, but not too slow: its time begins anew."""
NO_LIMIT = 2**31 - 1
"""The send buffer limit if the settings have none, in octets: event loops accept no more."""


class Sender(Member):
    """The sending side of a connection."""

    __slots__ = ("_cut", "_loop", "_on_drain", "_waited", "phase", "transport", "wire")

    transport: asyncio.Transport

    def __init__(self, wire: PortalServerProtocol, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(form(Framing.PLAIN))
        self._loop = loop
        self._cut: asyncio.TimerHandle | None = None
        self._on_drain: asyncio.Future[None] | None = None
        self._waited = 0
        """What waited when a stalled client was last looked at."""
        self.phase = Phase.HANDSHAKE
        self.wire = wire

    def speak(self, encoding: Encoding) -> None:
        """Write in that encoding from now on."""
        super().speak(encoding)
        if encoding is not self.wire.encoding:  # an attribute more of each connection is memory
            self.wire.encoding = encoding

    @property
    def is_answered(self) -> bool:
        """Whether the handshake is answered."""
        return self.phase is not Phase.HANDSHAKE

    @property
    def is_closing(self) -> bool:
        """Whether the close frame is sent, and only the client's is awaited."""
        return self.phase is Phase.CLOSING

    @property
    def write(self) -> Callable[[bytes], None]:
        """The transport's own method, with nothing in between: it takes a frame in the form of this connection."""
        return self.transport.write

    @property
    def raw(self) -> Raw | None:
        """The socket below the transport; None with TLS, which would have to encrypt the bytes."""
        if self.transport.get_extra_info("sslcontext") is not None:
            return None
        # The method of the socket itself: asyncio's TransportSocket would add a call in Python to each question.
        socket = self.transport.get_extra_info("socket")
        return Raw(getattr(socket, "_sock", socket).fileno, self.transport.get_write_buffer_size)

    @property
    def waiting(self) -> int:
        """The octets that the transport holds for the client."""
        return self.transport.get_write_buffer_size()

    def deliver(self, message: Prepared) -> None:
        """Send a message; it is dropped unless the connection is open."""
        if self.phase is Phase.OPEN:
            self.sent += 1
            count_reply(message, self.form)
            self._put(message.in_form(self.form))

    async def wait_drained(self) -> None:
        """Return once the client has read the send buffer, or is gone."""
        while self.is_full and self.phase is not Phase.GONE:
            if self._on_drain is None:
                self._on_drain = self._loop.create_future()
            # A caller that stops waiting must not cancel the future of the others.
            await asyncio.shield(self._on_drain)

    @property
    def limit(self) -> int:
        """Octets that may wait before the client's input waits, too."""
        return settings.PORTAL_SEND_BUFFER_BYTES or NO_LIMIT

    def _stall(self) -> None:
        super()._stall()
        self._waited = self.transport.get_write_buffer_size()
        self.is_full = self._waited > self.limit

    def _note_progress(self) -> None:
        """Give a stalled client its time anew if it has taken enough: a long message on a slow line is no stall."""
        if self.stalled_since is not None:
            waits = self.transport.get_write_buffer_size()
            if waits <= self._waited - PROGRESS_BYTES:
                self.stalled_since = time.monotonic()
            self._waited = min(self._waited, waits)

    def send_message(self, content: str | bytes) -> None:
        """Send a message for this client alone, from any application."""
        if isinstance(content, str):
            self.wire.send_text(content.encode())
        else:
            self.wire.send_binary(content)
        self._flush()

    def _flush(self) -> None:
        """Write the frames that the protocol has prepared."""
        if waiting := self.wire.data_to_send():
            self._put(b"".join(waiting))

    def _put(self, data: bytes) -> None:
        """Write for this client alone. Every such write is here: the audience does not ask whether data waits."""
        self.transport.write(data)
        if waits := self.transport.get_write_buffer_size():
            if self._audience is not None:
                self._audience.behind(self._connection_id)
            # A client that fell behind gets answers alone, and its transport reports nothing until all is read.
            self.is_full = self.is_full or (self.stalled_since is not None and waits > self.limit)

    def _wake(self) -> None:
        """Wake the callers that wait until it has drained."""
        waiting, self._on_drain = self._on_drain, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _cut_after(self, seconds: float) -> None:
        """Cut the connection, unless it has ended by then: a transport that is closed first sends its buffer."""
        self._do_not_cut()
        self._cut = self._loop.call_later(seconds, self.transport.abort)

    def _do_not_cut(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None
