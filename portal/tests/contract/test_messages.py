"""Protocol, sections 2 and 3: the effects of each message, its receivers, and the stored data."""

from __future__ import annotations

import time
from typing import Any

import pytest

from testing.sockets import Message, PortalSocket
from testing.stacks import Stack
from testing.tokens import forge_token, user_id_of

GOBLIN = {"id": "goblin", "name": "Goblin"}


def stored(stack: Stack, portal_view: str) -> Message:
    """The portal view as REST shows it to a controller."""
    state: Message = stack.controller.get(f"/api/portal-views/{portal_view}")
    return state


# --- Replies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["a", "r" * 64, "ünï ☃", "", 0, 7, -1, 2**53 - 1], ids=repr)
async def test_every_reply_has_the_ref(stack: Stack, portal_view: str, ref: str | int) -> None:
    async with stack.join(portal_view, stack.controller) as (socket, connected):
        await socket.send("ping", ref=ref)
        assert (await socket.receive("pong"))["ref"] == ref
        await socket.send("portal-view-update", ref=ref, payload={"zoom": 2})
        assert await socket.receive("ack") == {"type": "ack", "ref": ref, "version": connected["version"]}
        await socket.send("no-such-type", ref=ref)
        assert (await socket.receive("error"))["ref"] == ref


@pytest.mark.parametrize("ref", ["r" * 65, {}, [], [1], True, 1.5, 2**63], ids=lambda ref: repr(ref)[:12])
async def test_a_message_with_a_bad_ref_gets_an_error_and_has_no_effect(
    stack: Stack, portal_view: str, ref: object
) -> None:
    async with (
        stack.join(portal_view, stack.controller) as (socket, connected),
        stack.join(portal_view, stack.viewer) as (viewer, _),
    ):
        await socket.send("portal-view-update", ref=ref, payload={"name": "New"})
        error = await socket.receive("error")
        assert error["code"] == "invalid-message"
        assert "ref" not in error
        await viewer.expect_nothing_before_pong()
        await socket.expect_nothing_before_pong()
    assert stored(stack, portal_view)["version"] == connected["version"]


async def test_pong_has_the_time_in_milliseconds(stack: Stack, portal_view: str) -> None:
    async with stack.join(portal_view, stack.viewer) as (socket, _):
        before = time.time() * 1000
        await socket.send("ping")
        pong = await socket.receive("pong")
        assert set(pong) == {"type", "timestamp", "reconnectWithin"}
        assert before - 1 <= pong["timestamp"] <= time.time() * 1000 + 1


async def test_without_a_ref_there_is_no_ack(stack: Stack, portal_view: str) -> None:
    async with stack.join_all(portal_view, stack.controller, stack.viewer) as (sender, viewer):
        await sender.send("portal-view-update", payload={"name": "New"})
        await viewer.receive("portal-view-updated")
        await sender.expect_nothing_before_pong()


async def test_unknown_envelope_keys_are_ignored(stack: Stack, portal_view: str) -> None:
    async with stack.join(portal_view, stack.viewer) as (socket, _):
        await socket.send("ping", ref=1, payload={"zoom": 2}, portalViewId="elsewhere", role="controller")
        assert set(await socket.receive("pong")) == {"type", "timestamp", "reconnectWithin", "ref"}


# --- Updates of the portal view ----------------------------------------------------------------------------


async def test_an_update_is_stored_and_reaches_everybody_else(stack: Stack, portal_view: str) -> None:
    people = (stack.controller, stack.controller, stack.editor, stack.viewer, stack.viewer)
    async with stack.join_all(portal_view, *people) as (sender, *others):
        version = stored(stack, portal_view)["version"] + 1
        await sender.send("portal-view-update", ref="u", payload={"name": "Cellar", "blackout": False, "id": "mine"})
        assert await sender.receive("ack") == {"type": "ack", "ref": "u", "version": version}
        for socket in others:
            update = await socket.receive("portal-view-updated")
            assert set(update) == {"type", "payload", "version"}
            assert update["payload"]["name"] == "Cellar"
            assert "id" not in update["payload"]
            assert update["version"] == version
            await socket.expect_nothing_before_pong()
        await sender.expect_nothing_before_pong()
    after = stored(stack, portal_view)
    assert (after["id"], after["name"], after["version"]) == (portal_view, "Cellar", version)


