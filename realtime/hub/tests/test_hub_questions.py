"""Questions of viewers, in this process and in others, and who answers them."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from channels.layers import get_channel_layer

from libraries.rules.projection import project
from libraries.rules.roles import PortalRole
from realtime.hub import keeper
from realtime.tests.clients import DEADLINE_SECONDS, Listener, until
from realtime.tests.doubles import PORTAL_VIEW_ID, Person, controller, stored, viewer
from realtime.tests.hubs import DrivenHub

ASKER = "connection-elsewhere"


async def asks(driven: DrivenHub, person: Person) -> None:
    """Let a viewer ask for the state."""
    await asyncio.wait_for(driven.hub.ask(person.connection), DEADLINE_SECONDS)


class Silent:
    """A channel layer that delivers nothing."""

    def __init__(self) -> None:
        self._layer: Any = get_channel_layer()

    def __getattr__(self, name: str) -> Any:
        if name == "group_send":
            raise ConnectionRefusedError("refused")
        return getattr(self._layer, name)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the channel layer by one that delivers nothing."""
    layer = Silent()
    monkeypatch.setattr("realtime.news.layer.require_layer", lambda: layer)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the server from answering before the end of the test."""
    monkeypatch.setattr(keeper, "QUESTION_SECONDS", 60.0)


# --- Questions of this process's viewers -------------------------------------------------------------------


async def test_without_controllers_the_server_answers_after_a_delay(driven: DrivenHub) -> None:
    one, other = await driven.join(viewer()), await driven.join(viewer())
    began = asyncio.get_running_loop().time()
    await asks(driven, one)
    answer = await driven.hear(one, "sync-response")
    assert asyncio.get_running_loop().time() - began >= keeper.QUESTION_SECONDS
    shown = project(stored(1).state, PortalRole.VIEWER)
    assert (answer["source"], answer["version"], answer["payload"]) == ("server", 1, shown)
    assert other.outlet.take() == []
    assert driven.database.reads == 1
    assert driven.keeper._questions == {}


async def test_the_servers_answer_is_the_newest_state(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    await driven.tell(2)
    await driven.hear_versions(one, 1)
    driven.database.stored = stored(2)
    await asks(driven, one)
    assert (await driven.hear(one, "sync-response"))["version"] == 2


@pytest.mark.usefixtures("patient")
async def test_controllers_here_are_asked_and_the_server_does_not_answer(driven: DrivenHub) -> None:
    one, *controllers = [await driven.join(person) for person in (viewer(), controller(), controller())]
    await asks(driven, one)
    for person in controllers:
        question = await driven.hear(person, "sync-requested")
        assert (question["from"], question["connectionId"]) == (str(one.connection.subject), one.id)
    assert driven.keeper._questions == {}


@pytest.mark.usefixtures("patient")
async def test_the_server_does_not_answer_if_a_controller_elsewhere_has_the_question(driven: DrivenHub) -> None:
    one, other = await driven.join(viewer()), await driven.join(viewer())
    async with Listener(PORTAL_VIEW_ID) as elsewhere:
        await asks(driven, one)
        await asks(driven, other)
        question = await elsewhere.hear()
        assert (question["event"], question["subject"]) == ("sync-requested", [str(one.connection.subject), False])
        assert driven.keeper._questions.keys() == {one.id, other.id}
        await driven.tell_of("sync-heard", to=question["sender"])
        await until(lambda: driven.keeper._questions.keys() == {other.id}, "the end of the question")


@pytest.mark.usefixtures("patient")
async def test_a_pending_question_is_not_asked_again(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    async with Listener(PORTAL_VIEW_ID) as elsewhere:
        await asks(driven, one)
        await asks(driven, one)
        await elsewhere.hear()
        await driven.settle()
        assert (await elsewhere.hear())["event"] == "message"


@pytest.mark.usefixtures("silent", "patient")
async def test_without_the_layer_the_server_answers_at_once(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    await asks(driven, one)
    await driven.hear(one, "sync-response")
    assert driven.keeper._questions == {}


async def test_without_a_subscription_the_server_answers_despite_controllers(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    await driven.join(controller())
    driven.keeper.subscribed = False
    await asks(driven, one)
    await driven.hear(one, "sync-response")
    driven.keeper.subscribed = True


@pytest.mark.usefixtures("patient")
async def test_a_question_ends_with_its_connection(driven: DrivenHub) -> None:
    one = await driven.join(viewer())
    await driven.join(viewer())
    await asks(driven, one)
    question = driven.keeper._questions[one.id]
    await driven.leave(one)
    assert question.cancelled()
    assert driven.keeper._questions == {}


async def test_a_connection_in_no_room_asks_nobody(driven: DrivenHub) -> None:
    one = viewer()
    await asks(driven, one)
    assert one.outlet.take() == []


async def test_a_connection_that_waits_for_connected_gets_only_that(
    driven: DrivenHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "QUESTION_SECONDS", 0.0)
    one = viewer()
    driven.database.gate.clear()
    driven.enter(one)
    await asks(driven, one)
    await until(lambda: not driven.keeper._questions, "the end of the question")
    driven.database.gate.set()
    await driven.hear(one, "connected")
    await driven.settle()
    assert one.outlet.take() == []


# --- Questions of other processes' viewers -----------------------------------------------------------------


async def test_a_question_from_elsewhere_is_passed_on_and_confirmed(driven: DrivenHub) -> None:
    one, decides = await driven.join(viewer()), await driven.join(controller())
    async with Listener(PORTAL_VIEW_ID) as elsewhere:
        await driven.tell_of("sync-requested", subject=[str(UUID(int=5))], sender=ASKER)
        question = await driven.hear(decides, "sync-requested")
        assert (question["from"], question["connectionId"]) == (str(UUID(int=5)), ASKER)
        await elsewhere.hear()
        heard = await elsewhere.hear()
    assert (heard["event"], heard["to"]) == ("sync-heard", ASKER)
    assert one.outlet.take() == []


async def test_a_question_from_elsewhere_without_a_controller_is_not_confirmed(driven: DrivenHub) -> None:
    await driven.join(viewer())
    async with Listener(PORTAL_VIEW_ID) as elsewhere:
        await driven.tell_of("sync-requested", subject=[str(UUID(int=5))], sender=ASKER)
        await driven.settle()
        assert [(await elsewhere.hear())["event"] for _ in range(2)] == ["sync-requested", "message"]


async def test_a_question_is_passed_on_even_if_its_confirmation_is_lost(
    driven: DrivenHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    decides = await driven.join(controller())
    layer = Silent()
    await driven.tell_of("sync-requested", subject=[str(UUID(int=5))], sender=ASKER)
    monkeypatch.setattr("realtime.news.layer.require_layer", lambda: layer)
    await driven.hear(decides, "sync-requested")


async def test_an_answer_from_elsewhere_reaches_the_asking_viewer(driven: DrivenHub) -> None:
    one, other = await driven.join(viewer()), await driven.join(viewer())
    await driven.tell(None, to=one.id)
    await driven.settle()
    assert one.outlet.take_types() == ["portal-view-updated"]
    assert other.outlet.take() == []


# --- How often ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("patient")
async def test_questions_within_a_second_reach_controllers_as_one(
    driven: DrivenHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "ASK_SECONDS", 0.2)
    one, other, asked = await driven.join(viewer()), await driven.join(viewer()), await driven.join(controller())
    began = asyncio.get_running_loop().time()
    for _ in range(50):
        await asks(driven, one)
    first = await driven.hear(asked, "sync-requested")
    second = await driven.hear(asked, "sync-requested")
    assert asyncio.get_running_loop().time() - began >= keeper.ASK_SECONDS
    assert first["connectionId"] == second["connectionId"] == one.id
    await asks(driven, other)
    assert (await driven.hear(asked, "sync-requested"))["connectionId"] == other.id


@pytest.mark.usefixtures("patient")
async def test_a_connection_that_has_left_asks_no_more(driven: DrivenHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "ASK_SECONDS", 0.05)
    one, other, asked = await driven.join(viewer()), await driven.join(viewer()), await driven.join(controller())
    await asks(driven, one)
    await driven.hear(asked, "sync-requested")
    await asks(driven, one)
    one.connection.closed = True
    await driven.hub.leave(one.connection)
    await asyncio.sleep(2 * keeper.ASK_SECONDS)
    await asks(driven, other)
    assert (await driven.hear(asked, "sync-requested"))["connectionId"] == other.id
