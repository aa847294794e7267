"""Protocol, sections 2 to 4: the encounter, its turns, and what viewers see of creatures that are still hidden."""

from __future__ import annotations

from typing import Any

import pytest

from portal.tests.contract.screens import screens
from testing.stacks import Stack

GOBLIN = {"id": "goblin", "name": "Goblin"}
SPY = {"id": "spy", "name": "Spy", "visible": False}
ORC = {"id": "orc", "name": "Orc"}
ORDER = [{"itemId": "goblin", "initiative": 17}, {"itemId": "spy", "initiative": 12}, {"itemId": "orc"}]
SEEN_ORDER = [ORDER[0], ORDER[2]]
NEXT: dict[str, Any] = {"type": "encounter-next"}

Body = dict[str, Any]


def encounter(turn: str | None, number: int = 1, order: list[Any] = ORDER) -> Body:  # noqa: B006  # nobody changes it
    return {"round": number, "turn": turn, "order": order}


def new_encounter(stack: Stack, turn: str | None, number: int = 1, **more: Any) -> str:
    """A portal view in which a hidden spy acts between a goblin and an orc."""
    state = {"items": [GOBLIN, SPY, ORC], "encounter": encounter(turn, number), "showEncounter": True}
    return stack.new_portal_view(**{**state, **more})


async def test_the_turn_goes_on_and_back(stack: Stack) -> None:
    portal_view = new_encounter(stack, None, 0, items=[GOBLIN, ORC], encounter=encounter(None, 0, SEEN_ORDER))
    async with screens(stack, portal_view) as table:
        turns = []
        for step in ["next"] * 3 + ["previous"] * 2:
            told = await table.do(f"encounter-{step}")
            now = table.stored["encounter"]
            assert told.answer["payload"] == {"encounter": now}
            assert told.controller["payload"] == told.viewer["payload"] == {"encounter": now}
            turns.append((now["round"], now["turn"]))
        assert turns == [(1, "goblin"), (1, "orc"), (2, "goblin"), (1, "orc"), (1, "goblin")]
        version = table.stored["version"]
        told = await table.do("encounter-previous", ref="start")
        assert told.answer == {"type": "ack", "ref": "start", "version": version}
        assert (told.controller, told.viewer) == ({}, {})
        await table.do("portal-view-update", payload={"encounter": None})
        for step in ("next", "previous"):
            assert (await table.refuse(f"encounter-{step}"))["code"] == "invalid-payload"


async def test_viewers_see_the_turn_of_the_one_before_a_hidden_creature(stack: Stack) -> None:
    async with screens(stack, new_encounter(stack, "goblin")) as table:
        told = await table.do("encounter-next")
        assert told.controller["payload"] == {"encounter": encounter("spy")}
        assert told.viewer == {}
        told = await table.do("encounter-next")
        assert told.viewer["payload"] == {"encounter": encounter("orc", 1, SEEN_ORDER)}
        told = await table.do("portal-view-update", payload={"encounter": encounter("spy", 3, [ORDER[1], *SEEN_ORDER])})
        assert told.viewer["payload"] == {"encounter": encounter("orc", 2, SEEN_ORDER)}
        told = await table.do("portal-view-update", payload={"encounter": encounter("spy", 1, [ORDER[1], *SEEN_ORDER])})
        assert told.viewer["payload"] == {"encounter": encounter(None, 0, SEEN_ORDER)}
        told = await table.do("item-update", itemId="spy", payload={"visible": True})
        assert told.viewer["type"] == "item-added"
        assert told.viewer["encounter"] == encounter("spy", 1, [ORDER[1], *SEEN_ORDER])


async def test_viewers_see_the_encounter_while_it_is_shown(stack: Stack) -> None:
    async with screens(stack, new_encounter(stack, "goblin", showEncounter=False)) as table:
        assert table.viewer.picture.state.items() >= {"encounter": None}.items()
        told = await table.do("encounter-next")
        assert told.viewer == {}
        told = await table.do("portal-view-update", payload={"showEncounter": True})
        assert told.viewer["payload"]["encounter"] == encounter("goblin", 1, SEEN_ORDER)
        await table.do("item-update", itemId="goblin", payload={"show": {"initiative": False}})
        now = table.viewer.picture.state["encounter"]
        assert now == encounter("goblin", 1, [{"itemId": "goblin"}, {"itemId": "orc"}])
        told = await table.do("portal-view-update", payload={"blackout": True})
        assert told.viewer["payload"]["encounter"] is None
        told = await table.do("encounter-next")
        assert (told.controller["payload"]["encounter"]["turn"], told.viewer) == ("orc", {})


