"""The news for the other processes: one piece for each event or command, with a ready text for each role."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer
from redis.exceptions import ConnectionError as RedisConnectionError

from libraries.events import AccessChanged, DisclosureChanged, Event, PortalViewChanged, PortalViewDeleted
from libraries.rules.edits import Added, Seen, Updated
from libraries.rules.errors import Unavailable
from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Subject
from realtime import broadcast
from realtime.news import layer
from realtime.news.compose import patch_news, sync_response_news, unknown_item_news
from realtime.news.layer import publish
from realtime.news.publish import on_event, publish_events
from realtime.news.structs import (
    TYPE,
    News,
    SyncHeardNews,
    SyncRequestedNews,
    from_message,
    portal_view_group,
    to_message,
)

PORTAL_VIEW_ID = UUID("0195d5a0-0000-7000-8000-000000000001")
USER_ID = UUID("0195d5a0-0000-7000-8000-000000000002")
DEADLINE_SECONDS = 5


class Listener:
    """Another process: a member of the portal view's group."""

    def __init__(self, channel_layer: InMemoryChannelLayer) -> None:
        self._layer = channel_layer
        self._channel = ""

    async def join(self) -> None:
        self._channel = await self._layer.new_channel()
        await self._layer.group_add(portal_view_group(PORTAL_VIEW_ID), self._channel)

    async def hear(self) -> dict[str, Any]:
        """The next news, with decoded texts."""
        news: Any = await asyncio.wait_for(self._layer.receive(self._channel), DEADLINE_SECONDS)
        assert (news["type"], news["portalViewId"]) == (TYPE, str(PORTAL_VIEW_ID))
        committed_at = news.pop("committedAt", None)
        assert (committed_at is None) == ("version" not in news)
        assert committed_at is None or 0 <= time.time() - committed_at < DEADLINE_SECONDS
        return texts_decoded(news)


def texts_decoded(news: Any) -> dict[str, Any]:
    return {key: json.loads(text) if key in {"controllers", "viewers"} else text for key, text in news.items()}


@pytest.fixture
def channel_layer(monkeypatch: pytest.MonkeyPatch) -> InMemoryChannelLayer:
    channel_layer = InMemoryChannelLayer()
    monkeypatch.setattr(layer, "get_channel_layer", lambda: channel_layer)
    monkeypatch.setattr(layer._Condition, "try_again_at", 0.0)
    monkeypatch.setattr(layer._Condition, "away", False)
    return channel_layer


@pytest.fixture
async def listener(channel_layer: InMemoryChannelLayer) -> Listener:
    listener = Listener(channel_layer)
    await listener.join()
    return listener


