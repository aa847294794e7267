"""The limits on requests answered at once, and on requests that wait: one table, by path.

Django needs a thread for each request, and each running thread takes time from the event loop, which serves all
sockets. So a process has few threads, each request being answered has one, and the others wait here without one. The
limits of a body are in `portal.bodies`; the answer if there is no room is in `portal.admission`.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings

from libraries.passwords import WAITING, hashes_at_once
from realtime.scheduling import let_sockets_first
from realtime.seldom import Seldom

Scope = Mapping[str, Any]

log = structlog.get_logger(__name__)


class LaneFull(Exception):
    """There is no room to wait."""


class ClientGone(Exception):
    """The client left while its request waited."""


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of request: its path pattern, how many are answered at once, and how many may wait.

    `logged_in` says whether a longer body is read from a client with a credential.
    """

    name: str
    paths: re.Pattern[str]
    at_once: int
    waiting: int
    logged_in: bool = False


_HASHING = (
    r"/api/auth/(token|register|password|password/reset/confirm)/?$|/admin/login/|"
    r"/(login|register|new-password|account/password|account/delete)$"
)


def table() -> tuple[Row, ...]:
    """All kinds; a request belongs to the first whose pattern matches its path. 0 is no limit."""
    static = re.escape(settings.STATIC_URL.removeprefix(settings.PORTAL_BASE_PATH))
    return (
        Row("health", re.compile(r"/api/health(/ready)?/?$"), 2, 64),
        Row("static", re.compile(static), 2, 256),
        # A password takes a core while it is hashed
        Row("log-in", re.compile(_HASHING), hashes_at_once(), WAITING),
        Row("other", re.compile(""), settings.PORTAL_REQUESTS_AT_ONCE, settings.PORTAL_REQUESTS_WAITING, True),
    )


class Lane:
    """The requests of one kind in one process, all in one event loop."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.busy = 0
        """The number being answered."""
        self.waits = 0
        """The number waiting."""
        self._idle: list[ThreadPoolExecutor] = []
        self._queues: OrderedDict[str, deque[asyncio.Future[ThreadPoolExecutor]]] = OrderedDict()
        self._said = Seldom()

    def check_room(self, network: str) -> None:
        """Raise LaneFull if a request of that network could not even wait; it may use half of the places at most."""
        if not self._must_wait or not self.row.waiting:
            return
        queue = self._queues.get(network, ())
        if self.waits >= self.row.waiting or len(queue) >= max(1, self.row.waiting // 2):
            if times := self._said.count():
                log.warning("requests_refused", lane=self.row.name, waiting=self.waits, refused=times)
            raise LaneFull

    async def enter(self, network: str, gone: Callable[[], Awaitable[Any]]) -> ThreadPoolExecutor:
        """A thread to answer the request with, returned by `leave`; networks take turns.

        `gone` returns once the client has left. LaneFull, or ClientGone.
        """
        if not self._must_wait:
            self.busy += 1
            return self._idle.pop() if self._idle else self._new_thread()
        self.check_room(network)
        turn: asyncio.Future[ThreadPoolExecutor] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(network, deque()).append(turn)
        self.waits += 1
        leaves = asyncio.ensure_future(gone())
        try:
            await asyncio.wait((turn, leaves), return_when=asyncio.FIRST_COMPLETED)
            if turn.done() and not leaves.done():
                return turn.result()
        except asyncio.CancelledError:
            self._give_up(network, turn)
            raise
        finally:
            leaves.cancel()
        self._give_up(network, turn)
        raise ClientGone

    def leave(self, thread: ThreadPoolExecutor) -> None:
        """The request is answered: give its thread to the next one."""
        if not self._queues:
            self.busy -= 1
            self._idle.append(thread)
            return
        network, queue = self._queues.popitem(last=False)
        turn = queue.popleft()
        if queue:
            self._queues[network] = queue  # at the end of the queue
        self.waits -= 1
        turn.set_result(thread)

    def _new_thread(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, f"request-{self.row.name}", initializer=let_sockets_first)

    @property
    def _must_wait(self) -> bool:
        return bool(self.row.at_once) and self.busy >= self.row.at_once

    def _give_up(self, network: str, turn: asyncio.Future[ThreadPoolExecutor]) -> None:
        if turn.done():
            self.leave(turn.result())
            return
        queue = self._queues[network]
        queue.remove(turn)
        if not queue:
            del self._queues[network]
        self.waits -= 1


class Lanes:
    """All lanes of a process."""

    def __init__(self, rows: tuple[Row, ...]) -> None:
        self.lanes = [Lane(row) for row in rows]

    def of(self, path: str) -> Lane:
        """The lane of a path."""
        return next(lane for lane in self.lanes if lane.row.paths.match(path))
