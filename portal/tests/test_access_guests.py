"""Permissions of those who are in no table: guests, screens, tickets, and credentials that have ended or are of another
kind. Each is like a column of the tables: over REST like nobody, on a socket like a viewer or the person of a ticket.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from websockets.exceptions import ConnectionClosed

from libraries.access import revoke
from libraries.rules.revocations import Reason
from libraries.rules.subjects import Grant, Subject
from libraries.services.guests import new_guest
from libraries.services.screens import add_screen, claim_screen, new_screen
from libraries.services.sessions import open_session
from libraries.services.tickets import new_ticket
from libraries.tokens import access_token
from portal.tests.access import bodies
from portal.tests.access.bodies import MESSAGES
from portal.tests.access.people import SHARE, World, changed, make_world, stored
from portal.tests.access.tables import MESSAGE_ROWS, REST_ROWS, Row
from portal.tests.conftest import Stacks
from portal.tests.test_access_matrix import OPEN, _sent
from portal.tests.test_access_matrix_sockets import ENCOUNTER, ITEMS, is_not_let_in
from realtime.protocol.encodings import SUBPROTOCOL
from testing.installation import ServerKind, StoreKind
from testing.people import Client as LoggedIn
from testing.people import join_library
from testing.sockets import PortalSocket, open_socket, portal_view_path
from testing.stacks import Stack

# --- REST: each of these is nobody -----------------------------------------------------------------------------


def _guest(world: World) -> str:
    return new_guest(world.link, "Ann").credential


def _ticket(world: World) -> str:
    grant = Grant(Subject(world.owner.id), uuid4(), world.owner.auth_version)
    view = world.portal_view
    return new_ticket(grant=grant, portal_view_id=view.id, ends_at=view.created_at)[0]


def _screen(world: World) -> str:
    screen = new_screen(network="here")
    view_id = world.portal_view.id
    add_screen(actor_id=None, portal_view_id=view_id, code=screen.code, label="TV", network="here")
    ready = claim_screen(claim=screen.claim)
    assert ready is not None
    return ready.token


def _ended(world: World) -> str:
    session = uuid4()
    token = access_token(world.owner, session)
    revoke(session, Reason.SESSION_ENDED)
    return token


def _before_everywhere(world: World) -> str:
    token = access_token(world.owner, uuid4())
    world.owner.end_sessions()
    return token


NOBODIES: dict[str, Callable[[World], str]] = {
    "a guest": _guest,
    "a share link": lambda world: SHARE,
    "a ticket": _ticket,
    "a screen": _screen,
    "a refresh token": lambda world: open_session(user=world.owner).refresh,
    "an ended session": _ended,
    "a token from before the log-out everywhere": _before_everywhere,
}


@pytest.mark.django_db
@pytest.mark.parametrize("who", NOBODIES)
def test_over_rest_no_other_credential_is_anybody(who: str) -> None:
    cache.clear()
    world = make_world()
    client = Client(headers={"Authorization": f"Bearer {NOBODIES[who](world)}"})
    for row in REST_ROWS:
        if row.address in OPEN or row.name == "DELETE /api/auth/me?of=others":
            continue
        body = bodies.REST[row.name](world, world.owner) if row.name in bodies.REST else None
        before = stored()
        answer = client.generic(row.method, row.address.format(**world.ids(world.owner)), **_sent(body))
        assert answer.status_code == int(row.cells["nobody"]), row.name
        assert changed(before) == set(), row.name


# --- Sockets ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stack(stacks: Stacks) -> Stack:
    """One process on SQLite: its decisions do not depend on the store."""
    return stacks.of(ServerKind.SERVE, StoreKind.SQLITE)


def links(view: str) -> str:
    """The address of a portal view's share links."""
    return f"/api/portal-views/{view}/share-links"


def share(stack: Stack, view: str) -> str:
    """A new share link's credential."""
    return f"share.{stack.controller.post(links(view), {})['token']}"


def by_code(stack: Stack, view: str) -> str:
    """The seat of a guest who typed a code."""
    link = stack.controller.post(links(view), {})
    code = stack.editor.post(f"{links(view)}/{link['id']}/code")["code"]
    return f"guest.{stack.stranger.post('/api/join', {'code': code, 'name': 'Ann'})['guest']}"


def screen(stack: Stack, view: str) -> str:
    """The link of a screen that was added."""
    shown = stack.stranger.post("/api/screens")
    stack.editor.post(f"/api/portal-views/{view}/screens", {"code": shown["code"], "label": "TV"})
    return f"share.{stack.stranger.post('/api/screens/claim', {'claim': shown['claim']})['token']}"


def ticket(stack: Stack, view: str, who: LoggedIn) -> str:
    """A ticket of a member."""
    return f"ticket.{who.post('/api/auth/ws-ticket', {'portalViewId': view})['ticket']}"


def withdrawn(stack: Stack, view: str) -> str:
    """A link that was withdrawn."""
    link = stack.controller.post(links(view), {})
    stack.controller.delete(f"{links(view)}/{link['id']}")
    return f"share.{link['token']}"


def former_guest(stack: Stack, view: str) -> str:
    """The seat of a guest whose link was withdrawn."""
    seat = by_code(stack, view)
    for link in stack.controller.get(links(view))["results"]:
        stack.controller.delete(f"{links(view)}/{link['id']}")
    return seat


