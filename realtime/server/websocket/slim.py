"""What uvicorn's protocol needs of `asyncio.Queue` and `asyncio.Event`, in a tenth of their memory.

Each of those holds one or more deques of 624 bytes, empty or not: for an idle connection that is most of its weight.
Both here are for one waiter at a time, which is how uvicorn uses the queue, or wake all, as an event does.
"""

from __future__ import annotations

import asyncio
from typing import Any


class Inbox:
    """The events that wait for the application: a queue with one reader."""

    __slots__ = ("_new", "_reader", "_reversed")

    def __init__(self) -> None:
        self._new: list[Any] = []
        self._reversed: list[Any] = []
        self._reader: asyncio.Future[None] | None = None

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not (self._new or self._reversed)

    def put_nowait(self, event: Any) -> None:
        """Add an event, and wake the reader."""
        self._new.append(event)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> Any:
        """The next event, in the order that they came."""
        while self.empty():
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        if not self._reversed:  # the first of a list is dear to take: one read may bring 40,000 small messages
            self._new.reverse()
            self._new, self._reversed = self._reversed, self._new
        return self._reversed.pop()


class Gate:
    """An event: open or shut; who waits goes on when it opens."""

    __slots__ = ("_opening", "_shut")

    def __init__(self) -> None:
        self._shut = True
        self._opening: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Open."""
        self._shut = False
        opening, self._opening = self._opening, None
        if opening is not None and not opening.done():
            opening.set_result(None)

    def clear(self) -> None:
        """Shut."""
        self._shut = True

    async def wait(self) -> None:
        """Return once it is open."""
        while self._shut:
            if self._opening is None:
                self._opening = asyncio.get_running_loop().create_future()
            # One who stops waiting must not take the future from the others.
            await asyncio.shield(self._opening)
