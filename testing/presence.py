"""A controller's client that follows who is in a portal view (docs/protocol.md), and questions about it over REST."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from typing import Any

from testing.people import Client
from testing.sockets import DEADLINE_SECONDS, Message, PortalSocket

NAMED = ("joined", "controllers", "viewers")


class Audience:
    """Everybody whom a client knows by name, how many there are, and how often each has come and gone.

    `known_first` are the ids in the last snapshot, which came at `snapshot_at` of the monotonic clock; `changes` counts
    how often each has come and gone since then.
    """

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.counts: dict[str, int] = {}
        self.joined: Counter[str] = Counter()
        self.left: Counter[str] = Counter()
        self.changes = {"joined": Counter[str](), "left": Counter[str]()}
        self.known_first: set[str] = set()
        self.snapshot_at = -math.inf

    def take(self, message: Message) -> None:
        """Apply a message of the type `presence`."""
        if message["event"] == "snapshot":
            self.people = {}
            self.changes = {key: Counter[str]() for key in self.changes}
            self.snapshot_at = time.monotonic()
        for gone in message.get("left", ()):
            self.left[gone["id"]] += 1
            self.people.pop(gone["id"], None)
        self.joined.update(one["id"] for one in message.get("joined", ()))
        for key, counter in self.changes.items():
            counter.update(one["id"] for one in message.get(key, ()))
        for key in NAMED:
            self.people |= {one["id"]: one for one in message.get(key, ())}
        if message["event"] == "snapshot":
            self.known_first = set(self.people)
        self.counts = message["counts"]


class Watcher(Audience):
    """An open connection of a controller."""

    def __init__(self, socket: PortalSocket) -> None:
        super().__init__()
        self.socket = socket

    async def hear(self, seconds: float = DEADLINE_SECONDS) -> Message:
        """The next message about presence, within that time; it is applied."""
        async with asyncio.timeout(seconds):
            message = await self.socket.next_of("presence")
        self.take(message)
        return message

    async def until(self, seconds: float = DEADLINE_SECONDS, **counts: int) -> set[str]:
        """Follow until there are so many `controllers` or `viewers`; returns the ids that are known then."""
        deadline = time.monotonic() + seconds
        while not self.counts or any(self.counts[key] != number for key, number in counts.items()):
            await self.hear(deadline - time.monotonic())
        return set(self.people)


async def until_here(controller: Client, portal_view_id: str, people: int, seconds: float = DEADLINE_SECONDS) -> Any:
    """Ask REST until so many people are in a portal view; returns the answer."""
    path = f"/api/portal-views/{portal_view_id}/presence"
    async with asyncio.timeout(seconds):
        while sum((found := controller.get(path))["counts"].values()) != people:  # noqa: ASYNC110  # REST has no event
            await asyncio.sleep(0.05)
    return found
