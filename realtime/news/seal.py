"""Makes news between processes authentic, fresh, and processed once. Pure: the bus is in `realtime.news.bus`.

Anybody who can reach the Valkey can publish there, from another of its databases too: PUBLISH ignores databases. So a
message on the bus is accepted only with a tag made with a key derived from the site's secret, and the names of groups
cannot be guessed without that secret. Messages on the bus can still be read: they are authenticated, not encrypted.
"""

from __future__ import annotations

import hmac
import os
import secrets
import struct
import time
from collections.abc import Sequence
from hashlib import blake2b
from itertools import count
from typing import NamedTuple

MAX_AGE_SECONDS = 60.0
"""The maximum age of news, and the maximum clock difference of two machines: older news may be a replay."""
WINDOW = 8192
"""How many of a publisher's news may overtake a delayed one: threads publish over connections of their own."""

_TAG_BYTES = 32
_HEADER = struct.Struct(">8sQQ")  # the publisher, its message counter, milliseconds since the epoch


class NotAuthentic(Exception):
    """A message from the bus that is not accepted; `reason` is `tag`, `age` or `replay`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Opened(NamedTuple):
    """Authentic content, and its place in the sequence of its publisher."""

    publisher: bytes
    number: int
    body: bytes


class _Key:
    """The keys derived from one secret, each for one purpose (HMAC-SHA256 as the function of RFC 5869, 2.3)."""

    def __init__(self, secret: str) -> None:
        self._names = hmac.digest(secret.encode(), b"portal bus 1: names\x01", "sha256")
        self._tags = hmac.digest(secret.encode(), b"portal bus 1: tags\x01", "sha256")

    def name(self, group: str) -> str:
        """The name of a group on the bus: 32 hexadecimal digits."""
        return blake2b(group.encode(), key=self._names, digest_size=16).hexdigest()

    def tag(self, content: bytes) -> bytes:
        """A message authentication code (keyed BLAKE2b, RFC 7693, section 2.9)."""
        return blake2b(content, key=self._tags, digest_size=_TAG_BYTES).digest()


class Sealer:
    """Seals with the first of some secrets, and opens what was sealed with any of them: the others are older secrets.

    A sealed message consists of tag, publisher, number, time and body; the tag covers all the rest.
    """

    def __init__(self, site_secrets: Sequence[str]) -> None:
        self._keys = [_Key(secret) for secret in site_secrets]
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._publisher = secrets.token_bytes(8)
        self._numbers = count(1)

    def names(self, group: str) -> list[str]:
        """The names of a group on the bus. The first, made with the newest secret, is where news is sent.

        The others are made with the older secrets.
        """
        return [key.name(group) for key in self._keys]

    def seal(self, body: bytes) -> bytes:
        """The sealed body; any thread may call this."""
        if self._process != os.getpid():  # a fork must not continue its parent's sequence
            self._begin()
        content = _HEADER.pack(self._publisher, next(self._numbers), int(time.time() * 1000)) + body
        return self._keys[0].tag(content) + content

    def open(self, sealed: bytes) -> Opened:
        """The content of a sealed message; NotAuthentic unless it is complete, from this site and fresh.

        The maximum age is `MAX_AGE_SECONDS`.
        """
        tag, content = sealed[:_TAG_BYTES], sealed[_TAG_BYTES:]
        if len(content) < _HEADER.size or not any(hmac.compare_digest(tag, key.tag(content)) for key in self._keys):
            raise NotAuthentic("tag")
        publisher, number, milliseconds = _HEADER.unpack_from(content)
        if abs(time.time() - milliseconds / 1000) > MAX_AGE_SECONDS:
            raise NotAuthentic("age")
        return Opened(publisher, number, content[_HEADER.size :])


class Heard:
    """The messages that one reader has seen, so that none is processed twice.

    The window is that of RFC 4303, section 3.4.3.
    """

    def __init__(self) -> None:
        self._publishers: dict[bytes, _Window] = {}

    def note(self, opened: Opened) -> None:
        """Record a message; NotAuthentic if it was recorded before, or is too old to know."""
        window = self._publishers.get(opened.publisher)
        if window is None:
            self._forget()
            window = self._publishers[opened.publisher] = _Window()
        if not window.is_new(opened.number):
            raise NotAuthentic("replay")

    def _forget(self) -> None:
        # Their messages are too old to be opened by now.
        long_ago = time.monotonic() - 2 * MAX_AGE_SECONDS
        self._publishers = {one: window for one, window in self._publishers.items() if window.used_at > long_ago}


class _Window:
    """The newest number of one publisher, and a bit for each of the `WINDOW` numbers up to it that was seen."""

    __slots__ = ("_bits", "_newest", "used_at")

    def __init__(self) -> None:
        self._newest = 0
        self._bits = 0
        self.used_at = time.monotonic()

    def is_new(self, number: int) -> bool:
        ahead = number - self._newest
        if ahead > 0:
            self._bits = (self._bits << ahead | 1) & _MASK if ahead < WINDOW else 1
            self._newest = number
        elif -ahead >= WINDOW or self._bits >> -ahead & 1:
            return False
        else:
            self._bits |= 1 << -ahead
        self.used_at = time.monotonic()
        return True


_MASK = (1 << WINDOW) - 1
