"""The events that wait for an application, in a tenth of the memory of `asyncio.Queue`.

`asyncio.Queue` holds two deques of 624 bytes, empty or not: most of the memory of an idle connection.
"""

from __future__ import annotations

import asyncio
from typing import Any


class Inbox:
    """A queue with one reader."""

    __slots__ = ("_new", "_reader", "_reversed")

    def __init__(self) -> None:
        self._new: list[Any] = []
        self._reversed: list[Any] = []
        self._reader: asyncio.Future[None] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not (self._new or self._reversed)

    def put(self, event: Any) -> None:
        """Add an event, and wake the reader."""
        self._new.append(event)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> Any:
        """The next event, in the order of arrival."""
        while self.is_empty:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        if not self._reversed:  # removing the first of a list is expensive: one read may bring 40,000 small messages
            self._new.reverse()
            self._new, self._reversed = self._reversed, self._new
        return self._reversed.pop()
