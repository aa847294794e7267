"""The stored updates of a client that the server has not answered. No I/O in here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .errors import OUTCOME_UNKNOWN, PortalError, from_message
from .fold import Message

REMEMBERED_SECONDS = 9 * 60.0
"""The server remembers an update for 10 minutes; an older one is not sent again, because it could be stored twice."""


class Stored(NamedTuple):
    """A stored update: the version that holds it, the ids of the items that it added, and warnings for people."""

    version: int
    item_ids: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def item_id(self) -> str:
        """The id of the one item that was added; IndexError if none was."""
        return self.item_ids[0]


@dataclass
class Entry:
    """One update. `connection_id` is that of the connection that sent it first, and `person` is who did."""

    message: Message
    future: asyncio.Future[Stored]
    connection_id: str = ""
    person: str = ""
    sent_at: float = 0.0
    is_held: bool = False
    version: int = 0
    is_retry: bool = False
    more: list[asyncio.Future[Stored]] = field(default_factory=list)
    """Further callers who wait for the same answer."""

    def settle(self, settle: Callable[[asyncio.Future[Stored]], None]) -> None:
        """Give everybody the answer who still waits for it."""
        for future in (self.future, *self.more):
            if not future.done():
                settle(future)

    def fail(self, error: PortalError) -> None:
        """Give everybody the error."""
        self.settle(lambda future: future.set_exception(error))

    def as_again(self) -> Message:
        """The message as it is sent again."""
        self.is_retry = True
        return {**self.message, "retry": True, "connectionId": self.connection_id}


class Waiting:
    """The updates in the order in which they were made, and those that are acknowledged but not in the state yet."""

    def __init__(self) -> None:
        self._unanswered: dict[int, Entry] = {}
        self._ahead: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self._unanswered)

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._unanswered.values()))

    @property
    def messages(self) -> list[Message]:
        """What is not in the state yet, in the order in which it was made."""
        together = {**self._unanswered, **self._ahead}
        return [together[ref].message for ref in sorted(together)]

    def add(self, entry: Entry) -> None:
        """One more."""
        self._unanswered[entry.message["ref"]] = entry

    def held(self) -> Entry | None:
        """The one that may still be changed before it is sent."""
        return next((entry for entry in self._unanswered.values() if entry.is_held), None)

    def acknowledge(self, ack: Message) -> bool:
        """Tell the caller; false if it is no answer to one of these."""
        entry = self._unanswered.pop(ack["ref"], None)
        if entry is None:
            return False
        item_ids = [ack["itemId"]] if "itemId" in ack else ack.get("itemIds", [])
        stored = Stored(ack["version"], tuple(item_ids), tuple(ack.get("warnings", ())))
        entry.version = ack["version"]
        self._ahead[ack["ref"]] = entry
        entry.settle(lambda future: future.set_result(stored))
        return True

    def reached(self, version: int) -> None:
        """The state has this version, so it holds what was acknowledged until then."""
        self._ahead = {ref: entry for ref, entry in self._ahead.items() if entry.version > version}

    def replaced(self) -> None:
        """The whole state came: it holds all that was acknowledged."""
        self._ahead = {}

    def refuse(self, message: Message) -> PortalError | None:
        """Tell the caller of the `error`; None if it is no answer to one of these."""
        entry = self._unanswered.pop(message.get("ref", 0), None)
        if entry is None:
            return None
        if entry.is_retry and message["code"] == "forbidden":  # the role is looked at before what is remembered
            sentence = "The line was lost before the answer came, and the server refuses to look: the role has changed."
            error = PortalError(OUTCOME_UNKNOWN, sentence, sent=entry)
        else:
            error = from_message(message, entry)
        entry.fail(error)
        return error

    def forget_unknown(self, person: str, now: float) -> list[PortalError]:
        """Fail those that can't be sent again: the server would not know them, or not as this person's."""
        failed = []
        for ref, entry in tuple(self._unanswered.items()):
            if entry.connection_id and (entry.person != person or now - entry.sent_at > REMEMBERED_SECONDS):
                sentence = "The line was lost before the answer came, and the server would not know the update again."
                failed.append(PortalError(OUTCOME_UNKNOWN, sentence, sent=entry))
                self._unanswered.pop(ref).fail(failed[-1])
        return failed

    def fail_all(self, error: PortalError) -> None:
        """The client is closed."""
        entries, self._unanswered = self._unanswered, {}
        for entry in entries.values():
            entry.fail(error)
