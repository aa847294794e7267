"""This process's channel: opened with the first group, closed with the last, and a layer that fails or hangs."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.typing import EventDict

from realtime.hub import subscriptions
from realtime.hub.subscriptions import Subscriptions
from realtime.news.seal import NotAuthentic
from realtime.news.structs import AnyNews, MessageNews, portal_view_group, to_message
from realtime.tests.clients import DEADLINE_SECONDS, until
from realtime.tests.doubles import PORTAL_VIEW_ID, news

UNREADABLE = "unreadable"


class Layer(InMemoryChannelLayer):
    """A channel layer that records its calls, and fails or hangs on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.errors: list[Exception] = []
        self.hang = False

    async def _asked(self, call: str) -> None:
        self.calls.append(call)
        if self.errors:
            raise self.errors.pop(0)
        if self.hang:
            await asyncio.Event().wait()

    async def new_channel(self, prefix: str = "specific.") -> str:
        await self._asked("new_channel")
        return str(await super().new_channel(prefix))

    async def group_add(self, group: str, channel: str) -> None:
        await self._asked(f"add {group}")
        await super().group_add(group, channel)

    async def receive(self, channel: str) -> dict[str, Any]:
        message: dict[str, Any] = await super().receive(channel)
        if message == {"type": UNREADABLE}:
            raise ValueError("It can't be unpacked")
        return message

    async def group_discard(self, group: str, channel: str) -> None:
        await self._asked(f"discard {group}")
        await super().group_discard(group, channel)


class DrivenHub:
    """Subscriptions, with the news received."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.heard: list[AnyNews] = []
        self.subscriptions = Subscriptions(self.heard.append)

    async def add(self, group: str) -> bool:
        """Join a group."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.subscriptions.add(group)

    async def discard(self, group: str, *, wanted: bool = False) -> None:
        """Leave a group, unless it is needed."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.subscriptions.discard(group, unless=lambda: wanted)

    async def hears(self, group: str) -> bool:
        """Whether a message to the group is received."""
        before = len(self.heard)
        await self.layer.group_send(group, to_message(news(1)))
        if not self.layer.groups.get(group):
            return len(self.heard) > before
        await until(lambda: len(self.heard) > before, "the news")
        return True

    def is_listening(self) -> bool:
        """Whether there is a task."""
        return self.subscriptions._open is not None


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> Layer:
    layer = Layer()
    monkeypatch.setattr(subscriptions, "require_layer", lambda: layer)
    return layer


@pytest.fixture
def driven(layer: Layer) -> DrivenHub:
    return DrivenHub(layer)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the layer little time to answer."""
    monkeypatch.setattr(subscriptions, "ANSWER_SECONDS", 0.02)


# --- Opening and closing -----------------------------------------------------------------------------------


async def test_the_first_group_opens_and_the_last_closes(driven: DrivenHub) -> None:
    assert not driven.is_listening()
    assert await driven.add("a")
    assert await driven.add("b")
    assert driven.is_listening()
    assert await driven.hears("a")
    assert await driven.hears("b")
    await driven.discard("a")
    assert not await driven.hears("a")
    assert await driven.hears("b")
    await driven.discard("b")
    assert not driven.is_listening()
    assert driven.layer.calls == ["new_channel", "add a", "add b", "discard a", "discard b"]


async def test_the_channel_can_be_reopened(driven: DrivenHub) -> None:
    for _ in range(2):
        await driven.add("a")
        assert await driven.hears("a")
        await driven.discard("a")
    assert driven.layer.calls.count("new_channel") == 2


async def test_a_group_that_is_needed_again_is_kept(driven: DrivenHub) -> None:
    await driven.add("a")
    await driven.discard("a", wanted=True)
    assert await driven.hears("a")
    await driven.discard("a")


async def test_leaving_without_any_group_does_nothing(driven: DrivenHub) -> None:
    await driven.discard("a")
    assert driven.layer.calls == []


async def test_joining_and_leaving_do_not_overtake_each_other(driven: DrivenHub) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(
            driven.add("a"), driven.discard("a"), driven.add("a"), driven.discard("a"), driven.add("a")
        )
    assert await driven.hears("a")
    assert driven.layer.calls == ["new_channel", "add a", "discard a"] * 2 + ["new_channel", "add a"]
    await driven.discard("a")


# --- A layer that fails ------------------------------------------------------------------------------------

AWAY: list[Exception] = [ConnectionRefusedError("refused"), RedisConnectionError("refused")]


