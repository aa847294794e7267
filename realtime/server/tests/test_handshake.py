"""The opening handshake (RFC 6455, section 4.2): which requests are WebSockets, and the answers to the others.

The application decides who may connect (`realtime.sessions.handshake`).
"""

from __future__ import annotations

import pytest

from realtime.server.tests.echo import EchoServer
from realtime.server.tests.peer import PING, PONG, Frame, Peer, frame, request, text


def asked(echo: EchoServer, octets: bytes) -> Peer:
    """A connection on which these octets were sent."""
    peer = echo.connect()
    peer.send(octets)
    return peer


def without(name: str) -> bytes:
    """A handshake without a header."""
    lines = request().split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.lower().startswith(name.lower().encode()))


def changed(name: str, value: str) -> bytes:
    """A handshake with another value for a header."""
    return without(name)[:-2] + f"{name}: {value}\r\n\r\n".encode()


def test_the_example_of_the_rfc(echo: EchoServer) -> None:
    status, headers = asked(echo, request("/chat", "Origin: http://example.com")).response()
    assert status == 101
    assert headers["upgrade"] == "websocket"
    assert headers["connection"] == "Upgrade"
    assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert "sec-websocket-protocol" not in headers
    assert "sec-websocket-extensions" not in headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Upgrade", "WebSocket"),
        ("Upgrade", "WEBSOCKET"),
        ("Connection", "upgrade"),
        ("Connection", "keep-alive, Upgrade"),
        ("sec-websocket-version", "13"),
        ("Host", "portal.example.org:8000"),
        ("Content-Length", "0"),
        ("Cookie", "x" * 8000),
    ],
)
def test_requests_are_parsed_as_http(echo: EchoServer, name: str, value: str) -> None:
    peer = asked(echo, changed(name, value))
    assert peer.response()[0] == 101
    peer.send(text("hello"))
    assert peer.text() == "hello"


def test_a_request_may_come_octet_by_octet(echo: EchoServer) -> None:
    peer = echo.connect()
    peer.send_slowly(request())
    assert peer.response()[0] == 101
    peer.answers()


@pytest.mark.parametrize(
    "octets",
    [
        without("Sec-WebSocket-Key"),
        changed("Sec-WebSocket-Key", "too short"),
        changed("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZXg="),
        changed("Sec-WebSocket-Key", "*" * 24),
        changed("Sec-WebSocket-Protocol", "two words"),
        changed("Sec-WebSocket-Protocol", "a;b"),
        changed("Sec-WebSocket-Extensions", ";"),
        changed("Sec-WebSocket-Extensions", "permessage-deflate; =12"),
        request("/", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    ],
)
def test_an_invalid_handshake_is_refused(echo: EchoServer, octets: bytes) -> None:
    peer = asked(echo, octets)
    assert peer.response()[0] == 400


@pytest.mark.parametrize("version", ["0", "7", "8", "12", "14", "130"])
def test_a_client_with_another_version_is_told_ours(echo: EchoServer, version: str) -> None:
    """Section 4.4."""
    status, headers = asked(echo, changed("Sec-WebSocket-Version", version)).response()
    assert status == 400
    assert headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (request("/" + "x" * 8192), 414),
        (request("/", "Cookie: " + "x" * 33_000), 431),
        (request("/", *(f"X-{number}: 1" for number in range(150))), 431),
    ],
)
def test_a_head_that_is_too_long_is_refused(echo: EchoServer, octets: bytes, status: int) -> None:
    peer = asked(echo, octets)
    assert peer.response()[0] == status
    peer.socket.recv(1000)
    echo.settle()


@pytest.mark.parametrize("line", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_a_handshake_has_no_body(echo: EchoServer, line: str) -> None:
    peer = echo.connect()
    peer.send(request("/", line), b"5\r\nhello\r\n0\r\n\r\n" if "chunked" in line else b"hello")
    assert peer.response()[0] == 400
    peer.socket.close()
    echo.settle()


def test_a_target_is_ascii(echo: EchoServer) -> None:
    """RFC 9112, section 3.2."""
    assert asked(echo, request("/\xe9")).response()[0] == 400


def test_an_application_may_refuse(echo: EchoServer) -> None:
    peer = asked(echo, request("/refusing"))
    assert peer.response()[0] == 403
    peer.ended()
    echo.settle()


def test_data_sent_before_the_answer_confuses_nobody(echo: EchoServer) -> None:
    """A client must wait for the answer (section 4.1); data sent in one piece with the request is lost."""
    peer = echo.connect()
    peer.send(request(), frame(PING, b"hasty"), text("hasty"))
    assert peer.response()[0] == 101
    peer.answers()
    peer.send(text("patient"))
    assert peer.text() == "patient"


def test_a_pong_does_not_come_before_the_answer(echo: EchoServer) -> None:
    peer = echo.connect()
    first, second = request()[:-2], request()[-2:]
    peer.send(first)
    peer.send(second)
    peer.send(frame(PING, b"hasty"))
    assert peer.response()[0] == 101
    peer.send(frame(PING, b"patient"))
    received = peer.receive()
    assert received in {Frame(PONG, b"hasty"), Frame(PONG, b"patient")}


def test_a_client_may_disconnect_before_the_answer(echo: EchoServer) -> None:
    for octets in (request(), b"", b"\x16\x03\x01"):
        asked(echo, octets).reset()
    echo.settle()
