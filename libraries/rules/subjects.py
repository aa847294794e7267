"""The person who acts or watches: a user with an account, or a guest without one. Pure."""

from __future__ import annotations

from uuid import UUID

import msgspec


class Subject(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A person, identified by an id; its text is the `userId` and the `from` on the wire."""

    id: UUID
    is_guest: bool = False

    @property
    def user_id(self) -> UUID | None:
        """The account that has the rights and receipts; None for a guest."""
        return None if self.is_guest else self.id

    def __str__(self) -> str:
        return str(self.id)
