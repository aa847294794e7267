"""The steps of the handshake, in their order, and each refusal; without a socket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from django.conf import settings
from django.db import OperationalError
from rest_framework_simplejwt.tokens import RefreshToken

from libraries.models import Library, PortalView, User
from libraries.rules.roles import PortalRole
from realtime.limits.entrance import Entrance
from realtime.protocol.closing import ERRORS, CloseCode
from realtime.sessions import lookup
from realtime.sessions.credentials import Offered, Refused, prove
from realtime.sessions.handshake import Admission, admit, encoding, is_socketio
from realtime.tests.clients import token_of
from testing.tokens import forge_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["portal.example.org"]


Scope = dict[str, Any]


def scope(
    portal_view_id: object = None, query: str = "", *, offered: tuple[str, ...] = (), origin: str | None = None
) -> Scope:
    """A scope as routing makes it; None: the path is none of a portal view."""
    headers = [(b"host", b"Portal.example.org:8000")]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    return {
        "type": "websocket",
        "path": "/ws/portal-view/",
        "query_string": query.encode(),
        "subprotocols": list(offered),
        "headers": headers,
        "url_route": {"args": (), "kwargs": {} if portal_view_id is None else {"portal_view_id": str(portal_view_id)}},
    }


async def refusal(wanted: Scope) -> str:
    """The code of the error; its message is one sentence, and shows nothing of the credential."""
    with pytest.raises(Refused) as caught:
        await admit(wanted, Entrance())
    error = caught.value
    assert error.code in ERRORS
    assert error.message.endswith(".")
    assert "eyJ" not in error.message
    return error.code


def forged(user: object, **more: Any) -> str:
    """A token signed with our key."""
    return forge_token(settings.SECRET_KEY, str(user), **more)


# --- The steps ---------------------------------------------------------------------------------------------


async def test_each_step_comes_after_the_earlier_ones(portal_view: PortalView, viewer: User, stranger: User) -> None:
    """Each scope corrects the error of the one before it, and keeps all later errors."""
    await User.objects.filter(id=stranger.id).aupdate(is_active=False)
    elsewhere = "https://elsewhere.example.org"
    ours, good = portal_view.id, token_of(viewer)
    await User.objects.acreate(id=UUID(int=5), email="active@example.org")
    steps = [
        (scope(None, "token=bad", origin=elsewhere), "not-found"),
        (scope("", "token=bad", origin=elsewhere), "portal-view-id-missing"),
        (scope("no-uuid", origin=elsewhere), "credential-missing"),
        (scope("no-uuid", "token=bad", origin=elsewhere), "token-invalid"),
        (scope("no-uuid", f"token={forged(viewer.id, lifetime=-19)}", origin=elsewhere), "token-expired"),
        (scope("no-uuid", f"token={forged(uuid4())}", origin=elsewhere), "user-unavailable"),
        (scope("no-uuid", f"token={forged(stranger.id)}", origin=elsewhere), "user-unavailable"),
        (scope("no-uuid", f"token={good}", origin=elsewhere), "no-access"),
        (scope(uuid4(), f"token={good}", origin=elsewhere), "no-access"),
        (scope(ours, f"token={forged(UUID(int=5))}", origin=elsewhere), "no-access"),
        (scope(ours, f"token={good}", origin=elsewhere), "origin-not-allowed"),
    ]
    assert [await refusal(wanted) for wanted, _ in steps] == [code for _, code in steps]
    assert {ERRORS[code] for _, code in steps} == {CloseCode.POLICY}
    admission = await admit(scope(ours, f"token={good}", origin="http://portal.example.org:8000"), Entrance())
    assert admission.role is PortalRole.VIEWER


@pytest.mark.parametrize(("who", "role"), [("owner", "controller"), ("editor", "controller"), ("viewer", "viewer")])
async def test_an_admission_has_the_person_and_the_role(
    request: pytest.FixtureRequest, portal_view: PortalView, who: str, role: str
) -> None:
    user: User = request.getfixturevalue(who)
    await PortalView.objects.filter(id=portal_view.id).aupdate(version=5)
    admission = await admit(
        scope(portal_view.id, f"token={forged(user.id, lifetime=100)}&version=3&epoch=e"), Entrance()
    )
    claims = admission.credential
    assert claims.subject.id == user.id
    assert admission == Admission(
        portal_view_id=portal_view.id,
        credential=replace(claims, name=user.get_full_name()),
        guest="",
        max_guests=None,
        role=PortalRole(role),
        version=5,
        access_version=(await Library.objects.aget(portal_views=portal_view)).access_version,
        known_version=3,
        known_epoch="e",
        as_viewer=False,
    )


async def test_unknown_and_forbidden_portal_views_get_the_same_answer(portal_view: PortalView, stranger: User) -> None:
    token = token_of(stranger)
    sentences = set()
    for wanted in (portal_view.id, uuid4(), UUID(int=0), "1", "no-uuid"):
        with pytest.raises(Refused) as caught:
            await admit(scope(wanted, f"token={token}"), Entrance())
        sentences.add((caught.value.code, caught.value.message))
    assert len(sentences) == 1


async def test_an_unavailable_database_is_no_refusal_of_the_person(
    portal_view: PortalView, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(pairs: object) -> object:
        raise OperationalError("connection refused")

    wanted = scope(portal_view.id, f"token={token_of(viewer)}")
    monkeypatch.setattr(lookup, "accesses", away)
    assert await refusal(wanted) == "unavailable"
    assert ERRORS["unavailable"] is None  # it closes with 1013: try again later


@pytest.mark.parametrize(
    ("query", "known"),
    [
        ("", (None, None)),
        ("&version=7", (7, None)),
        ("&version=7&epoch=e", (7, "e")),
        ("&version=&epoch=", (None, None)),
        ("&version=-1", (None, None)),
        ("&version=1.5", (None, None)),
        ("&version=%C2%B2", (None, None)),  # a digit in Python, and no number here
        (f"&version={'9' * 20}", (None, None)),
        (f"&version={'9' * 19}", (int("9" * 19), None)),
        ("&version=1&version=2", (1, None)),
    ],
)
async def test_the_version_and_epoch_of_the_client_are_read(
    portal_view: PortalView, viewer: User, query: str, known: object
) -> None:
    admission = await admit(scope(portal_view.id, f"token={token_of(viewer)}{query}"), Entrance())
    assert (admission.known_version, admission.known_epoch) == known


@pytest.mark.parametrize(
    ("query", "as_viewer"),
    [("", False), ("&as=viewer", True), ("&as=", True), ("&as", True), ("&as=controller", True), ("&As=viewer", False)],
)
async def test_any_as_in_the_query_asks_for_what_viewers_see(
    portal_view: PortalView, editor: User, query: str, as_viewer: bool
) -> None:
    admission = await admit(scope(portal_view.id, f"token={token_of(editor)}{query}"), Entrance())
    assert (admission.as_viewer, admission.role) == (as_viewer, PortalRole.CONTROLLER)


# --- Credentials -------------------------------------------------------------------------------------------


async def test_the_subprotocol_is_checked_before_the_query(portal_view: PortalView, viewer: User, editor: User) -> None:
    offered = ("portal.v1.json", f"bearer.{token_of(viewer)}")
    admission = await admit(scope(portal_view.id, f"token={token_of(editor)}", offered=offered), Entrance())
    assert admission.credential.subject.id == viewer.id
    assert await refusal(scope(portal_view.id, f"token={token_of(editor)}", offered=("bearer.",))) == "token-invalid"


@pytest.mark.parametrize("query", ["", "token=", "Token=x", "tokens=x"])
async def test_a_query_without_a_token_is_no_credential(portal_view: PortalView, query: str) -> None:
    assert await refusal(scope(portal_view.id, query, offered=("portal.v1.json",))) == "credential-missing"


async def test_a_token_has_its_person_and_its_expiry(viewer: User) -> None:
    token = forged(viewer.id, lifetime=100)
    credential = await prove(Offered("bearer", token), UUID(int=0))
    assert credential.subject.id == viewer.id
    expires_at = jwt.decode(token, options={"verify_signature": False})["exp"]
    assert credential.expires_at == expires_at + settings.PORTAL_CLOCK_LEEWAY_SECONDS


def _signed(**claims: Any) -> str:
    return jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256")


FUTURE = 4_000_000_000
BAD_TOKENS: dict[str, Callable[[User], str]] = {
    "empty": lambda user: "",
    "garbage": lambda user: "garbage",
    "not-ascii": lambda user: "gärbäge.é.è",
    "cut-short": lambda user: forged(user.id)[:-4],
    "refresh": lambda user: str(RefreshToken.for_user(user)),
    "another-key": lambda user: forge_token("another key, which is long enough for HS256", str(user.id)),
    "unsigned": lambda user: jwt.encode({"user_id": str(user.id), "exp": FUTURE}, "", algorithm="none"),
    "no-end": lambda user: _signed(token_type="access", jti="1", user_id=str(user.id)),
    "nobody": lambda user: _signed(token_type="access", jti="1", exp=FUTURE),
    "not-a-uuid": lambda user: _signed(token_type="access", jti="1", exp=FUTURE, user_id="1"),
    "a-number": lambda user: _signed(token_type="access", jti="1", exp=FUTURE, user_id=1),
    "null": lambda user: _signed(token_type="access", jti="1", exp=FUTURE, user_id=None),
}


@pytest.mark.parametrize("name", BAD_TOKENS)
async def test_a_foreign_token_is_refused(viewer: User, name: str) -> None:
    with pytest.raises(Refused) as caught:
        await prove(Offered("bearer", BAD_TOKENS[name](viewer)), UUID(int=0))
    assert caught.value.code == "token-invalid"


async def test_an_expired_token_gets_its_own_error(viewer: User) -> None:
    with pytest.raises(Refused) as caught:
        await prove(Offered("bearer", forged(viewer.id, lifetime=-11)), UUID(int=0))
    assert caught.value.code == "token-expired"


# --- Other parts of the scope ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://portal.example.org:8000", True),
        ("http://PORTAL.example.org:8000", True),
        ("https://portal.example.org:8000", False),
        ("https://table.example.org", True),
        ("HTTPS://Table.Example.Org", True),
        ("http://table.example.org", False),
        ("https://table.example.org.evil.test", False),
        ("https://portal.example.org", False),
        ("null", False),
        ("", False),
        ("portal.example.org:8000", False),
        ("http://[", False),
        ("http://a\u2100b", False),
    ],
)
async def test_pages_of_this_site_and_of_allowed_origins_may_connect(
    portal_view: PortalView, viewer: User, settings: Any, origin: str | None, allowed: bool
) -> None:
    settings.PORTAL_ALLOWED_ORIGINS = ["https://table.example.org"]
    wanted = scope(portal_view.id, f"token={token_of(viewer)}", origin=origin)
    if allowed:
        await admit(wanted, Entrance())
    else:
        assert await refusal(wanted) == "origin-not-allowed"


async def test_without_a_host_only_allowed_origins_may_connect(portal_view: PortalView, viewer: User) -> None:
    wanted = scope(portal_view.id, f"token={token_of(viewer)}", origin="http://portal.example.org:8000")
    wanted["headers"] = [entry for entry in wanted["headers"] if entry[0] != b"host"]
    assert await refusal(wanted) == "origin-not-allowed"


@pytest.mark.parametrize(
    ("offered", "selected"),
    [
        ((), None),
        (("portal.v1.json",), "portal.v1.json"),
        (("bearer.x", "portal.v1.json"), "portal.v1.json"),
        (("portal.v1.msgpack", "portal.v1.json"), "portal.v1.msgpack"),
        (("bearer.x", "portal.v1.json", "portal.v1.msgpack"), "portal.v1.json"),
        (("portal.v2.cbor", "portal.v1.msgpack"), "portal.v1.msgpack"),
        (("bearer.x",), None),
        (("graphql-ws",), None),
        (("PORTAL.V1.MSGPACK", "JSON", "portal.v1"), None),
    ],
)
def test_the_first_of_our_subprotocols_is_selected(offered: tuple[str, ...], selected: str | None) -> None:
    wanted = encoding(scope(offered=offered))
    assert (None if wanted is None else wanted.value) == selected


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/socket.io/", "", True),
        ("/socket.io", "", True),
        ("/ws/portal-view/1/", "EIO=4&transport=websocket", True),
        ("/ws/portal-view/1/", "token=x&EIO=4", True),
        ("/ws/portal-view/1/", "token=x", False),
        ("/ws/socket.io/", "", False),
    ],
)
def test_a_socketio_client_is_recognised_by_its_path_or_query(path: str, query: str, expected: bool) -> None:
    assert is_socketio({**scope(query=query), "path": path}) is expected
