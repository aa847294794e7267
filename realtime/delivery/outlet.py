"""The outgoing side of one connection: nothing here waits for a client.

A message for many connections is prepared once (`realtime.delivery.prepared`). A server that offers the ASGI scope
extension `portal.outlet` is the outlet itself and writes ready frames. For any other server a connection has a queue
and, while the queue is not empty, one task.

A message is taken if what waits before it is at most the limit, however long the message is. So an empty send buffer
takes every snapshot, and what waits is never more than the limit, one message, and answers. Beyond the limit, or when
something has waited for too long, an outlet is stalled (`stalled_since`): until all of it is read, it gets no message
that a newer state supersedes. Beyond the limit it is also full (`is_full`): its input waits.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings

from realtime.delivery.prepared import Form, Framing, Prepared, form
from realtime.metrics import names
from realtime.protocol.encodings import Encoding

EXTENSION = "portal.outlet"


class Seating(Protocol):
    """The part of an audience that an outlet uses."""

    def discard(self, connection_id: str, outlet: Outlet) -> None:
        """Remove the outlet."""

    def drained(self, connection_id: str) -> None:
        """Handle an outlet that left because it was stalled, and can be written to again."""

    def behind(self, connection_id: str) -> None:
        """Record that data waits for an outlet, after a write for it alone: its next message comes after that data."""


@dataclass(frozen=True, slots=True)
class Raw:
    """The socket below an outlet. While nothing waits (`waits`, in octets), ready frames may go to its descriptor.

    `fileno` is the socket's own: -1 once it is closed.
    """

    fileno: Callable[[], int]
    waits: Callable[[], int]


class Outlet(Protocol):
    """How a connection sends: in order, and without waiting.

    `write` takes messages in the given `form`, for the audience that the outlet is in. `sent` counts messages.
    `stalled_since` is a time of the monotonic clock, set while the client is too slow. It rises while the client takes
    enough of what waits. `is_full` says that more waits than the limit.
    """

    form: Form
    sent: int
    stalled_since: float | None
    is_full: bool

    @property
    def write(self) -> Callable[[Any], None]:
        """The function that writes one message in the outlet's form."""

    @property
    def waiting(self) -> int:
        """How much waits for the client, in octets; in characters if others make its frames."""

    @property
    def raw(self) -> Raw | None:
        """The socket, while the outlet is in an audience; None if it is not accessible."""

    def speak(self, encoding: Encoding) -> None:
        """Write in that encoding from now on: called at most once, before the first message."""

    def join(self, audience: Seating, connection_id: str) -> None:
        """Remember the audience: the outlet leaves it when it stalls or closes, and notifies it when it has drained."""

    def leave(self) -> None:
        """Leave the audience."""

    def deliver(self, message: Prepared) -> None:
        """Send a message; it is dropped if the connection is closing."""

    def close_after(self, code: int, reason: str) -> None:
        """Close after the messages delivered before; a stalled connection is cut if it does not even take the close."""

    async def wait_drained(self) -> None:
        """Wait until the outlet is no longer full, or the client is gone."""


class Addressee(Protocol):
    """Something that has an outlet."""

    @property
    def id(self) -> str:
        """The id in audiences."""

    @property
    def outlet(self) -> Outlet:
        """The outlet."""


def count_reply(message: Prepared, sent: Form) -> None:
    """Count a message to one connection. Those to an audience are counted together, by `realtime.rooms.seats`."""
    names.SENT.add(message.kind)
    names.SENT_BYTES.value += message.size_in(sent)


class Member:
    """The part of an outlet that belongs to an audience."""

    __slots__ = ("_audience", "_connection_id", "form", "is_full", "sent", "stalled_since")

    def __init__(self, form: Form) -> None:
        self.form = form
        self.sent = 0
        self.stalled_since: float | None = None
        self.is_full = False
        self._audience: Seating | None = None
        self._connection_id = ""

    def speak(self, encoding: Encoding) -> None:
        """Write in that encoding from now on."""
        self.form = form(self.form.framing, encoding)

    def join(self, audience: Seating, connection_id: str) -> None:
        """Remember the audience: it is notified when this outlet stalls, drains or closes."""
        self._audience, self._connection_id = audience, connection_id

    def leave(self) -> None:
        """Leave the audience, if there is one."""
        if self._audience is not None:
            self._audience.discard(self._connection_id, self)  # type: ignore[arg-type]  # every member is an outlet

    def _stall(self) -> None:
        self.stalled_since = time.monotonic()
        self.leave()

    def _drained(self) -> None:
        self.stalled_since, self.is_full = None, False
        if self._audience is not None:
            self._audience.drained(self._connection_id)


class QueueOutlet(Member):
    """Sends through ASGI's `send`, with a task that lives while messages wait."""

    raw: Raw | None = None

    def __init__(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        super().__init__(form(Framing.NONE))
        self._send = send
        self._waiting: deque[dict[str, Any]] = deque()
        self._waiting_size = 0
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """What is in the queue, in characters or octets."""
        return self._waiting_size

    def deliver(self, message: Prepared) -> None:
        """Queue a message; it is dropped if the connection is closing."""
        if not self._closed:
            self.sent += 1
            count_reply(message, self.form)
            self.write(message)

    def write(self, message: Prepared) -> None:
        """Queue a message, and stall if more waits than the limit."""
        encoding = self.form.encoding
        sent = message.text if encoding.is_text else message.content(encoding)
        self._put({"type": "websocket.send", "text" if encoding.is_text else "bytes": sent})
        self._waiting_size += len(sent)
        if 0 < settings.PORTAL_SEND_BUFFER_BYTES < self._waiting_size and self.stalled_since is None:
            self.is_full = True
            self._stall()

    def close_after(self, code: int, reason: str) -> None:
        """Queue the close after the messages; a stalled client loses the messages."""
        if self._closed:
            return
        self.leave()
        if self.stalled_since is not None:
            self._waiting.clear()
        self._put({"type": "websocket.close", "code": code, "reason": reason})
        self._closed = True

    async def wait_drained(self) -> None:
        """Return once the queue is empty, or the client is gone."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def _put(self, event: dict[str, Any]) -> None:
        self._waiting.append(event)
        if self._task is None:
            self._task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._waiting:
                event = self._waiting.popleft()
                await self._send(event)
                self._waiting_size -= len(event.get("text") or event.get("bytes") or "")
        except OSError:
            # The client is gone; the server tells the application with a disconnect event.
            self._closed = True
            self._waiting.clear()
            self.leave()
        finally:
            self._task = None
            self._waiting_size = 0
            if self.stalled_since is not None:
                self._drained()
