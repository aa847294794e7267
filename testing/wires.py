"""Servers of a test's own, in a thread: a wire to a server, which a test cuts and freezes, and a loop for others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

READ_BYTES = 65_536
LOOK_SECONDS = 0.01


@contextmanager
def loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs in a thread; what runs in it at the end is cancelled."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_cancelled(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancelled() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Wire:
    """Connections to a port of this machine, through a port of our own.

    The methods may be called from any thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self._loop, self._there = loop, port
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_down = False
        self.count = 0
        """How many connections have come."""
        self._server = asyncio.run_coroutine_threadsafe(self._listening(), loop).result()

    @property
    def http(self) -> str:
        """The base URL for HTTP, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """End all connections, without a word."""
        self._called(self._cut)

    def down(self, *, is_down: bool) -> None:
        """End all connections, and all that come, until it is up again."""
        self._is_down = is_down
        self.cut()

    def freeze(self, *, is_frozen: bool) -> None:
        """Pass nothing on, or what has come meanwhile and all that follows."""
        self._called(self._flows.clear if is_frozen else self._flows.set)

    def close(self) -> None:
        """Listen no more, and end all connections; none is left open when it returns."""
        self._called(self._server.close)
        self.freeze(is_frozen=False)
        self.down(is_down=True)
        asyncio.run_coroutine_threadsafe(self._ended(), self._loop).result()

    def _called(self, function: Callable[[], object]) -> None:
        async def called() -> None:
            function()

        asyncio.run_coroutine_threadsafe(called(), self._loop).result()

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _ended(self) -> None:
        while self._writers:  # noqa: ASYNC110  # an event for the end of a test would be more than a look
            await asyncio.sleep(LOOK_SECONDS)

    async def _listening(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count += 1
        self._writers.add(writer)
        try:
            with suppress(OSError):  # the other end is not there
                if not self._is_down:
                    await self._join(reader, writer)
        finally:
            writer.transport.abort()
            self._writers.discard(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._there)
        self._writers.add(other_writer)
        passing = [self._pass(reader, other_writer), self._pass(other_reader, writer)]
        tasks = [asyncio.ensure_future(one) for one in passing]
        try:
            if self._is_down:  # since a moment ago
                return
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            other_writer.transport.abort()
            self._writers.discard(other_writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while octets := await reader.read(READ_BYTES):
            await self._flows.wait()
            writer.write(octets)
            await writer.drain()


@contextmanager
def wire(port: int) -> Iterator[Wire]:
    """A wire to that port."""
    with loop_in_thread() as loop:
        made = Wire(loop, port)
        yield made
        made.close()
