"""The rate limit on accepting connections in a rush, and the answer to refused ones: over a real port."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from realtime.limits import rush
from realtime.server.process.listening import ListeningSocket

FAR, NEAR = "127.9.9.9", "127.0.0.1"


@pytest.fixture(autouse=True)
def _rush(_no_rush: None, settings: Any) -> None:
    settings.PORTAL_CONNECTS_PER_SECOND, settings.PORTAL_CONNECT_BURST = 0.001, 3
    rush.notice()


@pytest.fixture
def listener() -> Iterator[ListeningSocket]:
    with ListeningSocket() as one:
        one.bind((NEAR, 0))
        one.listen()
        one.setblocking(False)
        yield one


def come(listener: ListeningSocket, source: str, count: int) -> tuple[int, list[bytes]]:
    """How many of the connections from there are accepted, and the answers to the others."""
    taken, told = 0, []
    with ExitStack() as opened:
        for _ in range(count):
            client = opened.enter_context(
                socket.create_connection(listener.getsockname(), timeout=5, source_address=(source, 0))
            )
            with suppress(BlockingIOError):
                opened.enter_context(listener.accept()[0])
                taken += 1
                with suppress(BlockingIOError):
                    listener.accept()  # the end of the turn
                continue
            told.append(client.makefile("rb").read())
    return taken, told


def test_a_network_is_accepted_up_to_its_burst_and_then_told_to_wait(listener: ListeningSocket) -> None:
    taken, told = come(listener, FAR, 5)
    assert taken == 3
    assert len(told) == 2
    for one in told:
        head, _, sentence = one.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
        assert b"\r\nRetry-After: " in head
        assert b"your network connects too often" in sentence


def test_another_network_is_not_delayed(listener: ListeningSocket) -> None:
    assert come(listener, FAR, 5)[0] == 3
    assert come(listener, NEAR, 3)[0] == 3


def test_without_a_rush_everybody_is_accepted(listener: ListeningSocket) -> None:
    rush.forget()
    assert come(listener, FAR, 9)[0] == 9


@pytest.mark.parametrize("addresses", [[FAR], ["127.9.0.0/16"], ["*"], ["::1", "0.0.0.0/0"]])
def test_a_proxys_connections_are_not_limited(listener: ListeningSocket, addresses: list[str], settings: Any) -> None:
    settings.PORTAL_PROXY_ADDRESSES = addresses
    assert come(listener, FAR, 9)[0] == 3  # it is not trusted: no proxy is configured
    settings.PORTAL_BEHIND_PROXY = True
    assert come(listener, FAR, 9)[0] == 9


def test_a_dry_run_refuses_nobody(listener: ListeningSocket, settings: Any) -> None:
    settings.PORTAL_LIMITS_DRY_RUN = True
    assert come(listener, FAR, 9)[0] == 9


def test_the_limit_can_be_switched_off(listener: ListeningSocket, settings: Any) -> None:
    settings.PORTAL_CONNECTS_PER_SECOND = 0
    assert come(listener, FAR, 9)[0] == 9


def test_refused_connections_do_not_delay_the_next_ones(listener: ListeningSocket) -> None:
    come(listener, FAR, 3)
    with ExitStack() as opened:
        for source in (FAR,) * 10 + (NEAR,):
            opened.enter_context(socket.create_connection(listener.getsockname(), source_address=(source, 0)))
        taken, address = listener.accept()
        opened.enter_context(taken)
        assert address[0] == NEAR
