"""The bodies of requests, read before anybody answers them, with limits while they arrive. Nothing is kept on disk.

The content of a body is for its parser (`libraries.api.bodies`); the answer to one that is too long is in
`portal.admission`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from django.conf import settings

from realtime.seldom import Seldom

log = structlog.get_logger(__name__)

Receive = Callable[[], Awaitable[Any]]


class TooLong(Exception):
    """The body is longer than allowed."""


class NoRoom(Exception):
    """All bodies of this process together are too long."""


class BodyCut(Exception):
    """The client left before its body was complete."""


class Budget:
    """The bytes of all bodies in a process; those of one network at most half. 0 is no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()
        self._all = 0
        self._said = Seldom()

    @property
    def held(self) -> int:
        """Bytes held now."""
        return self._all

    def take(self, network: str, size: int) -> None:
        """Count this many more bytes; NoRoom, with nothing counted, if that is too much."""
        if self._most and (self._all + size > self._most or self._held[network] + size > self._most // 2):
            if times := self._said.count():
                log.warning("bodies_refused", held=self._all, refused=times)
            raise NoRoom
        self._all += size
        self._held[network] += size

    def give_back(self, network: str, size: int) -> None:
        """Count this many fewer bytes."""
        self._all -= size
        self._held[network] -= size
        if not self._held[network]:
            del self._held[network]


class Body:
    """One request's body. `close` releases its bytes."""

    def __init__(self, budget: Budget, network: str) -> None:
        self._budget = budget
        self._network = network
        self._size = 0
        self.data = b""

    async def read(self, receive: Receive, announced: int, most: int) -> None:
        """Read all of it, at most `most` bytes (0: no limit); TooLong, NoRoom or BodyCut.

        A body whose announced length is too long is not read at all.
        """
        if most and announced > most:
            raise TooLong
        pieces: list[bytes] = []
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise BodyCut
            if piece := event.get("body", b""):
                if most and self._size + len(piece) > most:
                    raise TooLong
                self._budget.take(self._network, len(piece))
                self._size += len(piece)
                pieces.append(piece)
            if not event.get("more_body", False):
                self.data = b"".join(pieces)
                return

    def close(self) -> None:
        """Release its bytes."""
        self.data = b""
        if self._size:
            self._budget.give_back(self._network, self._size)
            self._size = 0


def announced_length(headers: Mapping[bytes, bytes]) -> int:
    """The value of Content-Length in bytes; 0 if it is missing or not a number."""
    value = headers.get(b"content-length", b"")
    return int(value) if value.isdigit() and len(value) < 20 else 0


def longest_body(headers: Mapping[bytes, bytes], logged_in: bool) -> int:
    """The most bytes to read, 0 for no limit: more for a client with a credential, where that matters.

    The credential is checked after the body is read, because that needs the database.
    """
    cookie = f"{settings.SESSION_COOKIE_NAME}=".encode()
    if logged_in and (b"authorization" in headers or cookie in headers.get(b"cookie", b"")):
        return int(settings.PORTAL_MAX_BODY_BYTES)
    return int(settings.PORTAL_MAX_ANONYMOUS_BODY_BYTES)
