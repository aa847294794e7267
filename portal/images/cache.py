"""The bytes of pictures in memory: one object for all who read the same file, and one read at a time of each file.

Files that nobody reads are forgotten, the least recently used first. If those that are read need too much memory, the
clients that have not taken anything for longest are cut off, as in `portal.outgoing`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import structlog

from libraries import image_files
from libraries.rules.images import Size
from realtime.scheduling import let_sockets_first
from realtime.seldom import Seldom

READS_AT_ONCE = 4
"""Threads that read files: a storage that is far away takes some milliseconds for each."""

Name = tuple[str, Size]

log = structlog.get_logger(__name__)


class Reader:
    """A client that is sent a file. `cut` ends its connection, if the server supports that."""

    def __init__(self, name: Name, data: bytes, cut: Callable[[], None] | None) -> None:
        self.name = name
        self.data = data
        self.cut = cut
        self.is_cut = False


class Files:
    """The files of a process: `kept` bytes in all, and while they are being read up to `read` bytes more (0: any)."""

    def __init__(self, kept: int, read: int) -> None:
        self._kept = kept
        self._most = kept + read if read else 0
        self._files: OrderedDict[Name, bytes] = OrderedDict()
        self._readers: OrderedDict[Reader, None] = OrderedDict()
        self._counts: dict[Name, int] = {}
        self._reading: dict[Name, asyncio.Task[bytes]] = {}
        self._threads = ThreadPoolExecutor(READS_AT_ONCE, "pictures", initializer=let_sockets_first)
        self._said = Seldom()
        self.held = 0
        """Bytes of all files here."""

    @asynccontextmanager
    async def reader(self, key: str, size: Size, cut: Callable[[], None] | None) -> AsyncIterator[Reader]:
        """A reader of the file, which keeps it in memory; FileNotFoundError, or Unavailable."""
        name = (key, size)
        self._counts[name] = self._counts.get(name, 0) + 1
        try:
            reader = Reader(name, await self._get(name), cut)
            self._readers[reader] = None
            try:
                yield reader
            finally:
                self._readers.pop(reader, None)
        finally:
            self._counts[name] -= 1
            if not self._counts[name]:
                del self._counts[name]
            self._make_room()

    def moved(self, reader: Reader) -> None:
        """Note that the client has taken something."""
        if reader in self._readers:
            self._readers.move_to_end(reader)

    async def _get(self, name: Name) -> bytes:
        data = self._files.get(name)
        if data is not None:
            self._files.move_to_end(name)
            return data
        task = self._reading.get(name)
        if task is None:
            task = self._reading[name] = asyncio.create_task(self._read(name))
        return await asyncio.shield(task)

    async def _read(self, name: Name) -> bytes:
        try:
            data = await asyncio.get_running_loop().run_in_executor(self._threads, image_files.read, *name)
        finally:
            del self._reading[name]
        self._files[name] = data
        self.held += len(data)
        self._make_room(name)
        return data

    def _make_room(self, newest: Name | None = None) -> None:
        """Forget what nobody reads; if that is not enough, cut off slow clients."""
        if self.held > self._kept:
            for name in list(self._files):
                if self.held <= self._kept:
                    break
                if name not in self._counts and name != newest:
                    self._forget(name)
        while self._most and self.held > self._most and (victim := self._slowest(newest)) is not None:
            for reader in [reader for reader in self._readers if reader.name == victim.name]:
                if times := self._said.count():
                    log.warning("slow_readers_cut", held=self.held, cut=times)
                self._cut(reader)
            self._forget(victim.name)

    def _slowest(self, newest: Name | None) -> Reader | None:
        return next((reader for reader in self._readers if reader.name != newest and reader.cut is not None), None)

    def _cut(self, reader: Reader) -> None:
        del self._readers[reader]
        reader.is_cut, reader.data = True, b""
        if reader.cut is not None:
            reader.cut()

    def _forget(self, name: Name) -> None:
        data = self._files.pop(name, None)
        if data is not None:
            self.held -= len(data)
