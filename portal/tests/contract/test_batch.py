"""Protocol, section 2: several changes that are stored as one version or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from portal.tests.contract.screens import screens
from testing.stacks import Stack

TRAP = {"id": "trap", "name": "Trap", "visible": False}
GOBLIN = {"id": "goblin", "name": "Goblin", "hp": 7}
ORC = {"id": "orc", "name": "Orc", "hp": 15}

Change = dict[str, Any]


@pytest.fixture
def portal_view(stack: Stack) -> str:
    """A portal view with a hidden item between two visible ones."""
    return stack.new_portal_view(items=[GOBLIN, TRAP, ORC])


def patch(item_id: str, **payload: Any) -> Change:
    return {"type": "item-update", "itemId": item_id, "payload": payload}


async def test_a_batch_is_one_version_and_one_message(stack: Stack, portal_view: str) -> None:
    changes = [
        patch("goblin", hp=3, text="Hurt"),
        {"type": "item-add", "payload": {"id": "imp", "name": "Imp"}, "index": 0},
        patch("imp", name="Imp King"),
        {"type": "item-remove", "itemId": "orc"},
        {"type": "item-move", "itemId": "trap", "index": 0},
        {"type": "portal-view-update", "payload": {"name": "Cellar", "currentItemId": "imp"}},
    ]
    async with screens(stack, portal_view) as table:
        told = await table.do("batch", changes=changes)
        assert told.answer.keys() == {"type", "ref", "version", "itemIds", "payload"}
        assert (told.answer["version"], told.answer["itemIds"]) == (2, ["imp"])
        assert told.answer["payload"] == {"currentItem": 1}
        for message, items in ((told.controller, ["trap", "imp", "goblin"]), (told.viewer, ["imp", "goblin"])):
            assert (message["type"], message["version"]) == ("batch-applied", 2)
            assert not any("version" in change for change in message["changes"])
            assert {"type": "item-removed", "itemId": "orc"} in message["changes"]
            place = items.index("imp")
            current = {"name": "Cellar", "currentItem": place, "currentItemId": "imp"}
            assert message["changes"][-1] == {"type": "portal-view-updated", "payload": current}
        assert table.items == ["trap", "imp", "goblin"]
        assert "trap" not in str(told.viewer)


async def test_viewers_get_only_what_they_see_of_a_batch(stack: Stack, portal_view: str) -> None:
    async with screens(stack, portal_view) as table:
        told = await table.do(
            "batch", changes=[patch("trap", name="Pit"), patch("goblin", hp=1), patch("orc", text="x")]
        )
        payload = {"itemId": "orc", "text": "x"}
        assert told.viewer == {"type": "item-updated", "payload": payload, "index": 1, "version": 2}
        assert len(told.controller["changes"]) == 3
        told = await table.do("batch", changes=[patch("trap", name="Hole"), patch("goblin", hp=2)])
        assert (told.controller["type"], told.viewer) == ("batch-applied", {})
        told = await table.do("batch", changes=[patch("trap", visible=True), patch("orc", visible=False)])
        assert [change["type"] for change in told.viewer["changes"]] == ["item-removed", "item-added"]
        told = await table.do("batch", changes=[patch("orc", hp=1), {"type": "item-remove", "itemId": "orc"}])
        assert told.controller == {"type": "item-removed", "itemId": "orc", "version": 5}
        assert told.viewer == {}
        told = await table.do("batch", changes=[{"type": "portal-view-update", "payload": {"id": "not mine"}}])
        assert (told.answer["version"], told.controller) == (5, {})


async def test_an_item_that_is_removed_and_added_again_is_another_one(stack: Stack, portal_view: str) -> None:
    changes = [{"type": "item-remove", "itemId": "orc"}, {"type": "item-add", "payload": {"id": "orc"}, "index": 0}]
    async with screens(stack, portal_view) as table:
        await table.do("portal-view-update", payload={"currentItemId": "orc"})
        told = await table.do("batch", changes=changes)
        assert [change["type"] for change in told.viewer["changes"]][:2] == ["item-removed", "item-added"]
        assert table.stored["currentItemId"] is None


GOOD: list[Change] = [{"type": "portal-view-update", "payload": {"name": "Lost"}}, patch("goblin", hp=1)]
BAD: dict[str, tuple[Change, str]] = {
    "a-bad-value": (patch("orc", image="javascript:0"), "payload.image"),
    "a-bad-value-inside": (patch("orc", deep=[{"n": 2**60}]), "payload.deep"),
    "an-unknown-item": (patch("ghost", hp=1), "itemId"),
    "an-unknown-item-in-the-payload": ({"type": "item-update", "payload": {"itemId": "ghost"}}, "itemId"),
    "no-item": ({"type": "item-update", "payload": {}}, "itemId"),
    "a-removed-item": ({"type": "item-remove", "itemId": "ghost"}, "itemId"),
    "no-such-place": ({"type": "item-move", "itemId": "orc", "index": 3}, "index"),
    "a-known-id": ({"type": "item-add", "payload": {"id": "orc"}}, "payload.id"),
    "behind-the-end": ({"type": "item-add", "payload": {}, "index": 4}, "index"),
    "a-relayed-key": ({"type": "portal-view-update", "payload": {"name": "x", "zoom": 2}}, "payload.zoom"),
    "a-bad-key": ({"type": "portal-view-update", "payload": {"blackout": 1}}, "payload.blackout"),
    "a-bad-current-item": ({"type": "portal-view-update", "payload": {"currentItem": 3}}, "payload.currentItem"),
    "no-encounter": ({"type": "encounter-next"}, "encounter"),
    "no-payload": ({"type": "portal-view-update"}, "payload"),
    "another-type": ({"type": "ping"}, "type"),
    "no-type": ({"payload": {}}, "type"),
}


async def test_a_batch_with_a_bad_change_changes_nothing(stack: Stack, portal_view: str) -> None:
    async with screens(stack, portal_view) as table:
        for name, (change, place) in BAD.items():
            error = await table.refuse("batch", changes=[*GOOD, change, *GOOD])
            assert (name, error["code"]) == (name, "invalid-payload"), error
            assert (name, [*error["details"]]) == (name, [f"changes[2].{place}"]), error
        nameless = BAD["no-item"][0]
        error = await table.refuse("batch", changes=[nameless, *GOOD, nameless])
        assert error["details"].keys() == {"changes[0].itemId", "changes[3].itemId"}
        move = {"type": "item-move", "itemId": "orc", "index": 1}
        for changes in ([], [move] * 1001):
            assert (await table.refuse("batch", changes=changes))["details"].keys() == {"changes"}
        told = await table.do("batch", changes=[move] * 1000)
        assert (told.controller["type"], told.viewer) == ("item-moved", {})
