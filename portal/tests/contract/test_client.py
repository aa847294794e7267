"""The Python client at each kind of server, in both encodings: it has the stored state, and updates are stored once.

The other tests here use sockets without a client, because they look at single messages.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chaos.picture import differs_in
from realtime.client.python.portal_client import PortalClient, PortalError
from testing.people import Client
from testing.sockets import DEADLINE_SECONDS
from testing.stacks import Stack

pytestmark = pytest.mark.server


def client(stack: Stack, portal_view: str, who: Client) -> PortalClient:
    """A client of a person, in the encoding of the stack."""
    encoding: Any = stack.encoding.name.lower()
    return PortalClient(stack.server.http, portal_view, get_credential=lambda: {"token": who.access}, encoding=encoding)


async def check(stack: Stack, portal_view: str, *portals: PortalClient) -> None:
    """Everybody has, and shows, what their role reads over REST."""
    path = f"/api/portal-views/{portal_view}"
    stored = {"controller": stack.controller.get(path), "viewer": stack.viewer.get(path)}
    async with asyncio.timeout(DEADLINE_SECONDS):
        for portal in portals:
            await portal.until(lambda portal: portal.version == stored[portal.role]["version"])
            assert differs_in(portal.confirmed, stored[portal.role]) == []
            assert portal.state == portal.confirmed


async def test_each_change_reaches_everybody(stack: Stack, portal_view: str) -> None:
    async with (
        client(stack, portal_view, stack.controller) as one,
        client(stack, portal_view, stack.editor) as other,
        client(stack, portal_view, stack.viewer) as viewer,
    ):
        goblin = await one.add_item({"name": "Goblin", "hp": 7})
        await one.batch([{"type": "item-add", "payload": {"slug": "spy", "visible": False}, "index": 0}])
        await one.update_item(goblin.item_id, {"hp": 3, "name": "Wounded goblin"}, conditions=["prone"])
        await other.until(lambda portal: portal.version == one.version)
        await other.move_item(goblin.item_id, 0)
        order = [{"itemId": goblin.item_id, "initiative": 12}]
        await other.update(currentItem=0, showEncounter=True, encounter={"round": 0, "turn": None, "order": order})
        await other.next_turn()
        await other.previous_turn()
        await other.set_camera({"x": 0.5, "y": 0.5, "zoom": 2})
        await check(stack, portal_view, one, other, viewer)
        await one.remove_item(goblin.item_id)
        await check(stack, portal_view, one, other, viewer)


async def test_a_refusal_leaves_no_trace(stack: Stack, portal_view: str) -> None:
    async with client(stack, portal_view, stack.controller) as one, client(stack, portal_view, stack.viewer) as viewer:
        for refused in (one.update(currentItem=3), one.remove_item("nobody"), viewer.update(name="Mine")):
            with pytest.raises(PortalError) as caught:
                await refused
            assert caught.value.code in {"invalid-payload", "forbidden"}
        await check(stack, portal_view, one, viewer)


async def test_what_waited_while_the_line_was_down_is_stored_once(stack: Stack, portal_view: str) -> None:
    async with client(stack, portal_view, stack.controller) as one, client(stack, portal_view, stack.viewer) as viewer:
        first = one.connection_id
        sent = [one.add_item({"name": f"Rat {number}"}) for number in range(5)]
        await asyncio.sleep(0)  # they are on their way
        one._line.cut()  # type: ignore[union-attr]
        waiting = [one.add_item({"name": f"Rat {number}"}) for number in range(5, 10)]
        await one.until(lambda portal: portal.connection_id not in {"", first})
        versions = [stored.version for stored in await asyncio.gather(*sent, *waiting)]
        assert sorted(set(versions)) == versions
        assert [item["name"] for item in one.state["items"]] == [f"Rat {number}" for number in range(10)]
        await check(stack, portal_view, one, viewer)


async def test_a_command_is_relayed_with_its_bytes(stack: Stack, portal_view: str) -> None:
    async with client(stack, portal_view, stack.controller) as one, client(stack, portal_view, stack.viewer) as viewer:
        events = viewer.events("message")
        coming = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        await one.send({"type": "portal-view-update", "payload": {"sound": b"RIFF"}})
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert (await coming).data["payload"] == {"sound": b"RIFF"}
        await events.aclose()
