"""Two processes with a room each, a stored portal view, and clients that fold: everything happens when a test says so.

The rooms, the jobs, the handlers and the rules are the real ones. The database is a `Table`, the channel layer a list
for each process, and a coroutine goes on only when it is told to. So each order of things can be tried, and repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, cast
from uuid import UUID

import pytest

from libraries.events import Event
from libraries.receipts import ReceiptKey
from libraries.rules.errors import Forbidden, PortalError, Unavailable
from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Subject
from libraries.selectors import Stored
from libraries.services.changes import Written
from realtime.client.python.portal_client.fold import Folded, Message
from realtime.news.compose import news_of
from realtime.news.structs import MessageNews, News
from realtime.protocol.requests import StoredRequest, SyncResponse, decode
from realtime.rooms.connection import Connection
from realtime.rooms.room import Room
from realtime.rooms.snapshots import Entry, SnapshotRequest
from realtime.rooms.updates import Update
from realtime.sessions import jobs
from realtime.sessions.handlers import HANDLERS, Session
from realtime.sessions.work import Work
from realtime.tests.doubles import Person
from realtime.tests.stepwise import Pause, Queue, run
from testing.table import PORTAL_VIEW_ID, Table, amid_a_fight, as_text, checked, shown_to

CONTROLLER, VIEWER = PortalRole.CONTROLLER, PortalRole.VIEWER


class Process:
    """A room, the news on its way to it, and its reads of the state."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.room = Room(PORTAL_VIEW_ID, self.serve)
        self.inbox: list[MessageNews] = []
        self.roles: list[tuple[Subject, PortalRole]] = []
        self._reading: tuple[bool, list[Stored]] | None = None

    def serve(self, request: SnapshotRequest) -> None:
        """As `realtime.hub.keeper.Keeper.serve`."""
        if not self.room.serve(request):
            self._start()

    def read_on(self) -> bool:
        """Start a read, read the database, or finish; returns whether there was anything to do."""
        if self._reading is None:
            if not (self.room.people.waiting or self.room.has_gap):
                return False
            self._start()
            return True
        catch_up, read = self._reading
        if not read:
            read.append(self._world.table.stored)
        else:
            self._reading = None
            self.room.stop_reading(read[0], catch_up=catch_up)
        return True

    def _start(self) -> None:
        if self._reading is None:
            self._reading = self.room.has_gap, []
            self.room.order.start_reading()

    def take(self, place: int, *, stays: bool = False) -> None:
        """Let a piece of news come in; with `stays` it comes again later."""
        news = self.inbox[place] if stays else self.inbox.pop(place)
        self.room.take(Update.of(news))

    def beat(self) -> None:
        """Compare the room with the stored version."""
        if self.room.version:
            self.room.order.note(self._world.table.stored.version)

    def hear_of_role(self) -> None:
        """Let the oldest change of a role come in."""
        subject, _ = self.roles.pop(0)
        self.room.change_roles({subject: self._world.role_of(subject)})


class Client:
    """A device of a person: what it folds, and its connection while it has one."""

    def __init__(self, world: World, subject: Subject) -> None:
        self._world = world
        self.subject = subject
        self.folded = Folded()
        self.connection: Connection | None = None
        self.queue = Queue()
        self.uplink: list[Message] = []
        self.again: list[Message] = []
        self.known: tuple[int, str] | None = None
        self.has_echo = False
        self._frames: list[Message] = []
        self._process: Process | None = None
        self._refs = 0

    def join(self, process: Process) -> None:
        """Connect, naming what it has."""
        person = Person(self._world.role_of(self.subject), subject=self.subject)
        self.connection, self._process, self._frames = person.connection, process, person.outlet.messages
        self.queue = Queue()
        self._world.queues.append(self.queue)
        version, epoch = self.known or (None, None)
        self.connection.room = process.room
        process.serve(Entry(self.connection, known_version=version, known_epoch=epoch))

    def drop(self, frames: int) -> None:
        """Lose the connection: some frames still come up to the client, and what it had sent is lost, or is not."""
        assert self.connection is not None
        assert self._process is not None
        self.receive(frames)
        self.again += [
            {**message, "retry": True, "connectionId": self.connection.id} for message in self.folded.unanswered
        ]
        self._process.room.remove(self.connection)
        self.uplink.clear()
        self.known = self.folded.disconnect()
        self.connection, self._process, self._frames = None, None, []

    def say(self, message: Message) -> None:
        """Send a message of its own, for the first time."""
        self._refs += 1
        assert self.connection is not None
        sent = json.loads(json.dumps({**message, "ref": self._refs if self._refs % 2 else f"r{self._refs}"}))
        self.folded.send(sent)
        self.uplink.append(sent)

    def say_again(self) -> None:
        """Send again what had no answer."""
        for message in self.again:
            if message not in self.uplink:
                self.folded.send(message)
                self.uplink.append(message)

    def arrive(self) -> None:
        """Let the server take one message."""
        assert self.connection is not None
        text = json.dumps(self.uplink.pop(0))
        message, connection = decode(text), self.connection
        if connection.role is VIEWER:  # as the consumer
            connection.reply_error(Forbidden("You may look at this."), message.ref)
            return
        assert isinstance(message, StoredRequest | SyncResponse)
        session = Session(connection, cast(Work, self.queue))
        try:
            run(HANDLERS[type(message)](session, message, len(text)))
        except PortalError as error:
            connection.reply_error(error, message.ref)

    def receive(self, count: int) -> bool:
        """Take so many frames; returns whether there were any. What is folded is compared with what was stored."""
        taken, self._frames[:count] = self._frames[:count], []
        for frame in taken:
            self.folded.receive(frame)
            if frame["type"] in {"ack", "error"}:
                self.again = [message for message in self.again if message["ref"] != frame["ref"]]
            self._world.check_history(self)
        return bool(taken)

    def stall(self) -> None:
        """Let the client stop reading, or read again."""
        assert self.connection is not None
        outlet = cast(Any, self.connection.outlet)
        if outlet.stalled_since is None:
            outlet.stall()
        else:
            outlet.drain()