def of_another_view(stack: Stack, view: str) -> str:
    """A link to another portal view."""
    return share(stack, stack.new_portal_view())


def ticket_of_another_view(stack: Stack, view: str) -> str:
    """A ticket for another portal view."""
    return ticket(stack, stack.new_portal_view(), stack.controller)


LIKE: dict[str, tuple[Callable[[Stack, str], str], str]] = {
    "a share link": (share, "viewer"),
    "a code": (by_code, "viewer"),
    "a screen": (screen, "viewer"),
    "a ticket of an owner": (lambda stack, view: ticket(stack, view, stack.controller), "owner"),
    "a ticket of an editor": (lambda stack, view: ticket(stack, view, stack.editor), "editor"),
    "a ticket of a viewer": (lambda stack, view: ticket(stack, view, stack.viewer), "viewer"),
}
"""Each credential, and the column of the table that it is like."""

REFUSED: dict[str, tuple[Callable[[Stack, str], str], str]] = {
    "a withdrawn link": (withdrawn, "link-withdrawn"),
    "a former guest": (former_guest, "link-withdrawn"),
    "a link to another portal view": (of_another_view, "no-access"),
    "a ticket for another portal view": (ticket_of_another_view, "ticket-invalid"),
    "a made-up link": (lambda stack, view: f"share.{uuid4().hex}", "share-invalid"),
    "a made-up ticket": (lambda stack, view: f"ticket.{uuid4().hex}", "ticket-invalid"),
    "a made-up guest": (lambda stack, view: f"guest.{uuid4().hex}", "token-invalid"),
    "a guest as a user": (lambda stack, view: by_code(stack, view).replace("guest.", "bearer."), "token-invalid"),
    "a user as a guest": (lambda stack, view: f"guest.{stack.controller.access}", "token-invalid"),
    "a refresh token": (lambda stack, view: f"bearer.{stack.controller.refresh}", "token-invalid"),
}
"""Each credential that lets nobody in, and the error."""


@pytest.mark.server
@pytest.mark.parametrize("row", MESSAGE_ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("who", LIKE)
async def test_a_credential_may_what_its_column_may(stack: Stack, row: Row, who: str) -> None:
    make, column = LIKE[who]
    kind, expected = row.address, row.cells[column]
    view = stack.new_portal_view(items=ITEMS, encounter=ENCOUNTER)
    body = {**MESSAGES[kind], **({"token": getattr(stack, _ACCESS[column]).access} if kind == "auth" else {})}
    offered = [SUBPROTOCOL, make(stack, view)]
    async with (
        stack.join_all(view, stack.controller, stack.viewer) as others,
        open_socket(stack.server.ws, portal_view_path(view), subprotocols=offered) as socket,
    ):
        connected = await socket.receive("connected")
        assert connected["role"] == ("viewer" if column == "viewer" else "controller")
        await socket.send(kind, ref="mine", **body)
        assert await answer_to_mine(socket) == expected
        if expected == "forbidden":
            for other in others:
                await other.expect_nothing_before_pong()
    is_stored = expected == "ack" and bool(row.changes)
    assert stack.controller.get(f"/api/portal-views/{view}")["version"] == 1 + is_stored


_ACCESS = {"owner": "controller", "editor": "editor", "viewer": "viewer"}


async def answer_to_mine(socket: PortalSocket) -> str:
    """The type or the error of the answer; a guest who became a user hears of that first."""
    answer = await socket.receive()
    if answer["type"] == "role-changed":
        assert answer["subject"]["kind"] == "user"
        answer = await socket.receive()
    assert answer["ref"] == "mine"
    return str(answer.get("code", answer["type"]))


@pytest.mark.server
@pytest.mark.parametrize("who", REFUSED)
async def test_what_lets_nobody_in(stack: Stack, who: str) -> None:
    make, code = REFUSED[who]
    view = stack.new_portal_view(items=ITEMS, encounter=ENCOUNTER)
    before = stack.controller.get(f"/api/portal-views/{view}")
    offered = [SUBPROTOCOL, make(stack, view)]
    for row in MESSAGE_ROWS:
        async with open_socket(stack.server.ws, portal_view_path(view), subprotocols=offered) as socket:
            with suppress(ConnectionClosed):  # raised by the refused handshake, which may be over by now
                await socket.send(row.address, ref="mine", **MESSAGES[row.address])
            await is_not_let_in(socket, code)
    assert stack.controller.get(f"/api/portal-views/{view}") == before


@pytest.mark.server
async def test_somebody_who_is_invited_comes_in_once_they_have_accepted(stack: Stack) -> None:
    view = stack.new_portal_view(items=ITEMS)
    library = stack.controller.get(f"/api/portal-views/{view}")["libraryId"]
    path = portal_view_path(view)
    stack.controller.post(f"/api/libraries/{library}/invitations", {"role": "EDITOR"})
    async with open_socket(stack.server.ws, path, token=stack.stranger.access) as socket:
        await is_not_let_in(socket, "no-access")
    join_library(stack.controller, stack.stranger, library, "EDITOR")
    try:
        async with stack.join(view, stack.stranger) as (_, connected):
            assert connected["role"] == "controller"
    finally:
        me = stack.stranger.get("/api/auth/me")["id"]
        stack.controller.delete(f"/api/libraries/{library}/members/{me}")