@pytest.fixture(params=[OSError("gone"), RedisConnectionError("gone")], ids=["os", "redis"])
def broken(request: Any, channel_layer: InMemoryChannelLayer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def group_send(group: str, message: Any) -> None:
        raise request.param

    monkeypatch.setattr(channel_layer, "group_send", group_send)


def message(**more: Any) -> dict[str, Any]:
    return {"type": TYPE, "event": "message", "portalViewId": str(PORTAL_VIEW_ID), **more}


def updated(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "portal-view-updated", "payload": payload, **more}


def changed(
    controllers: dict[str, Any] | Seen | None = None, viewers: dict[str, Any] | Seen | None = None, **more: Any
) -> PortalViewChanged:
    told, seen = ({"a": 1} if one is None else one for one in (controllers, viewers))
    usual = {"is_stored": True, "viewers_changed": True, "version": 7, "viewers_version": 4}
    return PortalViewChanged(
        portal_view_id=PORTAL_VIEW_ID,
        controllers=told if isinstance(told, Seen) else Seen(told),
        viewers=seen if isinstance(seen, Seen) else Seen(seen),
        **{**usual, **more},
    )


UNSEEN = Seen()


def item_changed(viewers: Seen = UNSEEN, **patch: Any) -> PortalViewChanged:
    """A change of the item `a`, in the third place for controllers."""
    told = Seen(edits=(Updated("a", patch or {"hp": 3}, 2),))
    return changed(told, viewers, viewers_changed=bool(viewers), sender="c1")


def access(role: PortalRole | None, *portal_view_ids: UUID) -> AccessChanged:
    return AccessChanged(
        library_id=UUID(int=9), portal_view_ids=portal_view_ids, user_id=USER_ID, role=role, access_version=7
    )


async def tell(event: Event) -> None:
    """Send an event as a service does, from a thread."""
    await sync_to_async(on_event)(event=event)


EVENTS: list[Event] = [
    changed(),
    item_changed(),
    item_changed(Seen(edits=(Updated("a", {"text": "x"}, 1),))),
    item_changed(Seen({"currentItem": None}, (Added({"id": "a"}, 1),))),
    DisclosureChanged(library_id=UUID(int=9), portal_view_ids=(PORTAL_VIEW_ID,)),
    PortalViewDeleted(portal_view_id=PORTAL_VIEW_ID),
    access(PortalRole.VIEWER, PORTAL_VIEW_ID),
    access(None, PORTAL_VIEW_ID),
]


async def test_a_stored_patch_has_a_version_and_a_text_for_each_role(listener: Listener) -> None:
    await tell(changed(controllers={"a": 1, "gm": 2}, viewers={"a": 1}, sender="c1"))
    assert await listener.hear() == message(
        version=7,
        viewersVersion=4,
        sender="c1",
        controllers=updated({"a": 1, "gm": 2}, version=7),
        viewers=updated({"a": 1}, version=4),
    )


async def test_viewers_get_nothing_if_they_may_see_nothing(listener: Listener) -> None:
    await tell(changed(controllers={"gm": 2}, viewers={}, viewers_changed=False))
    controllers = updated({"gm": 2}, version=7)
    assert await listener.hear() == message(version=7, viewersVersion=4, controllers=controllers)


async def test_a_viewers_part_with_only_relayed_keys_has_no_version(listener: Listener) -> None:
    await tell(changed(controllers={"gm": 2, "zoom": 1}, viewers={"zoom": 1}, viewers_changed=False))
    heard = await listener.hear()
    assert (heard["version"], heard["viewers"]) == (7, updated({"zoom": 1}))
    assert heard["controllers"]["version"] == 7


async def test_a_relayed_patch_names_the_version_of_its_flags(listener: Listener) -> None:
    await tell(changed(controllers={"hp": 2}, viewers={"hp": 2}, is_stored=False, viewers_changed=False))
    assert await listener.hear() == message(asOf=7, controllers=updated({"hp": 2}), viewers=updated({"hp": 2}))


async def test_from_a_plain_shell_viewers_get_the_keys_that_no_flag_can_hide(listener: Listener) -> None:
    payload = {"zoom": 2, "hp": 3, "gmNotes": "trap", "items": [{"id": "a", "hp": 3}], "currentItem": 1, "name": "N"}
    for portal_view_id in (PORTAL_VIEW_ID, str(PORTAL_VIEW_ID)):
        await sync_to_async(broadcast.broadcast_portal_view_update)(portal_view_id, payload)
        heard = await listener.hear()
        assert heard == message(controllers=updated(payload), viewers=updated({"zoom": 2, "name": "N"}))


def test_viewers_get_their_own_version_of_a_stored_change() -> None:
    news = texts_decoded(to_message(patch_news(PORTAL_VIEW_ID, {"name": "N"}, version=7, viewers_version=4)))
    assert news["viewers"] == updated({"name": "N"}, version=4)
    assert news["controllers"] == updated({"name": "N"}, version=7)


async def test_a_command_can_be_relayed_from_a_coroutine(listener: Listener) -> None:
    await broadcast.abroadcast_portal_view_update(PORTAL_VIEW_ID, {"zoom": 2}, sender="c1")
    assert await listener.hear() == message(sender="c1", controllers=updated({"zoom": 2}), viewers=updated({"zoom": 2}))
    await broadcast.abroadcast_portal_view_update(str(PORTAL_VIEW_ID), {"hp": 2}, viewers={"hp": 2}, as_of=4)
    assert await listener.hear() == message(asOf=4, controllers=updated({"hp": 2}), viewers=updated({"hp": 2}))
    await sync_to_async(broadcast.broadcast_portal_view_update)(PORTAL_VIEW_ID, {"hp": 2}, viewers={"hp": 2}, as_of=0)
    assert (await listener.hear())["asOf"] == 0


@pytest.mark.parametrize("data", [b"hi", bytearray(b"hi"), {"$bytes": "aGk="}], ids=repr)
async def test_values_of_other_code_may_be_bytes(listener: Listener, data: Any) -> None:
    in_json = {"$bytes": "aGk="}
    await broadcast.abroadcast_portal_view_update(PORTAL_VIEW_ID, {"sound": data, "list": [data]})
    everything, shown = updated({"sound": in_json, "list": [in_json]}), updated({"sound": in_json})
    assert await listener.hear() == message(controllers=everything, viewers=shown)
    await sync_to_async(broadcast.broadcast_portal_view_update)(PORTAL_VIEW_ID, {"hp": data}, viewers={"hp": data})
    assert await listener.hear() == message(controllers=updated({"hp": in_json}), viewers=updated({"hp": in_json}))


async def test_an_items_patch_names_the_item_and_its_place_for_each_role(listener: Listener) -> None:
    await tell(item_changed(Seen(edits=(Updated("a", {"text": "x"}, 0),)), hp=3, text="x"))
    assert await listener.hear() == message(
        version=7,
        viewersVersion=4,
        sender="c1",
        controllers={
            "type": "item-updated",
            "index": 2,
            "version": 7,
            "payload": {"itemId": "a", "hp": 3, "text": "x"},
        },
        viewers={"type": "item-updated", "index": 0, "version": 4, "payload": {"itemId": "a", "text": "x"}},
    )


async def test_an_item_that_comes_into_sight_is_added_for_viewers(listener: Listener) -> None:
    await tell(item_changed(Seen({"currentItem": 1}, (Added({"id": "a"}, 0),))))
    heard = await listener.hear()
    added = {"type": "item-added", "item": {"id": "a"}, "index": 0, "currentItem": 1, "version": 4}
    assert heard["viewers"] == added
    assert heard["controllers"]["type"] == "item-updated"


async def test_the_patch_of_an_item_that_viewers_do_not_see_is_none_for_them(listener: Listener) -> None:
    await tell(item_changed())
    assert "viewers" not in await listener.hear()


async def test_an_item_that_is_not_stored_has_no_index_and_is_for_controllers(listener: Listener) -> None:
    await publish(unknown_item_news(PORTAL_VIEW_ID, "a", {"text": "x"}, sender="c1"))
    controllers = {"type": "item-updated", "payload": {"itemId": "a", "text": "x"}}
    assert await listener.hear() == message(sender="c1", controllers=controllers)


async def test_an_items_own_itemid_key_never_replaces_its_id(listener: Listener) -> None:
    await tell(item_changed(Seen(edits=(Updated("a", {"text": "x", "itemId": "b"}, 0),)), itemId="b"))
    heard = await listener.hear()
    assert heard["controllers"]["payload"] == {"itemId": "a"}
    assert heard["viewers"]["payload"] == {"itemId": "a", "text": "x"}


async def test_a_new_disclosure_makes_each_portal_view_stale(listener: Listener) -> None:
    await tell(DisclosureChanged(library_id=UUID(int=9), portal_view_ids=(UUID(int=1), PORTAL_VIEW_ID)))
    assert await listener.hear() == {**message(), "event": "stale"}


async def test_a_sync_response_goes_only_to_viewers(listener: Listener) -> None:
    viewers = {"type": "sync-response", "payload": {"items": []}, "version": 3, "source": "controller"}
    await publish(sync_response_news(PORTAL_VIEW_ID, {"items": []}, version=3))
    assert await listener.hear() == message(viewers=viewers)
    await publish(sync_response_news(PORTAL_VIEW_ID, {"items": []}, version=3, as_of=2, to="c9"))
    assert await listener.hear() == message(viewers=viewers, asOf=2, to="c9")


async def test_a_question_and_its_confirmation(listener: Listener) -> None:
    await publish(SyncRequestedNews(portal_view_id=PORTAL_VIEW_ID, subject=Subject(USER_ID), sender="c"))
    assert await listener.hear() == {**message(subject=[str(USER_ID), False], sender="c"), "event": "sync-requested"}
    await publish(SyncHeardNews(portal_view_id=PORTAL_VIEW_ID, to="c"))
    assert await listener.hear() == {**message(to="c"), "event": "sync-heard"}


async def test_the_deletion_of_a_portal_view(listener: Listener) -> None:
    await tell(PortalViewDeleted(portal_view_id=PORTAL_VIEW_ID))
    assert await listener.hear() == {**message(), "event": "deleted"}


@pytest.mark.parametrize("role", [*PortalRole, None])
async def test_a_persons_new_role_is_sent_to_each_portal_view(listener: Listener, role: PortalRole | None) -> None:
    await tell(access(role, UUID(int=1), PORTAL_VIEW_ID, UUID(int=2), PORTAL_VIEW_ID))
    told = {"event": "access", "subject": [str(USER_ID), False], "role": role, "accessVersion": 7}
    assert [await listener.hear() for _ in range(2)] == [{**message(), **told}] * 2


@pytest.mark.parametrize("event", EVENTS)
async def test_every_event_passes_the_layer_unchanged(listener: Listener, event: Event) -> None:
    sent: list[News] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("realtime.news.publish.send", sent.append)
        on_event(event=event)
    assert [from_message(to_message(news)) for news in sent] == sent


@pytest.mark.parametrize(
    "news",
    [
        patch_news(PORTAL_VIEW_ID, {"a": 1}),
        sync_response_news(PORTAL_VIEW_ID, {}, version=1),
        SyncHeardNews(portal_view_id=PORTAL_VIEW_ID, to="c"),
    ],
)
@pytest.mark.usefixtures("broken")
async def test_a_command_that_is_not_published_raises_an_error(news: News) -> None:
    with pytest.raises(Unavailable, match="try again") as refusal:
        await publish(news)
    assert refusal.value.code == "unavailable"


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.usefixtures("broken")
def test_a_write_succeeds_without_the_layer(event: Event) -> None:
    on_event(event=event)


@pytest.mark.usefixtures("broken")
def test_other_code_succeeds_without_the_layer() -> None:
    broadcast.broadcast_portal_view_update(PORTAL_VIEW_ID, {"a": 1})


@pytest.mark.usefixtures("broken")
async def test_events_of_stored_changes_may_be_lost() -> None:
    await publish_events(EVENTS)


async def test_events_published_by_the_caller_are_not_published_again(listener: Listener) -> None:
    first, second = access(None, PORTAL_VIEW_ID), PortalViewDeleted(portal_view_id=PORTAL_VIEW_ID)
    await sync_to_async(on_event)(event=changed(), is_published=True)
    await publish_events([first, second])
    assert [(await listener.hear())["event"] for _ in range(2)] == ["access", "deleted"]
