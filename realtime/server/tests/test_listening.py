"""The number of connections accepted in one turn of the event loop."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from realtime.limits import rush
from realtime.server.process.listening import AT_ONCE, ListeningSocket
from testing.in_process import wait_until


def taken_in_a_turn(count: int) -> int:
    """How many of the waiting connections are accepted before the listener reports that there are no more."""
    with ExitStack() as opened:
        listener = opened.enter_context(ListeningSocket())
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        for _ in range(count):
            opened.enter_context(socket.create_connection(listener.getsockname()))
        for taken in range(count):
            try:
                opened.enter_context(listener.accept()[0])
            except BlockingIOError:
                return taken
    return count


def test_connections_that_come_together_are_accepted_together() -> None:
    assert taken_in_a_turn(AT_ONCE) == AT_ONCE
    assert taken_in_a_turn(AT_ONCE + 5) == AT_ONCE


def test_in_a_rush_connections_are_accepted_one_by_one() -> None:
    rush.notice()
    assert taken_in_a_turn(3) == 1


def test_a_rush_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rush, "SECONDS", 0.05)
    rush.notice()
    wait_until(lambda: not rush.is_on())
    assert taken_in_a_turn(AT_ONCE) == AT_ONCE
