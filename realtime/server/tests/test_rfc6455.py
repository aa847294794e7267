"""RFC 6455, frame by frame: the cases of the Autobahn test suite, sections 1 to 5, and additional ones."""

from __future__ import annotations

import pytest

from realtime.server.tests.echo import EchoServer
from realtime.server.tests.peer import BINARY, CLOSE, CONT, MASK, PING, PONG, TEXT, Frame, fragments, frame, text

SIZES = [0, 1, 125, 126, 127, 128, 65_535, 65_536]
CONTROLS = [CLOSE, PING, PONG]
# RFC 6455, section 5.2
RESERVED_OPCODES = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
PIECES = [b"fragment1", b"fragment2", b"fragment3", b"fragment4", b"fragment5"]


# --- Messages (Autobahn 1) ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/send", "/outlet"])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", SIZES)
def test_messages_of_all_lengths(echo: EchoServer, path: str, opcode: int, size: int) -> None:
    peer = echo.open(path)
    data = b"*" * size if opcode == TEXT else b"\xfe" * size
    peer.send(frame(opcode, data))
    assert peer.receive() == Frame(opcode, data)
    peer.answers()


@pytest.mark.parametrize(("size", "at_once"), [(0, 1), (300, 1), (65_536, 997)])
def test_a_message_may_come_in_any_number_of_segments(echo: EchoServer, size: int, at_once: int) -> None:
    peer = echo.open()
    peer.send_slowly(text("*" * size), at_once)
    assert peer.text() == "*" * size


def test_a_segment_may_have_any_number_of_messages(echo: EchoServer) -> None:
    peer = echo.open()
    words = [f"message {number}" for number in range(500)]
    peer.send(*map(text, words))
    assert [peer.text() for _ in words] == words


def test_a_mask_may_be_all_zeros(echo: EchoServer) -> None:
    peer = echo.open()
    peer.send(frame(TEXT, b"plain", mask=bytes(4)))
    assert peer.text() == "plain"


def test_an_empty_frame_is_a_message(echo: EchoServer) -> None:
    peer = echo.open()
    peer.send(text(""), frame(BINARY))
    assert peer.receive() == Frame(TEXT, b"")
    assert peer.receive() == Frame(BINARY, b"")


def test_a_length_in_a_longer_form_than_necessary_is_read(echo: EchoServer) -> None:
    """Section 5.2 requires the shortest form of the sender; a receiver need not check it."""
    peer = echo.open()
    peer.send(b"\x81\xfe\x00\x02", MASK, frame(TEXT, b"hi")[-2:])
    assert peer.text() == "hi"


# --- Pings and pongs (2) --------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"Hello", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"*" * 125])
def test_a_pong_has_the_data_of_the_ping(echo: EchoServer, data: bytes) -> None:
    peer = echo.open()
    peer.send(frame(PING, data))
    assert peer.receive() == Frame(PONG, data)


def test_pings_are_answered_in_order(echo: EchoServer) -> None:
    peer = echo.open()
    pings = [frame(PING, b"%d" % number) for number in range(10)]
    peer.send(*pings)
    peer.send_slowly(b"".join(pings))
    for number in [*range(10), *range(10)]:
        assert peer.receive() == Frame(PONG, b"%d" % number)


@pytest.mark.parametrize("data", [b"", b"unsolicited"])
def test_unsolicited_pongs_are_ignored(echo: EchoServer, data: bytes) -> None:
    peer = echo.open()
    peer.send(frame(PONG, data))
    peer.answers()


# --- Frames that are not allowed (2.5, 3, 4) --------------------------------------------------------------------


@pytest.mark.parametrize("opcode", CONTROLS)
@pytest.mark.parametrize("size", [126, 65_536])
def test_control_frames_have_at_most_125_octets(echo: EchoServer, opcode: int, size: int) -> None:
    peer = echo.open()
    peer.send(frame(opcode, b"\x03\xe8" + b"*" * (size - 2)))
    peer.failed(1002)


@pytest.mark.parametrize("opcode", CONTROLS)
def test_control_frames_are_not_fragmented(echo: EchoServer, opcode: int) -> None:
    peer = echo.open()
    peer.send(frame(opcode, fin=False), frame(CONT))
    peer.failed(1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, *CONTROLS])
@pytest.mark.parametrize("rsv", range(1, 8))
def test_reserved_bits_are_zero(echo: EchoServer, opcode: int, rsv: int) -> None:
    peer = echo.open()
    peer.send(frame(opcode, rsv=rsv))
    peer.failed(1002)


@pytest.mark.parametrize("opcode", RESERVED_OPCODES)
@pytest.mark.parametrize("data", [b"", b"payload"])
def test_reserved_opcodes_are_not_used(echo: EchoServer, opcode: int, data: bytes) -> None:
    peer = echo.open()
    peer.send(frame(opcode, data))
    peer.failed(1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, *CONTROLS])
