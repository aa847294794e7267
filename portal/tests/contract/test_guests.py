"""Guests and tickets on each server: every credential in every place that takes it, and the pages of links.

Each test's log is searched for the credentials that it used (`portal/tests/conftest.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from testing.sockets import portal_view_path
from testing.spoken import note
from testing.stacks import Stack

pytestmark = pytest.mark.server

MAKERS: dict[str, Callable[[Stack, str], str]] = {
    "bearer": lambda stack, view: stack.viewer.access,
    "ticket": lambda stack, view: str(stack.viewer.post("/api/auth/ws-ticket", {"portalViewId": view})["ticket"]),
    "share": lambda stack, view: str(stack.controller.post(_links(view), {"label": "Table"})["token"]),
}
NAMES = {"bearer": "token", "ticket": "ticket", "share": "share"}


def _links(view: str) -> str:
    return f"/api/portal-views/{view}/share-links"


@pytest.mark.parametrize("kind", MAKERS)
async def test_a_credential_opens_a_socket_in_both_places(stack: Stack, portal_view: str, kind: str) -> None:
    path = portal_view_path(portal_view)
    subject = "guest" if kind == "share" else "user"
    offered = [stack.encoding.value, f"{kind}.{MAKERS[kind](stack, portal_view)}"]
    async with stack.open(path, subprotocols=offered) as socket:
        assert (await socket.receive("connected"))["subject"]["kind"] == subject
        assert socket.subprotocol == stack.encoding.value
    query = {NAMES[kind]: MAKERS[kind](stack, portal_view)}
    async with stack.open(path, query=query) as socket:
        assert (await socket.receive("connected"))["subject"]["kind"] == subject


async def test_a_guest_comes_back_and_becomes_a_user(stack: Stack, portal_view: str) -> None:
    path = portal_view_path(portal_view)
    share = MAKERS["share"](stack, portal_view)
    offered = [stack.encoding.value, f"share.{share}"]
    async with stack.open(path, subprotocols=offered, query={"name": "Ann"}) as socket:
        first = await socket.receive("connected")
    offered = [stack.encoding.value, f"guest.{first['guest']}"]
    async with (
        stack.open(path, subprotocols=offered) as socket,
        stack.join(portal_view, stack.controller) as (_, seen_by_controllers),
    ):
        again = await socket.receive("connected")
        assert again["subject"] == first["subject"] == {**first["subject"], "kind": "guest", "name": "Ann"}
        await socket.send("auth", ticket=_ticket_of_the_controller(stack, portal_view), ref=1)
        changed = await socket.receive("role-changed")
        assert changed["state"] == seen_by_controllers["state"]
        assert (await socket.receive("ack"))["ref"] == 1


def _ticket_of_the_controller(stack: Stack, view: str) -> str:
    ticket = str(stack.controller.post("/api/auth/ws-ticket", {"portalViewId": view})["ticket"])
    note(ticket)
    return ticket


async def test_a_withdrawn_link_ends_its_guests(stack: Stack, portal_view: str) -> None:
    link = stack.controller.post(_links(portal_view), {})
    path = portal_view_path(portal_view)
    offered = [stack.encoding.value, f"share.{link['token']}"]
    async with stack.open(path, subprotocols=offered) as socket:
        await socket.receive("connected")
        stack.controller.delete(f"{_links(portal_view)}/{link['id']}")
        error, closed = await socket.refused()
        assert (error["code"], closed) == ("link-withdrawn", (1008, "link-withdrawn"))


async def test_a_guest_joins_by_code(stack: Stack, portal_view: str) -> None:
    link = stack.controller.post(_links(portal_view), {})
    code = stack.controller.post(f"{_links(portal_view)}/{link['id']}/code")["code"]
    seat = stack.stranger.post("/api/join", {"code": code, "name": "Ann"})
    offered = [stack.encoding.value, f"guest.{seat['guest']}"]
    async with stack.open(portal_view_path(portal_view), subprotocols=offered) as socket:
        assert (await socket.receive("connected"))["subject"] == seat["subject"]


def test_the_pages_of_links_say_nothing_of_them(stack: Stack, portal_view: str) -> None:
    library = stack.cast.library_id
    share = MAKERS["share"](stack, portal_view)
    invitation = stack.controller.post(f"/api/libraries/{library}/invitations", {"role": "VIEWER"})
    pages = [f"/view/{share}", f"/invitation/{invitation['link'].rpartition('/')[2]}"]
    pages += [f"/{page}/{share}" for page in ("verify", "reset", "view", "invitation")]
    with httpx.Client(base_url=stack.server.http, trust_env=False) as http:
        answers = [http.get(page, headers={"Authorization": f"Bearer {stack.viewer.access}"}) for page in pages]
    assert answers[0].status_code == 200
    for answer in answers[:2]:
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    stack.controller.delete(f"/api/libraries/{library}/invitations/{invitation['id']}")
