"""One connection: what goes out in order, what comes in, and whether the other end is still there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from .backoff import CUT, Ending
from .codec import Codec
from .errors import CONNECTION_LOST, PortalError, from_message
from .fold import Message
from .tables import CLOSE_REASONS

CONNECTED_SECONDS = 30.0
"""How long the first message may take: a long state on a slow network."""
PING_SECONDS = 25.0
PONG_SECONDS = 10.0
LATE_SECONDS = 2.0
"""A timer that fires this much too late says nothing about the line: this process, or the machine, was asleep."""


class Line:
    """An open WebSocket. `connection_id` is set by `connected`; until then nothing may be sent."""

    def __init__(self, socket: ClientConnection, codec: Codec, entry: str) -> None:
        self.socket = socket
        self.entry = entry
        """The subprotocol that says who this is."""
        self.connection_id = ""
        self.heard_at = time.monotonic()
        self.is_let_in = asyncio.Event()
        self._codec = codec
        self._outbox: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._asked: dict[Any, asyncio.Future[Message]] = {}
        self._said: Message = {}

    # Out.

    def put(self, message: Message) -> None:
        """Send a message after those before; TypeError or ValueError if it cannot be encoded."""
        self._outbox.put_nowait(self._codec.encode(message))

    def ask(self, message: Message) -> asyncio.Future[Message]:
        """Send a message; the answer to its `ref`, or PortalError."""
        self.put(message)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked[message["ref"]] = future
        future.add_done_callback(lambda _: self._asked.pop(message["ref"], None))
        return future

    async def write(self) -> None:
        """Send what is put, until the connection ends."""
        with suppress(ConnectionClosed):  # the reader learns why
            while True:
                await self.socket.send(await self._outbox.get())

    # In.

    async def messages(self) -> AsyncIterator[Message]:
        """The messages of the server, until the connection ends."""
        with suppress(ConnectionClosed):  # `ending` says how
            async for frame in self.socket:
                self.heard_at = time.monotonic()
                message = self._codec.decode(frame)
                if message["type"] in {"error", "going-away"}:
                    self._said = message
                yield message

    def answer(self, message: Message) -> None:
        """Settle the question that this `ack`, `pong` or `error` answers, if it answers one."""
        future = self._asked.get(message.get("ref"))
        if future is not None and not future.done():
            if message["type"] == "error":
                future.set_exception(from_message(message))
            else:
                future.set_result(message)

    # The end.

    def cut(self) -> None:
        """End the connection at once, without a word to the other end."""
        self.socket.transport.abort()

    def ending(self) -> Ending:
        """How it has ended, as the server said."""
        code = CUT if self.socket.close_code is None else self.socket.close_code
        reason = self.socket.close_reason or CLOSE_REASONS.get(code, "")
        said = self._said if reason in {self._said.get("code"), self._said.get("type")} else {}
        wait = said.get("retryAfter")
        sentence = said.get("message") or f"The server closed the connection: {reason or code}."
        return Ending(code, reason, sentence, None if wait is None else wait / 1000)

    def fail_asked(self) -> None:
        """Fail the questions that have no answer."""
        for future in tuple(self._asked.values()):
            if not future.done():
                future.set_exception(PortalError(CONNECTION_LOST, "The line was lost before the answer came."))

    async def watch(self) -> None:
        """Cut the connection if the server does not let us in, or, later, does not answer a ping."""
        try:
            async with asyncio.timeout(CONNECTED_SECONDS):
                await self.is_let_in.wait()
            await asyncio.sleep(PING_SECONDS)
            while await self._is_alive():  # noqa: ASYNC110  # nothing tells when to ping
                await asyncio.sleep(PING_SECONDS - PONG_SECONDS)
        except TimeoutError:
            pass
        self.cut()

    async def _is_alive(self) -> bool:
        """Whether anything comes within the time for a pong; asks again if it was this process that was late."""
        while True:
            began = time.monotonic()
            self.put({"type": "ping"})
            await asyncio.sleep(PONG_SECONDS)
            if self.heard_at > began:
                return True
            if time.monotonic() - began - PONG_SECONDS < LATE_SECONDS:
                return False
