"""Many sends in one system call: complete and incomplete sends, and kernels without support."""

from __future__ import annotations

import ctypes
import errno
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.delivery.audience import MANY, Audience
from realtime.delivery.outlet import Raw
from realtime.delivery.prepared import Framing, Prepared, form
from realtime.delivery.ring import ENTRIES, Ring, Targets, current_ring
from realtime.tests.doubles import Recorder

Pair = tuple[socket.socket, socket.socket]
DATA = b"the same for all"
PLAIN = form(Framing.PLAIN)


@pytest.fixture
def ring() -> Ring:
    """A ring; the machines that run these tests support it."""
    return Ring()


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    """The server's and the client's ends of four connections."""
    with ExitStack() as stack:
        yield connected(stack, 4)


def connected(stack: ExitStack, count: int) -> list[Pair]:
    """The server's and the client's ends of this many connections; neither blocks."""
    pairs = [socket.socketpair() for _ in range(count)]
    for one in (one for pair in pairs for one in pair):
        one.setblocking(False)
        stack.enter_context(one)
    return pairs


def targets(pairs: list[Pair]) -> Targets:
    """The server's ends."""
    return Targets([server.fileno() for server, _ in pairs])


def fill(server: socket.socket) -> int:
    """Fill a socket's buffer; returns the number of bytes it took."""
    filled = 0
    while True:
        try:
            filled += server.send(b"*" * 65_536)
        except BlockingIOError:
            return filled


def test_all_targets_get_the_same(ring: Ring, pairs: list[Pair]) -> None:
    assert ring.send(targets(pairs), DATA) == []
    assert [client.recv(100) for _, client in pairs] == [DATA] * 4


def test_passed_over_targets_get_nothing(ring: Ring, pairs: list[Pair]) -> None:
    assert ring.send(targets(pairs), DATA, [0, 2]) == [(0, 0), (2, 0)]
    pairs[0][0].send(b"-")
    assert [pairs[place][1].recv(100) for place in (0, 1, 3)] == [b"-", DATA, DATA]


def test_repeated_sends_of_more_than_fits(ring: Ring) -> None:
    with ExitStack() as stack:
        pairs = connected(stack, 300)
        everybody = targets(pairs)
        for number in range(3 * ENTRIES // 300 + 3):
            data = b"%d of many" % number
            assert ring.send(everybody, data, [number]) == [(number, 0)]
            got = [client.recv(100) for place, (_, client) in enumerate(pairs) if place != number]
            assert got == [data] * 299


def test_more_targets_than_one_call_takes(ring: Ring, pairs: list[Pair]) -> None:
    many = Targets([pairs[place % 4][0].fileno() for place in range(ENTRIES + 4)])
    assert ring.send(many, b".", [ENTRIES + 1]) == [(ENTRIES + 1, 0)]
    expected = [ENTRIES // 4 + 1, ENTRIES // 4, ENTRIES // 4 + 1, ENTRIES // 4 + 1]
    assert [len(client.recv(2 * ENTRIES)) for _, client in pairs] == expected


def test_a_full_socket_gets_nothing_or_a_part(ring: Ring, pairs: list[Pair]) -> None:
    filled = fill(pairs[1][0])
    assert ring.send(targets(pairs), DATA) == [(1, 0)]
    long = b"*" * (2 * filled)
    behind = ring.send(targets(pairs[2:3]), long)
    assert [place for place, _ in behind] == [0]
    assert 0 < behind[0][1] < len(long)
    assert pairs[3][1].recv(100) == DATA


def test_an_error_counts_as_nothing_taken_and_delays_nobody(ring: Ring, pairs: list[Pair]) -> None:
    everybody = targets(pairs)
    pairs[0][1].close()  # EPIPE
    pairs[1][0].close()  # EBADF
    assert sorted(ring.send(everybody, DATA)) == [(0, 0), (1, 0)]
    assert [pairs[place][1].recv(100) for place in (2, 3)] == [DATA, DATA]


def test_a_failed_call_leaves_everything_to_the_usual_writes(
    ring: Ring, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring, "_call", lambda *_: -1)
    monkeypatch.setattr(ctypes, "get_errno", lambda: errno.ENOMEM)
    assert ring.send(targets(pairs), DATA) == [(place, 0) for place in range(4)]
    assert ring.is_broken
    assert ring.send(targets(pairs), DATA) == [(place, 0) for place in range(4)]


def test_a_call_that_does_nothing_is_not_repeated_for_ever(
    ring: Ring, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring, "_call", lambda *_: 0)
    monkeypatch.setattr(ctypes, "get_errno", lambda: errno.EINTR)  # of an earlier call
    assert ring.send(targets(pairs), DATA) == [(place, 0) for place in range(4)]
    assert ring.is_broken


def test_a_signal_is_not_a_failure(ring: Ring, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch) -> None:
    call, interrupted = ring._call, iter([True])
    monkeypatch.setattr(ring, "_call", lambda *args: -1 if next(interrupted, False) else call(*args))
    monkeypatch.setattr(ctypes, "get_errno", lambda: errno.EINTR)
    assert ring.send(targets(pairs), DATA) == []
    assert not ring.is_broken


# --- Without a ring ---------------------------------------------------------------------------------------------


def in_new_thread() -> Ring | None:
    """The ring of a new thread."""
    found: list[Ring | None] = []
    thread = threading.Thread(target=lambda: found.append(current_ring()))
    thread.start()
    thread.join()
    return found[0]


def test_a_thread_keeps_its_ring_to_itself() -> None:
    assert current_ring() is current_ring()
    assert in_new_thread() not in (None, current_ring())


def test_settings_can_forbid_the_ring(settings: Any) -> None:
    settings.PORTAL_IO_URING = False
    assert in_new_thread() is None


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EPERM, errno.ENOMEM])
def test_a_kernel_can_forbid_the_ring(error: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Ring) -> None:
        raise OSError(error, "io_uring_setup")

    monkeypatch.setattr(Ring, "__init__", refuse)
    assert in_new_thread() is None