async def test_rest_writes_reach_everybody_in_order(stack: Stack, portal_view: str) -> None:
    async with stack.join_all(portal_view, stack.controller, stack.editor, stack.viewer) as sockets:
        version = stored(stack, portal_view)["version"]
        for step in range(1, 4):
            changed = stack.controller.patch(f"/api/portal-views/{portal_view}", {"name": f"Room {step}"})
            assert changed["version"] == version + step
        for socket in sockets:
            updates = [await socket.receive("portal-view-updated") for _ in range(3)]
            assert [update["version"] for update in updates] == [version + step for step in range(1, 4)]
            assert [update["payload"]["name"] for update in updates] == ["Room 1", "Room 2", "Room 3"]
            await socket.expect_nothing_before_pong()


async def test_an_update_stays_within_its_portal_view(stack: Stack, portal_view: str) -> None:
    elsewhere = stack.new_portal_view()
    async with (
        stack.join(portal_view, stack.controller) as (sender, _),
        stack.join(elsewhere, stack.viewer) as (stranger, _),
    ):
        await sender.send("portal-view-update", ref=1, payload={"name": "Here", "zoom": 2})
        await sender.receive("ack")
        await stranger.expect_nothing_before_pong()


async def test_commands_are_relayed_and_not_stored(stack: Stack, portal_view: str) -> None:
    before = stored(stack, portal_view)
    people = (stack.controller, stack.editor, stack.viewer)
    async with stack.join_all(portal_view, *people) as (sender, *others):
        command = {"zoom": 2.5, "pointer": {"x": 0.25, "y": -3}, "public": {"ping": [1]}}
        own = {"plan": {"next": "trap"}, "queue": [1]}
        await sender.send("portal-view-update", ref=1, payload={**command, **own})
        assert (await sender.receive("ack"))["version"] == before["version"]
        for socket, payload in zip(others, ({**command, **own}, command), strict=True):
            assert await socket.receive() == {"type": "portal-view-updated", "payload": payload}
            await socket.expect_nothing_before_pong()
    assert stored(stack, portal_view) == before


async def test_a_payload_may_contain_both_stored_keys_and_commands(stack: Stack, portal_view: str) -> None:
    async with stack.join_all(portal_view, stack.controller, stack.viewer) as (sender, viewer):
        await sender.send("portal-view-update", ref=1, payload={"name": "Both", "zoom": 2})
        version = (await sender.receive("ack"))["version"]
        seen, versions = await _fold(viewer, {"name", "zoom"})
    assert (seen["name"], seen["zoom"]) == ("Both", 2)
    assert versions == [version]
    assert stored(stack, portal_view)["version"] == version
    assert "zoom" not in stored(stack, portal_view)


async def _fold(socket: PortalSocket, keys: set[str]) -> tuple[dict[str, Any], list[int]]:
    """All payloads until `keys` were seen, merged in order, and their versions."""
    seen: dict[str, Any] = {}
    versions: list[int] = []
    while not keys <= set(seen):
        update = await socket.receive("portal-view-updated")
        seen |= update["payload"]
        versions += [update["version"]] if "version" in update else []
    return seen, versions


async def test_hidden_values_are_not_sent_to_viewers(stack: Stack) -> None:
    portal_view = stack.new_portal_view(items=[{**GOBLIN, "hp": 7}], showHealth=False)
    async with stack.join_all(portal_view, stack.controller, stack.editor, stack.viewer) as (sender, editor, viewer):
        await sender.send("item-update", ref=1, payload={"itemId": "goblin", "hp": 3})
        await sender.receive("ack")
        assert (await editor.receive("item-updated"))["payload"]["hp"] == 3
        await viewer.expect_nothing_before_pong()
        await sender.send("portal-view-update", ref=2, payload={"showHealth": True})
        await sender.receive("ack")
        shown = await viewer.receive("portal-view-updated")
        assert shown["payload"]["showHealth"] is True
        health = {"display": "numbers", "current": 3, "max": None, "temp": None}
        assert shown["payload"]["items"] == [{"id": "goblin", "name": "Goblin", "health": health}]


async def test_each_role_is_told_its_own_version(stack: Stack) -> None:
    portal_view = stack.new_portal_view(items=[{**GOBLIN, "hp": 7}])
    async with stack.join_all(portal_view, stack.controller, stack.editor, stack.viewer) as (sender, editor, viewer):
        for number in range(3):
            await sender.send("item-update", ref=number, payload={"itemId": "goblin", "hp": number})
            assert (await sender.receive("ack"))["version"] == number + 2
            assert (await editor.receive("item-updated"))["version"] == number + 2
        await sender.send("item-update", ref=3, payload={"itemId": "goblin", "text": "Awake"})
        await sender.receive("ack")
        assert (await editor.receive("item-updated"))["version"] == 5
        seen = await viewer.receive()
        assert (seen["type"], seen["version"]) == ("item-updated", 2)
        assert seen["payload"] == {"itemId": "goblin", "text": "Awake"}
        await viewer.send("ping", ref=1)
        await viewer.receive("pong")
    seen_by_rest = stack.viewer.get(f"/api/portal-views/{portal_view}")
    assert (seen_by_rest["version"], stored(stack, portal_view)["version"]) == (2, 5)


