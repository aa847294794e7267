"""Events of a client: functions that are called, and iterators that are fed."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final, NamedTuple

KINDS: Final = frozenset(
    {"confirmed", "state", "role", "subject", "version", "presence", "status", "refused", "message"}
)
_logger = logging.getLogger("portal_client")


class Event(NamedTuple):
    """`data` is the new value of the client's attribute of that name.

    Of a `refused` it is the `PortalError`, and of a `message` the server's message, of any type.
    """

    kind: str
    data: Any


Listener = Callable[[Event], None]


class Listeners:
    """Everybody who listens to one client."""

    def __init__(self) -> None:
        self._by_kind: dict[str, list[Listener]] = defaultdict(list)

    def on(self, kind: str, listener: Listener) -> Callable[[], None]:
        """Have a function called for each event of that kind; returns what stops it. ValueError for no such kind."""
        if kind not in KINDS:
            raise ValueError(f"There is no event “{kind}”; there are {', '.join(sorted(KINDS))}.")
        self._by_kind[kind].append(listener)
        return lambda: self._by_kind[kind].remove(listener)

    def has(self, kind: str) -> bool:
        """Whether anybody listens to that kind."""
        return bool(self._by_kind.get(kind))

    def tell(self, event: Event) -> None:
        """Call everybody; an error of one is logged, and does not keep the event from the others."""
        for listener in tuple(self._by_kind.get(event.kind, ())):
            try:
                listener(event)
            except Exception:
                _logger.exception("A listener to “%s” failed.", event.kind)

    async def iterate(self, kinds: frozenset[str]) -> AsyncGenerator[Event]:
        """The events of these kinds from now on, without end. They wait for a slow reader without a limit."""
        queue: asyncio.Queue[Event] = asyncio.Queue()
        stops = [self.on(kind, queue.put_nowait) for kind in sorted(kinds)]
        try:
            while True:
                yield await queue.get()
        finally:
            for stop in stops:
                stop()
