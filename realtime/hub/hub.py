"""This process's rooms: who is in them, and how they keep up with what is stored.

A hub belongs to one event loop. A room joins its portal view's group before it reads the state, so that nothing falls
between; it reads again where news were missed. Ordering is in `realtime.rooms.room`, the channel in
`realtime.hub.subscriptions`, and what goes on without news in `realtime.hub.beat`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog

from libraries.rules.errors import Unavailable, described
from libraries.rules.roles import PortalRole
from libraries.selectors import Stored, load
from realtime.database import in_lane
from realtime.hub.beat import Beat
from realtime.hub.roles import check_newcomers, doubt
from realtime.hub.subscriptions import Subscriptions
from realtime.news.layer import publish
from realtime.news.structs import (
    AccessNews,
    AnyNews,
    DeletedNews,
    MessageNews,
    SyncHeardNews,
    SyncRequestedNews,
    portal_view_group,
)
from realtime.protocol.closing import CloseCode
from realtime.protocol.events import GoingAway, PortalViewDeleted, ServerMessage, SyncRequested
from realtime.rooms.bulletin import Bulletin
from realtime.rooms.connection import CRASHED, Connection
from realtime.rooms.greeting import Waiting
from realtime.rooms.room import Room

GAP_SECONDS = 0.05
"""How long a room waits for a change that it misses before it reads the state."""
QUESTION_SECONDS = 0.25
"""How long a viewer's `request-sync` waits for a process that has a controller, before the server answers."""
ASK_SECONDS = 1.0
"""How often the controllers hear of the same viewer's question."""
RETRY_SECONDS = 1.0
"""How long after a failed read or subscription it is tried again."""
RETRY_AFTER_MILLISECONDS = 2000
"""The most that a client is asked to wait when its room starts anew; each gets another time, up to this."""

log = structlog.get_logger(__name__)


