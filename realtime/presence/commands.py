"""What REST and the admin do with the people in a portal view: the list, and sending somebody away. It may wait."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libraries.rules.errors import InvalidPayload, NotFound
from libraries.rules.subjects import Subject
from libraries.services.disconnecting import disconnect_person
from realtime.presence.reading import read_presence
from realtime.protocol.events import Counts
from realtime.rooms.presence import Person, count


@dataclass(frozen=True, slots=True)
class Crowd:
    """Everybody in a portal view, the earliest first."""

    people: list[Person]
    counts: Counts

    @property
    def controllers(self) -> list[Person]:
        """The controllers."""
        return [person for person in self.people if person.is_controller]

    @property
    def viewers(self) -> list[Person]:
        """The viewers and guests."""
        return [person for person in self.people if not person.is_controller]


@dataclass(frozen=True, slots=True)
class SentAway:
    """Who may not come back, and until when; the share link that was withdrawn, and how many others it let in."""

    subject_id: UUID
    until: datetime
    withdrawn_link_id: UUID | None
    others: int


def find_people(portal_view_id: UUID) -> Crowd:
    """Everybody in a portal view; Unavailable while the store is."""
    return _crowd(read_presence([portal_view_id])[portal_view_id])


def count_people(portal_view_ids: Collection[UUID]) -> dict[UUID, Counts]:
    """How many people are in each portal view; Unavailable while the store is."""
    return {one: count(people.values()) for one, people in read_presence(portal_view_ids).items()}


def send_person_away(
    *, actor_id: UUID | None, portal_view_id: UUID, subject_id: UUID, minutes: int, withdraw_link: bool = False
) -> SentAway:
    """End the connections of somebody who is here, and refuse new ones for some minutes; with the guest's link, too.

    NotFound if nobody with that id is here, InvalidPayload if somebody without a link came by one; and all refusals of
    `disconnect_person`.
    """
    people = read_presence([portal_view_id])[portal_view_id]
    person = people.get(subject_id)
    if person is None:
        raise NotFound("Nobody with that id is here, nor was a moment ago.")
    if withdraw_link and person.link_id is None:
        sentence = "Only a guest comes by a link that can be withdrawn."
        raise InvalidPayload(f"withdrawLink: {sentence}", {"withdrawLink": sentence})
    link_id = person.link_id if withdraw_link else None
    until = disconnect_person(
        actor_id=actor_id,
        portal_view_id=portal_view_id,
        subject=Subject(subject_id, is_guest=person.kind == "guest"),
        minutes=minutes,
        link_id=link_id,
    )
    others = 0 if link_id is None else sum(one.link_id == link_id for one in people.values()) - 1
    return SentAway(subject_id, until, link_id, others)


def _crowd(people: Mapping[UUID, Person]) -> Crowd:
    return Crowd(sorted(people.values(), key=lambda person: (person.since, person.id)), count(people.values()))
