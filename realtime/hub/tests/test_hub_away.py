"""Rooms whose database or channel layer is away, and states that can't be shown."""

from __future__ import annotations

from typing import Any

import pytest
from channels.layers import get_channel_layer
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.typing import EventDict

from libraries.rules.errors import Unavailable
from realtime.hub import subscriptions
from realtime.tests.clients import until
from realtime.tests.doubles import PORTAL_VIEW_ID, controller, stored, viewer
from realtime.tests.houses import House

# --- The database is away ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
async def test_a_read_that_fails_is_done_again(house: House, logged: list[EventDict]) -> None:
    house.database.errors = [Unavailable("Away.")]
    await house.join(viewer())
    assert house.database.reads == 2
    [entry] = logged
    assert (entry["event"], entry["log_level"]) == ("state_not_read", "warning")
    assert entry["portalViewId"] == str(PORTAL_VIEW_ID)


async def test_a_bug_closes_those_who_wait_for_the_state(house: House, logged: list[EventDict]) -> None:
    here, waiting = await house.join(controller()), viewer()
    house.database.stored = stored(2, items=None)  # what no service stores, and viewers can't be shown
    await house.tell(2)
    await house.hear_versions(here, 1)
    house.enter(waiting)
    assert (await house.hear(waiting, "error"))["code"] == "internal-error"
    assert waiting.outlet.closed == (1011, "internal-error")
    [entry] = logged
    assert (entry["event"], entry["log_level"]) == ("snapshot_not_given", "error")
    assert entry["portalViewId"] == str(PORTAL_VIEW_ID)
    assert (entry["userId"], entry["connectionId"]) == (str(waiting.connection.subject), waiting.id)
    assert "TypeError" in entry["exception"]
    await house.tell(3)
    assert await house.hear_versions(here, 1) == [3]


async def test_a_bug_while_nobody_waits_is_logged_too(house: House, logged: list[EventDict]) -> None:
    one = await house.join(viewer())
    house.database.errors = [ZeroDivisionError("a bug")]
    await house.tell(3)
    await until(lambda: logged, "the log")
    assert (logged[0]["event"], logged[0]["portalViewId"]) == ("state_not_read", str(PORTAL_VIEW_ID))
    assert "ZeroDivisionError" in logged[0]["exception"]
    house.database.stored = stored(4)
    await house.tell(4)
    assert await house.hear_versions(one, 1) == [4]


@pytest.mark.usefixtures("quick")
async def test_while_the_database_is_away_those_who_are_here_go_on(house: House) -> None:
    here, joiner = await house.join(viewer()), viewer()
    await house.tell(2)
    await house.hear_versions(here, 1)
    house.database.errors = [Unavailable("Away.")] * 3
    house.enter(joiner)
    await house.tell(3)
    assert await house.hear_versions(here, 1) == [3]
    house.database.stored = stored(3)
    assert (await house.hear(joiner, "connected"))["version"] == 3


# --- The channel layer is away -----------------------------------------------------------------------------


class Away:
    """A channel layer that fails as often as it is told to, and is the other one then."""

    def __init__(self, errors: list[Exception]) -> None:
        self._layer: Any = get_channel_layer()
        self.errors = errors

    def __getattr__(self, name: str) -> Any:
        if name == "group_add" and self.errors:
            raise self.errors.pop(0)
        return getattr(self._layer, name)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("error", [ConnectionRefusedError("refused"), RedisConnectionError("refused")])
async def test_without_the_layer_the_state_is_shown_all_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch, logged: list[EventDict], error: Exception
) -> None:
    away = Away([error, error])
    monkeypatch.setattr(subscriptions, "require_layer", lambda: away)
    one = await house.join(viewer())
    assert not house.keeper.subscribed
    house.database.stored = stored(5)
    assert await house.hear_versions(one, 1) == [5]
    await until(lambda: house.keeper.subscribed, "the subscription")
    assert [entry["event"] for entry in logged] == ["group_not_joined"] * 2
    await house.tell(6)
    assert await house.hear_versions(one, 1) == [6]
