"""The channel layer: publishing, and a layer that fails, hangs, is left alone and comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer
from django.core.exceptions import ImproperlyConfigured
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.typing import EventDict

from libraries.rules.errors import Unavailable
from realtime.news import layer
from realtime.news.layer import publish, require_layer
from realtime.tests.clients import DEADLINE_SECONDS
from realtime.tests.doubles import news


class Layer(InMemoryChannelLayer):
    """A channel layer that fails or hangs on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.tried = 0
        self.error: Exception | None = None
        self.hang = False

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self.tried += 1
        if self.hang:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        self.sent.append(group)


class Clock:
    """A monotonic clock that moves on demand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(layer, "time", clock)
    return clock


async def test_the_in_process_layer_looks_for_expired_messages_once_per_second(clock: Clock) -> None:
    one = layer.MemoryChannelLayer()
    channel, passed_over = await one.new_channel(), await one.new_channel()
    one.groups = {"portal-view": {channel: 1.0}}  # a member since 1970
    one._clean_expired()
    assert one.groups == {"portal-view": {}}
    one.groups = {"portal-view": {passed_over: 1.0}}
    one._clean_expired()
    assert one.groups["portal-view"] == {passed_over: 1.0}
    clock.now += layer.CLEAN_SECONDS
    one._clean_expired()
    assert one.groups == {"portal-view": {}}


@pytest.fixture
def channel_layer(monkeypatch: pytest.MonkeyPatch) -> Layer:
    channel_layer = Layer()
    monkeypatch.setattr(layer, "get_channel_layer", lambda: channel_layer)
    return channel_layer


async def fails() -> None:
    """Assert that publishing raises a retryable error."""
    with pytest.raises(Unavailable, match="try again"):
        await asyncio.wait_for(publish(news(1)), DEADLINE_SECONDS)


def test_without_a_layer_in_the_settings_nothing_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer, "get_channel_layer", lambda: None)
    with pytest.raises(ImproperlyConfigured):
        require_layer()


async def test_news_goes_to_its_portal_views_group(channel_layer: Layer, logged: list[EventDict]) -> None:
    await publish(news(1))
    assert channel_layer.sent == [f"portal-view.{news(1).portal_view_id}"]
    assert logged == []


@pytest.mark.parametrize("error", [ConnectionRefusedError("refused"), RedisConnectionError("refused")])
async def test_a_layer_that_fails_is_left_alone_for_a_moment(
    channel_layer: Layer, clock: Clock, logged: list[EventDict], error: Exception
) -> None:
    channel_layer.error = error
    await fails()
    clock.now += layer.PAUSE_SECONDS - 0.01
    await fails()
    assert channel_layer.tried == 1
    clock.now += 0.01
    await fails()
    assert channel_layer.tried == 2
    assert [entry["event"] for entry in logged] == ["channel_layer_away"]


async def test_a_recovered_layer_is_used_again_and_logged_once(
    channel_layer: Layer, clock: Clock, logged: list[EventDict]
) -> None:
    channel_layer.error = ConnectionRefusedError("refused")
    await fails()
    channel_layer.error = None
    clock.now += layer.PAUSE_SECONDS
    await publish(news(1))
    await publish(news(2))
    assert len(channel_layer.sent) == 2
    assert [entry["event"] for entry in logged] == ["channel_layer_away", "channel_layer_back"]
    channel_layer.error = ConnectionRefusedError("refused")
    await fails()
    assert logged[-1]["event"] == "channel_layer_away"


async def test_a_layer_that_does_not_answer_is_not_waited_for(
    channel_layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer, "ANSWER_SECONDS", 0.01)
    channel_layer.hang = True
    await fails()
    await fails()
    assert channel_layer.tried == 1


async def test_another_error_is_a_bug(channel_layer: Layer) -> None:
    channel_layer.error = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        await publish(news(1))
    channel_layer.error = None
    await publish(news(1))
    assert len(channel_layer.sent) == 1