REVEALING: dict[str, tuple[str, Body]] = {
    "next": ("goblin", NEXT),
    "previous": ("orc", {"type": "encounter-previous"}),
    "patch": (
        "goblin",
        {"type": "portal-view-update", "payload": {"name": "Now", "encounter": encounter("spy", 4)}},
    ),
    "removal": ("goblin", {"type": "item-remove", "itemId": "goblin"}),
    "replacement": (
        "goblin",
        {"type": "portal-view-update", "payload": {"items": [SPY | {"revealOnTurn": True}, ORC]}},
    ),
    "batch": (
        "goblin",
        {"type": "batch", "changes": [{"type": "item-update", "itemId": "orc", "payload": {"text": "x"}}, NEXT]},
    ),
    "batch-with-a-removal": ("goblin", {"type": "batch", "changes": [{"type": "item-remove", "itemId": "goblin"}]}),
    "batch-that-goes-on": ("goblin", {"type": "batch", "changes": [NEXT, NEXT]}),
    "next-round": ("spy", {"type": "batch", "changes": [NEXT] * 3}),
    "first": (
        "none",
        {"type": "portal-view-update", "payload": {"encounter": encounter("spy", 1, [ORDER[1]])}},
    ),
}


@pytest.mark.parametrize("how", REVEALING)
async def test_the_turn_reveals_a_creature_that_waits_for_it(stack: Stack, how: str) -> None:
    turn, message = REVEALING[how]
    portal_view = new_encounter(stack, None if turn == "none" else turn)
    async with screens(stack, portal_view) as table:
        told = await table.do("item-update", itemId="spy", payload={"revealOnTurn": True})
        assert told.viewer == {}
        assert table.stored["items"][1] == {**SPY, "revealOnTurn": True}
        told = await table.do(message["type"], **{key: value for key, value in message.items() if key != "type"})
        assert {**SPY, "visible": True} in table.stored["items"]
        beyond = told.answer["payload"]
        assert any("spy" in str(one) for one in beyond.get("changes", beyond.get("items", ())))
        assert {"id": "spy", "name": "Spy"} in table.viewer.picture.state["items"]
        assert "revealOnTurn" not in str(told.viewer)
        assert (told.viewer["version"], told.controller["version"]) == (2, 3)
        # Hidden again, it stays so.
        await table.do("item-update", itemId="spy", payload={"visible": False})
        for _ in range(3):
            await table.do("encounter-next")
        assert SPY in table.stored["items"]


async def test_a_single_change_of_the_turn_is_one_message(stack: Stack) -> None:
    items = [GOBLIN, {**SPY, "revealOnTurn": True}, ORC]
    async with screens(stack, new_encounter(stack, "goblin", items=items)) as table:
        told = await table.do("encounter-next")
        patch = {"itemId": "spy", "visible": True, "revealOnTurn": None}
        assert told.controller == {
            **{"type": "item-updated", "payload": patch, "index": 1, "encounter": encounter("spy"), "version": 2}
        }
        item = {"id": "spy", "name": "Spy"}
        assert told.viewer == {
            **{"type": "item-added", "item": item, "index": 1, "encounter": encounter("spy"), "version": 2}
        }
        [change] = told.answer["payload"]["changes"]
        assert change == {"type": "item-updated", "payload": patch, "index": 1}


async def test_what_is_removed_leaves_the_order(stack: Stack) -> None:
    async with screens(stack, new_encounter(stack, "orc")) as table:
        told = await table.do("item-remove", itemId="orc")
        now = encounter("goblin", 2, ORDER[:2])
        assert told.answer["payload"] == {"encounter": now}
        assert told.controller == {"type": "item-removed", "itemId": "orc", "encounter": now, "version": 2}
        assert told.viewer["encounter"] == encounter("goblin", 2, ORDER[:1])
        told = await table.do("item-remove", itemId="spy")
        assert (told.controller["encounter"], told.viewer) == (encounter("goblin", 2, ORDER[:1]), {})
        told = await table.do("portal-view-update", payload={"items": []})
        assert told.answer["payload"] == {"encounter": encounter(None, 2, [])}
        assert (await table.refuse("encounter-next"))["details"].keys() == {"encounter"}


async def test_a_turn_that_is_sent_again_is_taken_once(stack: Stack) -> None:
    portal_view = new_encounter(stack, "goblin")
    async with stack.join(portal_view, stack.controller) as (socket, connected):
        await socket.send("encounter-next", ref=1)
        assert (await socket.receive("ack"))["version"] == 2
        # Nothing to do is done, too: later the same message would do something.
        await socket.send("portal-view-update", ref=2, payload={"encounter": encounter("goblin")})
        await socket.receive("ack")
        await socket.send("encounter-previous", ref=3)
        assert (await socket.receive("ack"))["version"] == 3
        await socket.send("portal-view-update", ref=4, payload={"encounter": encounter("orc")})
        await socket.receive("ack")
    again = {"retry": True, "connectionId": connected["connectionId"]}
    async with stack.join(portal_view, stack.controller) as (socket, _):
        for kind, ref, version in (("encounter-next", 1, 2), ("encounter-previous", 3, 3)):
            await socket.send(kind, ref=ref, **again)
            assert await socket.receive("ack") == {"type": "ack", "ref": ref, "version": version}
    stored = stack.controller.get(f"/api/portal-views/{portal_view}")
    assert (stored["version"], stored["encounter"]) == (4, encounter("orc"))
