"""What goes to the other processes: one piece of news for each call, with a ready text for each role."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer
from redis.exceptions import ConnectionError as RedisConnectionError

from libraries.errors import Unavailable
from libraries.roles import Role
from realtime import broadcast, layer
from realtime.groups import NEWS, portal_view_group

PORTAL_VIEW_ID = UUID("0195d5a0-0000-7000-8000-000000000001")
USER_ID = UUID("0195d5a0-0000-7000-8000-000000000002")
DEADLINE_SECONDS = 5


class Listener:
    """Another process: it is in the portal view's group."""

    def __init__(self, channel_layer: InMemoryChannelLayer) -> None:
        self._layer = channel_layer
        self._channel = ""

    async def join(self) -> None:
        self._channel = await self._layer.new_channel()
        await self._layer.group_add(portal_view_group(PORTAL_VIEW_ID), self._channel)

    async def hear(self) -> dict[str, Any]:
        """The next news; the texts in it decoded."""
        news: Any = await asyncio.wait_for(self._layer.receive(self._channel), DEADLINE_SECONDS)
        assert (news["type"], news["portalViewId"]) == (NEWS, str(PORTAL_VIEW_ID))
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
    return {"type": NEWS, "event": "message", "portalViewId": str(PORTAL_VIEW_ID), **more}


def updated(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "portal-view-updated", "payload": payload, **more}


async def test_a_stored_patch_has_a_version_and_a_text_for_each_role(listener: Listener) -> None:
    update = sync_to_async(broadcast.broadcast_portal_view_update)
    await update(PORTAL_VIEW_ID, {"a": 1, "gm": 2}, viewers={"a": 1}, version=7, sender="c1")
    assert await listener.hear() == message(
        version=7,
        sender="c1",
        controllers=updated({"a": 1, "gm": 2}, version=7),
        viewers=updated({"a": 1}, version=7),
    )


async def test_viewers_who_may_see_nothing_hear_nothing(listener: Listener) -> None:
    await sync_to_async(broadcast.broadcast_portal_view_update)(str(PORTAL_VIEW_ID), {"gm": 2}, viewers={}, version=7)
    assert await listener.hear() == message(version=7, controllers=updated({"gm": 2}, version=7))


async def test_what_viewers_get_of_relayed_keys_alone_has_no_version(listener: Listener) -> None:
    await sync_to_async(broadcast.broadcast_portal_view_update)(
        PORTAL_VIEW_ID, {"gm": 2, "zoom": 1}, viewers={"zoom": 1}, version=7, viewers_stored=False
    )
    heard = await listener.hear()
    assert (heard["version"], heard["viewers"]) == (7, updated({"zoom": 1}))
    assert heard["controllers"]["version"] == 7


async def test_from_a_plain_shell_viewers_get_what_no_flag_could_hide(listener: Listener) -> None:
    payload = {"zoom": 2, "hp": 3, "gmNotes": "trap", "items": [{"id": "a", "hp": 3}], "currentItem": 1, "name": "N"}
    await sync_to_async(broadcast.broadcast_portal_view_update)(PORTAL_VIEW_ID, payload)
    assert await listener.hear() == message(controllers=updated(payload), viewers=updated({"zoom": 2, "name": "N"}))


async def test_viewers_get_the_version_of_what_was_stored_unless_told_otherwise() -> None:
    news = texts_decoded(broadcast.portal_view_update_news(PORTAL_VIEW_ID, {"name": "N"}, version=7))
    assert news["viewers"] == updated({"name": "N"}, version=7)


async def test_a_command_can_be_relayed_from_a_coroutine(listener: Listener) -> None:
    await broadcast.abroadcast_portal_view_update(PORTAL_VIEW_ID, {"zoom": 2}, sender="c1")
    assert await listener.hear() == message(sender="c1", controllers=updated({"zoom": 2}), viewers=updated({"zoom": 2}))
    await broadcast.abroadcast_portal_view_update(PORTAL_VIEW_ID, {"hp": 2}, viewers={"hp": 2}, as_of=4)
    assert await listener.hear() == message(asOf=4, controllers=updated({"hp": 2}), viewers=updated({"hp": 2}))
    await sync_to_async(broadcast.broadcast_portal_view_update)(PORTAL_VIEW_ID, {"hp": 2}, viewers={"hp": 2}, as_of=0)
    assert (await listener.hear())["asOf"] == 0


async def test_an_items_patch_names_the_item_and_its_place(listener: Listener) -> None:
    await sync_to_async(broadcast.broadcast_item_update)(
        PORTAL_VIEW_ID, "a", {"hp": 3, "x": 1}, viewers={"x": 1}, index=0, version=7, sender="c1"
    )
    rest = {"type": "item-updated", "index": 0, "version": 7}
    assert await listener.hear() == message(
        version=7,
        sender="c1",
        controllers={**rest, "payload": {"itemId": "a", "hp": 3, "x": 1}},
        viewers={**rest, "payload": {"itemId": "a", "x": 1}},
    )


