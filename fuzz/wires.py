"""One client's data in one read of a server's socket: frames of every kind, many small ones, compressed bombs.

For the cost fuzzer; octets that break the protocol are made in `fuzz.octets`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from websockets.datastructures import Headers
from websockets.http11 import Request

from fuzz import texts
from fuzz.talk import OFFER
from fuzz.texts import Text
from realtime.server.tests.peer import BINARY, CONT, PING, PONG, TEXT, deflated, fragments, frame, request
from realtime.server.websocket.wire import PortalServerProtocol, deflate

MAX_MESSAGE_BYTES = 4 * 65_536
PAYLOADS = (0, 1, 20, 200, 2_000, 60_000)
PIECES = (1, 1, 1, 2, 10, 1_000)


@dataclass(frozen=True)
class Wire:
    """One message, or one control frame, again and again."""

    opcode: int
    text: Text
    payload: int
    pieces: int
    compressed: bool

    def build(self, size: int) -> bytes:
        """This many octets of it; the last frame is cut at the end."""
        payload = self.text.build(self.payload).encode(errors="surrogatepass")[: self.payload]
        if self.opcode in {PING, PONG}:
            one = frame(self.opcode, payload[:125])
        else:
            sent = deflated(payload) if self.compressed else payload
            step = max(1, -(-len(sent) // self.pieces))
            cut = [sent[start : start + step] for start in range(0, len(sent), step)] or [b""]
            one = b"".join(fragments(self.opcode, *cut, rsv=4 if self.compressed else 0))
        return (one * (size // len(one) + 1))[:size]

    def __str__(self) -> str:
        how = "compressed " if self.compressed else ""
        return f"{how}messages of opcode {self.opcode}, {self.payload} bytes of {self.text}, in {self.pieces} pieces"


@dataclass(frozen=True)
class Pieces:
    """One message in as many fragments as there is room for."""

    payload: bytes

    def build(self, size: int) -> bytes:
        """The octets."""
        piece = frame(CONT, self.payload, fin=False)
        return (frame(TEXT, b"", fin=False) + piece * (size // len(piece)))[:size]

    def __str__(self) -> str:
        return f"one message in fragments of {self.payload!r}"


def draw(rng: random.Random) -> Wire | Pieces:
    """Some plan."""
    if rng.random() < 0.1:
        return Pieces(b"a" * rng.choice((0, 0, 1, 2)))
    opcode = rng.choice((TEXT, TEXT, TEXT, BINARY, PING, PONG))
    return Wire(opcode, texts.draw(rng), rng.choice(PAYLOADS), rng.choice(PIECES), rng.random() < 0.5)


def connection(octets: bytes) -> tuple[PortalServerProtocol, bytes]:
    """An open connection with compression, and the next octets of its client."""
    protocol = PortalServerProtocol(extensions=[deflate], max_size=MAX_MESSAGE_BYTES)
    head = [line.split(": ", 1) for line in request("/", OFFER).decode().split("\r\n")[1:-2]]
    protocol.send_response(protocol.accept(Request("/", Headers((name, value) for name, value in head))))
    protocol.data_to_send()
    return protocol, octets


def heard(_function: Any, given: tuple[PortalServerProtocol, bytes]) -> object:
    """Let the connection read and process them."""
    protocol, octets = given
    protocol.receive_data(octets)
    return protocol.events_received(), protocol.data_to_send()
