"""What a program asks of a client: updates that wait and are sent again, and commands that do neither."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from secrets import token_hex
from typing import Any

from .codec import Encoding, codec
from .errors import NOT_CONNECTED, QUEUE_FULL, PortalError
from .fold import Message
from .line import Line
from .tables import STATE_KEYS, STORED
from .waiting import Entry, Stored, Waiting

MOST_WAITING = 100
"""The most updates that may wait while the line is down."""
CAMERA_SECONDS = 0.1
"""A camera is sent at most once in this time."""

_NAMED_BY_SERVER = frozenset({"_id", "Id", "slug", "key"})
"""If an item has one of these keys, the server makes its id from the value."""

ItemId = str | int


class Calls(ABC):
    """The calls of `PortalClient`. Each stored update is in `state` at once.

    Its future gives `Stored` once `confirmed` has the update, or the server's refusal as a PortalError. Nobody has to
    wait for it.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._codec = codec(encoding)
        self._waiting = Waiting()
        self._line: Line | None = None
        self._refs = 0
        self._camera_at = 0.0

    # Stored updates.

    def update(self, patch: Mapping[str, Any] | None = None, /, **keys: Any) -> asyncio.Future[Stored]:
        """Set keys of the portal view: `update(blackout=True)`. ValueError if none of them belongs to the state."""
        payload = {**(patch or {}), **keys}
        if payload and not STATE_KEYS & payload.keys():
            raise ValueError("No key of this belongs to the state: it is a command, for send().")
        return self._change({"type": "portal-view-update", "payload": payload})

    def update_item(
        self, item_id: ItemId, patch: Mapping[str, Any] | None = None, /, **keys: Any
    ) -> asyncio.Future[Stored]:
        """Set keys of an item: `update_item("ogre", hp=12)`. None removes a key."""
        return self._change({"type": "item-update", "itemId": item_id, "payload": {**(patch or {}), **keys}})

    def add_item(self, item: Mapping[str, Any], *, index: int | None = None) -> asyncio.Future[Stored]:
        """Add an item, at the end or at a place.

        `Stored.item_id` is its id. One without an id gets one at once, unless the server makes it from another key.
        """
        place = {} if index is None else {"index": index}
        return self._change({"type": "item-add", "payload": dict(item), **place})

    def remove_item(self, item_id: ItemId) -> asyncio.Future[Stored]:
        """Remove an item."""
        return self._change({"type": "item-remove", "itemId": item_id})

    def move_item(self, item_id: ItemId, index: int) -> asyncio.Future[Stored]:
        """Move an item; `index` is its place after the move."""
        return self._change({"type": "item-move", "itemId": item_id, "index": index})

    def next_turn(self) -> asyncio.Future[Stored]:
        """Give the turn to the next in the order of the encounter."""
        return self._change({"type": "encounter-next"})

    def previous_turn(self) -> asyncio.Future[Stored]:
        """Give the turn back to the one before."""
        return self._change({"type": "encounter-previous"})

    def batch(self, changes: Sequence[Mapping[str, Any]]) -> asyncio.Future[Stored]:
        """Store several changes as one version, or none: messages of the protocol, such as `item-update`."""
        return self._change({"type": "batch", "changes": list(changes)})

    def store(self, message: Mapping[str, Any]) -> asyncio.Future[Stored]:
        """Send any message that is stored, as the protocol has it, without a `ref`. ValueError for another type."""
        if message["type"] not in STORED:
            raise ValueError(f"A {message['type']} is not stored; send() is for it.")
        return self._change(dict(message))

    def set_camera(self, camera: Mapping[str, Any] | None) -> asyncio.Future[Stored]:
        """Set the camera while a gesture lasts, as often as it moves: at most 10 a second are sent, and the last one.

        The future is that of the camera that was sent instead, if this one was not.
        """
        payload = {"camera": None if camera is None else dict(camera)}
        held = self._waiting.held()
        if held is not None:
            held.message = {**held.message, "payload": payload}
            future = self._loop().create_future()
            held.more.append(future)
            self._on_waiting()
            return future
        loop = self._loop()
        wait = self._camera_at + CAMERA_SECONDS - loop.time()
        if wait <= 0:
            self._camera_at = loop.time()
            return self._change({"type": "portal-view-update", "payload": payload})
        future = self._change({"type": "portal-view-update", "payload": payload}, is_held=True)
        loop.call_later(wait, self._release_camera)
        return future

    def again(self, refused: PortalError) -> asyncio.Future[Stored]:
        """Send an update again that the server refused as `unavailable`; it is stored once, whatever has happened.

        ValueError for another error.
        """
        if refused.sent is None or refused.code != "unavailable":
            raise ValueError("Only an update that was refused as unavailable can be sent again.")
        return self._add(replace(refused.sent, future=self._loop().create_future(), more=[]))

    # What is not stored.

    async def send(self, message: Mapping[str, Any]) -> Message:
        """Send a command, a `pointer`, an `activity`, a `request-sync` or a `sync-response` now; returns its `ack`.

        It never waits for a line: PortalError with `not-connected`. ValueError for an update that is stored.
        """
        kind, payload = message["type"], message.get("payload", {})
        is_command = kind == "portal-view-update" and not STATE_KEYS & payload.keys()
        if kind in STORED and not is_command:
            raise ValueError(f"This {kind} is stored: use the call for it, such as update().")
        if self._line is None:
            raise PortalError(NOT_CONNECTED, "The line is down.")
        return await self._line.ask({**message, "ref": self._next_ref()})

    # How they go out.

    def _change(self, message: Message, *, is_held: bool = False) -> asyncio.Future[Stored]:
        if message["type"] != "item-update":
            self._release_camera()  # what comes later may be about the camera, too
        future: asyncio.Future[Stored] = self._loop().create_future()
        return self._add(Entry({**_named(message), "ref": self._next_ref()}, future, is_held=is_held))

    def _add(self, entry: Entry) -> asyncio.Future[Stored]:
        error = self._refusal()
        if error is not None:
            entry.fail(error)
            return entry.future
        if self._line is not None and not entry.is_held:
            self._put(self._line, entry)
        else:
            self._codec.encode(entry.message)  # what cannot be sent fails here, and not later
        self._waiting.add(entry)
        self._on_waiting()
        return entry.future

    def _refusal(self) -> PortalError | None:
        ended = self._ended()
        if ended is not None:
            return ended
        if self._line is None and len(self._waiting) >= MOST_WAITING:
            return PortalError(QUEUE_FULL, f"The line is down, and {MOST_WAITING} updates wait already.")
        return None

    def _release_camera(self) -> None:
        held = self._waiting.held()
        if held is not None:
            held.is_held = False
            self._camera_at = self._loop().time()
            if self._line is not None:
                self._put(self._line, held)

    def _next_ref(self) -> int:
        self._refs += 1
        return self._refs

    @staticmethod
    def _loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    @abstractmethod
    def _put(self, line: Line, entry: Entry) -> None:
        """Send an update on a line."""

    @abstractmethod
    def _on_waiting(self) -> None:
        """The waiting updates have changed."""

    @abstractmethod
    def _ended(self) -> PortalError | None:
        """Why the client is closed for good, if it is."""


def _named(message: Message) -> Message:
    """The message, with an id for each new item that has none: it can be changed before it is stored."""
    if message.get("type") == "batch":
        return {**message, "changes": [_named(dict(change)) for change in message.get("changes", ())]}
    item = message.get("payload")
    if message.get("type") != "item-add" or not isinstance(item, dict):
        return message
    if item.get("id") is not None or not _NAMED_BY_SERVER.isdisjoint(item):
        return message
    return {**message, "payload": {**item, "id": token_hex(12)}}
