"""What a room hands out: a stored state, and the changes to it, each encoded once for each role."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import msgspec

from libraries.rules.roles import PortalRole
from libraries.rules.state import project
from libraries.selectors import Stored
from realtime.delivery.outlet import Prepared
from realtime.news.structs import MessageNews
from realtime.protocol.encodings import encode, encode_state
from realtime.protocol.events import PortalViewUpdated
from realtime.rooms.connection import Connection


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A message, ready for both roles: None for a role that does not hear of it."""

    controllers: Prepared | None
    viewers: Prepared | None
    version: int | None = None
    sender: str | None = None
    to: str | None = None
    as_of: int | None = None

    @classmethod
    def of(cls, news: MessageNews) -> Bulletin:
        """The bulletin in a piece of news."""
        return cls(
            None if news.controllers is None else Prepared(news.controllers),
            None if news.viewers is None else Prepared(news.viewers),
            news.version,
            news.sender,
            news.to,
            news.as_of,
        )

    @classmethod
    def whole(cls, snapshot: Snapshot) -> Bulletin:
        """All of a stored state, for connections that missed what led to it."""
        version = snapshot.stored.version
        controllers, viewers = (
            Prepared(encode(PortalViewUpdated(payload=snapshot.seen_by(role), version=version))) for role in PortalRole
        )
        return cls(controllers, viewers, version)

    def by(self, version: int) -> Bulletin:
        """What is left of it by that version: what viewers get is dropped if older flags decided what they may see."""
        return self if self.as_of is None or self.as_of >= version else replace(self, viewers=None)

    def deliver_to(self, connection: Connection) -> None:
        """Give it to one connection, unless that has it, sent it, or does not read: then a newer state comes later."""
        if connection.outlet.stalled_since is not None:
            return
        if self.version is not None:
            if self.version <= connection.version:
                return
            connection.version = self.version
        if connection.id == self.sender:
            return
        message = self.by(connection.version).seen_by(connection.role)
        if message is not None:
            connection.outlet.deliver(message)

    def seen_by(self, role: PortalRole) -> Prepared | None:
        """What a connection of that role gets."""
        return self.controllers if role is PortalRole.CONTROLLER else self.viewers


class Snapshot:
    """A stored state, encoded once for each role, with the bulletins that came while it was read."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.since: list[Bulletin] = []

    @property
    def through(self) -> int:
        """The version that a connection has after the snapshot and all that came since."""
        return self.since[-1].version or 0 if self.since else self.stored.version

    def is_fit(self, recovered: bool, version: int, at_least: int) -> bool:
        """Whether it leads to `version`, and shows no state before `at_least`; none at all to who has `recovered`."""
        return self.through >= version and (self.through if recovered else self.stored.version) >= at_least

    @cached_property
    def _controllers(self) -> msgspec.Raw:
        return encode_state(self.stored.state)

    @cached_property
    def _viewers(self) -> msgspec.Raw:
        return encode_state(project(self.stored.state, PortalRole.VIEWER))

    def seen_by(self, role: PortalRole) -> msgspec.Raw:
        """The stored state as that role sees it, encoded."""
        return self._controllers if role is PortalRole.CONTROLLER else self._viewers
