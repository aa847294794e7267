"""A hub with a test database that can be held, and with news that come on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from libraries.cleaning import forget_ended_in_turn
from libraries.grants import Ended, ended_grants, revocations_within
from libraries.receipts import forget_receipts_in_turn
from libraries.rules.errors import Unavailable
from libraries.rules.revocations import Reason
from libraries.rules.roles import PortalRole, Role
from libraries.rules.subjects import Grant
from libraries.selectors import Pulse, Stored, load, pulses, roles_in, roles_on
from realtime.hub.hub import Hub
from realtime.hub.keeper import Keeper
from realtime.news.layer import require_layer
from realtime.news.structs import TYPE, MessageNews, News, portal_view_group, to_message
from realtime.rooms.room import Room
from realtime.rooms.snapshots import Entry
from realtime.tests.clients import DEADLINE_SECONDS, Message, until
from realtime.tests.doubles import LIBRARY_ID, PORTAL_VIEW_ID, Person, news, stored

_ROLES = {PortalRole.CONTROLLER: Role.EDITOR, PortalRole.VIEWER: Role.VIEWER}


class Database:
    """The database of a hub. While `gate` is closed, every answer waits; it has the data of the time of the question.

    Unless it `tells_roles`, questions for roles in a library get the roles that are known already.
    """

    def __init__(self) -> None:
        self.stored: Stored | None = stored(1)
        self.access_version = 1
        self.roles: dict[UUID, Role] = {}
        self.tells_roles = False
        self.roles_here: Callable[[], dict[UUID, PortalRole]] = dict
        self.errors: list[Exception] = []
        self.asked: list[str] = []
        self.ended: dict[Grant, Reason] = {}
        self.revocations: list[Ended] = []
        self.revocation_reads: list[float] = []
        self.is_away = False
        self.on_ask: Callable[[], None] = lambda: None
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """A replacement of `realtime.database.in_database`."""
        self.asked.append(function.__name__)
        self.on_ask()
        answer = self._answers()[function](*args, **more)
        await asyncio.wait_for(self.gate.wait(), DEADLINE_SECONDS)
        if self.errors:
            raise self.errors.pop(0)
        return answer

    async def read_revocations(self, function: Callable[..., Any], seconds: float) -> list[Ended]:
        """A replacement of `realtime.database.in_database` for the table of revocations, which no gate holds up."""
        assert function is revocations_within
        self.revocation_reads.append(seconds)
        if self.is_away:
            raise Unavailable("Away.")
        return list(self.revocations)

    def _answers(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        return {
            load: lambda _portal_view_id: self.stored,
            pulses: self._pulses,
            roles_on: lambda **_more: dict(self.roles),
            roles_in: self._roles_in,
            forget_receipts_in_turn: lambda: None,
            forget_ended_in_turn: lambda: None,
            ended_grants: lambda grants: {grant: self.ended[grant] for grant in grants if grant in self.ended},
        }

    def _roles_in(self, asked: set[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Role]:
        assert {library_id for library_id, _ in asked} == {LIBRARY_ID}
        roles = self.roles if self.tells_roles else {one: _ROLES[role] for one, role in self.roles_here().items()}
        return {(LIBRARY_ID, user_id): role for user_id, role in roles.items()}

    def _pulses(self, portal_view_ids: list[UUID]) -> dict[UUID, Pulse]:
        if self.stored is None:
            return {}
        now = self.stored
        pulse = Pulse(LIBRARY_ID, now.version, now.epoch, self.access_version)
        return dict.fromkeys(portal_view_ids, pulse)

    def count(self, function: Callable[..., Any]) -> int:
        """The number of calls of a function."""
        return self.asked.count(function.__name__)

    @property
    def reads(self) -> int:
        """The number of reads of the state."""
        return self.count(load)


class DrivenHub:
    """A hub, its database, and the connections that were let in; they are removed at the end."""

    def __init__(self, hub: Hub, database: Database) -> None:
        self.hub = hub
        self.database = database
        self._people: list[Person] = []
        database.roles_here = lambda: {one.connection.subject.id: one.connection.role for one in self._people}

    @property
    def keeper(self) -> Keeper:
        """The keeper of that room."""
        return self.hub.keepers[PORTAL_VIEW_ID]

    @property
    def room(self) -> Room:
        """The room of the portal view under test."""
        return self.keeper.room

    async def join(self, person: Person, **more: Any) -> Person:
        """Let in a person, and wait for `connected`."""
        self.enter(person, **more)
        await self.hear(person, "connected")
        return person

    def enter(self, person: Person, **more: Any) -> None:
        """Let in a person, without waiting for `connected`."""
        self._people.append(person)
        self.hub.join(Entry(person.connection, access_version=more.pop("access_version", 1), **more))

    async def leave(self, person: Person) -> None:
        """Remove a person."""
        await asyncio.wait_for(self.hub.leave(person.connection), DEADLINE_SECONDS)

    async def empty(self) -> None:
        """Remove everybody."""
        for person in self._people:
            await self.leave(person)

    async def tell(self, *versions: int | None, **more: Any) -> None:
        """Send news of stored changes, or of a command, from another process."""
        for version in versions:
            await self.send(news(version, **more))

    async def send(self, told: News) -> None:
        """Send news from another process."""
        await require_layer().group_send(told.group, to_message(told))

    async def tell_of(self, event: str, **more: Any) -> None:
        """Send news that are no message from another process, perhaps of another release, in their encoded form."""
        told = {"type": TYPE, "event": event, "portalViewId": str(PORTAL_VIEW_ID), **more}
        await require_layer().group_send(portal_view_group(PORTAL_VIEW_ID), told)

    async def hear(self, person: Person, type_: str) -> Message:
        """The next message to a person."""
        await until(lambda: person.outlet.messages, f"a {type_}")
        message = person.outlet.messages.pop(0)
        assert message["type"] == type_, f"expected {type_}, got {message}"
        return message

    async def hear_versions(self, person: Person, number: int) -> list[int]:
        """The versions of the next updates to a person."""
        return [(await self.hear(person, "portal-view-updated"))["version"] for _ in range(number)]

    async def settle(self) -> None:
        """Wait until all news sent so far has been delivered."""
        text = '{"type":"settled"}'
        await self.send(MessageNews(portal_view_id=PORTAL_VIEW_ID, controllers=text, viewers=text))
        witness = next(person for person in self._people if person.id in self.room.people.connections)
        await until(lambda: {"type": "settled"} in witness.outlet.messages, "the end of the news")
        for person in self._people:
            person.outlet.messages = [one for one in person.outlet.messages if one["type"] != "settled"]
