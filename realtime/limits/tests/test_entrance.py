"""Limits on newcomers: caps, failed attempts, people who connect too often, and https."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from structlog.typing import EventDict

from libraries.models import PortalView, User
from realtime import seldom
from realtime.limits import entrance, occupancy, rush
from realtime.limits.entrance import current_entrance
from realtime.sessions.routing import application
from realtime.tests.clients import Client, Connect, path_of, token_of


@pytest.fixture(autouse=True)
def _log_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seldom, "SECONDS", 0.0)
    entrance._said.clear()


async def refusal(connect: Connect, who: User | str | None, where: PortalView | str) -> tuple[str, int, int | None]:
    """The error's code, the close code, and the milliseconds to wait."""
    client = await connect(who, where, greeted=False)
    error, (code, reason) = await client.refused()
    assert reason == error["code"]
    return error["code"], code, error.get("retryAfter")


# --- Caps -------------------------------------------------------------------------------------------------------


async def test_a_connection_over_a_persons_cap_is_refused_and_the_others_stay(
    connect: Connect, settings: Any, viewer: User, owner: User, portal_view: PortalView
) -> None:
    settings.PORTAL_CONNECTIONS_PER_USER_AND_VIEW = 2
    first, second = await connect(viewer, portal_view), await connect(viewer, portal_view)
    assert await refusal(connect, viewer, portal_view) == ("too-many-connections", 1013, 10_000)
    for inside in (first, second):
        await inside.expect_nothing_before_pong()
    await connect(owner, portal_view)
    await first.leave()
    await connect(viewer, portal_view)


async def test_a_person_has_a_cap_over_all_portal_views(
    connect: Connect, settings: Any, viewer: User, portal_view: PortalView
) -> None:
    settings.PORTAL_CONNECTIONS_PER_USER = 1
    await connect(viewer, portal_view)
    other = await PortalView.objects.acreate(library_id=portal_view.library_id, name="Other")
    assert (await refusal(connect, viewer, other))[0] == "too-many-connections"


