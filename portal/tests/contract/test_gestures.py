"""Activity and pointers over real sockets: who is told what, what viewers never learn, and that nothing is stored."""

from __future__ import annotations

import time
from typing import Any

import pytest

from realtime.protocol.encodings import SUBPROTOCOL
from realtime.rooms.gestures import HOLD_SECONDS
from testing.sockets import Message, PortalSocket, open_socket, portal_view_path
from testing.stacks import Stack
from testing.tokens import user_id_of

ITEMS = [{"id": "map", "name": "Mill"}, {"id": "trap", "visible": False}]
AT = {"x": 0.25, "y": 1}

pytestmark = pytest.mark.server


@pytest.fixture
def portal_view(stack: Stack) -> str:
    return stack.new_portal_view(items=ITEMS)


async def ask(socket: PortalSocket, kind: str, **body: Any) -> Message:
    """Send a message with a ref, and take its answer, which comes next."""
    await socket.send(kind, ref="asked", **body)
    answer = await socket.receive()
    assert answer.get("ref") == "asked", answer
    return answer


async def nothing_until_now(sender: PortalSocket, *others: PortalSocket) -> None:
    """Assert that the others get nothing but a command that is sent now: news keeps its order."""
    await ask(sender, "portal-view-update", payload={"zoom": 1})
    for other in others:
        assert (await other.receive("portal-view-updated"))["payload"] == {"zoom": 1}


async def test_controllers_are_told_who_edits_and_viewers_nothing(stack: Stack, portal_view: str) -> None:
    async with (
        stack.join_all(portal_view, stack.editor, stack.viewer) as (other, watcher),
        stack.join(portal_view, stack.controller) as (sender, _),
    ):
        who = {"type": "activity", "from": user_id_of(stack.controller.access)}
        assert (await ask(sender, "activity", state="editing", target="trap"))["type"] == "ack"
        assert await other.receive() == {**who, "state": "editing", "target": "trap"}
        await ask(sender, "activity", state="idle")
        assert await other.receive() == {**who, "state": "idle"}  # within a second
        await nothing_until_now(sender, other, watcher)


async def test_editing_ends_with_the_socket(stack: Stack, portal_view: str) -> None:
    async with stack.join(portal_view, stack.editor) as (other, _):
        async with stack.join(portal_view, stack.controller) as (sender, _):
            await sender.send("activity", state="editing")
            assert (await other.receive("activity"))["state"] == "editing"
        assert (await other.receive("activity"))["state"] == "idle"


async def test_editing_ends_by_itself(stack: Stack, portal_view: str) -> None:
    async with stack.join_all(portal_view, stack.controller, stack.editor) as (sender, other):
        await sender.send("activity", state="editing", target="map")
        assert (await other.receive("activity"))["state"] == "editing"
        began = time.monotonic()
        ended = await other.receive("activity")
        assert (ended["state"], ended["from"]) == ("idle", user_id_of(stack.controller.access))
        assert HOLD_SECONDS - 0.5 < time.monotonic() - began < HOLD_SECONDS + 2


async def test_viewers_get_a_bare_flag_if_the_library_shows_it(stack: Stack) -> None:
    library = stack.controller.post("/api/libraries", {"name": "Shown"})["id"]
    portal_view = stack.controller.post(f"/api/libraries/{library}/portal-views", {"name": "Evening"})["id"]
    share = stack.controller.post(f"/api/portal-views/{portal_view}/share-links", {"label": "Hall"})["token"]
    path = portal_view_path(portal_view)
    async with (
        stack.join_all(portal_view, stack.controller, stack.controller) as (sender, other),
        open_socket(stack.server.ws, path, subprotocols=[SUBPROTOCOL, f"share.{share}"]) as guest,
    ):
        await guest.receive("connected")
        await ask(sender, "activity", state="editing")
        await other.receive("activity")
        await nothing_until_now(sender, guest, other)
        stack.controller.patch(f"/api/libraries/{library}", {"showActivity": True})
        for socket in (sender, other, guest):  # the whole state, as after another disclosure
            assert (await socket.receive("portal-view-updated"))["version"] == 2
        await ask(sender, "activity", state="editing", target="map")
        assert await guest.receive() == {"type": "activity", "state": "editing"}
        assert (await other.receive("activity"))["target"] == "map"
        await ask(sender, "activity", state="idle")
        assert await guest.receive() == {"type": "activity", "state": "idle"}
        assert (await other.receive("activity"))["state"] == "idle"
        await ask(sender, "portal-view-update", payload={"blackout": True})
        for socket in (other, guest):
            await socket.receive("portal-view-updated")
        await ask(sender, "activity", state="editing")
        await other.receive("activity")
        await nothing_until_now(sender, guest, other)


