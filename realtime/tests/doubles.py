"""Test doubles for rooms and connections: an outlet that records, states, updates. No I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any
from uuid import UUID

import msgspec

from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Grant, Subject
from libraries.selectors import Stored
from realtime.delivery.outlet import Member, Raw
from realtime.delivery.prepared import Form, Framing, Prepared, form
from realtime.news.structs import MessageNews
from realtime.protocol.encodings import encode
from realtime.protocol.events import PortalViewUpdated
from realtime.rooms.connection import Connection
from realtime.rooms.room import Room
from realtime.rooms.snapshots import Entry
from realtime.rooms.updates import Update
from realtime.sessions.work import Job

PORTAL_VIEW_ID = UUID("0195d5a0-0000-7000-8000-000000000001")
LIBRARY_ID = UUID(int=7)
LONG_AFTER = 4e9
"""Seconds since the epoch, so late that no credential of a test expires."""

_ids = count(1)


class Recorder(Member):
    """An outlet that records its messages, decoded."""

    raw: Raw | None = None
    waiting = 0

    def __init__(self, wanted: Form | None = None) -> None:
        super().__init__(wanted or form(Framing.NONE))
        self.messages: list[dict[str, Any]] = []
        self.presence: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None

    def deliver(self, message: Prepared) -> None:
        """Count a message, and record it."""
        self.sent += 1
        self.write(message)

    def write(self, message: Prepared) -> None:
        """Record a message, decoded; `presence`, which comes at its own times, apart from the others."""
        assert self.closed is None, f"{message.content(self.form.encoding)!r} was sent behind a close"
        read = msgspec.json.decode if self.form.encoding.is_text else msgspec.msgpack.decode
        decoded = read(message.content(self.form.encoding))
        (self.presence if decoded["type"] == "presence" else self.messages).append(decoded)

    def close_after(self, code: int, reason: str) -> None:
        """Record the code and the reason."""
        assert self.closed is None, "closed twice"
        self.leave()
        self.closed = (int(code), reason)

    async def wait_drained(self) -> None:
        """Return at once."""

    def stall(self) -> None:
        """Simulate that the client does not read any more."""
        self._stall()

    def drain(self) -> None:
        """Simulate that the client has read everything."""
        self._drained()

    def take(self) -> list[dict[str, Any]]:
        """The messages since the last call."""
        taken, self.messages = self.messages, []
        return taken

    def take_types(self) -> list[str]:
        """The types of the messages since the last call."""
        return [message["type"] for message in self.take()]


class Person:
    """A connection with its outlet."""

    def __init__(
        self,
        role: PortalRole = PortalRole.VIEWER,
        *,
        subject: Subject | None = None,
        grant: Grant | None = None,
        connection_id: str = "",
    ) -> None:
        self.outlet = Recorder()
        number = next(_ids)
        self.connection = Connection(
            connection_id=connection_id or f"connection-{number}",
            grant=grant or Grant(subject or Subject(UUID(int=number))),
            portal_view_id=PORTAL_VIEW_ID,
            role=role,
            outlet=self.outlet,
        )
        self.connection.extend(LONG_AFTER, LONG_AFTER)

    @property
    def id(self) -> str:
        """The connection's id."""
        return self.connection.id


def controller(**more: Any) -> Person:
    """A controller."""
    return Person(PortalRole.CONTROLLER, **more)


def viewer(**more: Any) -> Person:
    """A viewer."""
    return Person(PortalRole.VIEWER, **more)


def state(version: int = 1, **more: Any) -> dict[str, Any]:
    """A portal view's state; its name contains the version. Unless said otherwise, viewers saw each change."""
    return {
        "id": str(PORTAL_VIEW_ID),
        "libraryId": str(LIBRARY_ID),
        "name": f"at {version}",
        **dict.fromkeys(("showEncounter", "showHealth", "showAC", "showActions", "blackout", "viewersMayPoint"), False),
        "showConditions": True,
        "healthDisplay": "numbers",
        "autoResetImageState": True,
        **dict.fromkeys(("currentItem", "currentItemId", "camera", "encounter")),
        "items": [],
        "version": version,
        "createdAt": "2026-11-23T19:00:00.000Z",
        "updatedAt": "2026-11-23T19:00:00.000Z",
        "viewersVersion": version,
        "viewersUpdatedAt": "2026-11-23T19:00:00.000Z",
        **more,
    }


