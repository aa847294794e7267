"""A client that does not read holds no memory beyond the limit, and no socket after its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from realtime.delivery.prepared import Prepared
from realtime.server.tests.echo import EchoServer
from realtime.server.tests.peer import CLOSE, DEADLINE_SECONDS, PING, PONG, TEXT, Frame, Peer, close, frame, text
from realtime.server.websocket import connection, pace
from realtime.server.websocket.connection import WebSocketConnection
from realtime.server.websocket.phase import Phase
from realtime.server.websocket.sender import PROGRESS_BYTES
from testing.in_process import wait_until

LIMIT = 32_768
MUCH = 1_000_000  # more than small kernel buffers hold
ONE_READ = 262_144
"""The most that the server may read before it checks the send buffer."""


@pytest.fixture(autouse=True)
def _limit(settings: Any) -> None:
    settings.PORTAL_SEND_BUFFER_BYTES = LIMIT


def is_stalled(echo: EchoServer) -> bool:
    """Whether more waits for the only client than the limit."""
    return echo.protocol.stalled_since is not None


def waiting(echo: EchoServer) -> int:
    """The octets that wait in the server for the only client."""
    return echo.do(echo.protocol.transport.get_write_buffer_size)


def stalled(echo: EchoServer) -> Peer:
    """A client that does not read, and is stalled."""
    peer = echo.open_narrow()
    echo.do(echo.protocol.deliver, Prepared("*" * MUCH))
    assert is_stalled(echo)
    return peer


def behind(echo: EchoServer) -> Peer:
    """A client that does not read, and for which less waits than the limit."""
    peer = echo.open_narrow()
    deliver = echo.protocol.deliver
    while not waiting(echo):
        echo.do(deliver, Prepared("*" * 1000))
    assert not is_stalled(echo)
    return peer


def sent_until_nobody_takes_more(peer: Peer, octets: bytes) -> int:
    """Send the same octets again and again; returns how many were sent."""
    sent = 0
    peer.socket.settimeout(0.5)
    with suppress(TimeoutError):
        while True:
            sent += peer.socket.send((octets * 1000)[sent % len(octets) :])
    peer.socket.settimeout(DEADLINE_SECONDS)
    return sent


def read_all(peer: Peer) -> list[Frame]:
    """All frames up to and including the close frame, or up to the end of the connection without one."""
    received: list[Frame] = []
    while not received or received[-1].opcode != CLOSE:
        try:
            received.append(peer.receive())
        except (AssertionError, ConnectionError):
            break
    return received


# --- While it is connected --------------------------------------------------------------------------------------


def test_pings_alone_do_not_fill_the_send_buffer(echo: EchoServer) -> None:
    peer = echo.open_narrow()
    ping = frame(PING, b"*" * 125)
    sent = sent_until_nobody_takes_more(peer, ping)
    assert is_stalled(echo)
    assert waiting(echo) <= LIMIT + ONE_READ
    for _ in range(sent // len(ping)):
        assert peer.receive() == Frame(PONG, b"*" * 125)


def test_input_of_a_stalled_client_waits(echo: EchoServer) -> None:
    peer = stalled(echo)
    peer.send(text("one"), frame(PING), text("two"))
    peer.send(text("three"))
    assert [event["type"] for event in echo.heard] == ["websocket.connect"]
    assert len(peer.text()) == MUCH
    received = [peer.receive() for _ in range(4)]
    assert sorted(one.data for one in received) == [b"", b"one", b"three", b"two"]
    assert not is_stalled(echo)
    peer.answers()


def test_input_that_came_at_the_stall_is_read_after_it(echo: EchoServer) -> None:
    peer = echo.open_narrow()
    for number in range(40):  # each is echoed, which stalls the client
        peer.send(text(f"{number:02}" * 10_000))
    wait_until(lambda: is_stalled(echo))
    assert [peer.text()[:2] for _ in range(40)] == [f"{number:02}" for number in range(40)]
    peer.answers()


async def drained(protocol: WebSocketConnection) -> None:
    """In the server's event loop."""
    await protocol.wait_drained()


def test_an_outlet_reports_when_it_has_drained(echo: EchoServer) -> None:
    peer = stalled(echo)
    protocol = echo.protocol
    assert len(peer.text()) == MUCH
    echo.ask(drained(protocol))
    assert not is_stalled(echo)


