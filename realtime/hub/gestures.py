"""What people of one portal view point at, and that they edit: relayed to all processes, and told the clients here.

`realtime.rooms.gestures` has the rules of time, `libraries.rules.sight` those of what viewers see. If the layer or the
database is not available, a gesture is lost: it is over in a moment anyway, and clients forget it by themselves.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol

from libraries.rules.errors import NotFound, PortalError, Unavailable
from libraries.rules.sight import Pointed, Sight, sight_of
from libraries.rules.subjects import Subject
from libraries.selectors import Stored, load
from realtime.database import in_lane
from realtime.hub.timer import Timer
from realtime.news.gestures import activity_news, flag_news, pointer_news
from realtime.news.layer import publish
from realtime.news.structs import ActivityNews
from realtime.rooms.connection import Connection
from realtime.rooms.gestures import POINTER_SECONDS, RELAY_SECONDS, Doing, Editors, Outbox, Pointers
from realtime.rooms.room import Room
from realtime.rooms.updates import Update

ANSWER_AGE_SECONDS = 1.0
"""How old the sight may be that a pointer is acknowledged with; before it is relayed, it is looked at again."""


class Home(Protocol):
    """The owner of the gestures: the room's keeper."""

    room: Room
    subscribed: bool

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that nobody waits for."""


class Gestures:
    """The gestures of one portal view."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._room = home.room
        self._outbox = Outbox()
        self._editors = Editors()
        self._pointers = Pointers()
        self._sight: Sight | None = None
        self._seen_at = -math.inf
        self._lock = asyncio.Lock()
        self._is_pointing = False
        self._pointed_at = -math.inf
        self._flag = False
        self._flagged_at = -math.inf
        self._relay = Timer(lambda: self._start(self._relay_activities()))
        self._tell = Timer(self._tell_of_editors)
        self._point = Timer(lambda: self._start(self._relay_pointers()))
        self._is_over = False

    def stop(self) -> None:
        """Stop the timers of a room that is empty."""
        self._is_over = True
        for timer in (self._relay, self._tell, self._point):
            timer.stop()

    async def sight(self, *, at_least: int = 0, max_age: float = 0.0) -> Sight:
        """What viewers see at the room's version, and at version `at_least`; or at most `max_age` seconds ago.

        All who ask at the same time share one read. Unavailable, or NotFound if the portal view is gone.
        """
        async with self._lock:
            if self._sight is None or not self._is_fresh(self._sight, at_least, max_age):
                self._sight = _sight(await self._stored(at_least))
                self._seen_at = _now()
            return self._sight

    def _is_fresh(self, sight: Sight, at_least: int, max_age: float) -> bool:
        if _now() - self._seen_at < max_age:
            return True
        return self._is_level and sight.version >= max(self._room.version, at_least)

    @property
    def _is_level(self) -> bool:
        """Whether this process has heard of all that is stored, as far as it can know."""
        return self._home.subscribed and not self._room.has_gap

    async def _stored(self, at_least: int) -> Stored:
        snapshot, version = self._room.snapshot, max(self._room.version, at_least)
        if snapshot is not None and self._is_level and snapshot.stored.version >= version:
            return snapshot.stored
        stored = await in_lane(self._room.id, load, self._room.id)
        if stored is None:
            raise NotFound("The portal view is gone.")
        return stored

    # Pointers.

    def point(self, connection: Connection, pointed: Pointed) -> None:
        """Relay where somebody points, soon; the message was checked."""
        self._pointers.put(connection, pointed)
        if not self._is_pointing and not self._is_over:
            self._point.start(self._pointed_at + POINTER_SECONDS)

    async def _relay_pointers(self) -> None:
        if self._is_pointing:
            return
        self._is_pointing, self._pointed_at = True, _now()
        try:
            taken = self._pointers.take()
            sight = await self.sight()
            for connection, pointed in taken:
                news = pointer_news(
                    self._room.id,
                    pointed,
                    sight,
                    role=connection.role,
                    subject=connection.subject,
                    sender=connection.id,
                )
                if news is not None:
                    await publish(news)
        except (Unavailable, NotFound):  # lost: the next one is already on its way
            pass
        finally:
            self._is_pointing = False
            if self._pointers and not self._is_over:
                self._point.start(self._pointed_at + POINTER_SECONDS)

    # Activity: from the clients here to all processes.

    def act(self, connection: Connection, doing: Doing) -> None:
        """Relay what a controller does, soon."""
        self._outbox.put(connection, doing)
        if not self._is_over:
            self._relay.start(self._outbox.next_at)

    def leave(self, connection: Connection) -> None:
        """A connection has ended, and with it what its person did there."""
        if self._outbox.leave(connection):
            self._home.start(self._publish(connection, Doing(is_editing=False)))

    async def _relay_activities(self) -> None:
        for connection, doing in self._outbox.take(_now()):
            await self._publish(connection, doing)
        if not self._is_over:
            self._relay.start(self._outbox.next_at)

    async def _publish(self, connection: Connection, doing: Doing) -> None:
        news = ActivityNews(
            portal_view_id=self._room.id,
            subject=connection.subject,
            sender=connection.id,
            is_editing=doing.is_editing,
            target=doing.target,
        )
        with suppress(Unavailable):  # logged where it was detected; who edits ends by themselves
            await publish(news)

    # Activity: from all processes to the clients here.

    def hear(self, news: ActivityNews) -> None:
        """Tell the clients here what a controller of any process does."""
        self._editors.hear(news.subject.id, news.sender, Doing(news.is_editing, news.target), _now())
        self._tell_of_editors()

    def _tell_of_editors(self) -> None:
        now = _now()
        due = self._editors.take(now)
        for subject_id, sender, doing in due:
            self._tell_controllers(Subject(subject_id), sender, doing)
        if due:
            self._tell_viewers_if_needed(now)
        if not self._is_over:
            self._tell.start(self._editors.next_at)

    def _tell_controllers(self, subject: Subject, sender: str, doing: Doing) -> None:
        news = activity_news(
            self._room.id, subject=subject, sender=sender, is_editing=doing.is_editing, target=doing.target
        )
        self._room.take(Update.of(news))

    def _tell_viewers_if_needed(self, now: float) -> None:
        """Tell viewers whether anybody edits: each change, and at most once in `RELAY_SECONDS` that it goes on."""
        is_editing = bool(self._editors)
        if not self._room.shows_activity:
            return
        if is_editing is self._flag and not (is_editing and now >= self._flagged_at + RELAY_SECONDS):
            return
        self._flag, self._flagged_at = is_editing, now
        self._home.start(self._tell_viewers(is_editing))

    async def _tell_viewers(self, is_editing: bool) -> None:
        try:
            sight = await self.sight()
        except PortalError:  # lost: clients forget an activity that is not repeated
            return
        if sight.viewers_see_activity:
            self._room.take(Update.of(flag_news(self._room.id, is_editing=is_editing, as_of=sight.version)))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._home.start(work)


def _sight(stored: Stored) -> Sight:
    return sight_of(stored.state, shows_activity=stored.show_activity)


def _now() -> float:
    return asyncio.get_running_loop().time()
