"""Permissions by WebSocket: every message for every person, on a real server. A refused message reaches nobody."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass

import pytest
from websockets.exceptions import ConnectionClosed

from portal.tests.access.bodies import MESSAGES
from portal.tests.access.people import MAKERS
from portal.tests.access.tables import MESSAGE_ROWS, Row
from portal.tests.conftest import Stacks
from realtime.protocol.closing import ERRORS
from realtime.protocol.requests import CLIENT_MESSAGES
from testing.installation import ServerKind, StoreKind
from testing.sockets import PortalSocket, open_socket, portal_view_path
from testing.stacks import Stack
from testing.tokens import forge_token

ITEMS = [{"id": "goblin", "name": "Goblin"}]
ENCOUNTER = {"round": 2, "turn": "goblin", "order": [{"itemId": "goblin"}]}
ALREADY_THERE = {"owner": "controller", "editor": "editor", "viewer": "viewer", "stranger": "stranger"}
"""The columns that exist in the demo of a stack, and their names there."""

# Run by `manage.py shell`; {library} is the demo library's id.
OTHERS = """
import json
from django.contrib.auth.models import Permission
from libraries.services.members import add_member, remove_member
from libraries.services.people import set_user_active
from libraries.models import User
from libraries.rules.roles import Role
made = {{}}
for name in ("former", "off", "staff", "all", "super"):
    made[name] = User.objects.create_user(f"{{name}}@matrix.test", is_staff=name in ("staff", "all", "super"))
for name in ("former", "off"):
    add_member(actor_id=None, library_id="{library}", email=made[name].email, role=Role.EDITOR)
remove_member(actor_id=None, library_id="{library}", user_id=made["former"].id)
set_user_active(user_id=made["off"].id, is_active=False)
made["all"].user_permissions.set(Permission.objects.all())
User.objects.filter(pk=made["super"].pk).update(is_superuser=True)
print(json.dumps({{name: str(user.id) for name, user in made.items()}}))
"""


@dataclass(frozen=True)
class Place:
    """A running stack, and the access tokens of all people; `nobody` has none."""

    stack: Stack
    tokens: dict[str, str | None]


@pytest.fixture(scope="module")
def place(stacks: Stacks) -> Place:
    """One process on SQLite: its decisions do not depend on the store."""
    stack = stacks.of(ServerKind.SERVE, StoreKind.SQLITE)
    ids = json.loads(stack.installation.shell(OTHERS.format(library=stack.cast.library_id)))
    tokens: dict[str, str | None] = {name: forge_token(stack.installation.secret_key, ids[name]) for name in ids}
    tokens |= {name: getattr(stack, key).access for name, key in ALREADY_THERE.items()}
    return Place(stack, {**tokens, "nobody": None})


def test_every_message_is_in_the_table() -> None:
    assert [row.address for row in MESSAGE_ROWS] == list(CLIENT_MESSAGES) == list(MESSAGES)
    assert all(list(row.cells) == list(MAKERS) for row in MESSAGE_ROWS)


@pytest.mark.server
@pytest.mark.parametrize("who", MAKERS)
@pytest.mark.parametrize("row", MESSAGE_ROWS, ids=lambda row: row.name)
async def test_every_person_gets_the_answer_of_the_table(place: Place, row: Row, who: str) -> None:
    stack, kind = place.stack, row.address
    view = stack.new_portal_view(items=ITEMS, encounter=ENCOUNTER)
    before = stack.controller.get(f"/api/portal-views/{view}")
    body = {**MESSAGES[kind], **({"token": place.tokens[who] or ""} if kind == "auth" else {})}
    async with (
        stack.join_all(view, stack.controller, stack.viewer) as others,
        open_socket(stack.server.ws, portal_view_path(view), token=place.tokens[who]) as socket,
    ):
        expected = row.cells[who]
        with suppress(ConnectionClosed):  # raised by the refused handshake, which may be over by now
            await socket.send(kind, ref="mine", **body)
        if expected in {"pong", "ack", "forbidden"}:
            await is_answered(socket, expected)
        else:
            await is_not_let_in(socket, expected)
        if expected not in {"pong", "ack"}:
            for other in others:
                await other.expect_nothing_before_pong()
    after = stack.controller.get(f"/api/portal-views/{view}")
    is_stored = expected == "ack" and bool(row.changes)
    assert after["version"] == before["version"] + is_stored
    assert (after == before) is not is_stored


async def is_answered(socket: PortalSocket, expected: str) -> None:
    """Assert that the connection is open, and its message gets this answer."""
    await socket.receive("connected")
    answer = await socket.receive()
    assert answer.get("code", answer["type"]) == expected
    assert answer["ref"] == "mine"


async def is_not_let_in(socket: PortalSocket, code: str) -> None:
    """Assert that the handshake is refused with that error, and the message ignored."""
    error, closed = await socket.refused()
    assert error["code"] == code
    assert "ref" not in error
    assert closed == (ERRORS[code], code)
