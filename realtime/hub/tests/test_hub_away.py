"""Rooms without the database or the channel layer, and states that cannot be shown."""

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
from realtime.tests.hubs import DrivenHub

# --- Without the database ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
async def test_a_failed_read_is_repeated(driven: DrivenHub, logged: list[EventDict]) -> None:
    driven.database.errors = [Unavailable("Away.")]
    await driven.join(viewer())
    assert driven.database.reads == 2
    [entry] = logged
    assert (entry["event"], entry["log_level"]) == ("state_not_read", "warning")
    assert entry["portalViewId"] == str(PORTAL_VIEW_ID)


async def test_a_bug_closes_the_connections_that_wait_for_the_state(driven: DrivenHub, logged: list[EventDict]) -> None:
    here, waiting = await driven.join(controller()), viewer()
    driven.database.stored = stored(2, items=None)  # no service stores this, and viewers cannot be shown it
    await driven.tell(2)
    await driven.hear_versions(here, 1)
    driven.enter(waiting)
    assert (await driven.hear(waiting, "error"))["code"] == "internal-error"
    assert waiting.outlet.closed == (1011, "internal-error")
    [entry] = logged
    assert (entry["event"], entry["log_level"]) == ("snapshot_not_given", "error")
    assert entry["portalViewId"] == str(PORTAL_VIEW_ID)
    assert (entry["userId"], entry["connectionId"]) == (str(waiting.connection.subject), waiting.id)
    assert "TypeError" in entry["exception"]
    await driven.tell(3)
    assert await driven.hear_versions(here, 1) == [3]


async def test_a_bug_while_nobody_waits_is_logged_too(driven: DrivenHub, logged: list[EventDict]) -> None:
    one = await driven.join(viewer())
    driven.database.errors = [ZeroDivisionError("a bug")]
    await driven.tell(3)
    await until(lambda: logged, "the log")
    assert (logged[0]["event"], logged[0]["portalViewId"]) == ("state_not_read", str(PORTAL_VIEW_ID))
    assert "ZeroDivisionError" in logged[0]["exception"]
    driven.database.stored = stored(4)
    await driven.tell(4)
    assert await driven.hear_versions(one, 1) == [4]


@pytest.mark.usefixtures("quick")
async def test_without_the_database_existing_connections_continue(driven: DrivenHub) -> None:
    here, joiner = await driven.join(viewer()), viewer()
    await driven.tell(2)
    await driven.hear_versions(here, 1)
    driven.database.errors = [Unavailable("Away.")] * 3
    driven.enter(joiner)
    await driven.tell(3)
    assert await driven.hear_versions(here, 1) == [3]
    driven.database.stored = stored(3)
    assert (await driven.hear(joiner, "connected"))["version"] == 3


# --- Without the channel layer -----------------------------------------------------------------------------


class Away:
    """A channel layer that fails a given number of times, and then uses the other one."""

    def __init__(self, errors: list[Exception]) -> None:
        self._layer: Any = get_channel_layer()
        self.errors = errors

    def __getattr__(self, name: str) -> Any:
        if name == "group_add" and self.errors:
            raise self.errors.pop(0)
        return getattr(self._layer, name)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("error", [ConnectionRefusedError("refused"), RedisConnectionError("refused")])
async def test_without_the_layer_the_state_is_still_shown(
    driven: DrivenHub, monkeypatch: pytest.MonkeyPatch, logged: list[EventDict], error: Exception
) -> None:
    away = Away([error, error])
    monkeypatch.setattr(subscriptions, "require_layer", lambda: away)
    one = await driven.join(viewer())
    assert not driven.keeper.subscribed
    driven.database.stored = stored(5)
    assert await driven.hear_versions(one, 1) == [5]
    await until(lambda: driven.keeper.subscribed, "the subscription")
    assert [entry["event"] for entry in logged] == ["group_not_joined"] * 2
    await driven.tell(6)
    assert await driven.hear_versions(one, 1) == [6]
