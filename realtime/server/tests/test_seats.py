"""However a connection ends, nothing of it is left: no seat, no room, no task; and the others do not notice."""

from __future__ import annotations

import json
from collections.abc import Callable

from libraries.models import User
from realtime.protocol.closing import CloseCode
from realtime.server.tests.peer import BINARY, CONT, PING, TEXT, Peer, close, frame, text
from realtime.server.tests.table import Holdings, Table
from testing.in_process import wait_until


def says(code: int, *octets: bytes) -> Callable[[Peer], None]:
    """Send a message that ends the connection with that code."""

    def end(peer: Peer) -> None:
        peer.send(*octets)
        while (received := peer.receive()).opcode == TEXT:
            assert json.loads(received.data)["type"] == "error"
        assert received.data[:2] == code.to_bytes(2, "big")
        if code == CloseCode.UNSUPPORTED:  # the server has closed, and has not failed the connection
            peer.send(close(code))
        peer.ended()

    return end


def goes(before: bytes = b"") -> Callable[[Peer], None]:
    """Close the TCP connection, in the middle of a message."""

    def end(peer: Peer) -> None:
        peer.send(before)
        peer.socket.close()

    return end


def breaks_off(before: bytes = b"") -> Callable[[Peer], None]:
    """Send an RST."""

    def end(peer: Peer) -> None:
        peer.send(before)
        peer.reset()

    return end


def says_no_more(peer: Peer) -> None:
    """Close one half of the TCP connection."""
    peer.socket.shutdown(1)
    peer.ended()


ENDS = {
    "close": says(1000, close(1000)),
    "close in a message": says(1000, text("{", fin=False), close(1000)),
    "reserved opcode": says(1002, frame(3)),
    "reserved bit": says(1002, frame(TEXT, b"{}", rsv=2)),
    "no mask": says(1002, frame(TEXT, b"{}", mask=None)),
    "nothing to continue": says(1002, frame(CONT)),
    "no text": says(1007, frame(TEXT, b"\xff")),
    "binary": says(1003, frame(BINARY, b"{}")),
    "too long": says(1009, frame(TEXT, bytes(4 * 65_536 + 1))),
    "much too long": says(1009, b"\x81\xff" + (2**40).to_bytes(8, "big") + bytes(4)),
    "goes": goes(),
    "goes in a frame": goes(b"\x81\xfe"),
    "goes after a ping": goes(frame(PING)),
    "breaks off": breaks_off(),
    "breaks off in a frame": breaks_off(b"\x81\xfe"),
    "breaks off after a ping": breaks_off(frame(PING)),
    "says no more": says_no_more,
}


def test_nothing_is_left(table: Table, owner: User, viewer: User) -> None:
    controller = table.seat(owner)
    for name, end in ENDS.items():
        leaving = table.seat(viewer)
        assert table.holds()[:3] == Holdings(rooms=1, connections=2, seats=2)[:3], name
        leaving.peer.send(text('{"type": "ping"}'))
        assert leaving.receive()["type"] == "pong", name
        end(leaving.peer)
        wait_until(lambda: table.holds()[:3] == Holdings(rooms=1, connections=1, seats=1)[:3])
        controller.change(name=name)
    controller.peer.socket.close()
    wait_until(lambda: table.holds() == Holdings())
