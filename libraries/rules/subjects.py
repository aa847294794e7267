"""The person who acts or watches, a user with an account or a guest without one, and what their credential says.

Pure.
"""

from __future__ import annotations

from uuid import UUID, uuid4

import msgspec


class Subject(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A person, identified by an id; its text is the `from` on the wire."""

    id: UUID
    is_guest: bool = False

    @property
    def user_id(self) -> UUID | None:
        """The account that has the rights and receipts; None for a guest."""
        return None if self.is_guest else self.id

    @property
    def kind(self) -> str:
        """`user` or `guest`, as on the wire."""
        return "guest" if self.is_guest else "user"

    @property
    def named(self) -> dict[str, str]:
        """The id for a log, under the name of its kind: `userId` or `guestId`."""
        return {f"{self.kind}Id": str(self.id)}

    def __str__(self) -> str:
        return str(self.id)


class Grant(msgspec.Struct, frozen=True, gc=False):
    """What a verified credential says: whose it is, and what it ends with.

    A user's ends with the session, and with a higher `auth_version` of the user. A guest's ends with the share link.
    """

    subject: Subject
    session_id: UUID | None = None
    auth_version: int = 0
    link_id: UUID | None = None

    @classmethod
    def of_new_guest(cls, link_id: UUID) -> Grant:
        """The grant of a guest who has just opened that share link."""
        return cls(Subject(uuid4(), is_guest=True), link_id=link_id)

    @property
    def keys(self) -> tuple[UUID, ...]:
        """The ids that a revocation can name."""
        return tuple(key for key in (self.subject.id, self.session_id, self.link_id) if key is not None)