async def test_an_item_comes_into_sight_and_goes(stack: Stack) -> None:
    trap = {"id": "trap", "name": "Trap", "visible": False}
    portal_view = stack.new_portal_view(items=[trap, GOBLIN], currentItem=1)
    async with stack.join_all(portal_view, stack.controller, stack.editor, stack.viewer) as (sender, editor, viewer):
        for visible in (True, False):
            await sender.send("item-update", ref=1, payload={"itemId": "trap", "visible": visible})
            await sender.receive("ack")
            assert (await editor.receive("item-updated"))["payload"] == {"itemId": "trap", "visible": visible}
            seen = await viewer.receive()
            if visible:
                assert seen.pop("item") == {"id": "trap", "name": "Trap"}
                assert seen == {"type": "item-added", "index": 0, "currentItem": 1, "version": 2}
            else:
                assert seen == {"type": "item-removed", "itemId": "trap", "currentItem": 0, "version": 3}
            await viewer.expect_nothing_before_pong()


async def test_null_removes_a_key_of_a_viewers_item(stack: Stack) -> None:
    portal_view = stack.new_portal_view(items=[{**GOBLIN, "text": "Asleep", "hp": 7}], showHealth=True)
    async with stack.join_all(portal_view, stack.controller, stack.viewer) as (sender, viewer):
        await sender.send("item-update", ref=1, payload={"itemId": "goblin", "text": None, "show": {"health": False}})
        await sender.receive("ack")
        assert (await viewer.receive("item-updated"))["payload"] == {"itemId": "goblin", "text": None, "health": None}


async def test_what_looks_secret_and_is_shown_is_warned_of(stack: Stack, portal_view: str) -> None:
    sentence = "public.answer looks like an answer and is shown."
    async with stack.join(portal_view, stack.controller) as (sender, _):
        await sender.send("portal-view-update", ref=1, payload={"public": {"answer": 42}})
        assert (await sender.receive("ack"))["warnings"] == [sentence]
        items = [{"id": "quiz", "public": {"answer": 42}}]
        await sender.send("portal-view-update", ref=2, payload={"items": items})
        assert (await sender.receive("ack"))["warnings"] == [f"items[0].{sentence}"]
        await sender.send("item-update", ref=3, payload={"itemId": "quiz", "public": {"answer": 43}})
        assert (await sender.receive("ack"))["warnings"] == [sentence]
        await sender.send("item-update", ref=4, payload={"itemId": "quiz", "answer": 44})
        assert "warnings" not in await sender.receive("ack")


async def test_a_retry_that_names_a_connection_to_another_portal_view_is_stored(stack: Stack, portal_view: str) -> None:
    # Cause: a receipt belonged to a person and a connection; the ack had the other portal view's version.
    async with stack.join(stack.new_portal_view(), stack.controller) as (socket, elsewhere):
        for version in (2, 3):
            await socket.send("portal-view-update", ref=1, payload={"name": "Elsewhere"})
            assert (await socket.receive("ack"))["version"] == version
    message: dict[str, Any] = {"ref": 1, "retry": True, "connectionId": elsewhere["connectionId"]}
    async with stack.join(portal_view, stack.controller) as (socket, connected):
        for expected in (["ack", "portal-view-updated"], ["ack"]):
            await socket.send("portal-view-update", **message, payload={"name": "Here"})
            for kind in expected:
                assert (await socket.receive(kind))["version"] == connected["version"] + 1
            await socket.expect_nothing_before_pong()
    assert (stored(stack, portal_view)["name"], stored(stack, portal_view)["version"]) == ("Here", 2)


# --- Items -------------------------------------------------------------------------------------------------


async def test_an_item_update_is_merged_and_stored(stack: Stack) -> None:
    portal_view = stack.new_portal_view(items=[GOBLIN, {"id": "orc", "name": "Orc", "note": {"a": 1, "b": 2}}])
    people = (stack.controller, stack.editor, stack.viewer)
    async with stack.join_all(portal_view, *people) as (sender, *others):
        version = stored(stack, portal_view)["version"] + 1
        await sender.send("item-update", ref=1, payload={"itemId": "orc", "name": "Urk", "note": {"c": 3}})
        assert (await sender.receive("ack"))["version"] == version
        payload = {"itemId": "orc", "name": "Urk"}
        for socket, own in zip(others, ({"note": {"c": 3}}, {}), strict=True):
            update = await socket.receive("item-updated")
            assert update["payload"] == {**payload, **own}
            assert update["version"] == version
            await socket.expect_nothing_before_pong()
    assert stored(stack, portal_view)["items"] == [GOBLIN, {"id": "orc", "name": "Urk", "note": {"c": 3}}]


