"""Controllers that write to a table, and everybody's folded state; nothing is lost or late. No I/O in here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from libraries.rules.projection import project
from libraries.rules.roles import PortalRole
from libraries.services.changes import Message as Checked
from realtime.client.python.portal_client.fold import Folded, Message
from realtime.protocol.events import Ack
from realtime.sessions.jobs import Asked
from testing.table import Table, as_text, changed, shown_to

_encode = msgspec.json.Encoder(order="deterministic").encode
CONNECTED = {"type": "connected", "epoch": "one", "recovered": False}


def connected(table: Table, role: PortalRole, **more: Any) -> Message:
    """The first message for a new connection."""
    state = project(table.state, role, table.disclosure)
    message: Message = as_json({**CONNECTED, "role": str(role), "version": state["version"], "state": state, **more})
    return message


def as_json(value: Any) -> Any:
    """The value as a client decodes it: a copy that shares nothing."""
    return json.loads(_encode(value))


def can_be_merged(messages: Iterable[Checked]) -> bool:
    """Whether the server stores such messages of one client together if they wait."""
    asked = [Asked(message, 0, "", 0) for message in messages]
    return not any(one.is_alone for one in asked) and len({one.target for one in asked}) == 1


def ack_of(ref: int | str, version: int, answer: Any, *, is_batch: bool) -> Message:
    """The `ack` of a stored message."""
    ack = Ack(ref=ref, version=version)
    if answer.payload:
        ack.payload = answer.payload
    if answer.item_ids and is_batch:
        ack.item_ids = list(answer.item_ids)
    elif answer.item_ids:
        ack.item_id = answer.item_ids[0]
    said: Message = as_json(ack)
    return said


class Conversation:
    """Two controllers and a viewer at a table."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.controllers = [Folded(), Folded()]
        self.viewer = Folded()
        self.seen_before = ""
        self._refs = 0
        for one in (*self.controllers, self.viewer):
            one.receive(connected(table, self._role(one)))

    def _role(self, one: Folded) -> PortalRole:
        return PortalRole.VIEWER if one is self.viewer else PortalRole.CONTROLLER

    def say(self, who: Folded | None, messages: Sequence[Message]) -> dict[PortalRole, Message]:
        """Store messages of one client, None for REST, as one version; returns what each role is told of it.

        PortalError if one is refused.
        """
        self.seen_before = self._shown(PortalRole.VIEWER)
        written, told = changed(self.table, messages)
        for message, answer in zip(messages, written.answers, strict=True):
            self._refs += 1
            if who is not None:
                who.send(as_json({**message, "ref": self._refs}))
            if who is not None and written.is_stored:
                is_batch, version = message["type"] == "batch", written.portal_view.version
                who.receive(ack_of(self._refs, version, answer, is_batch=is_batch))
        for other in (*self.controllers, self.viewer):
            if other is not who and self._role(other) in told:
                other.receive(told[self._role(other)])
        return told

    def check(self) -> None:
        """AssertionError unless everybody has the stored state as they see it."""
        for one in (*self.controllers, self.viewer):
            role = self._role(one)
            assert as_text(one.state) == self._shown(role), role

    def _shown(self, role: PortalRole) -> str:
        return as_text(shown_to(self.table.state, role, self.table.disclosure))
