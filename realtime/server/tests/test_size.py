"""A message of more than four times `PORTAL_MAX_MESSAGE_BYTES`, before or after decompression, ends its connection."""

from __future__ import annotations

import json

import msgpack
import pytest

from realtime.protocol.encodings import Encoding
from realtime.server.tests.echo import EchoServer
from realtime.server.tests.peer import (
    BINARY,
    CONT,
    MASK,
    PING,
    PONG,
    TEXT,
    Closed,
    Frame,
    Peer,
    deflated,
    fragments,
    frame,
    inflated,
)
from realtime.server.websocket import wire

LIMIT = 4 * 65_536
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
TOO_BIG = {"type": "error", "code": "message-too-big", "message": json.loads(wire.TOO_BIG[Encoding.JSON])["message"]}


def is_told(peer: Peer) -> None:
    """Assert that the error comes, and a close with 1009 after it."""
    opcode, data, compressed = peer.receive()
    assert opcode == TEXT
    assert json.loads(inflated(data) if compressed else data) == TOO_BIG
    assert peer.closed() == Closed(1009, "message-too-big")


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("lengths", [[LIMIT], [LIMIT // 2] * 2, [LIMIT, 0], [0, LIMIT], [LIMIT - 1, 1]])
def test_a_message_may_be_as_long_as_the_limit(echo: EchoServer, opcode: int, lengths: list[int]) -> None:
    peer = echo.open()
    peer.send(*fragments(opcode, *(b"*" * length for length in lengths)))
    assert peer.receive() == Frame(opcode, b"*" * LIMIT)
    peer.answers()


def test_a_client_of_message_pack_is_told_so_in_message_pack(echo: EchoServer) -> None:
    peer = echo.open()
    peer.answers()
    echo.do(echo.protocol.speak, Encoding.MSGPACK)
    peer.send(frame(BINARY, b"*" * (LIMIT + 1)))
    told = peer.receive()
    assert told.opcode == BINARY
    assert msgpack.unpackb(told.data) == TOO_BIG
    assert peer.closed() == Closed(1009, "message-too-big")


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("lengths", [[LIMIT + 1], [LIMIT, 1], [1, LIMIT], [LIMIT // 2] * 3, [1024] * 257, [2**20]])
def test_a_longer_one_is_refused(echo: EchoServer, opcode: int, lengths: list[int]) -> None:
    peer = echo.open()
    peer.send(*fragments(opcode, *(b"*" * length for length in lengths)))
    is_told(peer)
    peer.socket.close()
    echo.settle()
    assert [event["type"] for event in echo.heard] == ["websocket.connect", "websocket.disconnect"]


@pytest.mark.parametrize("length", [LIMIT + 1, 2**31, 2**63 - 1, 2**64 - 1])
def test_the_length_alone_is_enough_to_refuse_it(echo: EchoServer, length: int) -> None:
    peer = echo.open()
    peer.send(b"\x81\xff", length.to_bytes(8, "big"), MASK)
    is_told(peer)


def test_the_earlier_messages_were_processed(echo: EchoServer) -> None:
    peer = echo.open()
    peer.send(frame(TEXT, b"before"), frame(PING, b"before"), frame(TEXT, bytes(LIMIT + 1)), frame(PING, b"behind"))
    assert peer.receive() == Frame(PONG, b"before")
    is_told(peer)
    assert echo.texts() == ["before"]


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_bomb_does_not_go_off(echo: EchoServer, opcode: int) -> None:
    peer = echo.open("/", DEFLATE)
    bomb = deflated(bytes(2**25))
    assert len(bomb) < LIMIT / 4
    peer.send(frame(opcode, bomb, rsv=4))
    is_told(peer)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_bomb_in_pieces_does_not_go_off(echo: EchoServer, opcode: int) -> None:
    peer = echo.open("/", DEFLATE)
    bomb = deflated(bytes(2**25))
    peer.send(*fragments(opcode, *(bomb[start : start + 64] for start in range(0, len(bomb), 64)), rsv=4))
    is_told(peer)


@pytest.mark.parametrize(("length", "fits"), [(LIMIT, True), (LIMIT + 1, False)])
@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_the_limit_applies_to_decompressed_messages(echo: EchoServer, length: int, fits: bool, pieces: int) -> None:
    peer = echo.open("/", DEFLATE)
    data = deflated((b"0123456789abcdef" * LIMIT)[:length])
    size = -(-len(data) // pieces)
    peer.send(*fragments(BINARY, *(data[start : start + size] for start in range(0, len(data), size)), rsv=4))
    if fits:
        assert len(inflated(peer.receive().data)) == length
    else:
        is_told(peer)


def test_empty_compressed_fragments_take_no_memory(echo: EchoServer) -> None:
    """Empty blocks of DEFLATE: no limit counts them, so they must not be kept."""
    peer = echo.open("/", DEFLATE)
    peer.send(frame(BINARY, b"\x00\x00\x00\xff\xff" * 100, fin=False, rsv=4))
    for _ in range(300):
        peer.send(frame(CONT, b"\x00\x00\x00\xff\xff" * 100, fin=False))
    peer.send(frame(CONT, deflated(b"at last")))
    assert inflated(peer.receive().data) == b"at last"