@pytest.mark.parametrize("error", AWAY)
@pytest.mark.parametrize("tried_before", [False, True])
async def test_a_failed_join_can_be_repeated(
    driven: DrivenHub, logged: list[EventDict], error: Exception, tried_before: bool
) -> None:
    if tried_before:
        await driven.add("b")
    driven.layer.errors = [error]
    assert not await driven.add("a")
    assert [(entry["event"], entry["group"]) for entry in logged] == [("group_not_joined", "a")]
    assert await driven.add("a")
    assert await driven.hears("a")
    for group in "ab":
        await driven.discard(group)
    assert not driven.is_listening()


async def test_the_channel_is_closed_even_if_its_first_group_was_not_joined(driven: DrivenHub) -> None:
    await driven.add("a")
    await driven.discard("a")
    driven.layer.calls.clear()

    async def fail(group: str, channel: str) -> None:
        raise ConnectionRefusedError("refused")

    add, driven.layer.group_add = driven.layer.group_add, fail  # type: ignore[method-assign]
    assert not await driven.add("a")
    driven.layer.group_add = add  # type: ignore[method-assign]
    assert driven.is_listening()
    await driven.discard("a")
    assert not driven.is_listening()


@pytest.mark.parametrize("error", AWAY)
async def test_a_failed_leave_is_forgotten(driven: DrivenHub, logged: list[EventDict], error: Exception) -> None:
    await driven.add("a")
    driven.layer.errors = [error]
    await driven.discard("a")
    assert not driven.is_listening()
    assert [(entry["event"], entry["group"]) for entry in logged] == [("group_not_left", "a")]
    await driven.layer.flush()


@pytest.mark.usefixtures("hurried")
async def test_a_layer_that_does_not_answer_is_not_waited_for(driven: DrivenHub, logged: list[EventDict]) -> None:
    await driven.add("a")
    driven.layer.hang = True
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await asyncio.gather(*(driven.add(f"b{number}") for number in range(20))) == [False] * 20
    await driven.discard("a")
    assert not driven.is_listening()
    assert [entry["event"] for entry in logged] == ["group_not_joined"] * 20 + ["group_not_left"]
    await driven.layer.flush()


async def test_another_error_is_a_bug(driven: DrivenHub) -> None:
    driven.layer.errors = [ZeroDivisionError("a bug")]
    with pytest.raises(ZeroDivisionError):
        await driven.add("a")
    assert not driven.is_listening()


# --- News --------------------------------------------------------------------------------------------------


async def test_undeliverable_news_stops_nobody(driven: DrivenHub, logged: list[EventDict]) -> None:
    heard: list[Any] = []

    def hear(told: AnyNews) -> None:
        if not heard:
            heard.append("bad")
            raise ZeroDivisionError("a bug")
        assert isinstance(told, MessageNews)
        heard.append(told.version)

    driven.subscriptions = Subscriptions(hear)
    await driven.add("a")
    for version in (1, 2):
        await driven.layer.group_send("a", to_message(news(version)))
    await until(lambda: len(heard) == 2, "the good news")
    assert heard == ["bad", 2]
    [entry] = logged
    assert (entry["event"], entry["group"]) == ("news_not_delivered", portal_view_group(PORTAL_VIEW_ID))
    assert "ZeroDivisionError" in entry["exception"]
    assert "at 1" not in str(entry)
    await driven.discard("a")


@pytest.mark.parametrize(
    "message", [{"type": UNREADABLE}, "no news", {"event": "message"}, {"type": "portal_view.news"}]
)
async def test_an_invalid_message_stops_nobody(driven: DrivenHub, logged: list[EventDict], message: Any) -> None:
    await driven.add("a")
    (channel,) = driven.layer.groups["a"]
    driven.layer.channels.setdefault(channel, asyncio.Queue()).put_nowait((float("inf"), message))
    assert await driven.hears("a")
    [entry] = logged
    assert entry["event"] == "news_not_read"
    await driven.discard("a")


async def test_unauthentic_news_is_counted_and_logged_once(
    driven: DrivenHub, logged: list[EventDict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "REPORT_SECONDS", 0.02)
    forged = ["tag"] * 500 + ["replay"]
    receive = driven.layer.receive

    async def receive_after_forged(channel: str) -> Any:
        if forged:
            raise NotAuthentic(forged.pop())
        return await receive(channel)

    monkeypatch.setattr(driven.layer, "receive", receive_after_forged)
    await driven.add("a")
    assert await driven.hears("a")
    await until(lambda: sum(entry["count"] for entry in logged) == 501, "the report")
    assert {entry["event"] for entry in logged} == {"news_not_authentic"}
    assert sum((Counter(entry["reasons"]) for entry in logged), Counter()) == {"tag": 500, "replay": 1}
    assert len(logged) < 20
    await driven.discard("a")
