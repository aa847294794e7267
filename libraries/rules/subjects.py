"""Who acts or watches: a user, who has an account, or a guest, who has none. Pure."""

from __future__ import annotations

from uuid import UUID

import msgspec


class Subject(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Somebody, by an id of their own; its text is the `userId` and the `from` of the wire."""

    id: UUID
    is_guest: bool = False

    @property
    def user_id(self) -> UUID | None:
        """The account that rights and receipts belong to; None for a guest."""
        return None if self.is_guest else self.id

    def __str__(self) -> str:
        return str(self.id)
