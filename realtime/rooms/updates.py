"""A change or a command for the connections of a room: prepared for both roles."""

from __future__ import annotations

from dataclasses import dataclass, replace

from libraries.rules.roles import PortalRole
from realtime.delivery.prepared import Prepared
from realtime.news.structs import MessageNews
from realtime.rooms.connection import Connection


@dataclass(frozen=True, slots=True)
class Update:
    """A message for each role, None for a role that gets none.

    `is_whole` says that it is the whole state. The rest is as in `realtime.news.structs.MessageNews`; `committed_at` is
    by the clock of the process that stored the change.
    """

    controllers: Prepared | None
    viewers: Prepared | None
    version: int | None = None
    viewers_version: int | None = None
    sender: str | None = None
    to: str | None = None
    as_of: int | None = None
    is_whole: bool = False
    committed_at: float | None = None

    @classmethod
    def of(cls, news: MessageNews) -> Update:
        """The update in a piece of news."""
        return cls(
            None if news.controllers is None else Prepared(news.controllers),
            None if news.viewers is None else Prepared(news.viewers),
            news.version,
            news.viewers_version,
            news.sender,
            news.to,
            news.as_of,
            committed_at=news.committed_at,
        )

    def by(self, version: int) -> Update:
        """The update for connections at that version: the viewers' part is dropped if it was made with older flags."""
        return self if self.as_of is None or self.as_of >= version else replace(self, viewers=None)

    def deliver_to(self, connection: Connection) -> None:
        """Send it to one connection, unless the connection has it, sent it, or does not read.

        Then a newer state follows.
        """
        if connection.outlet.stalled_since is not None:
            return
        if self.version is not None:
            if self.version <= connection.version:
                return
            told_before = connection.told_version
            connection.version = self.version
            connection.viewers_version = self.viewers_version or connection.viewers_version
            if self.is_whole and connection.told_version == told_before:
                return  # a viewer who has missed nothing
        if connection.id == self.sender and connection.knows_own(self.version):
            return
        message = self.by(connection.version).seen_by(connection.role)
        if message is not None:
            connection.outlet.deliver(message)

    def seen_by(self, role: PortalRole) -> Prepared | None:
        """The message for a connection of that role."""
        return self.controllers if role is PortalRole.CONTROLLER else self.viewers
