"""The messages that store nothing: questions, answers, fresh tokens. Through sockets."""

from __future__ import annotations

import time
from typing import Any

import pytest

from libraries.models import PortalView, User
from libraries.rules.errors import Unavailable
from realtime.hub.hub import current_hub
from realtime.sessions import handlers
from realtime.tests.clients import Connect, room_of, token_of
from testing.tokens import forge_token

pytestmark = pytest.mark.django_db(transaction=True)

# --- request-sync and sync-response ------------------------------------------------------------------------


async def test_without_a_controller_the_server_answers(connect: Connect, portal_view: PortalView, viewer: User) -> None:
    asker, other = await connect(viewer, portal_view), await connect(viewer, portal_view)
    await asker.send("request-sync")
    answer = await asker.receive("sync-response")
    assert (answer["source"], answer["version"], answer["payload"]) == ("server", 1, asker.connected["state"])
    await other.expect_nothing_before_pong()


async def test_a_controller_is_asked_and_answers_the_asking_viewer(
    connect: Connect, portal_view: PortalView, editor: User, viewer: User
) -> None:
    controller, asker, other = [await connect(user, portal_view) for user in (editor, viewer, viewer)]
    assert (await asker.ask("request-sync"))["type"] == "ack"
    question = await controller.receive()
    assert question == {"type": "sync-requested", "from": str(viewer.id), "connectionId": asker.id}
    payload = {"name": "Night", "zoom": 2, "hp": 1}
    await controller.ask("sync-response", payload=payload, to=question["connectionId"])
    assert await asker.receive() == {
        "type": "sync-response",
        "payload": {"name": "Night"},
        "version": 1,
        "source": "controller",
    }
    await other.expect_nothing_before_pong()
    assert current_hub().keepers[portal_view.id]._questions == {}


async def test_an_answer_without_an_addressee_goes_to_all_viewers(
    connect: Connect, portal_view: PortalView, editor: User, owner: User, viewer: User
) -> None:
    sender, controller, *viewers = [await connect(user, portal_view) for user in (editor, owner, viewer, viewer)]
    await sender.ask("sync-response", payload={"name": "Night", "zoom": 2})
    for client in viewers:
        assert (await client.receive("sync-response"))["payload"] == {"name": "Night"}
    await controller.expect_nothing_before_pong()
    await portal_view.arefresh_from_db()
    assert portal_view.version == 1


async def test_an_answer_is_checked_like_an_update(connect: Connect, portal_view: PortalView, editor: User) -> None:
    sender = await connect(editor, portal_view)
    error = await sender.ask("sync-response", payload={"items": "none"})
    assert (error["code"], error["details"].keys()) == ("invalid-payload", {"items"})


# --- auth --------------------------------------------------------------------------------------------------


async def test_a_fresh_token_extends_the_connections_life(
    connect: Connect, portal_view: PortalView, viewer: User, settings: Any
) -> None:
    client = await connect(forge_token(settings.SECRET_KEY, str(viewer.id), lifetime=100), portal_view)
    connection = room_of(portal_view).people.connections[client.id]
    ack = await client.ask("auth", token=forge_token(settings.SECRET_KEY, str(viewer.id), lifetime=1000))
    assert (ack["type"], ack["version"]) == ("ack", 1)
    assert connection.check_credential(time.time() + 500)
    await client.expect_nothing_before_pong()


async def test_a_token_of_another_person_closes(
    connect: Connect, portal_view: PortalView, viewer: User, editor: User
) -> None:
    client = await connect(viewer, portal_view)
    await client.send("auth", token=token_of(editor), ref="r")
    error, closed = await client.refused()
    assert (error["code"], error["ref"], closed) == ("token-invalid", "r", (1008, "token-invalid"))


@pytest.mark.parametrize(
    ("lifetime", "kind", "code"), [(-11, "access", "token-expired"), (9, "refresh", "token-invalid")]
)
async def test_a_bad_token_changes_nothing(
    connect: Connect, portal_view: PortalView, viewer: User, settings: Any, lifetime: int, kind: str, code: str
) -> None:
    client = await connect(viewer, portal_view)
    bad = forge_token(settings.SECRET_KEY, str(viewer.id), lifetime=lifetime, token_type=kind)
    error = await client.ask("auth", token=bad)
    assert (error["type"], error["code"]) == ("error", code)
    await client.expect_nothing_before_pong()


async def test_without_the_database_a_fresh_token_is_still_accepted(
    connect: Connect, portal_view: PortalView, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await connect(viewer, portal_view)

    async def away(*_asked: object) -> None:
        raise Unavailable("The database did not answer.")

    monkeypatch.setattr(handlers, "look_up", away)
    ack = await client.ask("auth", token=token_of(viewer))
    assert ack["type"] == "ack"
    await client.expect_nothing_before_pong()
