"""`activity` and `pointer` of a client: answers, refusals, and what the others get."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.models import Library, PortalView, User
from realtime.hub.hub import current_hub
from realtime.news.gestures import pointer_id
from realtime.sessions import handlers
from realtime.tests.clients import Client, Connect

pytestmark = pytest.mark.django_db(transaction=True)

ITEMS = [{"id": "7"}, {"id": "spy", "visible": False}]


@pytest.fixture
def portal_view(library: Library) -> PortalView:
    return PortalView.objects.create(library=library, name="Evening", items=ITEMS)


async def opened(connect: Connect, portal_view: PortalView, *people: User) -> list[Client]:
    return [await connect(person, portal_view) for person in people]


async def test_an_activity_is_acknowledged_and_told_the_other_controllers(
    connect: Connect, portal_view: PortalView, owner: User, editor: User, viewer: User
) -> None:
    sender, other, watcher = await opened(connect, portal_view, owner, editor, viewer)
    assert (await sender.ask("activity", state="editing", target=7))["type"] == "ack"
    assert await other.receive() == {"type": "activity", "from": str(owner.id), "state": "editing", "target": "7"}
    await sender.leave()
    assert await other.receive() == {"type": "activity", "from": str(owner.id), "state": "idle"}
    await watcher.expect_nothing_before_pong()


async def test_a_pointer_is_acknowledged_and_shown(
    connect: Connect, portal_view: PortalView, owner: User, editor: User, viewer: User
) -> None:
    sender, other, watcher = await opened(connect, portal_view, owner, editor, viewer)
    assert (await sender.ask("pointer", itemId=7, x=1, y=0.5))["type"] == "ack"
    shown = {
        "type": "pointer",
        "pointerId": pointer_id(sender.id),
        "role": "controller",
        "itemId": "7",
        "x": 1,
        "y": 0.5,
    }
    assert await other.receive() == {**shown, "from": str(owner.id)}
    assert await watcher.receive() == shown
    await sender.expect_nothing_before_pong()


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("activity", {}, "invalid-message"),
        ("activity", {"state": "asleep"}, "invalid-message"),
        ("activity", {"state": "idle", "target": None}, "invalid-message"),
        ("activity", {"state": "editing", "target": ""}, "invalid-payload"),
        ("pointer", {"x": 0, "y": 0}, "invalid-message"),
        ("pointer", {"itemId": "7", "x": True, "y": 0}, "invalid-message"),
        ("pointer", {"itemId": "7", "x": "0", "y": 0}, "invalid-message"),
        ("pointer", {"itemId": "7", "x": 0, "y": 1.01}, "invalid-payload"),
        ("pointer", {"itemId": "nobody", "x": 0, "y": 0}, "invalid-payload"),
    ],
)
async def test_a_bad_gesture_is_refused_and_reaches_nobody(
    connect: Connect, portal_view: PortalView, owner: User, editor: User, kind: str, body: dict[str, Any], code: str
) -> None:
    sender, other = await opened(connect, portal_view, owner, editor)
    assert (await sender.ask(kind, **body))["code"] == code
    await other.expect_nothing_before_pong()


async def test_a_viewer_points_only_where_it_may(
    connect: Connect, portal_view: PortalView, owner: User, viewer: User
) -> None:
    watcher, sender = await opened(connect, portal_view, owner, viewer)
    at = {"x": 0, "y": 0}
    assert (await sender.ask("pointer", itemId="7", **at))["code"] == "forbidden"
    await watcher.ask("portal-view-update", payload={"viewersMayPoint": True})
    await sender.receive("portal-view-updated")
    refused = [await sender.ask("pointer", itemId=item_id, **at) for item_id in ("spy", "nobody")]
    assert [{**error, "ref": None} for error in refused[:1]] == [{**error, "ref": None} for error in refused[1:]]
    assert refused[0]["code"] == "invalid-payload"
    assert (await sender.ask("pointer", itemId="7", **at))["type"] == "ack"
    shown = await watcher.receive("pointer")
    assert (shown["from"], shown["role"], shown["itemId"]) == (str(viewer.id), "viewer", "7")


async def test_the_portal_view_is_gone(
    connect: Connect, portal_view: PortalView, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    [sender] = await opened(connect, portal_view, owner)
    monkeypatch.setattr(type(current_hub()), "gestures_of", lambda hub, connection: None)
    assert (await sender.ask("pointer", itemId="7", x=0, y=0))["code"] == "not-found"
    assert (await sender.ask("activity", state="idle"))["code"] == "not-found"


def test_every_message_has_its_handler() -> None:
    assert {"activity", "pointer"} <= {str(message.__struct_config__.tag) for message in handlers.HANDLERS}
