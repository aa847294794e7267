"""The keeper of one room: it reads the state for the room, notices gaps, and asks controllers for viewers.

A room does no I/O; its keeper has its task, its timers and its subscription. It joins the portal view's group before it
reads the state, so that no change is lost in between. It reads again if news was missed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, assert_never
from uuid import UUID

import structlog

from libraries.rules.errors import Unavailable, described
from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Grant, Subject
from libraries.selectors import Stored, load
from realtime.database import in_lane
from realtime.hub.gestures import Gestures
from realtime.hub.roles import check_newcomers, doubt
from realtime.hub.subscriptions import Subscriptions
from realtime.news.layer import publish
from realtime.news.structs import (
    AccessNews,
    ActivityNews,
    DeletedNews,
    MessageNews,
    RoomNews,
    StaleNews,
    SyncHeardNews,
    SyncRequestedNews,
    portal_view_group,
)
from realtime.protocol.closing import CloseCode
from realtime.protocol.events import GoingAway, PortalViewDeleted, ServerMessage, SyncRequested
from realtime.rooms.connection import CRASHED, Connection
from realtime.rooms.room import Room
from realtime.rooms.snapshots import Answer, Entry, RoleChange, SnapshotRequest
from realtime.rooms.updates import Update

GAP_SECONDS = 0.05
"""How long a room waits for a missing change before it reads the state."""
QUESTION_SECONDS = 0.25
"""How long a viewer's `request-sync` waits for a process with a controller before the server answers."""
ASK_SECONDS = 1.0
"""The minimum interval at which the controllers get questions of the same viewer."""
RETRY_SECONDS = 1.0
"""The delay before a failed read or subscription is tried again."""
RETRY_AFTER_MILLISECONDS = 2000
"""The upper limit of the reconnect delay when a room starts anew. Each client gets a random delay up to this."""

log = structlog.get_logger(__name__)


