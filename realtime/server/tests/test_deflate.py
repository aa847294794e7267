"""permessage-deflate without context takeover (RFC 7692): the negotiation, and the messages that follow it."""

from __future__ import annotations

import os
import random
import zlib

import pytest

from realtime.delivery.prepared import COMPRESS_FROM_BYTES, WINDOW_BITS
from realtime.server.tests.echo import EchoServer
from realtime.server.tests.peer import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Frame,
    Peer,
    close,
    deflated,
    fragments,
    frame,
    inflated,
    text,
)

OURS = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits={}"
PLAIN = OURS.format(WINDOW_BITS)
# Words that repeat after more than a window of 512 octets, but within one of 4 KiB.
FAR_APART = "".join(random.Random(7692).choices("abcdefghijklmnopqrstuvwxyz", k=2000)) * 4  # noqa: S311


def opened(echo: EchoServer, offer: str = "permessage-deflate", path: str = "/") -> Peer:
    """A connection with that offer."""
    return echo.open(path, f"Sec-WebSocket-Extensions: {offer}")


# --- The negotiation (sections 5 and 7.1) -----------------------------------------------------------------------

ANSWERS = {
    "permessage-deflate": PLAIN,
    # Section 7.1.1
    "permessage-deflate; server_no_context_takeover": PLAIN,
    "permessage-deflate; client_no_context_takeover": PLAIN,
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover": PLAIN,
    # The offers of Chrome and Firefox, and that of Safari
    "permessage-deflate; client_max_window_bits": PLAIN + "; client_max_window_bits=12",
    "x-webkit-deflate-frame, permessage-deflate": PLAIN,
    # Section 7.1.2
    **{f"permessage-deflate; server_max_window_bits={bits}": OURS.format(bits) for bits in (9, 10, 11, 12)},
    **{f"permessage-deflate; server_max_window_bits={bits}": PLAIN for bits in (13, 14, 15)},
    **{
        f"permessage-deflate; client_max_window_bits={bits}": f"{PLAIN}; client_max_window_bits={min(bits, 12)}"
        for bits in range(8, 16)
    },
    # zlib cannot compress with a window of 256 octets
    "permessage-deflate; server_max_window_bits=8": "",
    # The first offer that we support
    "permessage-deflate; server_max_window_bits=8, permessage-deflate": PLAIN,
    "permessage-deflate; server_max_window_bits=10, permessage-deflate": OURS.format(10),
    "permessage-foo, permessage-deflate; bar, permessage-deflate": PLAIN,
    # Section 7.1: parameters that are unknown, wrong or given twice decline the offer
    "permessage-deflate; unknown": "",
    "permessage-deflate; unknown=1": "",
    "permessage-deflate; server_no_context_takeover=1": "",
    "permessage-deflate; client_no_context_takeover=true": "",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover": "",
    "permessage-deflate; client_max_window_bits; client_max_window_bits=10": "",
    **{f"permessage-deflate; server_max_window_bits={bits}": "" for bits in ("7", "16", "0", "012", "-9", '"x"')},
    **{f"permessage-deflate; client_max_window_bits={bits}": "" for bits in ("7", "16", "0", "08", '"x"')},
    "permessage-deflate; server_max_window_bits": "",
    # Other extensions
    "permessage-foo": "",
    "x-webkit-deflate-frame": "",
    "deflate-stream": "",
}


@pytest.mark.parametrize(("offer", "answer"), ANSWERS.items())
def test_offers_are_answered(echo: EchoServer, offer: str, answer: str) -> None:
    peer = opened(echo, offer, "/outlet")
    assert peer.extensions == answer
    peer.send(text("plain"), text("*" * 2000))
    assert peer.text() == "plain"
    opcode, data, compressed = peer.receive()
    assert opcode == TEXT
    assert compressed is (answer.startswith(PLAIN))
    assert (inflated(data, WINDOW_BITS) if compressed else data) == b"*" * 2000


