"""Text is UTF-8 (RFC 6455, section 8.1; RFC 3629): the cases of the Autobahn test suite, section 6."""

from __future__ import annotations

import pytest

from realtime.server.tests.echo import EchoServer
from realtime.server.tests.peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, Frame, close, fragments, frame, text

KOSME = "κόσμε".encode()

VALID = [
    b"Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!",
    KOSME,
    # The first and the last of each length
    *[b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"],
    *[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"],
    # Around the surrogates, and code points that are no characters
    *[b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xef\xbf\xbe", b"\xf0\x9f\xbf\xbe"],
]
INVALID = [
    KOSME + b"\xed\xa0\x80edited",
    # Out of range
    *[b"\xf4\x90\x80\x80", b"\xf7\xbf\xbf\xbf", b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"],
    # Continuations without a beginning, and beginnings without a continuation
    *[b"\x80", b"\xbf", b"\x80\xbf\x80", b"\xc0 \xc1 \xdf ", b"\xe0 \xef ", b"\xf0 \xf7 ", b"\xf8 \xfd "],
    # Impossible octets
    *[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"],
    # Longer than needed
    *[
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xc1\xbf",
        b"\xe0\x9f\xbf",
        b"\xf0\x8f\xbf\xbf",
        b"\xc0\x80",
    ],
    # Surrogates, alone and in pairs
    *[b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80", b"\xed\xaf\xbf\xed\xbf\xbf"],
]
UNFINISHED = [KOSME[:1], KOSME[:-1], b"\xe0\xa0", b"\xf0\x90\x80", b"a\xf4\x8f\xbf"]


def octets(data: bytes) -> list[bytes]:
    """The octets, one by one."""
    return [data[place : place + 1] for place in range(len(data))]


@pytest.mark.parametrize("data", VALID, ids=bytes.hex)
@pytest.mark.parametrize("path", ["/send", "/outlet"])
def test_valid_text_is_accepted_however_it_is_fragmented(echo: EchoServer, path: str, data: bytes) -> None:
    peer = echo.open(path)
    peer.send(frame(TEXT, data), *fragments(TEXT, *octets(data)), *fragments(TEXT, b"", data, b""))
    assert [peer.receive() for _ in range(3)] == [Frame(TEXT, data)] * 3
    peer.answers()


@pytest.mark.parametrize("data", INVALID + UNFINISHED, ids=bytes.hex)
def test_invalid_text_fails_the_connection(echo: EchoServer, data: bytes) -> None:
    peer = echo.open()
    peer.send(frame(TEXT, data))
    peer.failed(1007)
    assert echo.texts() == []


@pytest.mark.parametrize("data", INVALID, ids=bytes.hex)
def test_invalid_text_fails_the_connection_before_the_message_ends(echo: EchoServer, data: bytes) -> None:
    peer = echo.open()
    peer.send(frame(TEXT, b"", fin=False), *(frame(CONT, octet, fin=False) for octet in octets(data)))
    peer.failed(1007)


@pytest.mark.parametrize("data", UNFINISHED, ids=bytes.hex)
def test_a_message_must_not_end_within_a_character(echo: EchoServer, data: bytes) -> None:
    peer = echo.open()
    unfinished = fragments(TEXT, *octets(data), b"")
    peer.send(*unfinished[:-1])
    peer.answers()
    peer.send(unfinished[-1])
    peer.failed(1007)


@pytest.mark.parametrize("behind", [close(1000), text("more"), frame(PING), frame(TEXT, b"\xff"), frame(3)])
def test_data_after_invalid_text_changes_nothing(echo: EchoServer, behind: bytes) -> None:
    peer = echo.open()
    peer.send(text("before"), frame(TEXT, b"\xff"), behind)
    peer.failed(1007)
    assert echo.texts() == ["before"]
    assert [event["code"] for event in echo.heard if event["type"] == "websocket.disconnect"] == [1007]


def test_each_message_is_checked_separately(echo: EchoServer) -> None:
    peer = echo.open()
    binary = fragments(BINARY, b"\xce", b"\xff")
    peer.send(*fragments(TEXT, *octets(KOSME)), *binary, text("one"), *binary, *fragments(TEXT, b"t", b"wo"))
    received = [peer.receive().data for _ in range(5)]
    assert received == [KOSME, b"\xce\xff", b"one", b"\xce\xff", b"two"]


def test_a_character_may_be_interrupted_by_control_frames(echo: EchoServer) -> None:
    peer = echo.open()
    first, second = fragments(TEXT, KOSME[:1], KOSME[1:])
    peer.send(first, frame(PING, b"\xff"), frame(PONG, b"\xff"), second)
    assert peer.receive() == Frame(PONG, b"\xff")
    assert peer.receive() == Frame(TEXT, KOSME)


@pytest.mark.parametrize("data", [b"\xff", b"\xce", KOSME + b"\xed\xa0\x80"])
def test_binary_messages_may_contain_anything(echo: EchoServer, data: bytes) -> None:
    peer = echo.open()
    peer.send(frame(BINARY, data), *fragments(BINARY, *octets(data)))
    assert [peer.receive() for _ in range(2)] == [Frame(BINARY, data)] * 2


@pytest.mark.parametrize("reason", VALID, ids=bytes.hex)
def test_close_reasons_may_be_any_text(echo: EchoServer, reason: bytes) -> None:
    peer = echo.open()
    peer.send(close(1000, reason))
    assert peer.closed() == (1000, reason.decode())


@pytest.mark.parametrize("reason", INVALID + UNFINISHED, ids=bytes.hex)
def test_close_reasons_are_text(echo: EchoServer, reason: bytes) -> None:
    peer = echo.open()
    peer.send(frame(CLOSE, b"\x03\xe8" + reason))
    peer.failed(1007)
