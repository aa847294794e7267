"""A portal view on a server in this process, and people connected to it with plain sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

from rest_framework_simplejwt.tokens import AccessToken

from libraries.models import PortalView, User
from realtime.hub.hub import current_hub
from realtime.server.tests.peer import Peer, text
from realtime.server.tests.served import Served
from testing.in_process import wait_until

Message = dict[str, Any]

UNASKED = {"presence", "token-expiring"}
"""Messages that the server sends by its own clock."""


class Holdings(NamedTuple):
    """The objects in the server's event loop: rooms, their connections, the receivers, and tasks."""

    rooms: int = 0
    connections: int = 0
    seats: int = 0
    tasks: int = 0


class Person:
    """A person at the portal view. Messages are taken in order, on demand."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.connected = self.receive()
        assert self.connected["type"] == "connected"

    def receive(self) -> Message:
        """The next message that another message caused."""
        while True:
            message = json.loads(self.peer.text())
            assert isinstance(message, dict)
            if message["type"] not in UNASKED:
                return message

    def say(self, type_: str, **body: Any) -> None:
        """Send a message."""
        self.peer.send(text(json.dumps({"type": type_, **body})))

    def ask(self, type_: str, **body: Any) -> Message:
        """Send a message with a ref, and take the answer, which must come next."""
        self.say(type_, ref="asked", **body)
        answer = self.receive()
        assert answer.get("ref") == "asked", f"expected an answer, got {answer}"
        return answer

    def change(self, **payload: Any) -> int:
        """Change the portal view; returns the new version."""
        answer = self.ask("portal-view-update", payload=payload)
        assert answer["type"] == "ack"
        return int(answer["version"])


class Table(Served):
    """The server."""

    def __init__(self, portal_view: PortalView) -> None:
        super().__init__()
        self._path = f"/ws/portal-view/{portal_view.id}/"
        self._tasks_at_rest = 0

    def start(self) -> None:
        """Start it, and return once it accepts connections."""
        super().start()
        self._tasks_at_rest = self.ask(_holdings()).tasks

    def seat(self, user: User, *lines: str) -> Person:
        """Connect a person, with additional header lines."""
        return Person(self.open(self._path_for(user), *lines))

    def seat_narrow(self, user: User) -> Person:
        """Connect a person with small kernel buffers."""
        return Person(self.open_narrow(self._path_for(user)))

    def is_stalled(self, person: Person) -> bool:
        """Whether more waits for a person than the limit."""
        return self.protocol_of(person.peer).stalled_since is not None

    def holds(self) -> Holdings:
        """The objects in the event loop; of the tasks, only those that were not there at first."""
        held = self.ask(_holdings())
        return held._replace(tasks=held.tasks - self._tasks_at_rest)

    def clean(self) -> None:
        """Disconnect everybody; then nothing may be left."""
        super().clean()
        wait_until(lambda: self.holds() == Holdings())

    def _path_for(self, user: User) -> str:
        return f"{self._path}?token={AccessToken.for_user(user)}"


async def _holdings() -> Holdings:
    rooms = [keeper.room for keeper in current_hub().keepers.values()]
    return Holdings(
        rooms=len(rooms),
        connections=sum(len(room.people.everybody()) for room in rooms),
        seats=sum(len(audience._writes) for room in rooms for audience in room._seats.audiences.values()),
        tasks=len(asyncio.all_tasks()),
    )
