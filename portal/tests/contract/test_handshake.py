"""Protocol, section 1: how a connection begins, and every way it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import jwt
import pytest

from portal.tests.contract.conftest import OddPeople
from realtime.protocol.encodings import Encoding
from testing.sockets import Closed, Message, portal_view_path
from testing.stacks import ALLOWED_ORIGIN, Stack
from testing.tokens import forge_token, user_id_of

SUBPROTOCOL = "portal.v1.json"
WRONG_KEY = "another key, which is long enough for HS256 and signs nothing"

STATE_KEYS = {
    *("id", "libraryId", "name", "showEncounter", "showHealth", "showAC", "showActions", "showConditions"),
    *("healthDisplay", "autoResetImageState", "blackout", "currentItem", "currentItemId", "camera", "encounter"),
    *("viewersMayPoint", "items", "version", "createdAt", "updatedAt"),
}
CONNECTED_KEYS = {
    *(
        "type",
        "portalViewId",
        "role",
        "subject",
        "userId",
        "message",
        "connectionId",
        "version",
        "epoch",
        "recovered",
        "reconnectWithin",
        "state",
    ),
}


@dataclass(frozen=True)
class Attempt:
    """A client's attempt: path, query and subprotocols, or `token` in the query."""

    path: str
    token: str | None = None
    subprotocols: tuple[str, ...] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    origin: str | None = None


async def refusal(stack: Stack, attempt: Attempt) -> tuple[str, Closed]:
    """The code of the error and the close for the attempt; the shape of the error is checked."""
    error, closed = await _refused(stack, attempt)
    assert set(error) <= {"type", "code", "message", "details"}
    assert isinstance(error["message"], str)
    assert error["message"]
    return error["code"], closed


async def _refused(stack: Stack, attempt: Attempt) -> tuple[Message, Closed]:
    async with stack.open(
        attempt.path,
        token=attempt.token,
        subprotocols=_in_encoding(stack, attempt.subprotocols),
        query=attempt.query,
        origin=attempt.origin,
    ) as socket:
        if attempt.subprotocols is not None and SUBPROTOCOL in attempt.subprotocols:
            # A browser hides the later frames if the server selects none of the offered subprotocols.
            assert socket.subprotocol == stack.encoding.value
        return await socket.refused()


def _in_encoding(stack: Stack, offered: Sequence[str] | None) -> list[str] | None:
    """The subprotocols of an attempt, for a client that speaks in the stack's encoding."""
    return None if offered is None else [stack.encoding.value if one == SUBPROTOCOL else one for one in offered]


# --- Successful attempts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["", "/"], ids=["no-slash", "slash"])
async def test_the_path_may_end_with_a_slash(stack: Stack, portal_view: str, ending: str) -> None:
    async with stack.open(f"/ws/portal-view/{portal_view}{ending}", token=stack.viewer.access) as s:
        assert (await s.receive("connected"))["portalViewId"] == portal_view
        assert s.subprotocol == (None if stack.encoding is Encoding.JSON else stack.encoding.value)


async def test_a_subprotocol_may_carry_the_credential(stack: Stack, portal_view: str) -> None:
    offered = [stack.encoding.value, f"bearer.{stack.viewer.access}"]
    async with stack.open(portal_view_path(portal_view), subprotocols=offered) as socket:
        assert socket.subprotocol == stack.encoding.value
        assert (await socket.receive("connected"))["role"] == "viewer"


async def test_the_subprotocol_goes_with_a_token_in_the_query(stack: Stack, portal_view: str) -> None:
    path, token = portal_view_path(portal_view), stack.editor.access
    async with stack.open(path, token=token, subprotocols=[stack.encoding.value]) as socket:
        assert socket.subprotocol == stack.encoding.value
        assert (await socket.receive("connected"))["role"] == "controller"


async def test_the_subprotocol_is_checked_before_the_query(stack: Stack, portal_view: str) -> None:
    path, offered = portal_view_path(portal_view), [stack.encoding.value, f"bearer.{stack.viewer.access}"]
    async with stack.open(path, token=stack.controller.access, subprotocols=offered) as socket:
        assert (await socket.receive("connected"))["role"] == "viewer"


async def test_the_first_encoding_that_the_client_names_is_selected(stack: Stack, portal_view: str) -> None:
    other = next(one for one in Encoding if one is not stack.encoding)
    offered = ["portal.v9.cbor", stack.encoding.value, other.value, f"bearer.{stack.viewer.access}"]
    async with stack.open(portal_view_path(portal_view), subprotocols=offered) as socket:
        assert socket.encoding is stack.encoding
        await socket.receive("connected")


