"""What a client knows, and what each message of the server changes in it."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from typing import Literal, Self

from .ahead import ahead
from .backoff import Ending
from .calls import Calls
from .codec import Encoding
from .errors import PortalError
from .events import Event, Listener, Listeners
from .fold import Folded, Message, State
from .line import Line
from .presence import Presence
from .waiting import Entry


@dataclass(frozen=True)
class Status:
    """Times are in seconds since the epoch; `next_attempt_at` is there while the client is `waiting`.

    `ending` is how the last connection, or the last attempt, has ended.
    """

    kind: Literal["connecting", "open", "waiting", "closed"]
    next_attempt_at: float | None = None
    last_message_at: float | None = None
    ending: Ending | None = None


class Knowing(Calls):
    """The state, the people and the events of `PortalClient`."""

    def __init__(self, encoding: Encoding) -> None:
        super().__init__(encoding)
        self.guest: str | None = None
        """The credential of this guest, to come back with (`Credential`); None for users."""
        self.subject: Message = {}
        """Who this is: `kind`, `id` and `name`."""
        self.presence = Presence()
        """Who is there, as far as the role is told."""
        self._fold = Folded()
        self._listeners = Listeners()
        self._ahead: State | None = None
        self._status = Status("closed")
        self._last_message_at: float | None = None
        self._last: Ending | None = None
        self._error: PortalError | None = None

    # What it knows.

    @property
    def confirmed(self) -> State:
        """The server's state, as the role sees it, exact after each message; empty before the first one. Read only."""
        return self._fold.state

    @property
    def state(self) -> State:
        """`confirmed`, with this client's waiting updates on top. Read only."""
        if self._ahead is None:
            messages = self._waiting.messages if self.role == "controller" else []
            self._ahead = ahead(self.confirmed, messages)
        return self._ahead

    @property
    def role(self) -> str:
        """`controller` or `viewer`; empty before the first connection."""
        return self._fold.role

    @property
    def version(self) -> int:
        """The version of `confirmed`."""
        return self._fold.version

    @property
    def epoch(self) -> str | None:
        """What `version` counts in."""
        return self._fold.epoch

    @property
    def connection_id(self) -> str:
        """The id of the open connection; empty without one."""
        return "" if self._line is None else self._line.connection_id

    @property
    def status(self) -> Status:
        """What the client is doing."""
        return replace(self._status, last_message_at=self._last_message_at, ending=self._last)

    # Events.

    def on(self, kind: str, listener: Listener) -> Callable[[], None]:
        """Have a function called for each event of a kind (`events.KINDS`); returns what stops it."""
        return self._listeners.on(kind, listener)

    def events(self, *kinds: str) -> AsyncGenerator[Event]:
        """The events of these kinds from the first `anext` on, without end."""
        return self._listeners.iterate(frozenset(kinds))

    async def until(self, holds: Callable[[Self], object]) -> None:
        """Wait until something holds for this client: asked at once and after each event. PortalError if it closes."""
        changed = asyncio.Event()
        stops = [self.on(kind, lambda _: changed.set()) for kind in ("state", "presence", "status", "message")]
        try:
            while not holds(self):
                if self._error is not None:
                    raise self._error
                await changed.wait()
                changed.clear()
        finally:
            for stop in stops:
                stop()

    def _tell(self, *kinds: str) -> None:
        for kind in kinds:
            if self._listeners.has(kind):
                self._listeners.tell(Event(kind, getattr(self, kind)))

    def _set_status(self, kind: Literal["connecting", "open", "waiting", "closed"], at: float | None = None) -> None:
        self._status = Status(kind, at)
        self._tell("status")

    # What changes it.

    def _receive(self, line: Line, message: Message) -> None:
        """Take a message of the server, and tell everybody what has changed."""
        self._last_message_at = time.time()
        before, role, subject, presence = self.confirmed, self.role, self.subject, self.presence
        self._fold.receive(message)
        self._ahead = None
        if self.role != role:
            self.presence = Presence()  # another role is told other things
        failed = self._note(line, message)
        self._waiting.reached(self.version)
        self._ahead = None
        if self._listeners.has("message"):
            self._listeners.tell(Event("message", message))
        for error in failed:
            self._listeners.tell(Event("refused", error))
        if self.role != role:
            self._tell("role")
        if self.subject != subject:
            self._tell("subject")
        if self.presence is not presence:
            self._tell("presence")
        if self.confirmed is not before:
            self._tell("confirmed", "version", "state")
        elif message["type"] in {"ack", "error"}:
            self._tell("state")

    def _note(self, line: Line, message: Message) -> list[PortalError]:
        """Do what a message asks for beside the fold; returns the errors of updates that roll back."""
        if "reconnectWithin" in message:  # of `connected` and `pong`
            self._on_advice(message["reconnectWithin"])
        match message["type"]:
            case "connected":
                return self._let_in(line, message)
            case "role-changed":
                self.subject = message.get("subject", self.subject)
                self._waiting.replaced()
            case "ack":
                if not self._waiting.acknowledge(message):
                    line.answer(message)
            case "error":
                error = self._waiting.refuse(message)
                if error is not None:
                    return [error]
                line.answer(message)
            case "presence":
                self.presence = self.presence.after(message)
            case "token-expiring":
                self._renew(line)
        return []

    def _let_in(self, line: Line, connected: Message) -> list[PortalError]:
        """Begin on a new connection: what waits goes out, and what may have been stored goes out as a retry."""
        self.subject = connected["subject"]
        self.guest = connected.get("guest")
        line.connection_id = connected["connectionId"]
        line.is_let_in.set()
        self._line = line
        self._waiting.replaced()
        failed = self._waiting.forget_unknown(self.subject["id"], time.monotonic())
        for entry in self._waiting:
            entry.is_held = False
            self._put(line, entry)
        self._on_let_in()
        return failed

    def _put(self, line: Line, entry: Entry) -> None:
        if entry.connection_id:
            line.put(entry.as_again())
            return
        line.put(entry.message)
        entry.connection_id, entry.person, entry.sent_at = line.connection_id, self.subject["id"], time.monotonic()
        self._fold.send(entry.message)

    def _on_waiting(self) -> None:
        self._ahead = None
        self._tell("state")

    def _ended(self) -> PortalError | None:
        return self._error

    @abstractmethod
    def _on_advice(self, reconnect_within: int) -> None:
        """The server says how soon to come back after a loss: within so many milliseconds."""

    @abstractmethod
    def _on_let_in(self) -> None:
        """The server has let the client in."""

    @abstractmethod
    def _renew(self, line: Line) -> None:
        """Send a new credential on an open connection."""