def test_other_systems_have_no_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(OSError, match="Linux"):
        Ring()


# --- With an audience -------------------------------------------------------------------------------------------


class Wired(Recorder):
    """An outlet on a socket; `waits` says whether data waits for it."""

    def __init__(self, server: socket.socket) -> None:
        super().__init__(PLAIN)
        self.waits = 0
        self.written: list[bytes] = []
        self.raw = Raw(server.fileno, lambda: self.waits)

    def write(self, message: Any) -> None:
        """Record a message sent through the transport."""
        self.written.append(message)


def seated(pairs: list[Pair]) -> tuple[Audience, list[Wired]]:
    """An audience of the servers' sockets, and their outlets."""
    outlets = [Wired(server) for server, _ in pairs]
    audience = Audience(PLAIN, print, print)
    for number, outlet in enumerate(outlets):
        audience.add(str(number), outlet)
    return audience, outlets


def test_an_audience_writes_to_all_at_once_and_in_order() -> None:
    with ExitStack() as stack:
        pairs = connected(stack, MANY + 1)
        audience, outlets = seated(pairs)
        message = Prepared("x" * 1000)
        fill(pairs[0][0])
        outlets[1].waits = 1
        audience.send(message, None)
        assert [outlet.written for outlet in outlets] == [[message.in_form(PLAIN)]] * 2 + [[]] * (MANY - 1)
        assert {client.recv(2000) for _, client in pairs[2:]} == {message.in_form(PLAIN)}

        outlets[2].leave()  # an outlet that left gets nothing, all others get their messages
        outlets[1].waits = 0
        audience.send(message, None)
        assert {client.recv(2000) for _, client in (pairs[1], *pairs[3:])} == {message.in_form(PLAIN)}
        with pytest.raises(BlockingIOError):
            pairs[2][1].recv(2000)

        outlets[3].leave()  # fewer than MANY
        audience.send(message, None)
        assert outlets[-1].written == [message.in_form(PLAIN)]
        assert outlets[2].sent == 1
        assert outlets[3].sent == 2


def test_data_that_waits_for_an_outlet_outside_changes_nothing() -> None:
    with ExitStack() as stack:
        pairs = connected(stack, MANY + 1)
        audience, outlets = seated(pairs)
        outlets[0].leave()
        outlets[0].waits = 1
        audience.behind("0")
        audience.send(Prepared("x"), None)
        assert [outlet.written for outlet in outlets] == [[]] * (MANY + 1)


def test_the_rest_of_a_message_goes_through_the_transport() -> None:
    with ExitStack() as stack:
        pairs = connected(stack, MANY)
        audience, outlets = seated(pairs)
        message = Prepared("x" * 2_000_000)
        audience.send(message, None)
        for (_, client), outlet in zip(pairs, outlets, strict=True):
            (rest,) = outlet.written
            got = b""
            while len(got) + len(rest) < len(message.in_form(PLAIN)):
                got += client.recv(2_000_000)
            assert got
            assert got + rest == message.in_form(PLAIN)


@given(rounds=st.lists(st.sets(st.integers(0, MANY + 3), max_size=MANY), min_size=1, max_size=6))
def test_a_reused_descriptor_gets_nothing(rounds: list[set[int]]) -> None:
    """Sockets are closed without the audience's knowledge, and others get their descriptors at once."""
    with ExitStack() as stack:
        pairs = connected(stack, MANY + 4)
        audience, outlets = seated(pairs)
        closed: set[int] = set()
        strangers: list[Pair] = []
        for number, closing in enumerate(rounds):
            for place in closing - closed:
                pairs[place][0].close()
            closed |= closing
            strangers += connected(stack, len(closing))
            message = Prepared(f"round {number}")
            audience.send(message, None)
            for place, (_, client) in enumerate(pairs):
                if place not in closed:
                    assert client.recv(100) == message.in_form(PLAIN)
        for pair in strangers:
            for end in pair:
                with pytest.raises(BlockingIOError):
                    end.recv(100)
        assert all(len(outlets[place].written) >= 1 for place in closed)