@pytest.mark.parametrize("path", ["for this client", "for an audience"])
def test_an_empty_send_buffer_takes_a_message_of_any_size(echo: EchoServer, path: str) -> None:
    peer = echo.open_narrow()
    protocol, message = echo.protocol, Prepared("*" * 2 * MUCH)
    if path == "for this client":
        echo.do(protocol.deliver, message)
    else:
        echo.do(protocol.write, message.in_form(protocol.form))
    assert waiting(echo) > LIMIT
    assert len(peer.text()) == 2 * MUCH
    peer.answers()
    assert not is_stalled(echo)


def test_a_client_that_takes_much_is_given_time_anew(echo: EchoServer) -> None:
    peer = stalled(echo)
    protocol = echo.protocol
    since, before = protocol.stalled_since or 0.0, waiting(echo)
    echo.do(protocol._note_progress)
    assert protocol.stalled_since == since
    while waiting(echo) > before - PROGRESS_BYTES:
        assert peer.socket.recv(16_384)
    echo.do(protocol.ping)
    assert (protocol.stalled_since or 0.0) > since
    since = protocol.stalled_since or 0.0
    echo.do(protocol._note_progress)
    assert protocol.stalled_since == since


# --- Behind: a little waits for long ----------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the pace more often, and wait less."""
    monkeypatch.setattr(pace, "BEHIND_SECONDS", 0.1)
    monkeypatch.setattr(pace, "LOOK_SECONDS", 0.02)


def behind_for_long(echo: EchoServer) -> Peer:
    """A client that does not read, and is behind: the buffers of both kernels are full, and a little more waits."""
    peer = behind(echo)
    while not is_stalled(echo):
        echo.do(echo.protocol.deliver, Prepared("*" * 100))
        time.sleep(0.01)
    assert not echo.protocol.is_full
    return peer


@pytest.mark.usefixtures("quick")
def test_a_client_for_which_a_little_waits_for_long_is_behind_and_still_heard(echo: EchoServer) -> None:
    peer = behind_for_long(echo)
    sent = echo.protocol.sent
    peer.send(text("heard"), frame(PING))
    wait_until(lambda: any(event.get("text") == "heard" for event in echo.heard))
    received = [peer.receive() for _ in range(sent + 2)]
    assert sorted(one.data for one in received[sent:]) == [b"", b"heard"]
    wait_until(lambda: not is_stalled(echo))
    peer.answers()


