"""A person with a socket who keeps every text received, and folds it into a state as the protocol describes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from itertools import count
from typing import Any, NamedTuple

from portal.tests.secret_faults import Leak, Missing
from portal.tests.secret_names import SETTLED
from testing.sockets import DEADLINE_SECONDS, Message, PortalSocket, open_socket, portal_view_path

_OF_ITEMS = {"item-added", "item-removed", "item-moved", "item-updated"}
SAY_THE_VERSION = {"connected", "role-changed", "portal-view-updated", "batch-applied", *_OF_ITEMS}
"""Messages after which a client has the state at their version; an `ack` only says that the version exists."""


class Received(NamedTuple):
    """A received text, its content, and the client's role at that time."""

    text: str
    message: Message
    role: str


class Client:
    """One person at one portal view; `state` is the state that they have. They may leave and come back."""

    def __init__(self, name: str, server_url: str, portal_view_id: str, token: str, *, as_viewer: bool = False) -> None:
        self.name = name
        self.role = "viewer"
        self.connection_id = ""
        self.state: dict[str, Any] = {}
        self._received: list[Received] = []
        self.version = 0
        self._epoch = ""
        self._at = server_url, portal_view_path(portal_view_id)
        self._token = token
        self._as_viewer = as_viewer
        self._refs = count(1)
        self._exits = AsyncExitStack()
        self._socket: PortalSocket

    async def join(self, *, knows: bool = False, compressed: bool = True) -> None:
        """Connect, and receive `connected`; a client with `knows` sends the version that it has."""
        query = {"version": str(self.version), "epoch": self._epoch} if knows else {}
        query |= {"as": "viewer"} if self._as_viewer else {}
        if not knows:
            self.state = {}
        compression = "deflate" if compressed else None
        opening = open_socket(*self._at, token=self._token, query=query, compression=compression)
        self._socket = await self._exits.enter_async_context(opening)
        await self.until(lambda message: message["type"] == "connected")

    async def leave(self) -> None:
        """Close the connection, if there is one."""
        await self._exits.aclose()

    async def until(self, wanted: Callable[[Message], bool]) -> Message:
        """Receive up to the wanted message, which must come before the deadline."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                message = await self._receive()
                while not wanted(message):
                    message = await self._receive()
        except TimeoutError:
            raise AssertionError(f"{self.name} waits in vain; the last that came: {self._received[-2:]}") from None
        return message

    async def send(self, kind: str, **body: Any) -> int:
        """Send a message without waiting for its answer; returns its ref."""
        ref = next(self._refs)
        await self._socket.send(kind, ref=ref, **body)
        return ref

    async def say(self, kind: str, **body: Any) -> Message:
        """Send a message; returns its `ack` or `error`."""
        ref = await self.send(kind, **body)
        return await self.until(lambda message: message.get("ref") == ref)

    async def babble(self, text: str) -> Message:
        """Send an invalid message; returns its `error`."""
        await self._socket.send_text(text)
        return await self.until(lambda message: message["type"] == "error")

    def take(self) -> list[Received]:
        """The texts since the last call, not folded yet."""
        taken, self._received = self._received, []
        return taken

    def fold(self, received: Sequence[Received]) -> None:
        """Apply the received texts to the client's state."""
        for _, message, role in received:
            match message["type"]:
                case "connected":
                    assert message["recovered"] == ("state" not in message)
                    self.state = message.get("state", self.state)
                case "role-changed":
                    self.state = message["state"]
                case "sync-response" if message["source"] == "server":
                    self.state = message["payload"]
                case _ if role == "viewer":
                    # A controller's own changes do not come back: another test folds those.
                    self._fold_change(message)

    def _fold_change(self, message: Message) -> None:
        changes = message["changes"] if message["type"] == "batch-applied" else [message]
        for change in changes:
            if change["type"] == "portal-view-updated":
                # Commands are no part of the state.
                known = {key: value for key, value in change["payload"].items() if key in self.state}
                self.state = {**self.state, **known}
            elif change["type"] in _OF_ITEMS:
                items = [*self.state["items"]]
                _fold_item(items, change)
                self.state = {**self.state, "items": items}
        if message["type"] in _OF_ITEMS:
            self.state |= {key: message[key] for key in SETTLED if key in message}

    def _take_role(self, role: str) -> None:
        # Who looks as a viewer is one, whatever the server says.
        self.role = "viewer" if self._as_viewer else role

    async def _receive(self) -> Message:
        text = await self._socket.connection.recv()
        assert isinstance(text, str)
        message: Message = json.loads(text)
        match message["type"]:
            case "connected":
                self._take_role(message["role"])
                self._epoch = message["epoch"]
                self.connection_id = message["connectionId"]
            case "role-changed":
                self._take_role(message["role"])
        if message["type"] in SAY_THE_VERSION:
            self.version = message.get("version", self.version)
        self._received.append(Received(text, message, self.role))
        return message


def _fold_item(items: list[dict[str, Any]], change: Message) -> None:
    """Apply a message about one item to the items of a viewer, who can tell if it does not fit them."""
    kind, index = change["type"], change.get("index", 0)
    if kind == "item-added":
        if index > len(items):
            raise Leak(f"a place among hidden items: {change}")
        items.insert(index, change["item"])
        return
    patch = change.get("payload", {})
    place = next((at for at, item in enumerate(items) if item["id"] == change.get("itemId", patch.get("itemId"))), None)
    if place is None:
        raise Missing(f"an unknown item: {change}")
    match kind:
        case "item-removed":
            del items[place]
        case "item-moved":
            if index >= len(items):
                raise Leak(f"a place among hidden items: {change}")
            items.insert(index, items.pop(place))
        case _:
            if index != place:
                raise Leak(f"another place than {place}: {change}")
            merged = {**items[place], **{key: value for key, value in patch.items() if key != "itemId"}}
            items[place] = {key: value for key, value in merged.items() if value is not None}
