"""A table of a sender, another controller and a viewer, whose screens fold every message in.

Each change that a test makes here is also checked: that one version is one message for each role, that each screen
shows the stored state, and that the sender's is led there by its own change and by what the `ack` says beyond it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from chaos.picture import differs_in
from realtime.client.python.portal_client.fold import Folded
from testing.sockets import Message, PortalSocket
from testing.stacks import Stack


@dataclass
class Told:
    """What a message led to: the sender's answer, and what another controller and a viewer got; empty for nothing."""

    answer: Message
    controller: Message
    viewer: Message


@dataclass
class Seat:
    """An open socket, and the screen behind it."""

    socket: PortalSocket
    picture: Folded

    async def hear(self, version: int) -> Message:
        """The message that brings it to that version; empty if it has that version, and nothing has come."""
        heard = [await self.socket.receive()] if version != self.picture.version else []
        ref = uuid4().hex
        await self.socket.send("ping", ref=ref)
        while (message := await self.socket.receive()).get("ref") != ref:
            heard.append(message)
        assert len(heard) < 2, f"one change is one message, and not {heard}"
        if not heard:
            return {}
        self.picture.receive(deepcopy(heard[0]))
        return heard[0]


class Screens:
    """The three of one portal view."""

    def __init__(self, stack: Stack, portal_view: str, sender: Seat, controller: Seat, viewer: Seat) -> None:
        self.path = f"/api/portal-views/{portal_view}"
        self._stack = stack
        self.sender, self.controller, self.viewer = sender, controller, viewer

    @property
    def stored(self) -> Message:
        """The state as a controller reads it."""
        state: Message = self._stack.controller.get(self.path)
        return state

    @property
    def items(self) -> list[str]:
        """The ids of the stored items."""
        return [item["id"] for item in self.stored["items"]]

    async def do(self, type_: str, **body: Any) -> Told:
        """Send a message that is stored, and check all screens."""
        answer = await self._ask(type_, body)
        assert answer["type"] == "ack", answer
        seen = self._stack.viewer.get(self.path)
        told = Told(answer, await self.controller.hear(answer["version"]), await self.viewer.hear(seen["version"]))
        if body.get("retry"):  # its `ack` may be of a version stored before, so a change that is new comes to it, too
            assert await self.sender.hear(answer["version"]) == told.controller
        else:
            self.sender.picture.receive(deepcopy(answer))
        self.check()
        assert answer["version"] == self.stored["version"]
        return told

    async def refuse(self, type_: str, **body: Any) -> Message:
        """Send a message that is refused, and check that nothing has changed; returns the error."""
        before = self.stored
        answer = await self._ask(type_, body)
        assert answer["type"] == "error", answer
        assert self.stored == before
        for seat in (self.controller, self.viewer):
            assert await seat.hear(seat.picture.version) == {}
        return answer

    async def _ask(self, type_: str, body: Mapping[str, Any]) -> Message:
        ref = body.get("ref", uuid4().hex)
        self.sender.picture.send(deepcopy({"type": type_, **body, "ref": ref}))
        await self.sender.socket.send(type_, **{**body, "ref": ref})
        answer = await self.sender.socket.receive()
        assert answer.get("ref") == ref, answer
        return answer

    def check(self) -> None:
        """Check that every screen shows what its role reads over REST."""
        seen = self._stack.viewer.get(self.path)
        for seat, state in ((self.sender, self.stored), (self.controller, self.stored), (self.viewer, seen)):
            shown = {key: seat.picture.state[key] for key in differs_in(seat.picture.state, state)}
            assert not shown, f"it shows {shown}, and stored is { {key: state[key] for key in shown} }"
        assert (self.controller.picture.version, self.viewer.picture.version) == (
            self.stored["version"],
            seen["version"],
        )


@asynccontextmanager
async def screens(stack: Stack, portal_view: str) -> AsyncIterator[Screens]:
    """A controller, an editor and a viewer at that portal view."""
    async with (
        stack.join(portal_view, stack.controller) as (sender, first),
        stack.join(portal_view, stack.editor) as (controller, second),
        stack.join(portal_view, stack.viewer) as (viewer, third),
    ):
        seats = [Seat(socket, Folded()) for socket in (sender, controller, viewer)]
        for seat, connected in zip(seats, (first, second, third), strict=True):
            seat.picture.receive(connected)
        yield Screens(stack, portal_view, *seats)