@pytest.mark.parametrize("who", ["controller", "editor", "viewer"])
async def test_connected_has_the_person_the_portal_view_and_the_state(stack: Stack, portal_view: str, who: str) -> None:
    client = getattr(stack, who)
    async with stack.join(portal_view, client) as (_, connected):
        stored = client.get(f"/api/portal-views/{portal_view}")
        assert set(connected) == CONNECTED_KEYS
        assert connected["portalViewId"] == portal_view
        assert connected["role"] == ("viewer" if who == "viewer" else "controller")
        me = client.get("/api/auth/me")
        assert connected["subject"] == {"kind": "user", "id": me["id"], "name": me["name"] or me["email"].split("@")[0]}
        assert connected["userId"] == me["id"] == user_id_of(client.access)
        assert isinstance(connected["message"], str)
        assert connected["message"]
        assert isinstance(connected["connectionId"], str)
        assert isinstance(connected["epoch"], str)
        assert connected["recovered"] is False
        assert connected["reconnectWithin"] == 500
        assert set(connected["state"]) == STATE_KEYS
        assert connected["version"] == connected["state"]["version"] == stored["version"]
        assert connected["state"] == {key: stored[key] for key in connected["state"]}


async def test_every_connection_has_its_own_id(stack: Stack, portal_view: str) -> None:
    async with stack.join(portal_view, stack.viewer) as (_, one), stack.join(portal_view, stack.viewer) as (_, other):
        assert one["connectionId"] != other["connectionId"]
        assert one["epoch"] == other["epoch"]


async def test_a_viewer_does_not_get_hidden_values(stack: Stack) -> None:
    goblin = {"id": "goblin", "name": "Goblin", "hp": 7, "gmNotes": "flees at 2", "visible": True}
    portal_view = stack.new_portal_view(items=[goblin, {"id": "trap", "visible": False}], showHealth=False)
    async with (
        stack.join(portal_view, stack.controller) as (_, full),
        stack.join(portal_view, stack.viewer) as (_, seen),
    ):
        assert full["state"]["items"][0] == goblin
        assert seen["state"]["items"] == [{"id": "goblin", "name": "Goblin"}]


# --- Reconnects --------------------------------------------------------------------------------------------