def test_offers_may_be_in_several_headers(echo: EchoServer) -> None:
    header = "Sec-WebSocket-Extensions: permessage-deflate"
    peer = echo.open("/", f"{header}; server_max_window_bits=8", f"{header}; server_max_window_bits=11")
    assert peer.extensions == OURS.format(11)


def test_nothing_is_compressed_without_an_offer(echo: EchoServer) -> None:
    peer = echo.open("/outlet")
    assert peer.extensions == ""
    peer.send(text("*" * 2000))
    assert peer.text() == "*" * 2000


# --- Messages of the server (section 7.2.1) ---------------------------------------------------------------------


@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("path", ["/send", "/outlet"])
def test_the_server_respects_the_agreed_window(echo: EchoServer, path: str, bits: int) -> None:
    """The frame that is the same for all has a window of 4 KiB: with a smaller window it is sent uncompressed."""
    peer = opened(echo, f"permessage-deflate; server_max_window_bits={bits}", path)
    peer.send(text(FAR_APART))
    opcode, data, compressed = peer.receive()
    assert opcode == TEXT
    assert compressed is (path == "/send" or bits >= WINDOW_BITS)
    assert (inflated(data, bits) if compressed else data) == FAR_APART.encode()


@pytest.mark.parametrize("path", ["/send", "/outlet"])
def test_each_message_is_compressed_separately(echo: EchoServer, path: str) -> None:
    peer = opened(echo, path=path)
    for _ in range(3):
        peer.send(text(FAR_APART))
        opcode, data, compressed = peer.receive()
        assert (opcode, compressed) == (TEXT, True)
        assert inflated(data, WINDOW_BITS) == FAR_APART.encode()


@pytest.mark.parametrize("length", [0, 1, 125, 126, 1000, COMPRESS_FROM_BYTES - 1, COMPRESS_FROM_BYTES, 65_536])
def test_short_messages_are_not_compressed(echo: EchoServer, length: int) -> None:
    peer = opened(echo, path="/outlet")
    words = os.urandom(length).hex()[:length]
    peer.send(text(words))
    opcode, data, compressed = peer.receive()
    assert (opcode, compressed) == (TEXT, length >= COMPRESS_FROM_BYTES)
    assert (inflated(data, WINDOW_BITS) if compressed else data) == words.encode()


# --- Messages of the client (section 7.2.2) ---------------------------------------------------------------------


def said(peer: Peer, data: bytes = b"Hello", opcode: int = TEXT) -> None:
    """Assert that the server has received this."""
    received, echoed, compressed = peer.receive()
    assert received == opcode
    assert (inflated(echoed) if compressed else echoed) == data


EXAMPLES = {
    "7.2.3.1, one block": "f248cdc9c90700",
    "7.2.3.3, a block without compression": "000500faff48656c6c6f00",
    "7.2.3.4, a final block": "f348cdc9c9070000",
    "7.2.3.5, two blocks": "f248050000 00ffffcac9c90700",
}


