"""Who is in a portal view, folded from `presence` messages. No I/O in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_NAMED = ("joined", "controllers", "viewers")


@dataclass(frozen=True)
class Presence:
    """`people` has an entry for each person by id; a viewer is told only `counts`, if anything.

    `counts` has the keys `controllers` and `viewers`; it is empty before the first message.
    """

    people: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    def after(self, message: Mapping[str, Any]) -> Presence:
        """What is known after a message of the type `presence`."""
        people = {} if message["event"] == "snapshot" else dict(self.people)
        for gone in message.get("left", ()):
            people.pop(gone["id"], None)
        for key in _NAMED:
            people |= {one["id"]: one for one in message.get(key, ())}
        return Presence(people, message["counts"])
