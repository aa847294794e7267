"""A controller: sends updates of every kind, and sends unanswered ones again, as retries, after a cut line."""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from websockets.exceptions import ConnectionClosed

from chaos.clients import Client, Entry, Table
from chaos.ledger import COMMAND, GUEST, SHARED_ITEM, SIGNED, SLOTS, signature, slot
from testing.sockets import Message

AGAIN_SECONDS = 0.4
"""The delay before a retry after `unavailable`."""
MOST_UNCHECKED = SLOTS - 64
"""The most updates that it sends before the books are checked: no slot is written twice until then."""
BURST = 6
GUESTS = 3
"""The most guests of a controller, apart from those whose `ack` has not come yet."""
TARGETS = ((0.6, "slot"), (0.72, "shared"), (0.82, "guest"), (0.89, "turn"), (1.0, "name"))
"""What single updates write to, by the dice."""
SEEN = 0.5
"""The share of the updates of its own item that viewers see."""


@dataclass
class Sent:
    """An update that is not answered yet. `connection_id` is that of the connection that first sent it."""

    message: dict[str, Any]
    connection_id: str
    at: float
    leaves: int | None = None
    """The number of the update that added the guest which this one removes."""


class Controller(Client):
    """One controller; its item of the portal view has its name. It has a few guests: items that it adds and removes."""

    role = "controller"

    def __init__(self, name: str, table: Table, token: str, entry: Entry, rng: random.Random) -> None:
        super().__init__(name, table, token, entry, rng)
        self.pending: dict[int, Sent] = {}
        self.relayed: set[int] = set()
        self.speaks = asyncio.Event()
        self.per_second = 5.0
        self.padding = ""
        """If set, only updates that contain this text are sent."""
        self.told = 0
        self._guests: dict[int, str] = {}
        self._number = 0
        self._unchecked = 0
        self._retries: set[asyncio.Task[None]] = set()

    def is_at(self, stored: Message) -> bool:
        """Whether it has received the newest version; it learns of its own updates from their acks."""
        return bool(max(self.told, self.reader.version) == stored["version"])

    def on_connected(self) -> None:
        """Send unanswered updates again."""
        self.told = self.reader.version
        self.relayed.clear()
        self._later(self._retry_all())

    def on_answer(self, message: Message) -> None:
        """Record a finished update; send an unavailable one again."""
        ref = message.get("ref")
        if message["type"] == "ack":
            self.told = max(self.told, message["version"])
            self.changed_at = time.monotonic()
            if ref in self.pending:
                self._done(ref, self.pending.pop(ref), message)
            self.relayed.discard(ref)
        elif message["code"] != "unavailable":
            self.table.ledger.break_promise(f"{self.name} got the error {message['code']}: {message['message']}")
        elif ref in self.pending:
            self._later(self._retry_soon(ref))

    def _done(self, ref: int, sent: Sent, ack: Message) -> None:
        self.table.ledger.note_acked((self.name, ref), ack["version"])
        if sent.leaves is not None:
            self.table.ledger.note_left((self.name, sent.leaves))
        added = [ack["itemId"]] if "itemId" in ack else ack.get("itemIds", [])
        self._guests.update((ref, item_id) for item_id in added)

    def forget_checked(self) -> None:
        """The books were checked: slots may be written again."""
        self._unchecked = 0

    async def speak(self) -> None:
        """Send updates at about `per_second` while `speaks` is set."""
        while True:
            await self.speaks.wait()
            await self.is_open.wait()
            dice = self._rng.random()
            if self._unchecked > MOST_UNCHECKED:
                self.speaks.clear()
            elif self.padding:
                await self.update("shared")
            elif dice < 0.1:
                for _ in range(BURST):
                    await self.update("slot")
            elif dice < 0.2:
                await self._command()
            else:
                await self.update(next(target for least, target in TARGETS if dice < least))
            await asyncio.sleep(self._rng.expovariate(self.per_second))

    async def update(self, target: str) -> None:
        """Send one update."""
        await self._send(self.new_update(target))

    def new_update(self, target: str) -> dict[str, Any]:
        """A new update's message, recorded as sent."""
        self._number += 1
        self._unchecked += 1
        leaves = next(iter(self._guests)) if target == "guest" and len(self._guests) >= GUESTS else None
        message = {"ref": self._number, **self._body(target, self._number, leaves)}
        self.pending[self._number] = Sent(message, self.connection_id, time.monotonic(), leaves)
        self.table.ledger.note_sent((self.name, self._number), target)
        return message

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
        self.relayed.add(self._number)
        command = {COMMAND: {"by": self.name, "number": self._number}}
        await self._send({"type": "portal-view-update", "ref": self._number, "payload": command})

    async def _retry_all(self) -> None:
        for ref in sorted(self.pending):
            await self._retry(ref)

    async def _retry_soon(self, ref: int) -> None:
        await asyncio.sleep(self._rng.uniform(AGAIN_SECONDS, 2 * AGAIN_SECONDS))
        await self._retry(ref)

    async def _retry(self, ref: int) -> None:
        sent = self.pending.get(ref)
        if sent is not None:
            self.table.ledger.tally.retried += 1
            await self._send({**sent.message, "retry": True, "connectionId": sent.connection_id})

    async def _send(self, message: dict[str, Any]) -> None:
        # Before `connected` a connection has no id for a retry.
        opened = self.socket if self.is_open.is_set() else None
        if opened is not None:
            with suppress(ConnectionClosed):  # it is sent again on the next connection
                await opened.send(json.dumps(message))

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._retries.add(task)
        task.add_done_callback(self._retries.discard)