@pytest.mark.parametrize("data", EXAMPLES.values(), ids=EXAMPLES)
@pytest.mark.parametrize("pieces", [1, 2, 3])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_the_examples_of_the_rfc(echo: EchoServer, opcode: int, data: str, pieces: int) -> None:
    peer = opened(echo)
    octets = bytes.fromhex(data)
    size = -(-len(octets) // pieces)
    cut = [octets[start : start + size] for start in range(0, len(octets), size)]
    for _ in range(2):
        peer.send(*fragments(opcode, *cut, rsv=4))
        said(peer, opcode=opcode)


def test_messages_may_be_compressed_or_not(echo: EchoServer) -> None:
    peer = opened(echo)
    peer.send(text("Hello"), frame(TEXT, deflated(b"Hello"), rsv=4), *fragments(TEXT, b"Hel", b"lo"), text("Hello"))
    for _ in range(4):
        said(peer)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x02\x00"])
def test_an_empty_message(echo: EchoServer, data: bytes) -> None:
    """Section 7.2.3.6 and Autobahn: an empty block, or none at all."""
    peer = opened(echo)
    peer.send(frame(TEXT, data, rsv=4))
    said(peer, b"")


@pytest.mark.parametrize("bits", range(9, 16))
def test_the_client_may_use_a_smaller_window_than_agreed(echo: EchoServer, bits: int) -> None:
    peer = opened(echo, f"permessage-deflate; client_max_window_bits={bits}")
    peer.send(frame(TEXT, deflated(FAR_APART.encode(), min(bits, 12)), rsv=4))
    said(peer, FAR_APART.encode())


def test_control_frames_may_come_between_compressed_fragments(echo: EchoServer) -> None:
    peer = opened(echo)
    first, *others = fragments(TEXT, *(deflated(b"Hello")[place : place + 2] for place in range(0, 8, 2)), rsv=4)
    peer.send(first, frame(PING, b"one"), *others[:1], frame(PONG), frame(PING, b"two"), *others[1:])
    assert peer.receive() == Frame(PONG, b"one")
    assert peer.receive() == Frame(PONG, b"two")
    said(peer)


def test_a_close_may_come_between_compressed_fragments(echo: EchoServer) -> None:
    peer = opened(echo)
    peer.send(frame(TEXT, deflated(b"Hello")[:3], fin=False, rsv=4), close(1000))
    assert peer.closed().code == 1000


# --- Invalid messages of the client -----------------------------------------------------------------------------


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_control_frames_are_not_compressed(echo: EchoServer, opcode: int) -> None:
    peer = opened(echo)
    peer.send(frame(opcode, b"", rsv=4))
    peer.failed(1002)


@pytest.mark.parametrize("rsv", [4, 0])
def test_only_the_first_fragment_has_the_bit_for_compression(echo: EchoServer, rsv: int) -> None:
    peer = opened(echo)
    data = deflated(b"Hello") if rsv else b"Hello"
    peer.send(frame(TEXT, data[:3], fin=False, rsv=rsv), frame(CONT, data[3:], rsv=4))
    peer.failed(1002)


@pytest.mark.parametrize("rsv", [1, 2, 3, 5, 6, 7])
def test_the_other_bits_are_still_reserved(echo: EchoServer, rsv: int) -> None:
    peer = opened(echo)
    peer.send(frame(TEXT, deflated(b"Hello"), rsv=rsv))
    peer.failed(1002)


@pytest.mark.parametrize("data", [b"\xff", b"\x06", b"\xff" * 3000, b"\x00\x05\x00\x00\x00Hello"])
@pytest.mark.parametrize("fin", [True, False])
def test_data_that_is_not_deflate_fails_the_connection(echo: EchoServer, data: bytes, fin: bool) -> None:
    peer = opened(echo)
    peer.send(frame(TEXT, data, fin=fin, rsv=4))
    peer.failed(1002)


def test_the_client_must_not_take_the_context_over(echo: EchoServer) -> None:
    peer = opened(echo)
    deflate = zlib.compressobj(wbits=-12)
    first, second = (deflate.compress(b"Hello again") + deflate.flush(zlib.Z_SYNC_FLUSH) for _ in range(2))
    peer.send(frame(TEXT, first[:-4], rsv=4), frame(TEXT, second[:-4], rsv=4))
    peer.failed(1002)
    assert echo.texts() == ["Hello again"]


@pytest.mark.parametrize("pieces", [3, 10])
def test_compressed_text_must_be_text(echo: EchoServer, pieces: int) -> None:
    peer = opened(echo)
    data = deflated(b"Hello \xed\xa0\x80")
    peer.send(*fragments(TEXT, *(data[place : place + pieces] for place in range(0, len(data), pieces)), rsv=4))
    peer.failed(1007)


def test_nothing_may_follow_a_final_block(echo: EchoServer) -> None:
    """zlib would keep all of it, and copy it again for each fragment."""
    peer = opened(echo)
    peer.send(frame(BINARY, bytes.fromhex("f348cdc9c9070000"), fin=False, rsv=4), frame(PING))
    assert peer.receive().opcode == PONG
    peer.send(*[frame(CONT, bytes(60_000), fin=False)] * 2)
    peer.failed(1002)
