"""Guests: each is an id in a signed credential, which only that guest's device has. Nothing is stored."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from libraries.models import ShareLink
from libraries.rules.subjects import Grant
from libraries.tokens import guest_credential


class NewGuest(NamedTuple):
    """A guest who has not come yet: its id, and its credential."""

    id: UUID
    credential: str


def new_guest(link: ShareLink, name: str) -> NewGuest:
    """A new guest of the link, with a name that was checked, or none."""
    grant = Grant.of_new_guest(link.id)
    return NewGuest(grant.subject.id, guest_credential(grant, name, link.expires_at))