async def test_a_client_that_missed_nothing_gets_no_state(stack: Stack, portal_view: str) -> None:
    async with stack.join(portal_view, stack.viewer) as (_, first):
        query = {"version": str(first["version"]), "epoch": first["epoch"]}
    path, token = portal_view_path(portal_view), stack.viewer.access
    async with stack.open(path, token=token, query=query) as socket:
        again = await socket.receive("connected")
    assert again["recovered"] is True
    assert set(again) == CONNECTED_KEYS - {"state"}
    assert (again["version"], again["epoch"]) == (first["version"], first["epoch"])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda at: {**at, "version": str(int(at["version"]) - 1)}, id="behind"),
        pytest.param(lambda at: {**at, "version": str(int(at["version"]) + 7)}, id="ahead"),
        pytest.param(lambda at: {**at, "epoch": uuid4().hex}, id="another-epoch"),
        pytest.param(lambda at: {**at, "version": "seven"}, id="no-number"),
        pytest.param(lambda at: {"version": at["version"]}, id="no-epoch"),
        pytest.param(lambda at: {"epoch": at["epoch"]}, id="no-version"),
    ],
)
async def test_a_client_that_may_have_missed_something_gets_the_state(
    stack: Stack, portal_view: str, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    async with stack.join(portal_view, stack.viewer) as (_, first):
        query = change({"version": str(first["version"]), "epoch": first["epoch"]})
    path, token = portal_view_path(portal_view), stack.viewer.access
    async with stack.open(path, token=token, query=query) as socket:
        again = await socket.receive("connected")
    assert again["recovered"] is False
    assert again["state"] == first["state"]


# --- Origins -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [None, "same", ALLOWED_ORIGIN], ids=["none", "same-host", "allowed"])
async def test_an_allowed_origin_may_connect(stack: Stack, portal_view: str, origin: str | None) -> None:
    origin = stack.server.origin if origin == "same" else origin
    path, token = portal_view_path(portal_view), stack.viewer.access
    async with stack.open(path, token=token, origin=origin) as socket:
        await socket.receive("connected")


@pytest.mark.parametrize("origin", ["https://elsewhere.example.org", f"{ALLOWED_ORIGIN}.evil.test", "null"])
async def test_a_foreign_origin_is_refused(stack: Stack, portal_view: str, origin: str) -> None:
    attempt = Attempt(portal_view_path(portal_view), token=stack.controller.access, origin=origin)
    assert await refusal(stack, attempt) == ("origin-not-allowed", Closed(1008, "origin-not-allowed"))


# --- Bad credentials ---------------------------------------------------------------------------------------


def _alg_none(user_id: str) -> str:
    claims = jwt.decode(forge_token(WRONG_KEY, user_id), options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none")


BAD_TOKENS: dict[str, tuple[str, Callable[[Stack, OddPeople], str]]] = {
    "garbage": ("token-invalid", lambda stack, odd: "garbage"),
    "wrong-key": ("token-invalid", lambda stack, odd: forge_token(WRONG_KEY, user_id_of(stack.controller.access))),
    "unsigned": ("token-invalid", lambda stack, odd: _alg_none(user_id_of(stack.controller.access))),
    "refresh": ("token-invalid", lambda stack, odd: stack.controller.refresh),
    "cut-short": ("token-invalid", lambda stack, odd: stack.controller.access[:-4]),
    "expired": (
        "token-expired",
        lambda stack, odd: forge_token(stack.installation.secret_key, user_id_of(stack.viewer.access), lifetime=-60),
    ),
    "deleted": ("user-unavailable", lambda stack, odd: forge_token(stack.installation.secret_key, odd.deleted_id)),
    "inactive": ("user-unavailable", lambda stack, odd: forge_token(stack.installation.secret_key, odd.inactive_id)),
}


@pytest.mark.parametrize("carrier", ["query", "subprotocol"])
@pytest.mark.parametrize("name", BAD_TOKENS)
async def test_a_bad_token_is_refused(
    stack: Stack, portal_view: str, odd_people: OddPeople, name: str, carrier: str
) -> None:
    code, make = BAD_TOKENS[name]
    token, path = make(stack, odd_people), portal_view_path(portal_view)
    if carrier == "query":
        attempt = Attempt(path, token=token)
    else:
        attempt = Attempt(path, subprotocols=(SUBPROTOCOL, f"bearer.{token}"))
    assert await refusal(stack, attempt) == (code, Closed(1008, code))


async def test_a_token_without_a_person_is_refused(stack: Stack, portal_view: str) -> None:
    token = forge_token(stack.installation.secret_key, "not-an-id")
    code, closed = await refusal(stack, Attempt(portal_view_path(portal_view), token=token))
    assert code in {"token-invalid", "user-unavailable"}
    assert closed == Closed(1008, code)


@pytest.mark.parametrize("subprotocols", [None, (SUBPROTOCOL,)], ids=["bare", "subprotocol"])
async def test_an_attempt_without_a_credential_is_refused(
    stack: Stack, portal_view: str, subprotocols: tuple[str, ...] | None
) -> None:
    attempt = Attempt(portal_view_path(portal_view), subprotocols=subprotocols)
    assert await refusal(stack, attempt) == ("credential-missing", Closed(1008, "credential-missing"))


async def test_a_bad_credential_is_refused_even_with_a_good_one_after_it(stack: Stack, portal_view: str) -> None:
    attempt = Attempt(
        portal_view_path(portal_view), token=stack.controller.access, subprotocols=(SUBPROTOCOL, "bearer.garbage")
    )
    assert await refusal(stack, attempt) == ("token-invalid", Closed(1008, "token-invalid"))


# --- Unknown and forbidden portal views --------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "good"], ids=["no-token", "token"])
@pytest.mark.parametrize("path", ["/ws/portal-view/", "/ws/portal-view"])
async def test_a_path_without_an_id_is_refused_first(stack: Stack, path: str, token: str | None) -> None:
    attempt = Attempt(path, token=stack.viewer.access if token else None)
    assert await refusal(stack, attempt) == ("portal-view-id-missing", Closed(1008, "portal-view-id-missing"))


async def test_unknown_and_forbidden_portal_views_get_the_same_answer(stack: Stack, portal_view: str) -> None:
    token = stack.stranger.access
    paths = [portal_view_path(name) for name in (portal_view, str(uuid4()), str(UUID(int=0)), "1", "not-a-uuid")]
    answers = [await _refused(stack, Attempt(path, token=token)) for path in paths]
    assert answers[0][0]["code"] == "no-access"
    assert answers[0][1] == Closed(1008, "no-access")
    assert all(answer == answers[0] for answer in answers)


async def test_the_credential_is_checked_before_the_portal_view(stack: Stack) -> None:
    attempt = Attempt(portal_view_path(str(uuid4())), token="garbage")
    assert await refusal(stack, attempt) == ("token-invalid", Closed(1008, "token-invalid"))


@pytest.mark.parametrize("path", ["/", "/ws/", "/ws/elsewhere/", "/ws/portal-view/{id}/more", "/api/portal-views/{id}"])
async def test_a_path_that_does_not_exist_is_refused(stack: Stack, portal_view: str, path: str) -> None:
    attempt = Attempt(path.format(id=portal_view), token=stack.viewer.access)
    assert await refusal(stack, attempt) == ("not-found", Closed(1008, "not-found"))
