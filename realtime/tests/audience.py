"""People to be present, and what a controller's client knows of them. Pure."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from libraries.rules.roles import PortalRole
from realtime.protocol.events import Presence
from realtime.rooms.presence import Person
from testing.presence import Audience


def person(number: int, role: PortalRole = PortalRole.VIEWER, *, since: int = 0, name: str | None = None) -> Person:
    """A person with that number as id, and as the time of their coming unless said otherwise."""
    at = since or number
    return Person(UUID(int=number), "user", name or f"person {number}", role, at, at)


def as_sent(message: Presence) -> dict[str, Any]:
    """A message as a client gets it."""
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(message))
    return decoded


def is_known(audience: Audience, snapshot: dict[str, Any]) -> bool:
    """Whether a client knows what a new client is told."""
    other = Audience()
    other.take(snapshot)
    return (other.people, other.counts) == (audience.people, audience.counts)
