"""A controller: makes updates of every kind. Its client sends unanswered ones again, as retries, after a cut line."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from chaos.clients import Client, Entry, Table
from chaos.ledger import COMMAND, GUEST, SHARED_ITEM, SIGNED, SLOTS, signature, slot
from realtime.client.python.portal_client import PortalError, Stored
from testing.sockets import Message

MAY_FAIL = frozenset({"not-connected", "connection-lost", "unavailable"})
"""The errors of commands, which may be lost with the line."""
AGAIN_SECONDS = 0.4
"""The delay before a retry after `unavailable`."""
MOST_UNCHECKED = SLOTS - 64
"""The most updates that it sends before the books are checked: no slot is written twice until then."""
BURST = 6
MOST_PENDING = 60
"""With more updates than this without an answer, it waits for the line."""
GUESTS = 3
"""The most guests of a controller, apart from those whose `ack` has not come yet."""
TARGETS = ((0.6, "slot"), (0.72, "shared"), (0.82, "guest"), (0.89, "turn"), (1.0, "name"))
"""What single updates write to, by the dice."""
SEEN = 0.5
"""The share of the updates of its own item that viewers see."""


class Controller(Client):
    """One controller; its item of the portal view has its name. It has a few guests: items that it adds and removes.

    `pending` has the updates that are not answered yet, by their numbers.
    """

    role = "controller"

    def __init__(self, name: str, table: Table, token: str, entry: Entry, rng: random.Random) -> None:
        super().__init__(name, table, token, entry, rng)
        self.pending: set[int] = set()
        self.speaks = asyncio.Event()
        self.per_second = 5.0
        self.padding = ""
        """If set, only updates that contain this text are sent."""
        self._guests: dict[int, str] = {}
        self._number = 0
        self._unchecked = 0
        self._work: set[asyncio.Task[None]] = set()

    def is_at(self, stored: Message) -> bool:
        """Whether it has the newest version, and shows it; it learns of its own updates from their acks."""
        return bool(self.portal.version == stored["version"]) and super().is_at(stored)

    def forget_checked(self) -> None:
        """The books were checked: slots may be written again."""
        self._unchecked = 0

    async def speak(self) -> None:
        """Send updates at about `per_second` while `speaks` is set; some are made while the line is down."""
        while True:
            await self.speaks.wait()
            if len(self.pending) > MOST_PENDING:
                await self.is_open.wait()
            dice = self._rng.random()
            if self._unchecked > MOST_UNCHECKED:
                self.speaks.clear()
            elif self.padding:
                self.update("shared")
            elif dice < 0.1:
                for _ in range(BURST):
                    self.update("slot")
            elif dice < 0.2:
                self._later(self._command())
            else:
                self.update(next(target for least, target in TARGETS if dice < least))
            await asyncio.sleep(self._rng.expovariate(self.per_second))

    def update(self, target: str) -> None:
        """Make one update, recorded as sent."""
        self._number += 1
        self._unchecked += 1
        number = self._number
        leaves = next(iter(self._guests)) if target == "guest" and len(self._guests) >= GUESTS else None
        message = self._body(target, number, leaves)
        self.pending.add(number)
        self.table.ledger.note_sent((self.name, number), target)
        self._answer(self.portal.store(message), number, leaves)

    def cut_amid(self, target: str, cuts_by: Callable[[str], bytes]) -> None:
        """Make one update, and cut the line while it is sent."""
        if self.socket is not None:
            self.socket.cuts_by = cuts_by
            self.update(target)

    def _answer(self, future: asyncio.Future[Stored], number: int, leaves: int | None) -> None:
        future.add_done_callback(lambda future: self._on_answer(future, number, leaves))

    def _on_answer(self, future: asyncio.Future[Stored], number: int, leaves: int | None) -> None:
        """Record a finished update; send an unavailable one again."""
        error = future.exception()
        if error is None:
            self._done(number, leaves, future.result())
        elif not isinstance(error, PortalError):
            raise error
        elif error.code == "unavailable":
            self._later(self._again(error, number, leaves))
        elif error.code != "closed":
            self.table.ledger.break_promise(f"{self.name} got the error {error}")

    def _done(self, number: int, leaves: int | None, stored: Stored) -> None:
        self.pending.discard(number)
        self.table.ledger.note_acked((self.name, number), stored.version)
        if leaves is not None:
            self.table.ledger.note_left((self.name, leaves))
        self._guests.update((number, item_id) for item_id in stored.item_ids)

    async def _again(self, error: PortalError, number: int, leaves: int | None) -> None:
        await asyncio.sleep(self._rng.uniform(AGAIN_SECONDS, 2 * AGAIN_SECONDS))
        self._answer(self.portal.again(error), number, leaves)

    def _body(self, target: str, number: int, leaves: int | None) -> dict[str, Any]:
        by = signature((self.name, number))
        if target == "turn":
            return {"type": "encounter-next"}
        if target == "guest":
            # It gets its id from the server; the next one with the same slug another.
            comes = {"type": "item-add", "payload": {GUEST: self.name, SIGNED: by}}
            if leaves is None:
                return comes
            goes = {"type": "item-remove", "itemId": self._guests.pop(leaves)}
            return {"type": "batch", "changes": [goes, {**comes, "index": 0}]}
        if target == "slot":
            # Viewers see nothing of the others.
            seen = {SIGNED: by} if self._rng.random() < SEEN else {}
            return {"type": "item-update", "payload": {"itemId": self.name, slot(number): number, **seen}}
        if target == "shared":
            payload = {"itemId": SHARED_ITEM, SIGNED: by, "hp": self._rng.randrange(60), "text": f"{by} {self.padding}"}
            return {"type": "item-update", "payload": payload}
        flags = {"showHealth": self._rng.random() < 0.5, "healthDisplay": self._rng.choice(("numbers", "bar", "words"))}
        payload = {"name": by, **flags, "blackout": not self.padding and self._rng.random() < 0.15}
        return {"type": "portal-view-update", "payload": payload}

    async def _command(self) -> None:
        self._number += 1
        payload = {COMMAND: {"by": self.name, "number": self._number}}
        try:
            await self.portal.send({"type": "portal-view-update", "payload": payload})
        except PortalError as error:
            if error.code not in {
                "not-connected",
                "connection-lost",
                "unavailable",
            }:  # commands may be lost with the line
                self.table.ledger.break_promise(f"{self.name} got the error {error}")

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
