"""The time limits for clients that start a request and do not finish it; earlier the server waited without end.

1,100 such connections used up the files of a process with `ulimit -n 1024`.
"""

from __future__ import annotations

import threading

import pytest

from realtime.server.tests.answering import AnsweringServer, answered, get
from realtime.server.tests.peer import request
from testing.in_process import wait_until

SHORT = 0.3


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.server.http.sweep.SECONDS", 0.05)
    monkeypatch.setattr("realtime.server.http.protocol.HEAD_SECONDS", SHORT)


@pytest.fixture
def quick_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the timeout of bodies."""
    monkeypatch.setattr("realtime.server.http.protocol.BODY_SECONDS", SHORT)


def test_a_silent_connection_is_closed(answering: AnsweringServer) -> None:
    answering.connect().ended()


@pytest.mark.parametrize(
    "octets", [b"G", b"GET / HT", b"GET / HTTP/1.1\r\n", get("/")[:-2], request()[:-1], get("/")[:-4] + b": x"]
)
def test_half_a_head_is_answered_and_closed(answering: AnsweringServer, octets: bytes) -> None:
    peer = answering.connect()
    peer.send(octets)
    assert answered(peer)[0] == 408
    peer.ended()


@pytest.mark.parametrize("octets", [b"\r\n" * 200, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 90, b"G" * 200])
def test_single_octets_are_not_progress(answering: AnsweringServer, octets: bytes) -> None:
    peer = answering.connect()
    stopped = drip(peer.socket.sendall, octets)
    status = peer.response()[0]
    assert status in {400, 408}  # a method of 200 letters is invalid
    stopped.set()


def drip(send: object, octets: bytes) -> threading.Event:
    """Send one octet every 20 ms, until told to stop or there are no more."""
    stopped = threading.Event()

    def run() -> None:
        for octet in octets:
            if stopped.wait(0.02):
                return
            try:
                send(bytes([octet]))  # type: ignore[operator]
            except OSError:
                return

    threading.Thread(target=run, daemon=True).start()
    return stopped


def test_half_of_a_second_request(answering: AnsweringServer) -> None:
    peer = answering.connect()
    peer.send(get("/first"))
    assert answered(peer)[2] == "/first"
    peer.send(get("/second")[:-2])
    assert answered(peer)[0] == 408
    peer.ended()
    assert answering.paths == ["/first"]


def test_data_between_two_requests_keeps_no_connection_open(answering: AnsweringServer) -> None:
    peer = answering.connect()
    peer.send(get("/first"))
    assert answered(peer)[2] == "/first"
    peer.send(b"\r\n")
    assert answered(peer)[0] == 408
    peer.ended()


def test_the_time_of_an_answer_is_not_charged_to_the_client(answering: AnsweringServer) -> None:
    """The time for a partial request behind one that is being answered starts with that answer."""
    peer, other = answering.connect(), answering.connect()
    peer.send(get("/held"), get("/second")[:-2])
    other.ended()  # a deadline has passed
    answering.let_go()
    assert answered(peer)[2] == "/held"
    peer.send(b"\r\n")
    assert answered(peer)[2] == "/second"


@pytest.mark.parametrize("lines", [("Content-Length: 10",), ("Transfer-Encoding: chunked",)])
@pytest.mark.parametrize("octets", [b"", b"5\r\nhel"])
def test_half_a_body(answering: AnsweringServer, quick_bodies: None, lines: tuple[str, ...], octets: bytes) -> None:
    peer = answering.connect()
    peer.send(get("/body", *lines, method="POST"), octets)
    assert answered(peer)[0] == 408
    peer.ended()


def test_a_slowly_dripping_body_is_not_progress(answering: AnsweringServer, quick_bodies: None) -> None:
    peer = answering.connect()
    peer.send(get("/body", "Content-Length: 1000", method="POST"))
    stopped = drip(peer.socket.sendall, b"x" * 1000)
    assert answered(peer)[0] == 408
    stopped.set()


def test_a_body_that_makes_progress_may_take_longer_than_a_head(answering: AnsweringServer) -> None:
    peer, other = answering.connect(), answering.connect()
    peer.send(get("/body", "Content-Length: 10", method="POST"), b"hello")
    other.ended()
    peer.send(b"world")
    assert answered(peer)[2].startswith("10 ")


def test_an_unanswered_handshake(answering: AnsweringServer) -> None:
    peer = answering.connect()
    peer.send(request("/silent"))
    status, headers, _ = answered(peer)
    assert (status, headers["retry-after"]) == (503, "5")
    peer.ended()


def test_an_open_websocket_is_left_alone(answering: AnsweringServer) -> None:
    peer, other = answering.open(), answering.connect()
    other.ended()
    other = answering.connect()
    other.ended()
    peer.answers()


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the timeout of unread answers."""
    monkeypatch.setattr("realtime.server.http.protocol.STUCK_SECONDS", 4 * SHORT)


def test_an_answer_that_is_not_read(answering: AnsweringServer, stuck: None) -> None:
    peer = answering.connect(receive_buffer=4096)
    peer.send(get("/bytes/50000000"))
    wait_until(lambda: "/bytes/50000000" in answering.paths)
    answering.settle()  # though the client is still there


def test_a_slow_reader_gets_all_of_it(answering: AnsweringServer, stuck: None) -> None:
    peer, parts, size = answering.connect(receive_buffer=65536), 6, 5_000_000
    peer.send(get(f"/bytes/{parts * size}"))
    assert peer.response()[0] == 200
    for _ in range(parts):
        answering.connect().ended()  # a while has passed
        assert peer._read(size) == b"x" * size
