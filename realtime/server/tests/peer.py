"""A WebSocket client made of a plain socket: it sends any octets, valid or not, and checks everything it receives.

The server's frames are checked here against RFC 6455, sections 5.1 and 5.2; the test checks their content.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
import struct
import zlib
from typing import NamedTuple

DEADLINE_SECONDS = 10.0

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MASK = b"\x37\xfa\x21\x3d"
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Frame(NamedTuple):
    """A frame as received."""

    opcode: int
    data: bytes
    rsv1: bool = False


class Closed(NamedTuple):
    """A close frame's code and reason; no code if it was empty."""

    code: int | None
    reason: str = ""


def frame(opcode: int, data: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = MASK) -> bytes:
    """A client's frame; `rsv` has the three reserved bits, RSV1 is 4."""
    first = bytes([fin << 7 | rsv << 4 | opcode])
    masked = bool(mask) << 7
    size = len(data)
    if size < 126:
        first += bytes([masked | size])
    elif size < 65_536:
        first += struct.pack("!BH", masked | 126, size)
    else:
        first += struct.pack("!BQ", masked | 127, size)
    return first + (mask + masking(data, mask) if mask else data)


def masking(data: bytes, mask: bytes) -> bytes:
    """The masked data, RFC 6455, section 5.3."""
    size = len(data)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return (int.from_bytes(data, "big") ^ key).to_bytes(size, "big")


def text(words: str, *, fin: bool = True) -> bytes:
    """A text frame."""
    return frame(TEXT, words.encode(), fin=fin)


def fragments(opcode: int, *pieces: bytes, rsv: int = 0) -> list[bytes]:
    """A message in this many frames; the first has the reserved bits."""
    last = len(pieces) - 1
    first = frame(opcode, pieces[0], fin=last == 0, rsv=rsv)
    return [first, *(frame(CONT, piece, fin=place == last) for place, piece in enumerate(pieces[1:], 1))]


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    """A close frame; empty without a code."""
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def deflated(data: bytes, window_bits: int = 15) -> bytes:
    """A message's data, compressed (RFC 7692, section 7.2.1)."""
    deflate = zlib.compressobj(wbits=-window_bits)
    return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


def inflated(data: bytes, window_bits: int = 15) -> bytes:
    """Decompressed data (section 7.2.2), with a window no larger than agreed on; zlib.error if that is too small."""
    return zlib.decompressobj(wbits=-window_bits).decompress(data + b"\x00\x00\xff\xff")


def request(path: str = "/", *lines: str, key: str = "dGhlIHNhbXBsZSBub25jZQ==") -> bytes:
    """An opening handshake, with more header lines."""
    head = (
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
        *lines,
    )
    return "\r\n".join((*head, "", "")).encode("latin-1")


class Peer:
    """One connection. Everything awaited must come before the deadline."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(DEADLINE_SECONDS)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""
        self.extensions = ""
        self.subprotocol = ""

    def open(self, path: str = "/", *lines: str) -> None:
        """The opening handshake, which must succeed (section 4.1)."""
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(request(path, *lines, key=key))
        status, headers = self.response()
        assert status == 101, f"refused with {status}"
        assert headers["upgrade"].lower() == "websocket"
        assert headers["connection"].lower() == "upgrade"
        digest = hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()
        assert headers["sec-websocket-accept"] == base64.b64encode(digest).decode()
        self.extensions = headers.get("sec-websocket-extensions", "")
        self.subprotocol = headers.get("sec-websocket-protocol", "")

    def send(self, *octets: bytes) -> None:
        """Send all of them at once."""
        self.socket.sendall(b"".join(octets))

    def send_slowly(self, octets: bytes, at_once: int = 1) -> None:
        """Send `at_once` octets at a time."""
        for start in range(0, len(octets), at_once):
            self.socket.sendall(octets[start : start + at_once])

    def response(self) -> tuple[int, dict[str, str]]:
        """The status and the headers, in lower case, of the answer to a request."""
        while b"\r\n\r\n" not in self._unread:
            self._read_some()
        head, self._unread = self._unread.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        found = re.fullmatch(r"HTTP/1\.1 (\d{3}) .*", first)
        assert found, first
        return int(found[1]), {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}

    def receive(self) -> Frame:
        """The next frame. The server never masks, never fragments, and uses the shortest form of a length."""
        first, second = self._read(2)
        assert first & 0x80, "a fragment"
        assert not first & 0x30, "RSV2 or RSV3"
        assert not second & 0x80, "masked"
        size = second
        if second == 126:
            (size,) = struct.unpack("!H", self._read(2))
            assert size > 125
        elif second == 127:
            (size,) = struct.unpack("!Q", self._read(8))
            assert size > 0xFFFF
        received = Frame(first & 0x0F, self._read(size), bool(first & 0x40))
        assert received.opcode in {TEXT, BINARY, CLOSE, PING, PONG}
        if received.opcode >= CLOSE:
            assert not received.rsv1
            assert size < 126
        return received

    def text(self) -> str:
        """The next frame's text; a long one is compressed if that was agreed."""
        received = self.receive()
        assert received.opcode == TEXT, f"expected a text, got {received}"
        return (inflated(received.data) if received.rsv1 else received.data).decode()

    def closed(self) -> Closed:
        """The close frame, which must come next. Only the orderly end may follow it (section 7.1.1)."""
        opcode, data, _ = self.receive()
        assert opcode == CLOSE, f"expected a close frame, got {opcode:x} {data!r}"
        self.ended()
        return Closed(struct.unpack("!H", data[:2])[0], data[2:].decode()) if data else Closed(None)

    def ended(self) -> None:
        """Assert that the server has closed the TCP connection, and has sent nothing more."""
        assert self._unread + self.socket.recv(1) == b""

    def failed(self, code: int) -> None:
        """Assert that the server has failed the connection with that code."""
        assert self.closed().code == code

    def answers(self) -> None:
        """Assert that the connection is open and all input was read: the next frame answers a ping sent now."""
        self.send(frame(PING, b"still there?"))
        assert self.receive() == Frame(PONG, b"still there?")

    def reset(self) -> None:
        """Reset the connection: the server gets an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _read(self, size: int) -> bytes:
        while len(self._unread) < size:
            self._read_some()
        taken, self._unread = self._unread[:size], self._unread[size:]
        return taken

    def _read_some(self) -> None:
        more = self.socket.recv(65_536)
        assert more, f"the connection has ended behind {self._unread!r}"
        self._unread += more
