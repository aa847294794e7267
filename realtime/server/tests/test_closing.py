"""How connections end (RFC 6455, section 7): the cases of the Autobahn test suite, section 7, and disorderly ends."""

from __future__ import annotations

import pytest

from realtime.delivery.prepared import Prepared
from realtime.server.tests.echo import EchoServer
from realtime.server.tests.peer import CLOSE, CONT, PING, PONG, TEXT, Closed, Frame, close, frame, text
from realtime.server.websocket.connection import WebSocketConnection

# Section 7.4 and the registry of section 11.7
CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
WRONG_CODES = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]
LONGEST = b"*" * 123


def told(echo: EchoServer) -> list[tuple[int, str]]:
    """The end that the application was told, after all is over."""
    echo.settle()
    events = [event for event in echo.heard if event["type"] == "websocket.disconnect"]
    return [(event["code"], event.get("reason", "")) for event in events]


# --- The client closes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("reason", [b"", b"because", LONGEST])
def test_a_close_frame_is_answered_in_kind(echo: EchoServer, code: int, reason: bytes) -> None:
    peer = echo.open()
    peer.send(close(code, reason))
    assert peer.closed() == Closed(code, reason.decode())
    peer.socket.close()
    assert told(echo) == [(code, reason.decode())]


def test_an_empty_close_frame_is_answered_by_one(echo: EchoServer) -> None:
    peer = echo.open()
    peer.send(close())
    assert peer.closed() == Closed(None)
    peer.socket.close()
    assert told(echo) == [(1005, "")]


@pytest.mark.parametrize("code", WRONG_CODES)
@pytest.mark.parametrize("reason", [b"", b"because"])
def test_codes_that_are_not_allowed_in_a_frame(echo: EchoServer, code: int, reason: bytes) -> None:
    peer = echo.open()
    peer.send(close(code, reason))
    peer.failed(1002)


def test_half_a_code_is_invalid(echo: EchoServer) -> None:
    peer = echo.open()
    peer.send(frame(CLOSE, b"\x03"))
    peer.failed(1002)


@pytest.mark.parametrize("behind", [close(1001), frame(PING), text("more"), frame(3), b"\xff"])
def test_frames_after_the_close_are_ignored(echo: EchoServer, behind: bytes) -> None:
    peer = echo.open()
    peer.send(text("before"), close(1000), behind)
    assert peer.closed() == Closed(1000)
    peer.socket.close()
    assert told(echo) == [(1000, "")]
    assert echo.texts() == ["before"]


def test_a_message_may_be_left_unfinished(echo: EchoServer) -> None:
    """Section 5.4: a control frame may come between fragments; Autobahn 7.1.5."""
    peer = echo.open()
    peer.send(frame(TEXT, b"begun", fin=False), close(1000), frame(CONT, b"ended"))
    assert peer.closed() == Closed(1000)
    assert echo.texts() == []


def test_a_close_frame_may_come_octet_by_octet(echo: EchoServer) -> None:
    peer = echo.open()
    peer.send_slowly(close(4000, b"slowly"))
    assert peer.closed() == Closed(4000, "slowly")


# --- The server closes ------------------------------------------------------------------------------------------


def close_and_deliver(protocol: WebSocketConnection) -> None:
    """Close twice, and try to send something afterwards."""
    protocol.deliver(Prepared("the last word"))
    protocol.close_after(4001, "first")
    protocol.close_after(4002, "second")
    protocol.deliver(Prepared("and another thing"))


def test_nothing_is_written_after_the_close(echo: EchoServer) -> None:
    peer = echo.open()
    echo.do(close_and_deliver, echo.protocol)
    assert peer.text() == "the last word"
    assert peer.receive() == Frame(CLOSE, b"\x0f\xa1first")
    peer.send(text("not heard"), close(4001))
    peer.ended()
    assert told(echo) == [(4001, "first")]
    assert echo.texts() == []


@pytest.mark.parametrize("path", ["/closing", "/"])
def test_a_client_that_does_not_answer_the_close_is_cut(echo: EchoServer, path: str) -> None:
    peer = echo.open(path)
    echo.protocol.close_seconds = 0.05
    if path == "/closing":  # through ASGI's `send`
        peer.send(text("because"))
    else:
        echo.do(echo.protocol.close_after, 4000, "because")
    assert peer.closed() == Closed(4000, "because")


def test_pings_are_answered_until_the_client_closes_too(echo: EchoServer) -> None:
    """Section 5.5.2."""
    peer = echo.open()
    echo.do(echo.protocol.close_after, 1012, "going-away")
    assert peer.receive().opcode == CLOSE
    peer.answers()
    peer.send(close(1012), frame(PING))
    peer.ended()


@pytest.mark.parametrize("mistake", [frame(3), frame(TEXT, b"\xff"), frame(CONT), frame(CLOSE, b"\x03")])
def test_an_error_after_the_close_ends_the_connection(echo: EchoServer, mistake: bytes) -> None:
    peer = echo.open()
    echo.do(echo.protocol.close_after, 1012, "going-away")
    peer.send(mistake, frame(PING))
    assert peer.closed() == Closed(1012, "going-away")


def test_both_sides_may_close_at_once(echo: EchoServer) -> None:
    peer = echo.open()
    protocol = echo.protocol
    peer.send(close(4000))
    echo.do(protocol.close_after, 4001, "")
    assert peer.closed().code in {4000, 4001}


# --- The connection breaks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [b"", text("heard"), text("begun", fin=False), text("half")[:5], b"\x81"])
def test_a_client_that_disconnects_without_a_close_frame(echo: EchoServer, before: bytes) -> None:
    peer = echo.open()
    peer.send(before)
    peer.socket.close()
    assert told(echo) == [(1005, "")]


@pytest.mark.parametrize("before", [b"", text("heard"), text("half")[:5]])
def test_a_client_that_resets_the_connection(echo: EchoServer, before: bytes) -> None:
    """Data and reset arrive together: uvloop reports that once, and aiofastnet's transport then only reads the data."""
    peer = echo.open()
    with echo.held():
        peer.send(before)
        peer.reset()
    assert told(echo) == [(1005, "")]


def test_a_client_that_can_send_nothing_more_is_gone(echo: EchoServer) -> None:
    peer = echo.open()
    peer.send(text("last words"), frame(PING, b"quick"))
    assert {peer.receive().opcode for _ in range(2)} == {TEXT, PONG}
    peer.socket.shutdown(1)
    peer.ended()
    assert told(echo) == [(1005, "")]
