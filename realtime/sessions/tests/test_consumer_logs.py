"""The log of a socket, especially of its crashes; no credential and no payload is logged."""

from __future__ import annotations

import pytest
from structlog.typing import EventDict

from libraries.models import PortalView, User
from realtime.protocol.requests import Ping, Request
from realtime.sessions import consumer, handlers, jobs
from realtime.tests.clients import DEADLINE_SECONDS, Client, Connect, token_of

pytestmark = pytest.mark.django_db(transaction=True)


PING: type[Request] = Ping


async def bug(*args: object, **more: object) -> None:
    """A function with a bug."""
    raise ZeroDivisionError("a bug")


def entry(logged: list[EventDict], event: str) -> EventDict:
    """The one entry of that name."""
    [found] = [one for one in logged if one["event"] == event]
    return found


# --- Bugs ----------------------------------------------------------------------------------------------------


def check_crash(logged: list[EventDict], portal_view: PortalView, client: Client, user: User) -> None:
    """Assert that the log has the place, the person and the error, and neither the token nor the message."""
    crash = entry(logged, "socket_crashed")
    assert (crash["portalViewId"], crash["userId"]) == (str(portal_view.id), str(user.id))
    assert crash["connectionId"] == client.id
    assert crash["log_level"] == "error"
    assert "Traceback" in crash["exception"]
    assert "ZeroDivisionError" in crash["exception"]
    assert "shibboleth" not in str(logged)
    assert "eyJ" not in str(logged)


async def test_a_bug_in_a_handler_closes_and_is_logged(
    connect: Connect, portal_view: PortalView, editor: User, monkeypatch: pytest.MonkeyPatch, logged: list[EventDict]
) -> None:
    monkeypatch.setitem(handlers.HANDLERS, PING, bug)
    client = await connect(editor, portal_view)
    await client.send("ping", ref="shibboleth")
    error, closed = await client.refused()
    assert (error["code"], closed) == ("internal-error", (1011, "internal-error"))
    assert "a bug" not in error["message"]
    check_crash(logged, portal_view, client, editor)


async def test_a_bug_in_a_job_closes_and_is_logged(
    connect: Connect, portal_view: PortalView, editor: User, monkeypatch: pytest.MonkeyPatch, logged: list[EventDict]
) -> None:
    client = await connect(editor, portal_view)
    monkeypatch.setattr(jobs, "in_write_lane", bug)
    await client.send("portal-view-update", payload={"name": "shibboleth"})
    error, closed = await client.refused()
    assert (error["code"], closed) == ("internal-error", (1011, "internal-error"))
    check_crash(logged, portal_view, client, editor)


async def test_two_bugs_close_once(
    connect: Connect, portal_view: PortalView, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await connect(editor, portal_view)
    monkeypatch.setattr(jobs, "in_write_lane", bug)
    monkeypatch.setitem(handlers.HANDLERS, PING, bug)
    await client.send("portal-view-update", payload={"name": "Night"})
    await client.send("ping")
    assert (await client.refused())[1] == (1011, "internal-error")
    await client.leave()


async def test_a_bug_in_the_handshake_closes_and_is_logged(
    connect: Connect, portal_view: PortalView, editor: User, monkeypatch: pytest.MonkeyPatch, logged: list[EventDict]
) -> None:
    monkeypatch.setattr(consumer, "admit", bug)
    client = await connect(editor, portal_view, greeted=False)
    error, closed = await client.refused()
    assert (error["code"], closed) == ("internal-error", (1011, "internal-error"))
    crash = entry(logged, "socket_crashed")
    assert crash["portalViewId"] == str(portal_view.id)
    assert "ZeroDivisionError" in crash["exception"]
    assert "eyJ" not in str(logged)


# --- What is logged ------------------------------------------------------------------------------------------


async def test_the_life_of_a_connection_is_logged(
    connect: Connect, portal_view: PortalView, editor: User, viewer: User, logged: list[EventDict]
) -> None:
    sender, client = await connect(editor, portal_view), await connect(viewer, portal_view)
    await sender.ask("portal-view-update", payload={"name": "shibboleth"})
    await client.receive("portal-view-updated")
    await client.ask("ping")
    await client.leave(4001)
    who = {"portalViewId": str(portal_view.id), "userId": str(viewer.id), "connectionId": client.id}
    [connected] = [one for one in logged if one["event"] == "connected" and one["connectionId"] == client.id]
    assert connected == {**who, "event": "connected", "log_level": "info", "role": "viewer"}
    gone = entry(logged, "disconnected")
    assert 0 <= gone.pop("seconds") < DEADLINE_SECONDS
    counts = {"code": 4001, "messagesIn": 1, "messagesOut": 3}
    assert gone == {**who, **counts, "event": "disconnected", "log_level": "info"}
    assert "shibboleth" not in str(logged)
    assert "eyJ" not in str(logged)


async def test_a_refusal_is_logged_without_the_credential(
    connect: Connect, portal_view: PortalView, stranger: User, logged: list[EventDict]
) -> None:
    for token in (token_of(stranger), "shibboleth"):
        client = await connect(token, portal_view, greeted=False, subprotocols=["portal.v1.json"])
        await client.refused()
        await client.leave()
    assert [(one["event"], one["code"]) for one in logged] == [("refused", "no-access"), ("refused", "token-invalid")]
    assert {one["portalViewId"] for one in logged} == {str(portal_view.id)}
    assert "shibboleth" not in str(logged)
    assert "eyJ" not in str(logged)


async def test_a_close_without_a_code_is_logged_without_one(
    connect: Connect, portal_view: PortalView, viewer: User, logged: list[EventDict]
) -> None:
    client = await connect(viewer, portal_view)
    await client.event({"type": "websocket.disconnect"})
    await client.leave()
    assert entry(logged, "disconnected")["code"] == 1005
