"""The figures of a portal view: of this process, of others over the channel layer, and while that is away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer

from libraries.rules.errors import Unavailable
from libraries.rules.figures import Figures, together
from realtime.hub import figures
from realtime.hub.figures import Questions
from realtime.hub.hub import ask_hub
from realtime.news.structs import FiguresAskedNews, FiguresToldNews, from_message, to_message
from realtime.tests.doubles import PORTAL_VIEW_ID, controller, viewer
from realtime.tests.hubs import DrivenHub


class Shared:
    """A channel layer that other processes could use."""

    def __init__(self) -> None:
        self._layer: Any = get_channel_layer()
        self.is_away = False

    def __getattr__(self, name: str) -> Any:
        if self.is_away:
            raise ConnectionRefusedError("refused")
        return getattr(self._layer, name)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Shared:
    layer = Shared()
    for module in ("hub.figures", "hub.subscriptions", "news.layer"):
        monkeypatch.setattr(f"realtime.{module}.require_layer", lambda: layer)
    monkeypatch.setattr(figures, "ANSWER_SECONDS", 0.05)
    return layer


async def test_without_other_processes_the_answer_comes_at_once(
    driven: DrivenHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "ANSWER_SECONDS", 60.0)
    await driven.join(controller())
    await driven.join(viewer())
    found = await asyncio.wait_for(driven.hub.questions.ask(PORTAL_VIEW_ID), 5)
    assert (found.controllers, found.viewers, len(found.people), found.connected) == (1, 1, 2, 2)
    assert (found.processes, found.is_complete) == (1, True)


async def test_a_portal_view_that_nobody_watches(driven: DrivenHub, shared: Shared) -> None:
    found = await driven.hub.questions.ask(PORTAL_VIEW_ID)
    assert (found.connections, found.processes, found.is_complete, found.mean_seconds) == (0, 0, True, 0.0)


async def test_other_processes_answer_and_ones_own_counts_once(driven: DrivenHub, shared: Shared) -> None:
    await driven.join(controller())
    other = Questions(driven.hub)  # it has the same rooms, and another name
    found = await other.ask(PORTAL_VIEW_ID)
    # The hub has heard the question of the other one, and the other one alone takes the answer
    assert found.processes == 1
    own = await driven.hub.questions.ask(PORTAL_VIEW_ID)
    assert (own.processes, own.controllers) == (1, 1)


async def test_an_answer_of_another_process_is_added(
    driven: DrivenHub, shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    await driven.join(controller())
    asked: list[FiguresAskedNews] = []
    take = driven.hub.questions.take

    def answer(news: FiguresAskedNews | FiguresToldNews) -> None:
        take(news)
        if isinstance(news, FiguresAskedNews):
            asked.append(news)
            take(FiguresToldNews(question=news.question, figures=Figures(processes=1, viewers=4, longest_seconds=9.0)))

    monkeypatch.setattr(driven.hub.questions, "take", answer)
    found = await driven.hub.questions.ask(PORTAL_VIEW_ID)
    assert len(asked) == 1
    assert (found.processes, found.controllers, found.viewers, found.longest_seconds) == (2, 1, 4, 9.0)
    take(FiguresToldNews(question=asked[0].question, figures=Figures(processes=1)))  # it is too late


async def test_who_asks_at_the_same_time_shares_the_question(driven: DrivenHub, shared: Shared) -> None:
    answers = await asyncio.gather(*(driven.hub.questions.ask(PORTAL_VIEW_ID) for _ in range(5)))
    assert all(one is answers[0] for one in answers)
    assert await driven.hub.questions.ask(PORTAL_VIEW_ID) is not answers[0]


async def test_while_the_layer_is_away_the_answer_is_incomplete(driven: DrivenHub, shared: Shared) -> None:
    await driven.join(viewer())
    shared.is_away = True
    found = await driven.hub.questions.ask(PORTAL_VIEW_ID)
    assert (found.viewers, found.is_complete) == (1, False)
    shared.is_away = False


def test_figures_survive_the_layer() -> None:
    news = FiguresToldNews(question="q", figures=Figures(processes=1, people={PORTAL_VIEW_ID}, received_rate=0.5))
    assert from_message(to_message(news)) == news


def test_people_in_two_processes_count_once() -> None:
    one = Figures(processes=1, viewers=2, people={PORTAL_VIEW_ID}, seconds=30.0, counted_seconds=40.0)
    other = Figures(processes=1, viewers=1, people={PORTAL_VIEW_ID}, seconds=3.0, counted_seconds=9.0)
    both = together([one, other])
    assert (both.processes, both.connections, len(both.people)) == (2, 3, 1)
    assert (both.mean_seconds, both.counted_seconds) == (11.0, 40.0)
    assert not together([one, Figures(is_complete=False)]).is_complete


async def test_a_question_that_cannot_be_sent(
    driven: DrivenHub, shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Any) -> None:
        raise Unavailable("Away.")

    monkeypatch.setattr(figures, "publish", away)
    await driven.join(viewer())
    found = await driven.hub.questions.ask(PORTAL_VIEW_ID)
    assert (found.viewers, found.is_complete) == (1, False)


async def test_a_thread_asks_the_hub_of_its_event_loop() -> None:
    found = await sync_to_async(ask_hub)(PORTAL_VIEW_ID)
    assert (found.connections, found.is_complete) == (0, True)


def test_without_an_event_loop_there_is_nobody() -> None:
    found = ask_hub(PORTAL_VIEW_ID)
    assert (found.connections, found.processes, found.is_complete) == (0, 0, True)
