"""Protocol, section 2: the roles that may send each message. Tests the whole table, for every role."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.rules.roles import PortalRole
from realtime.protocol.policy import ALLOWED
from testing.sockets import PortalSocket
from testing.stacks import Stack

CONTROLLER, VIEWER = PortalRole.CONTROLLER, PortalRole.VIEWER

# The protocol's table, copied word by word: a change of the code alone must fail.
TABLE = {
    "ping": {CONTROLLER, VIEWER},
    "portal-view-update": {CONTROLLER},
    "item-update": {CONTROLLER},
    "item-add": {CONTROLLER},
    "item-remove": {CONTROLLER},
    "item-move": {CONTROLLER},
    "encounter-next": {CONTROLLER},
    "encounter-previous": {CONTROLLER},
    "batch": {CONTROLLER},
    "request-sync": {VIEWER},
    "sync-response": {CONTROLLER},
    "auth": {CONTROLLER, VIEWER},
    "activity": {CONTROLLER},
    "pointer": {CONTROLLER, VIEWER},
}
ACTORS = {"controller": CONTROLLER, "editor": CONTROLLER, "viewer": VIEWER}
BODIES: dict[str, dict[str, Any]] = {
    "portal-view-update": {"payload": {"showHealth": True}},
    "item-update": {"payload": {"itemId": "goblin", "name": "Goblin King"}},
    "item-add": {"payload": {"name": "Imp"}},
    "item-remove": {"itemId": "goblin"},
    "item-move": {"itemId": "goblin", "index": 1},
    "batch": {"changes": [{"type": "item-remove", "itemId": "orc"}, {"type": "item-add", "payload": {"name": "Imp"}}]},
    "sync-response": {"payload": {"zoom": 2}},
    "activity": {"state": "editing", "target": "goblin"},
    "pointer": {"itemId": "goblin", "x": 0.5, "y": 0.5},
}
STATE: dict[str, Any] = {
    "items": [{"id": "goblin", "name": "Goblin"}, {"id": "orc", "name": "Orc"}],
    "encounter": {"round": 1, "turn": "orc", "order": [{"itemId": "goblin"}, {"itemId": "orc"}]},
    "showEncounter": True,
    "viewersMayPoint": True,
}
# The message that others get after an allowed message, by their role: its type, or nothing.
REACHES: dict[str, dict[PortalRole, str]] = {
    "portal-view-update": {CONTROLLER: "portal-view-updated", VIEWER: "portal-view-updated"},
    "item-update": {CONTROLLER: "item-updated", VIEWER: "item-updated"},
    "item-add": {CONTROLLER: "item-added", VIEWER: "item-added"},
    "item-remove": {CONTROLLER: "item-removed", VIEWER: "item-removed"},
    "item-move": {CONTROLLER: "item-moved", VIEWER: "item-moved"},
    "encounter-next": {CONTROLLER: "portal-view-updated", VIEWER: "portal-view-updated"},
    "encounter-previous": {CONTROLLER: "portal-view-updated", VIEWER: "portal-view-updated"},
    "batch": {CONTROLLER: "batch-applied", VIEWER: "batch-applied"},
    "request-sync": {CONTROLLER: "sync-requested"},
    "sync-response": {VIEWER: "sync-response"},
    "activity": {CONTROLLER: "activity"},
    "pointer": {CONTROLLER: "pointer", VIEWER: "pointer"},
}


def test_the_code_has_the_table_of_the_protocol() -> None:
    assert {type_: set(roles) for type_, roles in ALLOWED.items()} == TABLE


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("type_", TABLE)
async def test_each_role_may_send_the_messages_of_the_table(stack: Stack, type_: str, actor: str) -> None:
    portal_view = stack.new_portal_view(**STATE)
    before = stack.controller.get(f"/api/portal-views/{portal_view}")
    client = getattr(stack, actor)
    body = {"token": client.access} if type_ == "auth" else BODIES.get(type_, {})
    async with stack.join_all(portal_view, client, stack.editor, stack.viewer) as (sender, controller, viewer):
        await sender.send(type_, ref="mine", **body)
        reply = await sender.receive()
        others = {CONTROLLER: controller, VIEWER: viewer}
        if ACTORS[actor] in TABLE[type_]:
            assert (reply["type"], reply.get("ref")) == ("pong" if type_ == "ping" else "ack", "mine")
            await _reached(others, REACHES.get(type_, {}))
        else:
            assert (reply["type"], reply.get("code"), reply.get("ref")) == ("error", "forbidden", "mine")
            assert reply["message"]
            await _reached(others, {})
            assert stack.controller.get(f"/api/portal-views/{portal_view}") == before
        await sender.expect_nothing_before_pong()


async def _reached(others: dict[PortalRole, PortalSocket], expected: dict[PortalRole, str]) -> None:
    for role, socket in others.items():
        if role in expected:
            await socket.receive(expected[role])
        await socket.expect_nothing_before_pong()
