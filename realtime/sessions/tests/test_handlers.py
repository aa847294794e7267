"""The effects of each client message, and what nobody may see of it. Through sockets, with the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from libraries.models import PortalView, User
from libraries.rules.roles import PortalRole
from realtime.database import in_write_lane
from realtime.protocol.policy import ALLOWED
from realtime.protocol.requests import CLIENT_MESSAGES
from realtime.sessions import jobs
from realtime.sessions.handlers import HANDLERS
from realtime.tests.clients import DEADLINE_SECONDS, Connect, token_of, until

pytestmark = pytest.mark.django_db(transaction=True)

Body = dict[str, Any]
ITEMS: list[Body] = [{"id": "a", "text": "x" * 4096}]

BODIES: dict[str, Callable[[User], Body]] = {
    "ping": lambda user: {},
    "portal-view-update": lambda user: {"payload": {"name": "Night"}},
    "item-update": lambda user: {"payload": {"itemId": "ogre", "hp": 1}},
    "item-add": lambda user: {"payload": {"name": "Imp"}},
    "item-remove": lambda user: {"itemId": "ogre"},
    "item-move": lambda user: {"itemId": "ogre", "index": 0},
    "encounter-next": lambda user: {},
    "encounter-previous": lambda user: {},
    "batch": lambda user: {"changes": [{"type": "item-remove", "itemId": "ogre"}]},
    "request-sync": lambda user: {},
    "sync-response": lambda user: {"payload": {"zoom": 2}},
    "activity": lambda user: {"state": "editing"},
    "pointer": lambda user: {"itemId": "ogre", "x": 0, "y": 1},
    "auth": lambda user: {"token": token_of(user)},
}
"""A valid message of each type, apart from the role."""


def test_every_message_has_a_handler_and_a_row_with_its_roles() -> None:
    assert {CLIENT_MESSAGES[kind] for kind in ALLOWED} == HANDLERS.keys()
    assert CLIENT_MESSAGES.keys() == ALLOWED.keys() == BODIES.keys()


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("role", PortalRole)
async def test_a_message_that_the_role_may_not_send_has_no_effect(
    connect: Connect, portal_view: PortalView, editor: User, viewer: User, owner: User, kind: str, role: PortalRole
) -> None:
    user = editor if role is PortalRole.CONTROLLER else viewer
    others = [await connect(owner, portal_view), await connect(viewer, portal_view)]
    sender = await connect(user, portal_view)
    answer = await sender.ask(kind, **BODIES[kind](user))
    if role in ALLOWED[kind]:
        # There is no encounter yet, and viewers may not point.
        without = {"ping": "pong", "encounter-next": "error", "encounter-previous": "error"}
        without |= {"pointer": "error"} if role is PortalRole.VIEWER else {}
        assert answer["type"] == without.get(kind, "ack")
        assert (answer.get("code") == "forbidden") is (kind == "pointer" and role is PortalRole.VIEWER)
        return
    assert (answer["type"], answer["code"]) == ("error", "forbidden")
    assert kind in answer["message"]
    for client in [*others, sender]:
        await client.expect_nothing_before_pong()
    await portal_view.arefresh_from_db()
    assert portal_view.version == 1


# --- ping --------------------------------------------------------------------------------------------------


async def test_a_ping_is_answered_with_the_time(connect: Connect, portal_view: PortalView, viewer: User) -> None:
    client = await connect(viewer, portal_view)
    before = time.time()
    pong = await client.ask("ping")
    assert before - 1 <= pong["timestamp"] / 1000 <= time.time() + 1
    await client.send("ping")
    answer = await client.receive("pong")
    assert answer.keys() == {"type", "timestamp", "reconnectWithin"}
    assert answer["reconnectWithin"] == 500


async def test_a_ping_is_answered_while_a_write_is_slow(
    connect: Connect, portal_view: PortalView, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, calls = asyncio.Event(), []

    async def slow(*args: Any, **more: Any) -> Any:
        calls.append([one.patch.known for message in more["messages"] for one in message.changes])
        await asyncio.wait_for(go_on.wait(), DEADLINE_SECONDS)
        return await in_write_lane(*args, **more)

    client = await connect(editor, portal_view)
    monkeypatch.setattr(jobs, "in_write_lane", slow)
    await client.send("portal-view-update", payload={"name": "a"}, ref="a")
    await until(lambda: calls, "the first write")
    for name in "bc":
        await client.send("portal-view-update", payload={"name": name}, ref=name)
    await client.expect_nothing_before_pong()
    go_on.set()
    acks = [await client.receive("ack") for _ in "abc"]
    assert [(ack["ref"], ack["version"]) for ack in acks] == [("a", 2), ("b", 3), ("c", 3)]
    assert calls == [[{"name": "a"}], [{"name": "b"}, {"name": "c"}]]


# --- portal-view-update ------------------------------------------------------------------------------------


async def test_an_update_is_stored_and_sent_to_the_others(
    connect: Connect, portal_view: PortalView, editor: User, owner: User, viewer: User
) -> None:
    sender, same_person = await connect(editor, portal_view), await connect(editor, portal_view)
    others = [same_person, await connect(owner, portal_view), await connect(viewer, portal_view)]
    ack = await sender.ask("portal-view-update", payload={"name": "Night", "version": 99, "id": "other"})
    assert (ack["type"], ack["version"]) == ("ack", 2)
    for other in others:
        assert await other.receive() == {"type": "portal-view-updated", "payload": {"name": "Night"}, "version": 2}
    await sender.expect_nothing_before_pong()
    await portal_view.arefresh_from_db()
    assert (portal_view.name, portal_view.version) == ("Night", 2)


async def test_unknown_keys_are_relayed_with_it_and_not_stored(
    connect: Connect, portal_view: PortalView, editor: User, viewer: User
) -> None:
    sender, other = await connect(editor, portal_view), await connect(viewer, portal_view)
    await sender.ask("portal-view-update", payload={"name": "Night", "zoom": 2, "secret": 1})
    assert (await other.receive("portal-view-updated"))["payload"] == {"name": "Night", "zoom": 2}
    late = await connect(editor, portal_view)
    assert "zoom" not in late.connected["state"]


async def test_a_command_is_relayed_and_not_stored(
    connect: Connect, portal_view: PortalView, editor: User, owner: User, viewer: User
) -> None:
    sender, other, one = [await connect(user, portal_view) for user in (editor, owner, viewer)]
    ack = await sender.ask("portal-view-update", payload={"zoom": 2, "hp": 5})
    assert (ack["type"], ack["version"]) == ("ack", 1)
    assert await other.receive() == {"type": "portal-view-updated", "payload": {"zoom": 2, "hp": 5}}
    assert await one.receive() == {"type": "portal-view-updated", "payload": {"zoom": 2}}
    await portal_view.arefresh_from_db()
    assert portal_view.version == 1


async def test_a_bad_value_is_neither_stored_nor_relayed(
    connect: Connect, portal_view: PortalView, editor: User, viewer: User
) -> None:
    sender, other = await connect(editor, portal_view), await connect(viewer, portal_view)
    error = await sender.ask("portal-view-update", payload={"name": "Night", "blackout": 1, "url": "javascript:0"})
    assert (error["type"], error["code"]) == ("error", "invalid-payload")
    assert error["details"].keys() == {"blackout", "url"}
    for client in (sender, other):
        await client.expect_nothing_before_pong()
    await portal_view.arefresh_from_db()
    assert (portal_view.name, portal_view.version) == ("Evening", 1)


async def test_an_update_over_the_quota_is_not_stored(
    connect: Connect, portal_view: PortalView, editor: User, viewer: User, settings: Any
) -> None:
    settings.PORTAL_LIBRARY_BYTES = 2048
    sender, other = await connect(editor, portal_view), await connect(viewer, portal_view)
    for kind, payload in (("portal-view-update", {"items": ITEMS}), ("item-update", {"itemId": "ogre", **ITEMS[0]})):
        error = await sender.ask(kind, payload={**payload, **({} if "items" in payload else {"id": "ogre"})})
        assert (error["type"], error["code"]) == ("error", "quota-exceeded")
        assert "2,048 are possible" in error["message"]
    for client in (sender, other):
        await client.expect_nothing_before_pong()
    await portal_view.arefresh_from_db()
    assert portal_view.version == 1
    assert (await sender.ask("portal-view-update", payload={"name": "Night"}))["version"] == 2


async def test_updates_and_commands_keep_their_order(
    connect: Connect, portal_view: PortalView, editor: User, owner: User
) -> None:
    sender, other = await connect(editor, portal_view), await connect(owner, portal_view)
    payloads: list[Body] = [{"name": "a"}, {"zoom": 1}, {"name": "b", "zoom": 2}, {"zoom": 3}, {"name": "c"}]
    for payload in payloads:
        await sender.send("portal-view-update", payload=payload)
    assert [(await other.receive("portal-view-updated"))["payload"] for _ in payloads] == payloads


async def test_a_message_that_is_sent_again_is_not_stored_again(
    connect: Connect, portal_view: PortalView, editor: User
) -> None:
    first = await connect(editor, portal_view)
    message: Body = {"payload": {"name": "Night"}, "ref": "r", "connectionId": first.id}
    item: Body = {"payload": {"itemId": "ogre", "hp": 1}, "ref": "s", "connectionId": first.id}
    await first.send("portal-view-update", **message)
    await first.send("item-update", **item)
    assert [(await first.receive("ack"))["version"] for _ in range(2)] == [2, 3]
    await first.leave()
    second = await connect(editor, portal_view)
    await second.send("portal-view-update", retry=True, **message)
    await second.send("item-update", retry=True, **item)
    await second.send("portal-view-update", retry=True, payload={"name": "Day"}, ref="r")
    assert [await second.receive() for _ in range(3)] == [
        {"type": "ack", "ref": "r", "version": 2},
        {"type": "ack", "ref": "s", "version": 3},
        {"type": "ack", "ref": "r", "version": 4},
    ]


# --- item-update -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [{"payload": {"itemId": "ogre", "name": "Og"}}, {"payload": {"name": "Og"}, "itemId": "ogre"}]
)
async def test_an_item_is_named_in_the_payload_or_beside_it(
    connect: Connect, portal_view: PortalView, editor: User, viewer: User, body: Body
) -> None:
    sender, other = await connect(editor, portal_view), await connect(viewer, portal_view)
    assert (await sender.ask("item-update", **body))["version"] == 2
    told = await other.receive("item-updated")
    assert (told["payload"], told["index"], told["version"]) == ({"itemId": "ogre", "name": "Og"}, 1, 2)


@pytest.mark.parametrize(
    "body",
    [
        {"payload": {"name": "Og"}},
        {"payload": {"itemId": None}},
        {"payload": {"itemId": True}},
        {"payload": {"itemId": ""}},
        {"payload": {"itemId": "spy"}, "itemId": "ogre"},
    ],
)
async def test_an_item_update_without_exactly_one_item_is_refused(
    connect: Connect, portal_view: PortalView, editor: User, body: Body
) -> None:
    sender = await connect(editor, portal_view)
    error = await sender.ask("item-update", **body)
    assert (error["code"], "itemId" in error["details"]) == ("invalid-payload", True)


async def test_viewers_get_nothing_of_hidden_changes(
    connect: Connect, portal_view: PortalView, editor: User, viewer: User
) -> None:
    sender, other = await connect(editor, portal_view), await connect(viewer, portal_view)
    await sender.ask("item-update", payload={"itemId": "ogre", "hp": 1})
    await sender.ask("item-update", payload={"itemId": "spy", "name": "Sly"})
    await other.expect_nothing_before_pong()
