"""Who is in a portal view: the people of this process, and what controllers and viewers were told. No I/O, no clock.

A person is one entry, however many connections they have. `realtime.rooms.elsewhere` has the people of the other
processes, `realtime.hub.presence` the timers. Monotonic times are seconds, times of the wall clock milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import nsmallest
from uuid import UUID

import msgspec
from msgspec import UNSET

from libraries.rules.roles import PortalRole
from realtime.protocol.events import Counts, Presence, Present

GRACE_SECONDS = 10.0
"""How long a person without a connection stays: a reload, or a short loss, is no event."""
MAX_NAMED = 100
"""The most viewers that controllers are told by name; the others are counted."""
FEW = 50
"""Up to this many people, joins and leaves are collected for a short time."""
FEW_SECONDS, MANY_SECONDS, VIEWERS_SECONDS = 0.25, 1.0, 2.0
"""How long joins and leaves are collected: for controllers with few and with many people, and for viewers."""


class Person(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A person in a portal view. `since` is when they came, `at` when the entry was made; the newest entry counts.

    `link_id` is the share link of a guest; no client is told it.
    """

    id: UUID
    kind: str
    name: str | None
    role: PortalRole
    since: int
    at: int
    link_id: UUID | None = None

    @property
    def is_controller(self) -> bool:
        """Whether they are a controller."""
        return self.role is PortalRole.CONTROLLER

    def is_same(self, other: Person) -> bool:
        """Whether clients see no difference: the date is that of the first entry."""
        return (self.role, self.name, self.kind) == (other.role, other.name, other.kind)

    @property
    def on_wire(self) -> Present:
        """The entry as clients get it."""
        since = datetime.fromtimestamp(self.since / 1000, UTC).isoformat(timespec="milliseconds")
        return Present(
            id=self.id, kind=self.kind, name=self.name, role=self.role.value, since=since.replace("+00:00", "Z")
        )


@dataclass(slots=True)
class Delta:
    """The entries that are new or different, and the ids of the people who are gone."""

    came: dict[UUID, Person] = field(default_factory=dict)
    gone: set[UUID] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.came or self.gone)

    def add(self, later: Delta) -> None:
        """Include a later one."""
        self.gone -= later.came.keys()
        self.gone |= later.gone
        self.came = {one: person for one, person in (self.came | later.came).items() if one not in later.gone}


class Here:
    """The people of this process, also those whose last connection has ended less than `GRACE_SECONDS` ago."""

    def __init__(self) -> None:
        self.people: dict[UUID, Person] = {}
        self._going: dict[UUID, float] = {}

    @property
    def next_at(self) -> float:
        """When the next person goes unless they come back; `math.inf` if nobody does."""
        return min(self._going.values(), default=math.inf)

    def see(self, connected: Mapping[UUID, Person], known: Mapping[UUID, Person], now: float) -> Delta:
        """Compare with the people who are connected; returns what changed.

        `known` are people of other processes: who comes from there came when they came there.
        """
        delta = Delta()
        for one, person in connected.items():
            self._going.pop(one, None)
            before = self.people.get(one)
            if before is person or (before is not None and before.is_same(person)):
                continue
            earlier = before or known.get(one)
            since = person.since if earlier is None else min(person.since, earlier.since)
            delta.came[one] = self.people[one] = msgspec.structs.replace(person, since=since)
        if len(self.people) > len(connected):
            for one in self.people.keys() - connected.keys():
                if self._going.setdefault(one, now + GRACE_SECONDS) <= now:
                    delta.gone.add(one)
                    del self.people[one], self._going[one]
        return delta

    def expel(self, subject_id: UUID) -> None:
        """Let a person whose access has ended go without grace, unless they are still connected at the next look."""
        if subject_id in self.people:
            self._going[subject_id] = -math.inf


def merged(here: Mapping[UUID, Person], others: Iterable[Mapping[UUID, Person]]) -> dict[UUID, Person]:
    """Everybody: one entry for each person, the newest, with the earliest date."""
    people = dict(here)
    for entries in others:
        for one, person in entries.items():
            known = people.get(one)
            if known is None:
                people[one] = person
            else:
                newest = person if person.at > known.at else known
                people[one] = msgspec.structs.replace(newest, since=min(person.since, known.since))
    return people


def count(people: Iterable[Person]) -> Counts:
    """The number of controllers and of viewers."""
    listed = list(people)
    controllers = sum(person.is_controller for person in listed)
    return Counts(controllers=controllers, viewers=len(listed) - controllers)


def collects_for(people: int) -> float:
    """How long joins and leaves are collected for controllers, in seconds."""
    return FEW_SECONDS if people <= FEW else MANY_SECONDS


def _age(person: Person) -> tuple[int, UUID]:
    return person.since, person.id


class Told:
    """What the controllers of this process were told: everybody's entry, and which viewers they know by name."""

    def __init__(self) -> None:
        self.people: dict[UUID, Person] = {}
        self.counts = Counts(controllers=0, viewers=0)
        self._named: dict[UUID, Person] = {}

    def tell(self, people: Mapping[UUID, Person]) -> Presence | None:
        """The message about what changed since the last call; None if nothing did.

        It leads from what a controller knew to what `snapshot` says from then on.
        """
        before, named_before, counts_before = self.people, self._named, self.counts
        self.people, differ = {}, []
        for one, person in people.items():
            known = before.get(one)
            if known is not None and known is not person:
                if known.is_same(person):
                    person = known  # with the date that was told
                else:
                    person = msgspec.structs.replace(person, since=known.since)
                    differ.append(person)
            self.people[one] = person
        came = self.people.keys() - before.keys()
        gone = before.keys() - self.people.keys()
        if not came and not gone and not differ:
            return None
        self.counts = count(self.people.values())
        self._name()
        new = [person for one, person in self._named.items() if one not in named_before]
        was_listed = (one for one, person in before.items() if person.is_controller or one in named_before)
        lost = [before[one] for one in was_listed if not self._is_listed(one)]
        message = Presence(
            event="change",
            joined=_listed(self.people[one] for one in came if self._is_listed(one)),
            left=_listed(lost),
            controllers=_listed(person for person in differ if person.is_controller) or UNSET,
            viewers=_listed(
                [person for person in new if person.id not in came]
                + [person for person in differ if person.id in self._named and person.id in named_before]
            )
            or UNSET,
            counts=self.counts,
        )
        is_empty = not (message.joined or message.left or message.controllers or message.viewers)
        return None if is_empty and self.counts == counts_before else message

    def _is_listed(self, one: UUID) -> bool:
        """Whether controllers know a person by name now."""
        return one in self._named or (one in self.people and self.people[one].is_controller)

    def snapshot(self) -> Presence:
        """What a controller who knows nothing yet is told: as much as the others know by now."""
        controllers = (person for person in self.people.values() if person.is_controller)
        return Presence(
            event="snapshot",
            controllers=_listed(controllers),
            viewers=_listed(self._named.values()),
            counts=self.counts,
        )

    def _name(self) -> None:
        """Name as many viewers as possible: whoever has a name keeps it, and the earliest of the others follow."""
        kept = (one for one in self._named if one in self.people and not self.people[one].is_controller)
        self._named = {one: self.people[one] for one in kept}
        free = min(MAX_NAMED, self.counts.viewers) - len(self._named)
        if free > 0:
            people = self.people.items()
            unnamed = (one for key, one in people if key not in self._named and not one.is_controller)
            self._named |= {person.id: person for person in nsmallest(free, unnamed, key=_age)}


def _listed(people: Iterable[Person]) -> list[Present]:
    return [person.on_wire for person in sorted(people, key=_age)]