def test_clients_must_mask(echo: EchoServer, opcode: int) -> None:
    peer = echo.open()
    peer.send(frame(opcode, b"", mask=None))
    peer.failed(1002)


# --- Fragments (5) ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("pieces", [PIECES[:2], PIECES, [b"", b"", b""], [b"", b"all", b""]])
@pytest.mark.parametrize("at_once", [1, 4096])
def test_a_message_may_come_in_fragments(echo: EchoServer, opcode: int, pieces: list[bytes], at_once: int) -> None:
    peer = echo.open()
    peer.send_slowly(b"".join(fragments(opcode, *pieces)), at_once)
    assert peer.receive() == Frame(opcode, b"".join(pieces))
    peer.answers()


def test_fragments_come_in_any_number(echo: EchoServer) -> None:
    peer = echo.open()
    data = bytes(range(256)) * 64
    peer.send(*fragments(BINARY, *(data[place : place + 1] for place in range(len(data)))))
    assert peer.receive() == Frame(BINARY, data)


def test_empty_fragments_take_no_memory(echo: EchoServer) -> None:
    peer = echo.open()
    peer.send(text("begun", fin=False), frame(CONT, fin=False) * 5000)
    peer.answers()
    assert echo.protocol.wire._pieces == ["begun"]


@pytest.mark.parametrize("at_once", [1, 4096])
def test_control_frames_may_come_between_fragments(echo: EchoServer, at_once: int) -> None:
    peer = echo.open()
    sent = fragments(TEXT, *PIECES)
    sent[2:2] = [frame(PING, b"one")]
    sent[5:5] = [frame(PONG, b"unsolicited"), frame(PING, b"two")]
    peer.send_slowly(b"".join(sent), at_once)
    assert peer.receive() == Frame(PONG, b"one")
    assert peer.receive() == Frame(PONG, b"two")
    assert peer.text() == b"".join(PIECES).decode()


@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("before", [b"", text("a message"), frame(PING)])
def test_a_continuation_without_a_beginning_is_an_error(echo: EchoServer, before: bytes, fin: bool) -> None:
    peer = echo.open()
    if before:
        peer.send(before)
        peer.receive()
    peer.send(frame(CONT, b"what?", fin=fin))
    peer.failed(1002)


@pytest.mark.parametrize("first", [TEXT, BINARY])
@pytest.mark.parametrize("second", [TEXT, BINARY])
@pytest.mark.parametrize("fin", [True, False])
def test_messages_are_not_mixed(echo: EchoServer, first: int, second: int, fin: bool) -> None:
    peer = echo.open()
    peer.send(frame(first, b"begun", fin=False), frame(second, b"\xff", fin=fin))
    peer.failed(1002)
    assert echo.texts() == []


# --- Errors of a client -----------------------------------------------------------------------------------------


def test_frames_before_an_error_are_processed_and_later_ones_ignored(echo: EchoServer) -> None:
    peer = echo.open()
    peer.send(text("before"), frame(PING, b"before"), frame(TEXT, rsv=2), frame(PING, b"behind"), text("behind"))
    assert peer.receive() == Frame(PONG, b"before")
    peer.failed(1002)
    assert echo.texts() == ["before"]


def test_the_application_is_told_of_an_error_once(echo: EchoServer) -> None:
    peer = echo.open()
    peer.send(text("before"), frame(3))
    peer.failed(1002)
    peer.send(text("behind"), frame(3), frame(CLOSE))
    peer.socket.close()
    echo.settle()
    connect, receive, disconnect = echo.heard
    assert connect == {"type": "websocket.connect"}
    assert receive == {"type": "websocket.receive", "text": "before"}
    assert disconnect == {"type": "websocket.disconnect", "code": 1002, "reason": "invalid opcode"}


def test_a_client_that_continues_to_send_can_still_read_the_error(echo: EchoServer) -> None:
    """Closing a socket with unread input would reset it, and the last frames may be lost."""
    peer = echo.open()
    peer.send(frame(TEXT, rsv=1))
    for _ in range(64):
        peer.send(frame(BINARY, bytes(16_384)))
    peer.failed(1002)
    peer.send(frame(BINARY, bytes(16_384)))


def test_a_client_that_never_stops_sending_is_cut(echo: EchoServer) -> None:
    peer = echo.open()
    echo.protocol.close_seconds = 0.05
    peer.send(frame(TEXT, rsv=1))
    peer.failed(1002)
    echo.settle()
    with pytest.raises(OSError, match=r"Broken pipe|reset"):
        peer.send_slowly(bytes(2**24), 2**14)