class World:
    """All of it. `people` write and see by their roles; `devices` are clients, by the number of their person."""

    def __init__(self, roles: Collection[PortalRole], devices: Collection[int]) -> None:
        self.table = Table(amid_a_fight())
        subjects = [Subject(UUID(int=number + 1)) for number in range(len(roles))]
        self._roles = dict(zip(subjects, roles, strict=True))
        self.processes = [Process(self), Process(self)]
        self.queues: list[Queue] = []
        self.clients = [Client(self, subjects[number]) for number in devices]
        self.outages: list[str] = []
        self._history: dict[tuple[PortalRole, int], str] = {}
        self._stored: set[ReceiptKey] = set()
        self.note()

    def role_of(self, subject: Subject) -> PortalRole:
        """The person's role, as it is stored."""
        return self._roles[subject]

    def swap_role(self, subject: Subject) -> None:
        """Make a viewer of a controller, or the reverse; the processes hear of it later."""
        self._roles[subject] = role = VIEWER if self._roles[subject] is CONTROLLER else CONTROLLER
        assert subject.user_id is not None
        (self.table.demoted.discard if role is CONTROLLER else self.table.demoted.add)(subject.user_id)
        for process in self.processes:
            process.roles.append((subject, role))

    def write(self, message: Message) -> None:
        """Store a message that comes over REST; its news is on the way."""
        events: list[Event] = []
        with suppress(PortalError):
            self.table.change(messages=[checked(message)], tell=events.append)
        self.note()
        for news in (one for event in events for one in news_of(event)):
            for process in self.processes:
                process.inbox.append(cast(MessageNews, news))

    def note(self) -> None:
        """Record what each role sees of the stored version: viewers see the same at the same version of theirs."""
        versions = {CONTROLLER: self.table.state["version"], VIEWER: self.table.state["viewersVersion"]}
        for role, version in versions.items():
            shown = as_text(shown_to(self.table.state, role, self.table.disclosure))
            assert self._history.setdefault((role, version), shown) == shown, "viewers see something else"

    def check_history(self, client: Client) -> None:
        """AssertionError unless the client has exactly what was stored as the version that it names."""
        folded = client.folded
        if folded.epoch is not None and not client.has_echo and not folded.is_amid:
            mine = as_text(folded.state)
            assert mine == self._history[PortalRole(folded.role), folded.version], (folded.role, folded.version)

    # What the jobs use of the server.

    async def write_lane(self, _id: UUID, function: Callable[..., Written], /, **more: Any) -> Written:
        """In place of the database's lane for writes."""
        await Pause()
        outage = self.outages.pop() if self.outages else ""
        if outage == "before":
            raise Unavailable("The database is away.")
        if outage == "after":  # stored, but the answer of the database was lost
            more["tell"] = lambda event: None
        written = function(**more)
        self.note()
        for key in more["receipts"] if written.is_stored else ():
            assert key not in self._stored, "stored twice"
            self._stored.add(key)
        await Pause()
        if outage:
            raise Unavailable("The database is away.")
        return written

    async def lane(self, _id: UUID, function: Callable[..., Any], /, *args: Any, **more: Any) -> Any:
        """In place of the database's lane for reads."""
        await Pause()
        return function(*args, **more)

    async def publish(self, news: News) -> None:
        """In place of the channel layer."""
        await Pause()
        assert isinstance(news, MessageNews)
        if news.version is None and news.sender is not None:
            for client in self.clients:
                client.has_echo |= client.connection is not None and client.connection.id == news.sender
        for process in self.processes:
            process.inbox.append(news)

    async def publish_events(self, events: list[Event]) -> None:
        """In place of `realtime.news.publish.publish_events`."""
        for event in events:
            for news in news_of(event):
                await self.publish(news)

    def find_receipt(self, *, connection_id: str, ref: str, **_who: Any) -> Any:
        """In place of `libraries.receipts.find_receipt`."""
        return self.table.receipts.get((connection_id, ref))

    def replace_server(self, patch: pytest.MonkeyPatch) -> None:
        """Let the jobs use this world."""
        patch.setattr(jobs, "in_write_lane", self.write_lane)
        patch.setattr(jobs, "in_lane", self.lane)
        patch.setattr(jobs, "publish", self.publish)
        patch.setattr(jobs, "publish_events", self.publish_events)
        patch.setattr(jobs, "find_receipt", self.find_receipt)
        patch.setattr(jobs, "change_portal_view", self.table.change)
        patch.setattr(jobs, "load", lambda _id: self.table.stored)
