"""A person with a socket who keeps every text received, and folds it into a state as the protocol describes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import count
from typing import Any, NamedTuple

from testing.sockets import DEADLINE_SECONDS, Message, PortalSocket, open_socket, portal_view_path

SAY_THE_VERSION = {"connected", "role-changed", "portal-view-updated", "item-updated"}
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
                case "portal-view-updated":
                    # Commands are no part of the state.
                    known = {key: value for key, value in message["payload"].items() if key in self.state}
                    self.state = {**self.state, **known}
                case "item-updated" if "index" in message and role == "viewer":
                    # A controller's own changes do not come back: another test folds those.
                    self._fold_item(message["index"], message["payload"])

    def _fold_item(self, index: int, payload: Mapping[str, Any]) -> None:
        items = list(self.state["items"])
        merged = {**items[index], **{key: value for key, value in payload.items() if key != "itemId"}}
        items[index] = {key: value for key, value in merged.items() if value is not None}
        self.state = {**self.state, "items": items}

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