async def test_an_update_of_an_unknown_item_is_relayed_to_controllers_and_not_stored(
    stack: Stack, portal_view: str
) -> None:
    before = stored(stack, portal_view)
    async with stack.join_all(portal_view, stack.controller, stack.editor, stack.viewer) as (sender, editor, viewer):
        payload = {"itemId": "ghost", "name": "Ghost"}
        await sender.send("item-update", ref=1, payload=payload)
        assert (await sender.receive("ack"))["version"] == before["version"]
        assert await editor.receive() == {"type": "item-updated", "payload": payload}
        await editor.expect_nothing_before_pong()
        await viewer.expect_nothing_before_pong()
    assert stored(stack, portal_view) == before


# --- Sync --------------------------------------------------------------------------------------------------


async def test_without_a_controller_the_server_answers_request_sync(stack: Stack, portal_view: str) -> None:
    async with (
        stack.join(portal_view, stack.viewer) as (asking, connected),
        stack.join(portal_view, stack.viewer) as (
            other,
            _,
        ),
    ):
        await asking.send("request-sync")
        answer = await asking.receive("sync-response")
        assert answer["source"] == "server"
        assert answer["version"] == connected["version"]
        assert answer["payload"] == connected["state"]
        await asking.expect_nothing_before_pong()
        await other.expect_nothing_before_pong()


async def test_request_sync_goes_to_controllers_and_the_answer_to_the_asker(stack: Stack, portal_view: str) -> None:
    async with (
        stack.join_all(portal_view, stack.controller, stack.editor, stack.viewer) as (controller, editor, other),
        stack.join(portal_view, stack.viewer) as (asking, connected),
    ):
        await asking.send("request-sync")
        expected = {"from": user_id_of(stack.viewer.access), "connectionId": connected["connectionId"]}
        for socket in (controller, editor):
            assert await socket.receive() == {"type": "sync-requested", **expected}
        await controller.send("sync-response", ref=1, to=connected["connectionId"], payload={"name": "Mine", "zoom": 3})
        await controller.receive("ack")
        answer = await asking.receive("sync-response")
        assert answer["payload"] == {"name": "Mine"}
        assert answer["source"] == "controller"
        assert answer["version"] == connected["version"]
        for socket in (controller, editor, other, asking):
            await socket.expect_nothing_before_pong()
    assert stored(stack, portal_view)["version"] == connected["version"]


async def test_sync_response_without_to_goes_to_all_viewers(stack: Stack, portal_view: str) -> None:
    people = (stack.controller, stack.editor, stack.viewer, stack.viewer)
    async with stack.join_all(portal_view, *people) as (controller, editor, *viewers):
        await controller.send("sync-response", ref=1, payload={"name": "Mine", "gmNotes": "not for you"})
        await controller.receive("ack")
        for socket in viewers:
            answer = await socket.receive("sync-response")
            assert (answer["payload"], answer["source"]) == ({"name": "Mine"}, "controller")
            await socket.expect_nothing_before_pong()
        await editor.expect_nothing_before_pong()


# --- The life of the connection ----------------------------------------------------------------------------


async def test_a_fresh_token_of_the_same_user_is_acknowledged(stack: Stack, portal_view: str) -> None:
    async with stack.join(portal_view, stack.viewer) as (socket, connected):
        token = forge_token(stack.installation.secret_key, user_id_of(stack.viewer.access), lifetime=7200)
        await socket.send("auth", ref=1, token=token)
        assert await socket.receive("ack") == {"type": "ack", "ref": 1, "version": connected["version"]}
        await socket.expect_nothing_before_pong()


async def test_a_token_of_another_user_ends_the_connection(stack: Stack, portal_view: str) -> None:
    async with stack.join(portal_view, stack.viewer) as (socket, _):
        await socket.send("auth", ref=1, token=stack.controller.access)
        error, closed = await socket.refused()
        assert error["ref"] == 1
        assert closed == (1008, error["code"])


async def test_a_deleted_portal_view_is_announced_and_closes(stack: Stack, portal_view: str) -> None:
    async with stack.join_all(portal_view, stack.controller, stack.viewer) as sockets:
        stack.controller.delete(f"/api/portal-views/{portal_view}")
        for socket in sockets:
            assert await socket.receive() == {"type": "portal-view-deleted", "portalViewId": portal_view}
            assert (await socket.closed()).code == 1000
