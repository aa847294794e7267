"""Protocol, sections 2 to 4: items one by one, the current item and the camera, as each role is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from portal.tests.contract.screens import screens
from testing.stacks import Stack

TRAP = {"id": "trap", "name": "Trap", "visible": False}
GOBLIN = {"id": "goblin", "name": "Goblin", "hp": 7}
ORC = {"id": "orc", "name": "Orc", "hp": 15}
ITEMS = [GOBLIN, TRAP, ORC]
CAMERA = {"x": 0.5, "y": 0.25, "zoom": 2, "rotation": 90}
NO_ITEM = {"currentItem": None, "currentItemId": None, "camera": None}


@pytest.fixture
def portal_view(stack: Stack) -> str:
    """A portal view with a hidden item between two visible ones."""
    return stack.new_portal_view(items=ITEMS)


async def test_an_item_is_added_for_those_who_see_it(stack: Stack, portal_view: str) -> None:
    async with screens(stack, portal_view) as table:
        told = await table.do("item-add", payload={"id": "imp", "name": "Imp", "hp": 3}, index=2)
        assert told.answer.keys() == {"type", "ref", "version", "itemId"}
        assert told.answer["itemId"] == "imp"
        item = {"id": "imp", "name": "Imp", "hp": 3}
        assert told.controller == {"type": "item-added", "item": item, "index": 2, "version": 2}
        item = {"id": "imp", "name": "Imp"}
        assert told.viewer == {"type": "item-added", "item": item, "index": 1, "version": 2}
        told = await table.do("item-add", payload={"name": "Spy", "hidden": True})
        assert (told.viewer, told.controller["index"]) == ({}, 4)
        assert table.items == ["goblin", "trap", "imp", "orc", told.answer["itemId"]]


async def test_an_item_is_removed_for_those_who_saw_it(stack: Stack, portal_view: str) -> None:
    async with screens(stack, portal_view) as table:
        told = await table.do("item-remove", itemId="goblin")
        for message in (told.controller, told.viewer):
            assert message == {"type": "item-removed", "itemId": "goblin", "version": 2}
        told = await table.do("item-remove", itemId="trap")
        assert (told.controller["itemId"], told.viewer) == ("trap", {})
        error = await table.refuse("item-remove", itemId="trap")
        assert error["details"] == {"itemId": "There is no item “trap”."}


async def test_an_item_is_moved_for_those_who_see_a_difference(stack: Stack, portal_view: str) -> None:
    async with screens(stack, portal_view) as table:
        told = await table.do("item-move", itemId="orc", index=1)
        assert told.controller == {"type": "item-moved", "itemId": "orc", "index": 1, "version": 2}
        assert told.viewer == {}
        told = await table.do("item-move", itemId="orc", index=0)
        for message, version in ((told.controller, 3), (told.viewer, 2)):
            assert message == {"type": "item-moved", "itemId": "orc", "index": 0, "version": version}
        assert table.items == ["orc", "goblin", "trap"]
        assert (await table.refuse("item-move", itemId="orc", index=3))["details"].keys() == {"index"}


async def test_null_removes_a_key_for_both_roles(stack: Stack) -> None:
    portal_view = stack.new_portal_view(items=[{**GOBLIN, "text": "Asleep"}])
    async with screens(stack, portal_view) as table:
        told = await table.do("item-update", itemId="goblin", payload={"text": None, "hp": None, "gone": None})
        patch = {"itemId": "goblin", "text": None, "hp": None, "gone": None}
        assert told.controller["payload"] == patch
        assert told.viewer["payload"] == {"itemId": "goblin", "text": None}
        assert table.stored["items"] == [{"id": "goblin", "name": "Goblin"}]


async def test_an_item_can_be_named_by_an_integer(stack: Stack) -> None:
    portal_view = stack.new_portal_view(items=[{"id": 7, "hp": 1}])
    async with screens(stack, portal_view) as table:
        for body in ({"itemId": 7, "payload": {"hp": 2}}, {"payload": {"itemId": 7, "hp": 3}}):
            await table.sender.socket.send("item-update", ref=1, **body)
            assert (await table.sender.socket.receive("ack"))["version"] > 1
        assert table.stored["items"] == [{"id": "7", "hp": 3}]


async def test_items_without_ids_get_some(stack: Stack, portal_view: str) -> None:
    records: list[dict[str, Any]] = [{"_id": "r1"}, {"_id": "r1"}, {"id": None}, {"id": 5}, {"name": "A"}]
    async with screens(stack, portal_view) as table:
        told = await table.do("portal-view-update", payload={"items": records})
        first = table.items
        assert len(set(first)) == len(records)
        assert first[3] == "5"
        assert [item["id"] for item in told.answer["payload"]["items"]] == first
        told = await table.do("portal-view-update", payload={"items": records})
        assert table.items[:2] == first[:2], "the same record gets the same id again"
        assert table.items[4] != first[4]
        added = await table.do("item-add", payload={"_id": "r1"})
        assert added.answer["itemId"] not in first


@pytest.mark.parametrize("spelling", ["hidden", "isHidden"])
async def test_an_ack_says_in_which_form_a_value_is_stored(stack: Stack, portal_view: str, spelling: str) -> None:
    async with screens(stack, portal_view) as table:
        told = await table.do("item-update", itemId="orc", payload={spelling: True})
        [correction] = told.answer["payload"]["changes"]
        assert correction["payload"] == {"itemId": "orc", "visible": False, spelling: None}
        assert told.viewer == {"type": "item-removed", "itemId": "orc", "version": 2}
        await table.do("item-update", itemId="orc", payload={"name": "Ork"})
        told = await table.do("item-update", itemId="orc", payload={spelling: False})
        item = {"id": "orc", "name": "Ork"}
        assert told.viewer == {"type": "item-added", "item": item, "index": 1, "version": 3}


# --- The current item and the camera -----------------------------------------------------------------------


async def test_the_current_item_follows_its_id(stack: Stack, portal_view: str) -> None:
    async with screens(stack, portal_view) as table:
        told = await table.do("portal-view-update", payload={"currentItem": 2})
        assert told.answer["payload"] == {"currentItemId": "orc"}
        assert told.viewer["payload"] == {"currentItem": 1, "currentItemId": "orc"}
        told = await table.do("item-add", payload={"id": "imp"}, index=0)
        assert told.answer["payload"] == {"currentItem": 3}
        assert (told.controller["type"], told.controller["currentItem"]) == ("item-added", 3)
        assert (told.viewer["currentItem"], "currentItemId" in told.viewer) == (2, False)
        told = await table.do("item-move", itemId="orc", index=0)
        assert (told.answer["payload"], told.viewer["currentItem"]) == ({"currentItem": 0}, 0)
        told = await table.do("portal-view-update", payload={"items": [TRAP, ORC]})
        assert told.answer["payload"] == {"currentItem": 1}
        assert told.viewer["payload"].keys() == {"items"}
        told = await table.do("item-remove", itemId="trap")
        assert (told.answer["payload"], told.viewer) == ({"currentItem": 0}, {})
        told = await table.do("item-remove", itemId="orc")
        assert told.answer["payload"] == {"currentItem": None, "currentItemId": None}
        assert told.viewer.items() >= {"currentItem": None, "currentItemId": None}.items()


async def test_the_two_names_of_the_current_item_must_agree(stack: Stack, portal_view: str) -> None:
    async with screens(stack, portal_view) as table:
        for payload, key in (
            ({"currentItem": 0, "currentItemId": "orc"}, "currentItemId"),
            ({"currentItem": None, "currentItemId": "orc"}, "currentItemId"),
            ({"currentItem": 3}, "currentItem"),
            ({"currentItemId": "ghost"}, "currentItemId"),
        ):
            assert (await table.refuse("portal-view-update", payload=payload))["details"].keys() == {key}
        await table.do("portal-view-update", payload={"currentItem": 2, "currentItemId": "orc"})
        told = await table.do("portal-view-update", payload={"currentItem": None})
        assert told.answer["payload"] == {"currentItemId": None}


async def test_a_hidden_current_item_is_none_for_viewers(stack: Stack, portal_view: str) -> None:
    async with screens(stack, portal_view) as table:
        told = await table.do("portal-view-update", payload={"currentItemId": "trap", "camera": CAMERA})
        assert told.controller["payload"]["camera"] == CAMERA
        assert told.viewer == {}
        told = await table.do("item-update", itemId="trap", payload={"visible": True})
        beside = {"currentItem": 1, "currentItemId": "trap", "camera": CAMERA}
        assert told.viewer.items() >= {"type": "item-added", "index": 1, **beside}.items()
        told = await table.do("item-update", itemId="trap", payload={"visible": False})
        assert told.viewer == {"type": "item-removed", "itemId": "trap", **NO_ITEM, "version": 3}
        await table.do("portal-view-update", payload={"currentItemId": "orc"})
        told = await table.do("portal-view-update", payload={"blackout": True})
        assert told.viewer["payload"].items() >= {"items": [], "currentItem": None}.items()


async def test_the_camera_is_cleared_with_the_item_that_it_is_on(stack: Stack, portal_view: str) -> None:
    async with screens(stack, portal_view) as table:
        sent = {key: value for key, value in CAMERA.items() if key != "rotation"}
        told = await table.do("portal-view-update", payload={"currentItemId": "orc", "camera": sent})
        assert told.answer["payload"] == {"currentItem": 2, "camera": {**sent, "rotation": 0}}
        told = await table.do("portal-view-update", payload={"currentItemId": "orc"})
        assert "payload" not in told.answer
        told = await table.do("portal-view-update", payload={"currentItemId": "goblin"})
        assert told.answer["payload"] == {"currentItem": 0, "camera": None}
        assert told.viewer["payload"]["camera"] is None
        await table.do("portal-view-update", payload={"camera": CAMERA})
        told = await table.do("portal-view-update", payload={"currentItem": 2, "camera": {**CAMERA, "zoom": 1}})
        assert told.answer["payload"] == {"currentItemId": "orc"}
        told = await table.do("item-remove", itemId="orc")
        assert told.answer["payload"] == NO_ITEM
        assert told.viewer == {"type": "item-removed", "itemId": "orc", **NO_ITEM, "version": told.viewer["version"]}
        payload = {"autoResetImageState": False, "currentItemId": "goblin", "camera": CAMERA}
        await table.do("portal-view-update", payload=payload)
        await table.do("portal-view-update", payload={"currentItemId": None})
        assert table.stored["camera"] == CAMERA


# --- Sent again --------------------------------------------------------------------------------------------


async def test_an_item_that_is_sent_again_is_added_once(stack: Stack, portal_view: str) -> None:
    single = {"type": "item-add", "payload": {"name": "Imp"}}
    several = {"type": "batch", "changes": [single, {**single, "index": 0}]}
    for message, key in ((single, "itemId"), (several, "itemIds")):
        async with stack.join(portal_view, stack.controller) as (socket, connected):
            await socket.send_message({**message, "ref": 1})
            first = await socket.receive("ack")
        again = {**message, "ref": 1, "retry": True, "connectionId": connected["connectionId"]}
        async with stack.join_all(portal_view, stack.controller, stack.viewer) as (socket, viewer):
            before = stack.controller.get(f"/api/portal-views/{portal_view}")
            await socket.send_message(again)
            assert await socket.receive("ack") == {
                "type": "ack",
                "ref": 1,
                "version": first["version"],
                key: first[key],
            }
            await viewer.expect_nothing_before_pong()
        assert stack.controller.get(f"/api/portal-views/{portal_view}") == before


async def test_what_was_not_stored_is_done_when_it_is_sent_again(stack: Stack, portal_view: str) -> None:
    async with screens(stack, portal_view) as table:
        envelope = {"retry": True, "connectionId": "elsewhere"}
        told = await table.do("item-add", ref=1, payload={"name": "Imp"}, **envelope)
        assert told.viewer["item"]["id"] == told.answer["itemId"]
        told = await table.do("item-remove", ref=2, itemId="orc", **envelope)
        assert told.viewer["type"] == "item-removed"
