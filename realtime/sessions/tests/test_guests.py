"""Guests: they come in by a share link, come back with their own credential, and may become users. Through sockets."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.test import Client as DjangoClient
from django.utils import timezone

from libraries import signing
from libraries.access import revoke
from libraries.digests import digest_of
from libraries.models import Library, PortalView, Receipt, ShareLink, SigningKey, User
from libraries.rules.errors import Unavailable
from libraries.rules.names import MAX_GUEST_NAME_CHARS
from libraries.rules.revocations import Reason
from libraries.rules.subjects import Grant, Subject
from libraries.services.tickets import new_ticket
from libraries.tokens import access_token, guest_credential
from realtime.hub.hub import current_hub
from realtime.protocol.encodings import SUBPROTOCOL
from realtime.sessions import credentials, handlers, handshake
from realtime.sessions.lookup import look_up
from realtime.tests.clients import Client, Connect, room_of, token_of, until

pytestmark = pytest.mark.django_db(transaction=True)

ENDED = Reason.SESSION_ENDED
SHARE = "kWq3-share-token-of-a-test-0001"


@pytest.fixture
def link(portal_view: PortalView) -> ShareLink:
    return ShareLink.objects.create(portal_view=portal_view, label="Table", digest=digest_of(SHARE))


async def come(
    connect: Connect, where: PortalView, credential: str = f"share.{SHARE}", *, greeted: bool = True, **query: str
) -> Client:
    """A socket with a credential in its subprotocols."""
    return await connect(None, where, subprotocols=(SUBPROTOCOL, credential), query=query, greeted=greeted)


async def refusal(connect: Connect, where: PortalView, credential: str = f"share.{SHARE}", **query: str) -> str:
    """The code of the error that a credential is refused with."""
    client = await come(connect, where, credential, greeted=False, **query)
    error, closed = await client.refused()
    assert closed[1] == error["code"]
    return str(error["code"])


async def change(link: ShareLink, **values: Any) -> None:
    """Change a link."""
    for name, value in values.items():
        setattr(link, name, value)
    await sync_to_async(link.save)()


# --- Coming in -----------------------------------------------------------------------------------------------


async def test_a_share_link_makes_a_guest_who_sees_what_viewers_see(
    connect: Connect, portal_view: PortalView, link: ShareLink, viewer: User, logged: list[Any]
) -> None:
    guest, member = await come(connect, portal_view, name="Ann"), await connect(viewer, portal_view)
    told = guest.connected
    assert told["subject"]["kind"] == "guest"
    assert told["subject"]["name"] == "Ann"
    assert (told["role"], told["state"], told["epoch"]) == (
        "viewer",
        member.connected["state"],
        member.connected["epoch"],
    )
    assert "userId" not in told
    assert "guest" not in member.connected
    assert member.connected["subject"] == {"kind": "user", "id": str(viewer.id), "name": viewer.get_full_name()}
    assert UUID(told["subject"]["id"]) not in {viewer.id, link.id}
    who = [
        {key: one[key] for key in ("userId", "guestId") if key in one} for one in logged if one["event"] == "connected"
    ]
    assert who == [{"guestId": told["subject"]["id"]}, {"userId": str(viewer.id)}]


async def test_each_use_of_the_link_makes_another_guest_and_its_credential_the_same_one(
    connect: Connect, portal_view: PortalView, link: ShareLink
) -> None:
    first, second = await come(connect, portal_view), await come(connect, portal_view)
    assert first.connected["subject"]["id"] != second.connected["subject"]["id"]
    assert first.connected["subject"]["name"] is None
    again = await come(connect, portal_view, f"guest.{first.connected['guest']}", name="Ann")
    assert again.connected["subject"] == {**first.connected["subject"], "name": "Ann"}
    kept = await come(connect, portal_view, f"guest.{again.connected['guest']}")
    assert kept.connected["subject"]["name"] == "Ann"
    no_more = await come(connect, portal_view, f"guest.{again.connected['guest']}", name="")
    assert no_more.connected["subject"]["name"] is None


async def test_a_share_works_in_the_address_and_a_guests_own_credential_does_not(
    connect: Connect, portal_view: PortalView, link: ShareLink
) -> None:
    guest = await connect(None, portal_view, query={"share": SHARE})
    other = await connect(None, portal_view, query={"guest": guest.connected["guest"]}, greeted=False)
    assert (await other.refused())[0]["code"] == "credential-missing"


@pytest.mark.parametrize("name", ["a" * (MAX_GUEST_NAME_CHARS + 1), "a\u202eb", "\u200b", "a\nb"])
async def test_a_name_that_is_none_is_refused(
    connect: Connect, portal_view: PortalView, link: ShareLink, name: str
) -> None:
    assert await refusal(connect, portal_view, name=name) == "guest-name-invalid"


async def test_links_that_let_nobody_in(
    connect: Connect, portal_view: PortalView, library: Library, link: ShareLink
) -> None:
    guest = await come(connect, portal_view)
    mine = f"guest.{guest.connected['guest']}"
    other = await PortalView.objects.acreate(library=library, name="Other")
    assert [await refusal(connect, other, one) for one in (f"share.{SHARE}", mine)] == ["no-access"] * 2
    assert await refusal(connect, portal_view, "share.other") == "share-invalid"
    assert await refusal(connect, portal_view, "guest.other") == "token-invalid"
    await change(link, expires_at=timezone.now())
    assert [await refusal(connect, portal_view, one) for one in (f"share.{SHARE}", mine)] == ["link-expired"] * 2
    await change(link, withdrawn_at=timezone.now())
    assert [await refusal(connect, portal_view, one) for one in (f"share.{SHARE}", mine)] == ["link-withdrawn"] * 2
    await sync_to_async(link.delete)()
    assert await refusal(connect, portal_view, mine) == "link-withdrawn"
    assert await refusal(connect, portal_view) == "share-invalid"


async def test_no_credential_passes_for_one_of_another_kind(
    connect: Connect, portal_view: PortalView, link: ShareLink, viewer: User
) -> None:
    guest = (await come(connect, portal_view)).connected["guest"]
    token = token_of(viewer)
    for wrong in (f"bearer.{guest}", f"guest.{token}"):
        assert await refusal(connect, portal_view, wrong) == "token-invalid"
    assert await refusal(connect, portal_view, f"share.{guest}") == "share-invalid"
    assert await refusal(connect, portal_view, f"ticket.{token}") == "ticket-invalid"


async def test_a_link_has_places_and_a_reload_takes_its_own(
    connect: Connect, portal_view: PortalView, link: ShareLink
) -> None:
    await change(link, max_guests=1)
    guest = await come(connect, portal_view)
    assert await refusal(connect, portal_view) == "link-full"
    mine = f"guest.{guest.connected['guest']}"
    reloaded = await come(connect, portal_view, mine)
    await guest.leave()
    assert await refusal(connect, portal_view) == "link-full"
    await reloaded.leave()
    await come(connect, portal_view)


async def test_a_refused_guest_leaves_its_place(
    connect: Connect, portal_view: PortalView, link: ShareLink, settings: Any, viewer: User
) -> None:
    settings.PORTAL_CONNECTIONS_PER_VIEW = 1
    await change(link, max_guests=1)
    member = await connect(viewer, portal_view)
    assert await refusal(connect, portal_view) == "portal-view-full"
    await member.leave()
    await come(connect, portal_view)


@pytest.mark.parametrize("place", ["the link", "the key"])
async def test_without_the_database_a_guest_is_asked_to_come_back(
    connect: Connect, portal_view: PortalView, link: ShareLink, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    async def away(*_args: object) -> None:
        raise Unavailable("Away.")

    monkeypatch.setattr(credentials if place == "the link" else handshake, "in_database", away)
    assert await refusal(connect, portal_view) == "unavailable"


async def test_a_key_that_this_process_does_not_know_yet_is_read(
    connect: Connect, portal_view: PortalView, viewer: User
) -> None:
    await sync_to_async(signing.make_key)()
    signing.KEYS._read_at = float("-inf")
    token = await sync_to_async(access_token)(viewer, uuid4())
    signing.KEYS._known = {}
    await connect(token, portal_view)
    await SigningKey.objects.all().adelete()
    signing.KEYS._known = {}
    client = await connect(token, portal_view, greeted=False)
    assert (await client.refused())[0]["code"] == "token-invalid"
    signing.KEYS._read_at = float("-inf")


# --- Tickets ---------------------------------------------------------------------------------------------------


async def test_a_ticket_opens_one_socket_which_ends_with_its_session(
    connect: Connect, portal_view: PortalView, viewer: User
) -> None:
    grant = Grant(Subject(viewer.id), uuid4())
    ends_at = timezone.now() + timedelta(hours=1)
    get = partial(sync_to_async(new_ticket), grant=grant, portal_view_id=portal_view.id, ends_at=ends_at)
    tickets = [(await get())[0] for _ in range(3)]
    member = await come(connect, portal_view, f"ticket.{tickets[0]}")
    assert member.connected["userId"] == str(viewer.id)
    assert await refusal(connect, portal_view, f"ticket.{tickets[0]}") == "ticket-invalid"
    other = await connect(None, portal_view, query={"ticket": tickets[1]})
    assert (await other.ask("auth", ticket=tickets[2]))["type"] == "ack"
    assert (await other.ask("auth", ticket=tickets[2]))["code"] == "ticket-invalid"
    room_of(portal_view).close_overdue(ends_at.timestamp(), 0.0)
    for client in (member, other):
        messages = [await client.receive()]
        while messages[-1]["type"] != "error":
            messages.append(await client.receive())
        assert messages[-1]["code"] == "token-expired"


# --- Cookies ---------------------------------------------------------------------------------------------------


async def test_a_cookie_is_no_credential(connect: Connect, portal_view: PortalView, viewer: User) -> None:
    page = DjangoClient()
    await sync_to_async(page.force_login)(viewer, "libraries.services.logins.LimitedBackend")
    session = "; ".join(f"{name}={one.value}" for name, one in page.cookies.items())
    cookies = [session, f"token={token_of(viewer)}", f"{session}; access={token_of(viewer)}"]
    for cookie in cookies:
        client = await connect(None, portal_view, headers=[(b"cookie", cookie.encode())], greeted=False)
        assert (await client.refused())[0]["code"] == "credential-missing"


# --- While they are here ---------------------------------------------------------------------------------------


async def test_a_guest_can_look_and_ask_and_nothing_else(
    connect: Connect, portal_view: PortalView, link: ShareLink, editor: User
) -> None:
    controller, guest = await connect(editor, portal_view), await come(connect, portal_view)
    for message in ({"type_": "portal-view-update", "payload": {"name": "x"}}, {"type_": "encounter-next"}):
        assert (await guest.ask(**message))["code"] == "forbidden"
    assert (await guest.ask("request-sync"))["type"] == "ack"
    question = await controller.receive("sync-requested")
    assert question["from"] == guest.connected["subject"]["id"]


async def test_a_withdrawn_link_closes_its_guests(
    connect: Connect, portal_view: PortalView, link: ShareLink, viewer: User
) -> None:
    guest, member = await come(connect, portal_view), await connect(viewer, portal_view)
    await change(link, withdrawn_at=timezone.now())
    error, closed = await guest.refused()
    assert (error["code"], closed) == ("link-withdrawn", (1008, "link-withdrawn"))
    await member.expect_nothing_before_pong()


async def test_a_guest_ends_with_its_link(connect: Connect, portal_view: PortalView, link: ShareLink) -> None:
    await change(link, expires_at=timezone.now() + timedelta(hours=1))
    guest = await come(connect, portal_view)
    connection = room_of(portal_view).people.connections[guest.id]
    assert connection.check_credential(link.expires_at.timestamp() - 61)  # type: ignore[union-attr]
    room_of(portal_view).close_overdue(link.expires_at.timestamp(), 0.0)  # type: ignore[union-attr]
    assert (await guest.refused())[1] == (1008, "link-expired")


# --- Becoming a user -------------------------------------------------------------------------------------------


async def test_a_guest_becomes_a_user_and_sees_what_the_user_sees(
    connect: Connect, portal_view: PortalView, link: ShareLink, editor: User
) -> None:
    await change(link, max_guests=1)
    guest, controller = await come(connect, portal_view), await connect(editor, portal_view)
    await guest.send("auth", token=token_of(editor), ref="r")
    changed = await guest.receive("role-changed")
    assert changed["subject"] == {"kind": "user", "id": str(editor.id), "name": editor.get_full_name()}
    for key in ("role", "version", "epoch", "state"):
        assert changed[key] == controller.connected[key]
    assert (await guest.receive("ack"))["ref"] == "r"
    assert (await guest.ask("portal-view-update", payload={"name": "New"}))["type"] == "ack"
    assert (await controller.receive("portal-view-updated"))["payload"] == {"name": "New"}
    assert [row.user_id async for row in Receipt.objects.all()] == [editor.id]
    await come(connect, portal_view)  # its place is free
    await change(link, withdrawn_at=timezone.now())
    await guest.expect_nothing_before_pong()


async def test_who_became_a_user_takes_only_that_users_tokens(
    connect: Connect, portal_view: PortalView, link: ShareLink, viewer: User, editor: User
) -> None:
    guest = await come(connect, portal_view)
    await guest.send("auth", token=token_of(viewer))
    assert (await guest.receive("role-changed"))["role"] == "viewer"
    assert (await guest.ask("auth", token=token_of(viewer)))["type"] == "ack"
    await guest.send("auth", token=token_of(editor))
    assert (await guest.refused())[1] == (1008, "token-invalid")


async def test_a_guest_stays_a_guest_if_it_may_not_become_that_user(
    connect: Connect, portal_view: PortalView, link: ShareLink, stranger: User, viewer: User, settings: Any
) -> None:
    guest = await come(connect, portal_view)
    own = guest.connected["guest"]
    answers = [await guest.ask("auth", token=token) for token in (token_of(stranger), own, "x")]
    assert [answer["code"] for answer in answers] == ["no-access", "token-invalid", "token-invalid"]
    assert (await guest.ask("auth"))["code"] == "invalid-message"
    session = uuid4()
    ended = await sync_to_async(access_token)(viewer, session)
    await sync_to_async(revoke)(session, Reason.SESSION_ENDED)
    assert (await guest.ask("auth", token=ended))["code"] == "session-ended"
    deleted = await sync_to_async(access_token)(User(id=uuid4()), session)
    assert (await guest.ask("auth", token=deleted))["code"] == "user-unavailable"
    settings.PORTAL_CONNECTIONS_PER_USER = 1
    await connect(viewer, portal_view)
    await guest.send("auth", token=token_of(viewer), ref=1)
    assert (await guest.receive("error"))["code"] == "too-many-connections"
    assert room_of(portal_view).people.connections[guest.id].subject.is_guest


@pytest.mark.parametrize("who", ["guest", "user"])
async def test_what_ends_while_a_credential_is_looked_up_stays_ended(
    connect: Connect,
    portal_view: PortalView,
    link: ShareLink,
    viewer: User,
    monkeypatch: pytest.MonkeyPatch,
    who: str,
) -> None:
    session = uuid4()
    token = await sync_to_async(access_token)(viewer, session)
    client = await come(connect, portal_view) if who == "guest" else await connect(token, portal_view)

    async def slow(*asked: Any) -> Any:
        access = await look_up(*asked)
        await (change(link, withdrawn_at=timezone.now()) if who == "guest" else sync_to_async(revoke)(session, ENDED))
        await until(lambda: connection.closed, "the close")
        return access

    connection = room_of(portal_view).people.connections[client.id]
    monkeypatch.setattr(handlers, "look_up", slow)
    await client.send("auth", token=token_of(viewer), ref=1)
    reason = "link-withdrawn" if who == "guest" else "session-ended"
    assert (await client.refused())[1] == (1008, reason)
    assert current_hub().roster._by_key == {}


async def test_who_was_switched_off_is_closed_at_the_next_token(
    connect: Connect, portal_view: PortalView, viewer: User
) -> None:
    client = await connect(viewer, portal_view)
    await User.objects.filter(id=viewer.id).aupdate(is_active=False)
    await client.send("auth", token=token_of(viewer), ref=1)
    assert (await client.refused())[1] == (1008, "user-unavailable")


async def test_a_fresh_token_of_another_session_ends_with_that_one(
    connect: Connect, portal_view: PortalView, viewer: User
) -> None:
    sessions = [uuid4(), uuid4()]
    tokens = [await sync_to_async(access_token)(viewer, session) for session in sessions]
    client = await connect(tokens[0], portal_view)
    assert (await client.ask("auth", token=tokens[1]))["type"] == "ack"
    await sync_to_async(revoke)(sessions[0], Reason.SESSION_ENDED)
    await client.expect_nothing_before_pong()
    assert (await client.ask("auth", token=tokens[0]))["code"] == "session-ended"
    await sync_to_async(revoke)(sessions[1], Reason.SESSION_ENDED)
    assert (await client.refused())[1] == (1008, "session-ended")


async def test_a_guests_credential_ends_with_its_link() -> None:
    grant = Grant(Subject(uuid4(), is_guest=True), link_id=uuid4())
    ends_at = timezone.now() - timedelta(minutes=1)
    text = await sync_to_async(guest_credential)(grant, "", ends_at)
    with pytest.raises(credentials.Refused) as caught:
        await credentials.prove(credentials.Offered("guest", text), uuid4())
    assert caught.value.code == "token-expired"
