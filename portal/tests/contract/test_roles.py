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
    "request-sync": {VIEWER},
    "sync-response": {CONTROLLER},
    "auth": {CONTROLLER, VIEWER},
}
ACTORS = {"controller": CONTROLLER, "editor": CONTROLLER, "viewer": VIEWER}
BODIES: dict[str, dict[str, Any]] = {
    "portal-view-update": {"payload": {"showHealth": True}},
    "item-update": {"payload": {"itemId": "goblin", "name": "Goblin King"}},
    "sync-response": {"payload": {"zoom": 2}},
}
# The message that others get after an allowed message, by their role: its type, or nothing.
REACHES: dict[str, dict[PortalRole, str]] = {
    "portal-view-update": {CONTROLLER: "portal-view-updated", VIEWER: "portal-view-updated"},
    "item-update": {CONTROLLER: "item-updated", VIEWER: "item-updated"},
    "request-sync": {CONTROLLER: "sync-requested"},
    "sync-response": {VIEWER: "sync-response"},
}


def test_the_code_has_the_table_of_the_protocol() -> None:
    assert {type_: set(roles) for type_, roles in ALLOWED.items()} == TABLE


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("type_", TABLE)
async def test_each_role_may_send_the_messages_of_the_table(stack: Stack, type_: str, actor: str) -> None:
    portal_view = stack.new_portal_view(items=[{"id": "goblin", "name": "Goblin"}])
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