async def test_a_pointer_reaches_all_others_and_is_not_stored(stack: Stack, portal_view: str) -> None:
    before = stack.controller.get(f"/api/portal-views/{portal_view}")
    async with stack.join_all(portal_view, stack.controller, stack.editor, stack.viewer) as (sender, other, watcher):
        assert (await ask(sender, "pointer", itemId="map", **AT))["version"] == before["version"]
        told, shown = await other.receive("pointer"), await watcher.receive("pointer")
        assert {key: told[key] for key in ("from", "itemId", "role")} == {
            "from": user_id_of(stack.controller.access),
            "itemId": "map",
            "role": "controller",
        }
        assert shown == {key: value for key, value in told.items() if key != "from"}
        assert {key: shown[key] for key in AT} == AT
        await sender.expect_nothing_before_pong()
    assert stack.controller.get(f"/api/portal-views/{portal_view}") == before


async def test_viewers_get_no_pointer_at_a_hidden_item_or_during_blackout(stack: Stack, portal_view: str) -> None:
    async with stack.join_all(portal_view, stack.controller, stack.editor, stack.viewer) as (sender, other, watcher):
        await ask(sender, "pointer", itemId="trap", **AT)
        assert (await other.receive("pointer"))["itemId"] == "trap"
        await nothing_until_now(sender, other, watcher)
        await ask(sender, "portal-view-update", payload={"blackout": True})
        for socket in (other, watcher):
            await socket.receive("portal-view-updated")
        await ask(sender, "pointer", itemId="map", **AT)
        assert (await other.receive("pointer"))["itemId"] == "map"
        await nothing_until_now(sender, other, watcher)


async def test_a_pointer_that_waits_when_a_blackout_begins_reaches_no_viewer(stack: Stack, portal_view: str) -> None:
    async with stack.join_all(portal_view, stack.controller, stack.editor, stack.viewer) as (sender, other, watcher):
        await sender.send("pointer", itemId="map", x=0, y=0)
        assert (await watcher.receive("pointer"))["x"] == 0
        await sender.send("pointer", itemId="map", x=1, y=0)  # waits for a tenth of a second
        await ask(sender, "portal-view-update", payload={"blackout": True})
        while (told := await other.receive())["type"] != "pointer" or told["x"] != 1:
            pass  # controllers get it, before or after the blackout
        while (shown := await watcher.receive())["type"] == "pointer":
            pass  # from before
        assert shown["payload"]["blackout"] is True
        await nothing_until_now(sender, watcher)


async def test_a_viewer_points_if_it_may_and_cannot_look_for_hidden_items(stack: Stack, portal_view: str) -> None:
    async with stack.join_all(portal_view, stack.controller, stack.viewer, stack.viewer) as (master, sender, watcher):
        assert (await ask(sender, "pointer", itemId="map", **AT))["code"] == "forbidden"
        await ask(master, "portal-view-update", payload={"viewersMayPoint": True})
        for socket in (sender, watcher):
            assert (await socket.receive("portal-view-updated"))["payload"] == {"viewersMayPoint": True}
        hidden, unknown = [await ask(sender, "pointer", itemId=item_id, **AT) for item_id in ("trap", "nobody")]
        assert hidden == unknown
        assert (hidden["type"], hidden["code"]) == ("error", "invalid-payload")
        assert (await ask(sender, "pointer", itemId="map", **AT))["type"] == "ack"
        told, shown = await master.receive("pointer"), await watcher.receive("pointer")
        assert (told["from"], told["role"]) == (user_id_of(stack.viewer.access), "viewer")
        assert shown == {key: value for key, value in told.items() if key != "from"}


async def test_bad_values_are_refused_by_place(stack: Stack, portal_view: str) -> None:
    async with stack.join(portal_view, stack.controller) as (sender, _):
        error = await ask(sender, "pointer", itemId="map", x=-1, y=2)
        assert (error["code"], list(error["details"])) == ("invalid-payload", ["x", "y"])
        assert (await ask(sender, "pointer", itemId="map", x="0", y=0))["code"] == "invalid-message"
        assert (await ask(sender, "activity", state="away"))["code"] == "invalid-message"
        assert list((await ask(sender, "activity", state="idle", target="a\0"))["details"]) == ["target"]
