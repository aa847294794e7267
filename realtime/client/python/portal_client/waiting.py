"""The stored updates of a client that the server has not answered. No I/O in here."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .errors import UNKNOWN_OUTCOME, PortalError, from_message
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


NOTHING = Stored(0)


@dataclass
class Entry:
    """One update. `connection_id` is that of the connection that sent it first, and `person` is who did."""

    message: Message
    future: asyncio.Future[Stored]
    connection_id: str = ""
    person: str = ""
    sent_at: float = 0.0
    is_held: bool = False
    is_retry: bool = False
    stored: Stored = NOTHING
    more: list[asyncio.Future[Stored]] = field(default_factory=list)
    """Further callers who wait for the same answer."""

    @property
    def _waiting(self) -> list[asyncio.Future[Stored]]:
        return [future for future in (self.future, *self.more) if not future.done()]

    def succeed(self) -> None:
        """Tell everybody who still waits."""
        for future in self._waiting:
            future.set_result(self.stored)

    def fail(self, error: PortalError) -> None:
        """Give everybody the error who still waits."""
        for future in self._waiting:
            future.set_exception(error)

    def as_again(self) -> Message:
        """The message as it is sent again."""
        self.is_retry = True
        return {**self.message, "retry": True, "connectionId": self.connection_id}


class Waiting:
    """The updates in the order in which they were made, and those that are stored, but not in the state yet."""

    def __init__(self) -> None:
        self._unanswered: dict[int, Entry] = {}
        self._stored: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self._unanswered)

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._unanswered.values()))

    @property
    def messages(self) -> list[Message]:
        """What is not in the state yet, in the order in which it was made."""
        together = {**self._unanswered, **self._stored}
        return [together[ref].message for ref in sorted(together)]

    def add(self, entry: Entry) -> None:
        """One more."""
        self._unanswered[entry.message["ref"]] = entry

    def held(self) -> Entry | None:
        """The one that may still be changed before it is sent."""
        return next((entry for entry in self._unanswered.values() if entry.is_held), None)

    def acknowledge(self, ack: Message) -> bool:
        """Note that it is stored; false if it is no answer to one of these. The caller is told by `reached`."""
        entry = self._unanswered.pop(ack["ref"], None)
        if entry is None:
            return False
        item_ids = [ack["itemId"]] if "itemId" in ack else ack.get("itemIds", [])
        entry.stored = Stored(ack["version"], tuple(item_ids), tuple(ack.get("warnings", ())))
        self._stored[ack["ref"]] = entry
        return True

    def reached(self, version: float) -> None:
        """The state has this version, so it holds what was acknowledged until then: tell the callers."""
        for ref, entry in tuple(self._stored.items()):
            if entry.stored.version <= version:
                del self._stored[ref]
                entry.succeed()

    def replaced(self) -> None:
        """The whole state came: it holds all that was acknowledged."""
        self.reached(math.inf)

    def refuse(self, message: Message) -> PortalError | None:
        """Tell the caller of the `error`; None if it is no answer to one of these."""
        entry = self._unanswered.pop(message.get("ref", 0), None)
        if entry is None:
            return None
        if entry.is_retry and message["code"] == "forbidden":  # the role is looked at before what is remembered
            sentence = "The line was lost before the answer came, and the server refuses to look: the role has changed."
            error = PortalError(UNKNOWN_OUTCOME, sentence, sent=entry)
        else:
            error = from_message(message, entry)
        entry.fail(error)
        return error

    def forget_unknown(self, person: str, now: float) -> list[PortalError]:
        """Fail those that can't be sent again: the server would not know them, or not as this person's."""
        failed = []
        for ref, entry in tuple(self._unanswered.items()):
            if entry.connection_id and (entry.person != person or now - entry.sent_at > REMEMBERED_SECONDS):
                failed.append(_unknown(entry))
                self._unanswered.pop(ref).fail(failed[-1])
        return failed

    def end(self, error: PortalError) -> None:
        """Nothing is sent any more: fail what was not sent with the error, and say of the rest that nobody knows."""
        self.replaced()
        entries, self._unanswered = self._unanswered, {}
        for entry in entries.values():
            entry.fail(_unknown(entry) if entry.connection_id else error)


def _unknown(entry: Entry) -> PortalError:
    sentence = "It is not known whether the server has stored this: look at the state."
    return PortalError(UNKNOWN_OUTCOME, sentence, sent=entry)