class Hub:
    """The rooms of one event loop, by portal view."""

    def __init__(self) -> None:
        self.rooms: dict[UUID, Room] = {}
        self._subscriptions = Subscriptions(self._take)
        self._beat = Beat(self)
        self._tasks: set[asyncio.Task[None]] = set()

    def join(self, waiting: Waiting) -> None:
        """Let a new connection into its portal view's room; its `connected` is sent once the state is at hand."""
        portal_view_id = UUID(waiting.connection.portal_view_id)
        room = self.rooms.get(portal_view_id)
        if room is None:
            room = self.rooms[portal_view_id] = Room(portal_view_id, self._bring_up_to_date)
        self._beat.begin()
        self._bring_up_to_date(room, waiting)

    async def leave(self, connection: Connection) -> None:
        """Take a connection out of its room, and this process out of the group when it was the last."""
        room = self.rooms.get(UUID(connection.portal_view_id))
        if room is None:
            return
        room.remove(connection)
        if room.is_empty:
            self._drop(room)
            await self._unsubscribe(room)

    def _drop(self, room: Room) -> None:
        del self.rooms[room.id]
        room.stop()
        if not self.rooms:
            self._beat.end()

    async def _unsubscribe(self, room: Room) -> None:
        await self._subscriptions.discard(portal_view_group(room.id), unless=lambda: room.id in self.rooms)

    def version_of(self, connection: Connection) -> int:
        """The newest version that this process has told the connections of the same portal view."""
        room = self.rooms.get(UUID(connection.portal_view_id))
        return max(connection.version, room.version if room else 0)

    async def ask(self, connection: Connection) -> None:
        """Pass a viewer's `request-sync` to the controllers, wherever they are; without any the server answers.

        Those that come within a second of one that was passed on are passed on as one, when it is over.
        """
        now = time.monotonic()
        if connection.asked_at > now:
            return
        next_at = connection.asked_at + ASK_SECONDS
        if next_at <= now:
            connection.asked_at = now
            await self._ask(connection)
        else:
            connection.asked_at = next_at
            asyncio.get_running_loop().call_later(next_at - now, lambda: self.start(self._ask(connection)))

    async def _ask(self, connection: Connection) -> None:
        room = self.rooms.get(UUID(connection.portal_view_id))
        if room is None or connection.closed or connection.id in room.questions:
            return
        if not room.has_controller or not room.subscribed:
            loop = asyncio.get_running_loop()
            room.questions[connection.id] = loop.call_later(QUESTION_SECONDS, self._answer, room, connection)
        try:
            await publish(SyncRequestedNews(portal_view_id=room.id, user_id=connection.user_id, sender=connection.id))
        except Unavailable:
            self._answer(room, connection)

    def _answer(self, room: Room, connection: Connection) -> None:
        room.forget_question(connection.id)
        if connection.id in room.connections:
            self._bring_up_to_date(room, Waiting(connection, "sync-response"))

    def _bring_up_to_date(self, room: Room, waiting: Waiting) -> None:
        if not room.admit(waiting):
            self._refresh(room)

    # News from the channel layer. What they say of access and of the end is looked up before it is believed.

    def _take(self, news: AnyNews) -> None:
        room = self.rooms.get(news.portal_view_id)
        if room is None:
            return
        match news:
            case MessageNews():
                room.take(Bulletin.of(news))
                if room.has_gap:
                    self._refresh_later(room, GAP_SECONDS)
            case AccessNews():
                self._hear_of_role(room, news.user_id, news.role, news.access_version)
            case SyncRequestedNews():
                self._pass_question(room, news)
            case SyncHeardNews():
                room.forget_question(news.to)
            case DeletedNews():
                self._beat.compare_soon(room.id)

    def hear_of_role(self, connection: Connection, role: PortalRole | None) -> None:
        """The database has, or may have, that role for the person of a connection: it is looked up if it is another."""
        room = self.rooms.get(UUID(connection.portal_view_id))
        if room is not None:
            self._hear_of_role(room, connection.user_id, role)

    def _hear_of_role(self, room: Room, user_id: str, role: PortalRole | None, access_version: int = 0) -> None:
        doubt(room, {user_id: role}, access_version)
        self.look_after(room)

    def _pass_question(self, room: Room, news: SyncRequestedNews) -> None:
        heard = room.ask_controllers(SyncRequested(user_id=news.user_id, connection_id=news.sender))
        if heard and news.sender not in room.connections:
            self.start(_say_heard(room.id, news.sender))

    # Reading the state: for those who join, and where news were missed.

    def _refresh_later(self, room: Room, seconds: float) -> None:
        if room.timer is None:
            room.timer = asyncio.get_running_loop().call_later(seconds, self._timer_is_up, room)

    def _timer_is_up(self, room: Room) -> None:
        room.timer = None
        if room.waiting or room.has_gap or not room.subscribed:
            self._refresh(room)

    def look_after(self, room: Room) -> None:
        """Read the state now for those who wait for it; a change that the room misses may be on its way."""
        if room.waiting or not room.subscribed:
            self._refresh(room)
        elif room.has_gap:
            self._refresh_later(room, GAP_SECONDS)

    def _refresh(self, room: Room) -> None:
        """Read a room's state, unless that is being done already; what it lacks is found out after that."""
        if room.refreshing is None:
            room.refreshing = self.start(self._read_or_close(room))

    async def _read_or_close(self, room: Room) -> None:
        try:
            await self._read(room)
        except Exception:  # a bug, or a state that no service would store: who waits for it must not wait for ever
            if not room.waiting:
                log.exception("state_not_read", portalViewId=str(room.id))
            for waiting in list(room.waiting.values()):
                who = {"userId": waiting.connection.user_id, "connectionId": waiting.connection.id}
                log.exception("snapshot_not_given", portalViewId=str(room.id), **who)
                waiting.connection.refuse("internal-error", CRASHED)
                room.remove(waiting.connection)

    async def _read(self, room: Room) -> None:
        catch_up, version_before = room.has_gap or not room.subscribed, room.version
        room.start_reading()
        stored: Stored | None = None
        failed = False
        try:
            # Without it the state can be read and shown all the same; it is tried again.
            room.subscribed = room.subscribed or await self._subscriptions.add(portal_view_group(room.id))
            stored = await in_lane(room.id, load, room.id)
            if stored is not None:
                await check_newcomers(room, stored.access_version)
        except Unavailable as error:
            log.warning("state_not_read", portalViewId=str(room.id), error=described(error.__cause__))
            failed = True
        finally:
            room.refreshing = None
        if stored is not None and room.is_other_past(stored.epoch, stored.version, version_before):
            self.start_anew(room)
            return
        room.stop_reading(stored, catch_up=catch_up)
        if stored is None and not failed:
            self.delete(room)
        elif failed or not room.subscribed:
            self._refresh_later(room, RETRY_SECONDS)
        elif room.waiting or room.has_gap:
            self._refresh_later(room, GAP_SECONDS)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that nobody waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # The end of a room.

    def delete(self, room: Room) -> None:
        """Tell everybody that the portal view is gone, and close."""
        gone = PortalViewDeleted(portal_view_id=str(room.id))
        self._close_all(room, lambda: gone, CloseCode.NORMAL, "portal-view-deleted")

    def start_anew(self, room: Room) -> None:
        """Send everybody away to come back: what was delivered is not what is stored now."""
        log.warning("stored_state_is_older", portalViewId=str(room.id))
        self._close_all(
            room,
            lambda: GoingAway(retry_after=random.randrange(RETRY_AFTER_MILLISECONDS)),  # noqa: S311  # no secret
            CloseCode.RESTART,
            "going-away",
        )

    def _close_all(self, room: Room, last: Callable[[], ServerMessage], code: CloseCode, reason: str) -> None:
        room.close_all(last, code, reason)
        self._drop(room)
        self.start(self._unsubscribe(room))


async def _say_heard(portal_view_id: UUID, connection_id: str) -> None:
    # If it does not get through, the asker's own process answers: it hears nothing.
    with suppress(Unavailable):
        await publish(SyncHeardNews(portal_view_id=portal_view_id, to=connection_id))


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    return hub