class Home(Protocol):
    """The owner of a keeper's room: the hub."""

    subscriptions: Subscriptions

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that nobody waits for."""

    def drop(self, keeper: Keeper) -> None:
        """Remove a room that has ended: nobody is in it any more."""

    def compare_soon(self, portal_view_id: UUID) -> None:
        """Compare a room with the stored data soon."""


class Keeper:
    """Keeps one room up to date."""

    def __init__(self, portal_view_id: UUID, home: Home) -> None:
        self.room = Room(portal_view_id, self.serve)
        self.subscribed = False
        self.gestures = Gestures(self)
        self._home = home
        self._reading: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._questions: dict[str, asyncio.TimerHandle] = {}
        self._is_over = False

    def serve(self, request: SnapshotRequest) -> None:
        """Bring a connection up to date; if the room has no state that is new enough, read it."""
        if not self.room.serve(request):
            self._read_now()

    def enter(self, entry: Entry) -> None:
        """Add a new connection; its `connected` is sent once the state is available."""
        entry.connection.room = self.room
        self.serve(entry)

    def become(self, connection: Connection, grant: Grant, role: PortalRole, name: str, access_version: int) -> None:
        """Give a guest's connection to a user; it gets all that the user sees, as `role-changed`."""
        connection.grant, connection.role, connection.became = grant, connection.role_for(role), name
        connection.own_role, connection.name = role, name
        waiting = self.room.people.waiting.get(connection.id)
        if isinstance(waiting, Entry):  # `connected` says it
            waiting.name, waiting.guest = name, ""
        self.serve(waiting if isinstance(waiting, Entry) else RoleChange(connection, access_version=access_version))

    def end(self, connection: Connection, code: str, message: str, wait: float | None = None) -> None:
        """Close a connection; it hears nothing more from this moment on. After `wait` seconds it may come back."""
        connection.withdraw(code, message, wait)
        self.leave(connection)

    def leave(self, connection: Connection) -> None:
        """Remove a connection that has ended."""
        self.room.remove(connection)
        self._forget_question(connection.id)
        self.gestures.leave(connection)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that nobody waits for."""
        return self._home.start(work)

    def stop(self) -> None:
        """Stop the timers and the read of a room that is empty."""
        self._is_over = True
        self.gestures.stop()
        if self._timer is not None:
            self._timer.cancel()
        if self._reading is not None:
            self._reading.cancel()

    # News from the channel layer. News of access and of deletion is checked in the database before it is acted on.

    def take(self, news: RoomNews) -> None:
        """Handle news about the portal view, from another process or from this one."""
        match news:
            case MessageNews():
                self.room.take(Update.of(news))
                if self.room.has_gap:
                    self._read_later(GAP_SECONDS)
            case AccessNews():
                self.hear_of_role(news.subject, news.role, news.access_version)
            case SyncRequestedNews():
                self._pass_question(news)
            case SyncHeardNews():
                self._forget_question(news.to)
            case ActivityNews():
                self.gestures.hear(news)
            case DeletedNews() | StaleNews():
                self._home.compare_soon(self.room.id)
            case _:
                assert_never(news)

    def hear_of_role(self, subject: Subject, role: PortalRole | None, access_version: int = 0) -> None:
        """Somebody has, or may have, that role in the database; a difference is looked up."""
        doubt(self.room, {subject: role}, access_version)
        self.look_after()

    # Questions of viewers.

    async def ask(self, connection: Connection) -> None:
        """Pass a viewer's `request-sync` to the controllers in any process; without controllers the server answers.

        Requests within a second after one that was passed on are merged into one, which is passed on after that second.
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
            loop = asyncio.get_running_loop()
            loop.call_later(next_at - now, lambda: self._home.start(self._ask(connection)))

    async def _ask(self, connection: Connection) -> None:
        if self._is_over or connection.closed or connection.id in self._questions:
            return
        if not self.room.has_controller or not self.subscribed:
            loop = asyncio.get_running_loop()
            self._questions[connection.id] = loop.call_later(QUESTION_SECONDS, self._answer, connection)
        question = SyncRequestedNews(portal_view_id=self.room.id, subject=connection.subject, sender=connection.id)
        try:
            await publish(question)
        except Unavailable:
            self._answer(connection)

    def _answer(self, connection: Connection) -> None:
        self._forget_question(connection.id)
        if connection.id in self.room.people.connections:
            self.serve(Answer(connection))

    def _pass_question(self, news: SyncRequestedNews) -> None:
        heard = self.room.ask_controllers(SyncRequested(subject_id=news.subject.id, connection_id=news.sender))
        if heard and news.sender not in self.room.people.connections:
            self._home.start(_say_heard(self.room.id, news.sender))

    def _forget_question(self, connection_id: str) -> None:
        """Forget a viewer's `request-sync`: it is answered, or the viewer is gone."""
        if (question := self._questions.pop(connection_id, None)) is not None:
            question.cancel()

    # Reading the state: for connections that wait for it, and after missed news.

    def look_after(self) -> None:
        """Read the state now if connections wait for it.

        If only a change is missing, wait a moment: it may still arrive.
        """
        if self.room.people.waiting or not self.subscribed:
            self._read_now()
        elif self.room.has_gap:
            self._read_later(GAP_SECONDS)

    def _read_later(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._timer_is_up)

    def _timer_is_up(self) -> None:
        self._timer = None
        if self.room.people.waiting or self.room.has_gap or not self.subscribed:
            self._read_now()

    def _read_now(self) -> None:
        """Read the state, unless a read is in progress; a gap that remains is found after that read."""
        if self._reading is None:
            self._reading = self._home.start(self._read_or_close())

    async def _read_or_close(self) -> None:
        try:
            await self._read()
        except Exception:  # a bug, or a state that no service would store: clients must not wait for ever
            portal_view_id = str(self.room.id)
            if not self.room.people.waiting:
                log.exception("state_not_read", portalViewId=portal_view_id)
            for request in list(self.room.people.waiting.values()):
                who = {**request.connection.subject.named, "connectionId": request.connection.id}
                log.exception("snapshot_not_given", portalViewId=portal_view_id, **who)
                request.connection.refuse("internal-error", CRASHED)
                self.room.remove(request.connection)

    async def _read(self) -> None:
        room = self.room
        catch_up, version_before = room.has_gap or not self.subscribed, room.version
        room.order.start_reading()
        stored: Stored | None = None
        failed = False
        try:
            # The state can be read and shown even if this fails; it is tried again.
            self.subscribed = self.subscribed or await self._home.subscriptions.add(portal_view_group(room.id))
            stored = await in_lane(room.id, load, room.id)
            if stored is not None:
                await check_newcomers(room, stored.access_version)
        except Unavailable as error:
            log.warning("state_not_read", portalViewId=str(room.id), error=described(error.__cause__))
            failed = True
        finally:
            self._reading = None
        if stored is not None and room.order.is_other_past(stored.epoch, stored.version, version_before):
            self.start_anew()
            return
        room.stop_reading(stored, catch_up=catch_up)
        if stored is None and not failed:
            self.delete()
        elif failed or not self.subscribed:
            self._read_later(RETRY_SECONDS)
        elif room.people.waiting or room.has_gap:
            self._read_later(GAP_SECONDS)

    # The end of a room.

    def delete(self) -> None:
        """Notify everybody that the portal view is deleted, and close."""
        gone = PortalViewDeleted(portal_view_id=self.room.id)
        self._close_all(lambda: gone, CloseCode.NORMAL, "portal-view-deleted")

    def start_anew(self) -> None:
        """Close all connections and ask them to reconnect: what was delivered is not what is stored now."""
        log.warning("stored_state_is_older", portalViewId=str(self.room.id))
        self._close_all(
            lambda: GoingAway(retry_after=random.randrange(RETRY_AFTER_MILLISECONDS)),  # noqa: S311  # no secret
            CloseCode.RESTART,
            "going-away",
        )

    def _close_all(self, last: Callable[[], ServerMessage], code: CloseCode, reason: str) -> None:
        self.room.close_all(last, code, reason)
        self._home.drop(self)


async def _say_heard(portal_view_id: UUID, connection_id: str) -> None:
    # If this is lost, the process of the viewer hears nothing and answers itself.
    with suppress(Unavailable):
        await publish(SyncHeardNews(portal_view_id=portal_view_id, to=connection_id))
