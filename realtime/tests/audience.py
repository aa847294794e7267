"""What a controller's client makes of the messages about presence, and people to be present. Pure."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from libraries.rules.roles import PortalRole
from realtime.protocol.events import Presence
from realtime.rooms.presence import Person

LISTS = ("joined", "left", "controllers", "viewers")


def person(number: int, role: PortalRole = PortalRole.VIEWER, *, since: int = 0, name: str | None = None) -> Person:
    """A person with that number as id, and as the time of their coming unless said otherwise."""
    at = since or number
    return Person(UUID(int=number), "user", name or f"person {number}", role, at, at)


def as_sent(message: Presence) -> dict[str, Any]:
    """A message as a client gets it."""
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(message))
    return decoded


class Audience:
    """Everybody whom a client knows by name, by their id, and how many there are (docs/protocol.md)."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.counts: dict[str, int] = {}
        self.joined: list[str] = []
        self.left: list[str] = []

    def take(self, message: dict[str, Any]) -> None:
        """Apply a message."""
        if message["event"] == "snapshot":
            self.people = {}
        for gone in message.get("left", ()):
            self.left.append(gone["id"])
            del self.people[gone["id"]]
        self.joined += [one["id"] for one in message.get("joined", ())]
        for key in ("joined", "controllers", "viewers"):
            self.people |= {one["id"]: one for one in message.get(key, ())}
        self.counts = message["counts"]

    def knows_as(self, snapshot: dict[str, Any]) -> bool:
        """Whether it knows what a new client is told."""
        other = Audience()
        other.take(snapshot)
        return (other.people, other.counts) == (self.people, self.counts)