def stored(version: int = 1, epoch: str = "one", *, access_version: int = 1, **more: Any) -> Stored:
    """A stored state."""
    return Stored(state(version, **more), epoch, access_version)


def update_text(version: int | None, name: str | None = None) -> str:
    """A `portal-view-updated`; its name contains the version, as in `state`."""
    payload = {"name": f"at {version}" if name is None else name}
    message = PortalViewUpdated(payload=payload)
    if version is not None:
        message.version = version
    return encode(message)


def update(
    version: int | None, *, name: str | None = None, viewers: bool = True, seen: int | None = None, **more: Any
) -> Update:
    """A change of the name, stored as `version`; None for a command.

    `seen` is the viewers' version after it, by default the same.
    """
    seen = version if seen is None else seen
    text = Prepared(update_text(seen, name)) if viewers else None
    return Update(Prepared(update_text(version, name)), text, version=version, viewers_version=seen, **more)


def news(version: int | None, **more: Any) -> MessageNews:
    """The same change as it comes through the channel layer."""
    text = update_text(version)
    usual = {"version": version, "viewers_version": version, "controllers": text, "viewers": text}
    return MessageNews(**{"portal_view_id": PORTAL_VIEW_ID, **usual, **more})


class Task:
    """A job that records when it is done. It absorbs, or lets pass, jobs of the given names."""

    def __init__(self, name: str, done: list[str], *, absorbs: str = "", lets_pass: str = "", size: int = 1) -> None:
        self.name = name
        self.done = done
        self.absorbs = absorbs
        self.passing = lets_pass
        self.messages = 1
        self.size = size

    async def run(self) -> None:
        """Record that it was done."""
        self.done.append(self.name)

    def absorb(self, later: Job) -> bool:
        """Whether the later one is among those that it absorbs."""
        assert isinstance(later, Task)
        if later.name not in self.absorbs:
            return False
        self.name += later.name
        self.messages += later.messages
        self.size += later.size
        return True

    def lets_pass(self, later: Job) -> bool:
        """Whether the later one is among those that may pass it."""
        assert isinstance(later, Task)
        return later.name in self.passing


def new_room(drained: list[Connection] | None = None) -> Room:
    """An empty room, with a list of the connections that it was told to bring up to date."""
    told = [] if drained is None else drained
    return Room(PORTAL_VIEW_ID, lambda request: told.append(request.connection))


def read(room: Room, version: int, *, catch_up: bool = False, meanwhile: Sequence[Update] = (), **more: Any) -> None:
    """Let the room read a state of that version, with updates that come during the read."""
    room.order.start_reading()
    for ready in meanwhile:
        room.take(ready)
    room.stop_reading(stored(version, **more), catch_up=catch_up)


def room_with(*people: Person, version: int = 1, **more: Any) -> Room:
    """A room that has read a state, with people who have received `connected`."""
    room = new_room()
    for person in people:
        room.serve(Entry(person.connection))
    read(room, version, **more)
    for person in people:
        assert person.outlet.take_types() == ["connected"]
    return room


def versions(person: Person) -> list[int | None]:
    """The versions of the messages since the last call."""
    return [message.get("version") for message in person.outlet.take()]


def as_lane(database: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """A replacement of `realtime.database.in_lane` and `in_write_lane`, from a replacement of `in_database`."""

    async def in_lane(_portal_view_id: UUID, function: Callable[..., Any], /, *args: Any, **more: Any) -> Any:
        return await database(function, *args, **more)

    return in_lane