async def test_an_item_that_is_not_stored_has_no_place(listener: Listener) -> None:
    await broadcast.abroadcast_item_update(PORTAL_VIEW_ID, "a", {"hp": 3}, viewers={}, as_of=5, sender="c1")
    controllers = {"type": "item-updated", "payload": {"itemId": "a", "hp": 3}}
    assert await listener.hear() == message(asOf=5, sender="c1", controllers=controllers)


def test_an_items_own_key_never_takes_the_place_of_its_id() -> None:
    news = texts_decoded(broadcast.item_update_news("p", "a", {"itemId": "b"}, viewers={"x": 1, "itemId": "b"}))
    assert news["controllers"]["payload"] == {"itemId": "a"}
    assert news["viewers"]["payload"] == {"itemId": "a", "x": 1}


async def test_a_sync_response_goes_to_viewers_alone(listener: Listener) -> None:
    viewers = {"type": "sync-response", "payload": {"items": []}, "version": 3, "source": "controller"}
    await broadcast.abroadcast_sync_response(PORTAL_VIEW_ID, {"items": []}, version=3)
    assert await listener.hear() == message(viewers=viewers)
    await broadcast.abroadcast_sync_response(PORTAL_VIEW_ID, {"items": []}, version=3, as_of=2, to="c9")
    assert await listener.hear() == message(viewers=viewers, asOf=2, to="c9")


async def test_a_question_and_the_word_that_it_was_heard(listener: Listener) -> None:
    await broadcast.abroadcast_sync_requested(PORTAL_VIEW_ID, user_id="u", connection_id="c")
    assert await listener.hear() == {**message(userId="u", sender="c"), "event": "sync-requested"}
    await broadcast.abroadcast_sync_heard(PORTAL_VIEW_ID, connection_id="c")
    assert await listener.hear() == {**message(to="c"), "event": "sync-heard"}


async def test_the_end_of_a_portal_view(listener: Listener) -> None:
    await sync_to_async(broadcast.broadcast_deleted)(PORTAL_VIEW_ID)
    assert await listener.hear() == {**message(), "event": "deleted"}


@pytest.mark.parametrize(
    ("role", "expected"),
    [(Role.OWNER, "controller"), (Role.EDITOR, "controller"), (Role.VIEWER, "viewer"), (None, None)],
)
async def test_a_persons_new_role(listener: Listener, role: Role | None, expected: str | None) -> None:
    await sync_to_async(broadcast.broadcast_access)(PORTAL_VIEW_ID, USER_ID, role, 7)
    told = {"event": "access", "userId": str(USER_ID), "role": expected, "accessVersion": 7}
    assert await listener.hear() == {**message(), **told}


COMMANDS: list[Callable[[], Any]] = [
    lambda: broadcast.abroadcast_portal_view_update("p", {"a": 1}),
    lambda: broadcast.abroadcast_item_update("p", "a", {}, viewers={}),
    lambda: broadcast.abroadcast_sync_response("p", {}, version=1),
    lambda: broadcast.abroadcast_sync_requested("p", user_id="u", connection_id="c"),
    lambda: broadcast.abroadcast_sync_heard("p", connection_id="c"),
]
WRITES: list[Callable[[], None]] = [
    lambda: broadcast.broadcast_portal_view_update("p", {"a": 1}, version=1),
    lambda: broadcast.broadcast_item_update("p", "a", {}, viewers={}, version=1),
    lambda: broadcast.broadcast_deleted("p"),
    lambda: broadcast.broadcast_access("p", "u", None, 1),
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("broken")
async def test_who_sends_a_command_is_told_that_it_went_nowhere(command: Callable[[], Any]) -> None:
    with pytest.raises(Unavailable, match="try again") as refusal:
        await command()
    assert refusal.value.code == "unavailable"


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.usefixtures("broken")
def test_who_stored_something_is_not_stopped_by_a_layer_that_is_away(write: Callable[[], None]) -> None:
    write()


@pytest.mark.parametrize("write", WRITES)
def test_news_can_be_collected_and_published_later(write: Callable[[], None], channel_layer: Any) -> None:
    with broadcast.collect() as collected:
        write()
        with broadcast.collect() as inner:
            write()
        write()
    assert collected == inner * 2
    assert len(inner) == 1
    assert channel_layer.channels == {}


async def test_collected_news_are_published_in_order(listener: Listener) -> None:
    with broadcast.collect() as collected:
        broadcast.broadcast_access(PORTAL_VIEW_ID, USER_ID, None, 1)
        broadcast.broadcast_deleted(PORTAL_VIEW_ID)
    await broadcast.publish_stored(collected)
    assert [(await listener.hear())["event"] for _ in collected] == ["access", "deleted"]


@pytest.mark.usefixtures("broken")
async def test_collected_news_of_what_is_stored_may_be_lost() -> None:
    with broadcast.collect() as collected:
        broadcast.broadcast_deleted(PORTAL_VIEW_ID)
    await broadcast.publish_stored(collected)


def test_collecting_ends_with_an_error() -> None:
    with pytest.raises(RuntimeError), broadcast.collect():
        raise RuntimeError
    assert broadcast._collected.get() is None