@pytest.mark.usefixtures("quick")
def test_a_client_that_is_behind_has_the_same_limit_for_answers(echo: EchoServer) -> None:
    peer = behind_for_long(echo)
    ping = frame(PING, b"*" * 125)
    sent = sent_until_nobody_takes_more(peer, ping)
    assert echo.protocol.is_full
    assert waiting(echo) <= LIMIT + ONE_READ
    while peer.receive().opcode == TEXT:
        pass
    for _ in range(sent // len(ping) - 1):
        assert peer.receive() == Frame(PONG, b"*" * 125)
    wait_until(lambda: not is_stalled(echo))
    assert not echo.protocol.is_full


@pytest.mark.usefixtures("quick")
def test_a_client_that_was_behind_may_have_as_much_waiting_as_before(echo: EchoServer) -> None:
    peer = behind_for_long(echo)
    sent = echo.protocol.sent
    for _ in range(sent):
        peer.receive()
    wait_until(lambda: not is_stalled(echo))
    echo.do(echo.protocol.deliver, Prepared("*" * MUCH))
    assert is_stalled(echo)
    assert echo.protocol.is_full


@pytest.mark.usefixtures("quick")
def test_a_client_that_reads_is_never_behind(echo: EchoServer) -> None:
    peer = echo.open_narrow()
    for _ in range(40):
        echo.do(echo.protocol.deliver, Prepared("*" * 20_000))
        assert len(peer.text()) == 20_000
        assert not is_stalled(echo)


@pytest.mark.usefixtures("quick")
def test_a_slow_client_is_not_cut_for_a_ping_that_it_has_not_read_yet(echo: EchoServer) -> None:
    peer = behind_for_long(echo)
    sent = echo.protocol.sent
    assert echo.do(echo.protocol.ping)
    assert echo.do(echo.protocol.ping)
    assert [peer.receive().opcode for _ in range(sent + 2)][-2:] == [PING, PING]
    peer.answers()


def test_without_a_limit_nobody_stalls(echo: EchoServer, settings: Any) -> None:
    settings.PORTAL_SEND_BUFFER_BYTES = 0
    peer = echo.open_narrow()
    for _ in range(10):
        echo.do(echo.protocol.deliver, Prepared("*" * MUCH))
    assert not is_stalled(echo)
    peer.send(text("heard"))
    assert [len(peer.text()) for _ in range(11)] == [MUCH] * 10 + [5]


# --- When it is closed ------------------------------------------------------------------------------------------


def test_a_stalled_client_has_a_moment_to_read_the_reason(echo: EchoServer) -> None:
    peer = stalled(echo)
    echo.do(echo.protocol.close_after, 1013, "too-slow")
    assert [one.opcode for one in read_all(peer)] == [TEXT, CLOSE]
    peer.send(close(1013))
    peer.ended()


def test_a_stalled_client_is_cut_after_that(echo: EchoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LAST_WORD_SECONDS", 0.05)
    peer = stalled(echo)
    echo.do(echo.protocol.close_after, 1013, "too-slow")
    echo.settle()
    assert read_all(peer) == []


def server_closes(echo: EchoServer, peer: Peer) -> None:
    """The application closes."""
    echo.do(echo.protocol.close_after, 1008, "token-expired")


def client_closes(echo: EchoServer, peer: Peer) -> None:
    """The client sends a close frame, and still does not read."""
    peer.send(close(1000))


def client_sends_no_more(echo: EchoServer, peer: Peer) -> None:
    """Half of the TCP connection is closed."""
    peer.socket.shutdown(1)


def client_breaks_the_rules(echo: EchoServer, peer: Peer) -> None:
    """The client sends a reserved opcode."""
    peer.send(frame(3))


def server_stops(echo: EchoServer, peer: Peer) -> None:
    """The server stops without waiting for anybody."""
    echo.do(echo.protocol.shutdown)


def client_closes_and_server_stops(echo: EchoServer, peer: Peer) -> None:
    """The server stops while it waits for the client's end."""
    protocol = echo.protocol
    peer.send(close(1000))
    wait_until(lambda: any(event["type"] == "websocket.disconnect" for event in echo.heard))
    echo.do(protocol.shutdown)


ENDS = [
    server_closes,
    client_closes,
    client_sends_no_more,
    client_breaks_the_rules,
    server_stops,
    client_closes_and_server_stops,
]


@pytest.mark.parametrize("end", ENDS)
def test_a_client_that_never_reads_is_cut(echo: EchoServer, end: Callable[[EchoServer, Peer], None]) -> None:
    peer = behind(echo)
    protocol = echo.protocol
    protocol.close_seconds = 0.05
    end(echo, peer)
    wait_until(lambda: protocol.phase is Phase.GONE)
    echo.settle()


@pytest.mark.parametrize("end", ENDS)
def test_a_client_that_reads_late_gets_everything_and_nothing_after_the_close(
    echo: EchoServer, end: Callable[[EchoServer, Peer], None]
) -> None:
    peer = behind(echo)
    protocol, sent = echo.protocol, echo.protocol.sent
    end(echo, peer)
    wait_until(lambda: end is client_sends_no_more or protocol.phase is not Phase.OPEN)
    if end is not client_sends_no_more:
        echo.do(protocol.deliver, Prepared("not sent"))
        assert protocol.sent == sent
    received = read_all(peer)
    assert [one.opcode for one in received[:sent]] == [TEXT] * sent
    assert [one.opcode for one in received[sent:]] == ([] if end is client_sends_no_more else [CLOSE])
    if end is server_closes:
        peer.send(close(1008))
    peer.ended()


def test_a_server_that_stops_sends_a_close(echo: EchoServer) -> None:
    peer = echo.open()
    server_stops(echo, peer)
    peer.failed(1012)


# --- Pings of the server ----------------------------------------------------------------------------------------


def test_a_client_that_does_not_answer_a_ping_is_told_so_and_cut(
    echo: EchoServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    peer = echo.open()
    assert echo.do(echo.protocol.ping)
    assert peer.receive().opcode == PING
    assert not echo.do(echo.protocol.ping)
    assert json.loads(peer.text())["code"] == "no-answer"
    assert peer.receive() == Frame(CLOSE, b"\x03\xf5no-answer")
    assert peer.socket.recv(1) == b""  # it has a second to answer, and does not
    assert caplog.text.count("no_answer") == 1


def test_a_client_that_is_not_read_is_not_cut_for_silence(echo: EchoServer) -> None:
    peer = stalled(echo)
    assert echo.do(echo.protocol.ping)
    assert echo.do(echo.protocol.ping)
    assert len(peer.text()) == MUCH
    assert [peer.receive().opcode for _ in range(2)] == [PING, PING]
    peer.answers()


def test_a_client_that_was_told_of_the_end_has_time_to_answer(echo: EchoServer) -> None:
    peer = echo.open()
    server_closes(echo, peer)
    assert not echo.do(echo.protocol.ping)
    assert peer.receive() == Frame(CLOSE, b"\x03\xf0token-expired")
    peer.answers()
