"""The limits of a head, the memory of the parser, and the order in which requests are answered.

Earlier, a header of 50 MiB was kept whole and took 554 MiB, and a handshake was answered before the earlier requests.
"""

from __future__ import annotations

import pytest

from realtime.server.http.refusals import LINGER_BYTES, MAX_HEAD_BYTES, MAX_HEADERS, MAX_TARGET_BYTES
from realtime.server.tests.answering import AnsweringServer, answered, get
from realtime.server.tests.peer import Peer, request
from testing.in_process import wait_until

LONG = "x" * MAX_HEAD_BYTES


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (get("/" + "x" * MAX_TARGET_BYTES), 414),
        (get("/?" + "x" * MAX_TARGET_BYTES), 414),
        (get("/", f"X: {LONG}"), 431),
        (get("/", f"{LONG}: 1"), 431),
        (get("/", *["X: " + "y" * 1000] * 33), 431),
        (get("/", *["X: 1"] * MAX_HEADERS), 431),
        (request("/", *["X: 1"] * MAX_HEADERS), 431),
        (b"GARBAGE\r\n\r\n", 400),
        (b"\x16\x03\x01\x00", 400),
    ],
)
def test_too_long_heads_are_not_read_further(answering: AnsweringServer, octets: bytes, status: int) -> None:
    peer = answering.connect()
    peer.send(octets)
    assert answered(peer)[0] == status
    peer.ended()
    assert answering.paths == []


@pytest.mark.parametrize(
    "octets",
    [
        get("/" + "x" * (MAX_TARGET_BYTES - 1)),
        get("/", "X: " + "y" * (MAX_HEAD_BYTES - 30)),
        get("/", *["X: 1"] * (MAX_HEADERS - 1)),
    ],
)
def test_heads_just_below_the_limit(answering: AnsweringServer, octets: bytes) -> None:
    peer = answering.connect()
    peer.send(octets)
    assert answered(peer)[0] == 200
    peer.send_slowly(octets, 1000)
    assert answered(peer)[0] == 200


@pytest.mark.parametrize(
    "before",
    [
        b"GET / HTTP/1.1\r\nX: ",
        b"GET / HTTP/1.1\r\n",
        b"GET /",
        b"\r\n",
        get("/body", "Transfer-Encoding: chunked", method="POST") + b"0\r\nX: ",
        get("/body", "Transfer-Encoding: chunked", method="POST") + b"5;x=",
    ],
    ids=["value", "name", "target", "nothing", "trailer", "chunk extension"],
)
def test_endless_input_is_not_kept(answering: AnsweringServer, before: bytes) -> None:
    """A client may send much more than is read.

    The input read is limited, whichever part of a request it belongs to.
    """
    peer = answering.connect()
    filler = b"\r\n" * 32768 if before == b"\r\n" else b"a" * 65536
    peer.socket.sendall(before)
    sent = 0
    try:
        while sent < 50 * LINGER_BYTES:
            peer.socket.sendall(filler)
            sent += len(filler)
    except OSError:
        pass
    # Data in the kernels' buffers counts as sent.
    assert sent < 50 * LINGER_BYTES, "all of it was taken"
    peer.socket.close()
    answering.settle()


def test_a_trailer_is_no_header(answering: AnsweringServer) -> None:
    """RFC 9110, section 6.5.1: a trailer after the body must not replace a header that was checked before it."""
    peer = answering.connect()
    peer.send(get("/body", "Transfer-Encoding: chunked", method="POST"), b"5\r\nhello\r\n0\r\nAuthorization: x\r\n\r\n")
    assert answered(peer)[2] == "5 ['host', 'transfer-encoding']"


# --- The order of requests --------------------------------------------------------------------------------------


def test_a_handshake_is_answered_after_the_earlier_requests(answering: AnsweringServer) -> None:
    peer = answering.connect()
    peer.send(get("/held"), get("/second"), request("/socket"))
    wait_until(lambda: answering.paths == ["/held"])
    answering.let_go()
    assert [answered(peer)[2] for _ in range(2)] == ["/held", "/second"]
    assert peer.response()[0] == 101
    peer.answers()
    assert answering.paths == ["/held", "/second", "/socket"]


def test_an_unreadable_request_is_refused_after_the_earlier_requests(answering: AnsweringServer) -> None:
    peer = answering.connect()
    peer.send(get("/held"), b"GARBAGE\r\n\r\n")
    wait_until(lambda: answering.paths == ["/held"])
    answering.let_go()
    assert answered(peer)[2] == "/held"
    assert answered(peer)[0] == 400
    peer.ended()


def test_many_requests_at_once_are_answered_in_order(answering: AnsweringServer) -> None:
    peer = answering.connect()
    paths = [f"/{number}" for number in range(2000)]
    peer.send(*map(get, paths))
    assert [answered(peer)[2] for _ in paths] == paths
    assert answering.paths == paths


def test_unanswered_requests_are_not_read_without_end(answering: AnsweringServer) -> None:
    """Each used to be parsed, and kept, as fast as the client could send."""
    peer = answering.connect()
    peer.send(get("/held"))
    wait_until(lambda: answering.paths == ["/held"])
    sent = send_until_it_blocks(peer, get("/x") * 1000)
    (protocol,) = answering.server.server_state.connections
    kept = answering.do(lambda: (len(protocol.pipeline), len(protocol._unfed)))  # type: ignore[union-attr]
    assert kept[0] <= 200
    assert kept[1] <= 600_000
    assert sent > kept[1]


def send_until_it_blocks(peer: Peer, octets: bytes) -> int:
    """Send until nothing is taken for half a second; returns the number of octets sent."""
    peer.socket.settimeout(0.5)
    sent = 0
    try:
        while sent < 100_000_000:
            sent += peer.socket.send(octets)
    except TimeoutError:
        return sent
    raise AssertionError("all of it was taken")