async def test_looks_as_a_viewer_take_no_place_and_give_theirs_back(
    connect: Connect, settings: Any, editor: User, portal_view: PortalView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(occupancy, "PREVIEWS", 1)
    settings.PORTAL_CONNECTIONS_PER_USER_AND_VIEW = 1
    looks = {"as": "viewer"}
    first = await connect(editor, portal_view, query=looks)
    await connect(editor, portal_view)
    over = await connect(editor, portal_view, query=looks, greeted=False)
    assert (await over.refused())[0]["code"] == "too-many-connections"
    await first.leave()
    second = await connect(editor, portal_view, query=looks)
    settings.PORTAL_LIMITS_DRY_RUN = True
    third = await connect(editor, portal_view, query=looks)
    for one in (second, third):
        await one.leave()
    assert not current_entrance()._previews


async def test_a_full_portal_view_lets_controllers_in(
    connect: Connect, settings: Any, viewer: User, editor: User, portal_view: PortalView
) -> None:
    settings.PORTAL_CONNECTIONS_PER_VIEW = 1
    await connect(viewer, portal_view)
    assert await refusal(connect, viewer, portal_view) == ("portal-view-full", 1013, 10_000)
    await connect(editor, portal_view)


async def test_a_refused_connection_takes_no_place(
    connect: Connect, settings: Any, viewer: User, stranger: User, portal_view: PortalView
) -> None:
    settings.PORTAL_CONNECTIONS_PER_USER = 1
    assert (await refusal(connect, stranger, portal_view))[0] == "no-access"
    inside = await connect(viewer, portal_view)
    for _ in range(3):
        assert (await refusal(connect, viewer, portal_view))[0] == "too-many-connections"
    await inside.leave()
    assert current_entrance()._occupancy.is_empty


async def test_a_dry_run_lets_everybody_in_and_logs_the_refusals(
    connect: Connect, settings: Any, viewer: User, portal_view: PortalView, logged: list[EventDict]
) -> None:
    settings.PORTAL_LIMITS_DRY_RUN = True
    settings.PORTAL_CONNECTIONS_PER_USER = settings.PORTAL_HANDSHAKE_BURST_PER_USER = 1
    inside = [await connect(viewer, portal_view) for _ in range(3)]
    over = [entry for entry in logged if entry["event"] == "over_limit"]
    assert [entry["limit"] for entry in over] == ["PORTAL_HANDSHAKES_PER_USER", "PORTAL_CONNECTIONS_PER_USER"] * 2
    assert {(entry["refused"], entry["userId"]) for entry in over} == {(False, str(viewer.id))}
    for client in inside:
        await client.leave()
    assert current_entrance()._occupancy.is_empty


# --- Attempts ---------------------------------------------------------------------------------------------------


async def test_a_person_who_connects_too_often_must_wait(
    connect: Connect, settings: Any, viewer: User, owner: User, portal_view: PortalView
) -> None:
    settings.PORTAL_HANDSHAKE_BURST_PER_USER = 2
    for _ in range(2):
        await connect(viewer, portal_view)
    code, close, wait = await refusal(connect, viewer, portal_view)
    assert (code, close) == ("rate-limited", 1013)
    assert wait is not None
    assert 0 < wait <= 200
    await connect(owner, portal_view)


class Network:
    """Opens sockets from one address."""

    def __init__(self, address: str | None) -> None:
        self._client = None if address is None else (address, 50_000)

    async def attempt(self, token: str, where: PortalView) -> tuple[Any, int | None]:
        """The type of the first message, or the code of an error; or the status of a bare answer."""
        communicator = WebsocketCommunicator(application, f"{path_of(where)}?token={token}")
        communicator.scope["client"] = self._client
        communicator.scope["extensions"] = {"websocket.http.response": {}}
        await communicator.send_input({"type": "websocket.connect"})
        event = await communicator.receive_output()
        if event["type"] == "websocket.http.response.start":
            assert (await communicator.receive_output())["type"] == "websocket.http.response.body"
            await communicator.wait()
            return "", event["status"]
        client = Client(communicator)
        first = await client.receive()
        await client.leave()
        return first.get("code", first["type"]), None


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::1", None])
async def test_a_network_with_many_failures_must_wait_whatever_the_credential(
    settings: Any, viewer: User, portal_view: PortalView, transactional_db: None, address: str | None
) -> None:
    settings.PORTAL_HANDSHAKES_PER_SECOND, settings.PORTAL_HANDSHAKE_BURST = 0.001, 3
    network, other = Network(address), Network("198.51.100.1")
    for _ in range(20):  # successful attempts cost nothing
        settings.PORTAL_HANDSHAKES_PER_USER = 0
        assert await network.attempt(token_of(viewer), portal_view) == ("connected", None)
    for _ in range(3):
        assert await network.attempt("bad", portal_view) == ("token-invalid", None)
    assert await network.attempt("bad", portal_view) == ("rate-limited", None)
    assert await network.attempt(token_of(viewer), portal_view) == ("rate-limited", None)
    assert await other.attempt(token_of(viewer), portal_view) == ("connected", None)


async def test_neighbours_belong_to_one_network(
    settings: Any, viewer: User, portal_view: PortalView, transactional_db: None
) -> None:
    settings.PORTAL_HANDSHAKES_PER_SECOND, settings.PORTAL_HANDSHAKE_BURST = 0.001, 1
    assert await Network("2001:db8::1").attempt("bad", portal_view) == ("token-invalid", None)
    assert await Network("2001:db8::2:1").attempt("bad", portal_view) == ("rate-limited", None)
    assert await Network("2001:db8:0:1::1").attempt("bad", portal_view) == ("token-invalid", None)
    assert await Network("::ffff:192.0.2.1").attempt("bad", portal_view) == ("token-invalid", None)
    assert await Network("192.0.2.99").attempt("bad", portal_view) == ("rate-limited", None)


async def test_a_flood_gets_a_bare_status(
    settings: Any, viewer: User, portal_view: PortalView, transactional_db: None
) -> None:
    settings.PORTAL_HANDSHAKES_PER_SECOND, settings.PORTAL_HANDSHAKE_BURST = 0.001, 1
    network = Network("192.0.2.7")
    answers = [await network.attempt("bad", portal_view) for _ in range(11)]
    assert answers == [("token-invalid", None), *[("rate-limited", None)] * 9, ("", 429)]


async def test_without_denial_responses_a_flood_is_closed_before_it_is_accepted(
    settings: Any, portal_view: PortalView, transactional_db: None
) -> None:
    settings.PORTAL_HANDSHAKES_PER_SECOND, settings.PORTAL_HANDSHAKE_BURST = 0.001, 1
    for _ in range(11):
        communicator = WebsocketCommunicator(application, f"{path_of(portal_view)}?token=bad")
        await communicator.send_input({"type": "websocket.connect"})
        event = await communicator.receive_output()
        if event["type"] == "websocket.accept":
            await Client(communicator).leave()
    assert event == {"type": "websocket.close"}
    await communicator.wait()


# --- Https ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "answer"), [("ws", "https-required"), ("wss", "connected")])
async def test_a_site_with_https_accepts_only_wss(
    settings: Any, viewer: User, portal_view: PortalView, transactional_db: None, scheme: str, answer: str
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    communicator = WebsocketCommunicator(application, f"{path_of(portal_view)}?token={token_of(viewer)}")
    communicator.scope["scheme"] = scheme
    client = Client(communicator)
    await client.open()
    first = await client.receive()
    assert first.get("code", first["type"]) == answer
    await client.leave()


# --- A rush -----------------------------------------------------------------------------------------------------


async def test_a_rush_starts_when_attempts_are_refused_for_their_rate(
    connect: Connect, settings: Any, viewer: User, portal_view: PortalView
) -> None:
    rush.forget()
    settings.PORTAL_HANDSHAKES_PER_SECOND, settings.PORTAL_HANDSHAKE_BURST = 0.01, 2
    for code in ("token-invalid", "token-invalid", "rate-limited"):
        assert not rush.is_on()
        assert (await refusal(connect, "no-token", portal_view))[0] == code
    assert rush.is_on()


async def test_a_rush_starts_when_many_attempts_fail_from_any_network() -> None:
    rush.forget()
    for number in range(int(entrance.RUSH.burst)):
        assert not rush.is_on()
        current_entrance().fail(f"10.0.{number}.0/24")
    assert rush.is_on()


async def test_a_rush_starts_when_one_person_connects_too_often(
    connect: Connect, settings: Any, viewer: User, portal_view: PortalView
) -> None:
    rush.forget()
    settings.PORTAL_HANDSHAKES_PER_USER, settings.PORTAL_HANDSHAKE_BURST_PER_USER = 0.01, 1
    await connect(viewer, portal_view)
    assert not rush.is_on()
    assert (await refusal(connect, viewer, portal_view))[0] == "rate-limited"
    assert rush.is_on()


async def test_in_a_rush_newcomers_are_taken_one_at_a_time_with_others_in_between() -> None:
    rush.notice()
    gate, began, done = current_entrance(), time.monotonic(), []

    async def come(number: int) -> None:
        await gate.queue()
        done.append((number, time.monotonic() - began))

    await asyncio.gather(*(come(number) for number in range(5)))
    assert [number for number, _ in done] == list(range(5))
    assert all(at > 0.9 * entrance.REST_MILLISECONDS / 1000 * (number + 1) for number, at in done)


async def test_without_a_rush_nobody_waits() -> None:
    rush.forget()
    waiting = current_entrance().queue()
    with pytest.raises(StopIteration):  # it ends at its first step: no turn of the loop has passed
        waiting.send(None)
