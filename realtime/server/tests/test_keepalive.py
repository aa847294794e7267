"""When connections are pinged: one timer for all, which runs only while there are connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from realtime.server.websocket.keepalive import LOOK_SECONDS, PING_SECONDS, Keepalive


class Clock:
    """An event loop's clock and timer, moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        """Seconds."""
        return self.now

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """A timer."""
        self.timers.append((self.now + seconds, call))

    def go_on(self, seconds: float) -> None:
        """Advance the time, and run the due timers."""
        end = self.now + seconds
        while self.timers and self.timers[0][0] <= end:
            self.now, call = self.timers.pop(0)
            call()
        self.now = end


class Silent:
    """A connection that is pinged a given number of times."""

    def __init__(self, clock: Clock, times: int = 1000) -> None:
        self.clock = clock
        self.times = times
        self.pinged: list[float] = []

    def ping(self) -> bool:
        """Record the time; returns whether to ping again."""
        self.pinged.append(self.clock.now)
        return len(self.pinged) < self.times


@pytest.fixture
def clock() -> Clock:
    """The clock."""
    return Clock()


@pytest.fixture
def keepalive(clock: Clock) -> Keepalive:
    """A keepalive without connections."""
    loop: Any = clock
    return Keepalive(loop)


def test_each_is_pinged_once_in_each_interval(clock: Clock, keepalive: Keepalive) -> None:
    people = [Silent(clock) for _ in range(5)]
    for one in people:
        keepalive.watch(one)
        clock.go_on(3.3)
    clock.go_on(10 * PING_SECONDS)
    for one in people:
        assert len(one.pinged) in {9, 10}
        gaps = [after - before for before, after in zip(one.pinged, one.pinged[1:], strict=False)]
        assert all(PING_SECONDS <= gap <= PING_SECONDS + 2 * LOOK_SECONDS for gap in gaps)


def test_forgotten_and_ended_connections_are_not_pinged(clock: Clock, keepalive: Keepalive) -> None:
    kept, forgotten, ending = Silent(clock), Silent(clock), Silent(clock, times=2)
    for one in (kept, forgotten, ending):
        keepalive.watch(one)
    keepalive.forget(forgotten)
    clock.go_on(5.5 * PING_SECONDS)
    assert (len(kept.pinged), len(forgotten.pinged), len(ending.pinged)) == (5, 0, 2)


def test_there_is_one_timer_and_none_without_connections(clock: Clock, keepalive: Keepalive) -> None:
    people = [Silent(clock) for _ in range(3)]
    for one in people:
        keepalive.watch(one)
    clock.go_on(PING_SECONDS)
    assert len(clock.timers) == 1
    for one in people:
        keepalive.forget(one)
    clock.go_on(PING_SECONDS)
    assert clock.timers == []
    keepalive.watch(people[0])
    assert len(clock.timers) == 1


def test_a_ping_may_end_others(clock: Clock, keepalive: Keepalive) -> None:
    class Ending(Silent):
        def ping(self) -> bool:
            keepalive.forget(last)
            return super().ping()

    first, last = Ending(clock), Silent(clock)
    keepalive.watch(first)
    keepalive.watch(last)
    clock.go_on(1.5 * PING_SECONDS)
    assert (len(first.pinged), len(last.pinged)) == (1, 0)
