"""The rooms of this process. A hub belongs to one event loop.

`realtime.hub.keeper` keeps one room up to date, `realtime.hub.subscriptions` owns the channel, and `realtime.hub.beat`
does the periodic work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync

from libraries.grants import Access
from libraries.rules.figures import Figures
from libraries.rules.revocations import SENTENCES, Reason
from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Grant
from realtime.hub.beat import Beat
from realtime.hub.figures import Questions
from realtime.hub.gestures import Gestures
from realtime.hub.keeper import Keeper
from realtime.hub.presences import Presences
from realtime.hub.revocations import Revocations
from realtime.hub.roster import Roster
from realtime.hub.subscriptions import Subscriptions
from realtime.news.structs import (
    AnyNews,
    FiguresAskedNews,
    FiguresToldNews,
    PresenceNews,
    RevokedNews,
    portal_view_group,
)
from realtime.rooms.connection import Connection
from realtime.rooms.room import Room
from realtime.rooms.snapshots import Entry


class Hub:
    """The rooms of one event loop with their keepers, by portal view."""

    def __init__(self) -> None:
        self.keepers: dict[UUID, Keeper] = {}
        self.roster = Roster()
        self.subscriptions = Subscriptions(self._take)
        self.questions = Questions(self)
        self.revocations = Revocations(self, self.end)
        self.presences = Presences(self)
        self._beat = Beat(self)
        self._tasks: set[asyncio.Task[None]] = set()

    def join(self, entry: Entry) -> None:
        """Add a new connection to its portal view's room; its `connected` is sent once the state is available.

        A connection whose credential has ended since its access was looked up is closed instead.
        """
        if (ended := self.revocations.find_end(entry.connection)) is not None:
            entry.connection.refuse(ended.reason.value, SENTENCES[ended.reason], wait=ended.wait)
            return
        if not self.keepers:
            self.revocations.read_soon()
        self.roster.add(entry.connection)
        portal_view_id = entry.connection.portal_view_id
        keeper = self.keepers.get(portal_view_id)
        if keeper is None:
            keeper = self.keepers[portal_view_id] = Keeper(portal_view_id, self)
        self._beat.begin()
        entry.connection.name = entry.name
        entry.reconnect_within = self.roster.reconnect_within
        keeper.enter(entry)
        self.presences.look(portal_view_id)

    async def leave(self, connection: Connection) -> None:
        """Remove a connection from its room. If it was the last one, this process leaves the group."""
        self.roster.remove(connection)
        if connection.lost_access:
            self.presences.expel(connection)
        else:
            self.presences.look(connection.portal_view_id)
        keeper = self._keeper_of(connection)
        if keeper is None:
            return
        keeper.leave(connection)
        if keeper.room.people.is_empty:
            self._forget(keeper)
            await self._unsubscribe(keeper)

    def drop(self, keeper: Keeper) -> None:
        """Remove a room that has ended."""
        self._forget(keeper)
        self.start(self._unsubscribe(keeper))

    def compare_soon(self, portal_view_id: UUID) -> None:
        """Compare a room with the stored data soon."""
        self._beat.compare_soon(portal_view_id)

    async def ask(self, connection: Connection) -> None:
        """Pass a viewer's `request-sync` to the controllers in any process; without controllers the server answers."""
        if (keeper := self._keeper_of(connection)) is not None:
            await keeper.ask(connection)

    def gestures_of(self, connection: Connection) -> Gestures | None:
        """The gestures in the room of a connection; None if the room has ended."""
        keeper = self._keeper_of(connection)
        return None if keeper is None else keeper.gestures

    def hear_of_role(self, connection: Connection, role: PortalRole | None) -> None:
        """The person of a connection has, or may have, that role in the database; a difference is looked up."""
        if (keeper := self._keeper_of(connection)) is not None:
            keeper.hear_of_role(connection.subject, role)

    def become(self, connection: Connection, grant: Grant, access: Access, role: PortalRole) -> None:
        """Give a guest's connection to the user of another credential."""
        self.roster.remove(connection)
        if (keeper := self._keeper_of(connection)) is not None:
            keeper.become(connection, grant, role, access.name, access.access_version)
            self.roster.add(connection)
            self.presences.look(connection.portal_view_id)

    def renew(self, connection: Connection, grant: Grant) -> None:
        """Let a connection rest on another credential of the same person."""
        self.roster.remove(connection)
        connection.grant = grant
        self.roster.add(connection)

    def end(self, connection: Connection, reason: Reason, wait: float | None = None) -> None:
        """Close a connection whose credential has ended; it hears nothing more from this moment on.

        With `wait` it may come back after so many seconds.
        """
        self.roster.remove(connection)
        if (keeper := self._keeper_of(connection)) is not None:
            keeper.end(connection, reason.value, SENTENCES[reason], wait)
        self.presences.expel(connection)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that nobody waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _take(self, news: AnyNews) -> None:
        if isinstance(news, RevokedNews):
            self.revocations.read_soon()
        elif isinstance(news, FiguresAskedNews | FiguresToldNews):
            self.questions.take(news)
        elif isinstance(news, PresenceNews):
            self.presences.hear(news)
        elif (keeper := self.keepers.get(news.portal_view_id)) is not None:
            keeper.take(news)

    def room_of(self, portal_view_id: UUID) -> Room | None:
        """The room of a portal view, if there is one in this process."""
        keeper = self.keepers.get(portal_view_id)
        return None if keeper is None else keeper.room

    def _keeper_of(self, connection: Connection) -> Keeper | None:
        return self.keepers.get(connection.portal_view_id)

    def _forget(self, keeper: Keeper) -> None:
        del self.keepers[keeper.room.id]
        keeper.stop()
        if not self.keepers:
            self._beat.end()

    async def _unsubscribe(self, keeper: Keeper) -> None:
        portal_view_id = keeper.room.id
        group = portal_view_group(portal_view_id)
        await self.subscriptions.discard(group, unless=lambda: portal_view_id in self.keepers)
        if not self.keepers:
            await self.revocations.forget()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    return hub


def ask_hub(portal_view_id: UUID) -> Figures:
    """The figures of a portal view, for a thread of a request: the hub is that of the loop that serves it."""

    async def ask() -> Figures:
        return await current_hub().questions.ask(portal_view_id)

    return async_to_sync(ask)()
