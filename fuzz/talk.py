"""Clients of the protocol fuzzer: one that sends anything, and one that must not notice.

Other modules make the input.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

from realtime.protocol.closing import ERRORS, CloseCode
from realtime.protocol.contents import InvalidMessage
from realtime.protocol.encodings import Encoding
from realtime.protocol.requests import Request, decode
from realtime.server.tests.peer import BINARY, CLOSE, PING, PONG, TEXT, Frame, Peer, frame

OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
ANSWER_SECONDS = 2.0
"""The time in which another client's ping must be answered, on a busy machine too."""
END_SECONDS = 15.0
"""The time in which a server must end a connection whose client has ended it."""
CLOSES = frozenset({None, 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1012, 1013, 1014, *range(3000, 5000)})
"""The close codes that a server may use: all but 1011. It repeats a client's code (RFC 6455, section 5.5.1)."""
TWICE, MORE_BYTES = 2, 1_024
"""An error is at most twice as long as its message, plus this number of bytes."""


class Misbehaved(Exception):
    """The server broke a rule; the message says which."""


@dataclass
class Speaker:
    """An open connection that sends any input; opened again after a close."""

    port: int
    path: str
    lines: tuple[str, ...] = ()
    encoding: Encoding = Encoding.JSON
    peer: Peer | None = field(default=None, init=False)
    said: int = field(default=0, init=False)

    def open(self) -> Peer:
        """The connection, which has read its `connected`."""
        if self.peer is None:
            peer = Peer(self.port)
            chosen = () if self.encoding is Encoding.JSON else (f"Sec-WebSocket-Protocol: {self.encoding.value}",)
            peer.open(self.path, *self.lines, *chosen)
            self.peer = peer
            first = self._read(peer.receive())
            if first["type"] != "connected":
                raise Misbehaved(f"nobody is let in any more: {first}")
        return self.peer

    def say(self, words: bytes) -> None:
        """Send a message and wait for all answers to it; Misbehaved if one is missing, or is invalid."""
        peer = self.open()
        self.said += 1
        marker = f"marker-{self.said}"
        wanted = _wanted(words, self.encoding) | {marker}
        ping = {"type": "ping", "ref": marker}
        said = json.dumps(ping).encode() if self.encoding.is_text else msgspec.msgpack.encode(ping)
        peer.send(frame(self._opcode, words), frame(self._opcode, said))
        try:
            while wanted and self.peer is not None:
                self._hear(peer.receive(), wanted, len(words))
        except (AssertionError, OSError) as error:
            self.hang_up()
            missing = sorted(map(str, wanted))
            raise Misbehaved(f"of the answers {missing} are missing: {error!r}") from error

    @property
    def _opcode(self) -> int:
        return TEXT if self.encoding.is_text else BINARY

    def _read(self, heard: Frame) -> Any:
        if heard.opcode != self._opcode:
            raise Misbehaved(f"the server sent {heard} to a client of {self.encoding.value}")
        return json.loads(heard.data) if self.encoding.is_text else msgspec.msgpack.decode(heard.data)

    def _hear(self, heard: Frame, wanted: set[Any], asked_bytes: int) -> None:
        if heard.opcode == CLOSE:
            self.hang_up()
            check_close(heard.data)
        elif heard.opcode not in {PING, PONG}:
            message = self._read(heard)
            check_message(message)
            if message["type"] == "error":
                wanted.discard(ERROR)
                if "ref" not in message:  # the ref of an unreadable message cannot be read either
                    wanted.intersection_update({f"marker-{self.said}"})
                if len(heard.data) > TWICE * asked_bytes + MORE_BYTES:
                    raise Misbehaved(f"an error of {len(heard.data):,} bytes answers {asked_bytes:,}")
            if message["type"] in {"pong", "ack", "error"}:
                wanted.discard(_plain(message.get("ref")))

    def hang_up(self) -> None:
        """Close the TCP connection."""
        if self.peer is not None:
            self.peer.socket.close()
            self.peer = None


ERROR = ("an error",)


def _wanted(words: bytes, encoding: Encoding) -> set[Any]:
    """The answers that a message must have: an error if it is invalid, and one with its ref if it has one."""
    try:
        message: Request = decode(words.decode() if encoding.is_text else words)
    except InvalidMessage:
        return {ERROR}
    except UnicodeError:
        return set()  # the connection is closed
    return {_plain(message.ref)} if isinstance(message.ref, str | int) else set()


def _plain(ref: object) -> object:
    """A ref as a member of a set: 1 and true are different."""
    return f"{type(ref).__name__} {ref}" if not isinstance(ref, str) else ref


class Bystander(Speaker):
    """A client that is not involved: it must be answered in time, and get no other messages."""

    def check(self) -> None:
        """Ping; Misbehaved if the pong is late, or is not the next message."""
        peer = self.open()
        self.said += 1
        began = time.monotonic()
        try:
            peer.send(frame(TEXT, json.dumps({"type": "ping", "ref": self.said}).encode()))
            heard = peer.receive()
            while heard.opcode in {PING, PONG} or b'"type":"presence"' in heard.data[:20]:  # at the server's own time
                heard = peer.receive()
        except (AssertionError, OSError) as error:
            self.hang_up()
            raise Misbehaved(f"another client had no answer: {error!r}") from error
        waited = time.monotonic() - began
        if heard.opcode != TEXT or json.loads(heard.data).get("ref") != self.said:
            self.hang_up()
            raise Misbehaved(f"another client was told {heard}")
        if waited > ANSWER_SECONDS:
            raise Misbehaved(f"another client's ping was answered after {waited:.1f} s")


def check_message(message: Any) -> None:
    """Misbehaved if it is an unexpected error."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Misbehaved(f"the server said {message}, which is no message")
    if message["type"] == "error" and ERRORS.get(message["code"], CloseCode.INTERNAL) == CloseCode.INTERNAL:
        raise Misbehaved(f"the server answered {message}")


def check_close(data: bytes) -> None:
    """Misbehaved for a close that the protocol does not have."""
    code = struct.unpack("!H", data[:2])[0] if data else None
    if code not in CLOSES:
        raise Misbehaved(f"the server closed with {code} {data[2:]!r}")


def converse(port: int, octets: bytes, path: str, *lines: str, must_end: bool = True) -> None:
    """Open a WebSocket, send octets, end, and read to the end; Misbehaved if the server breaks a rule.

    The server may cut the connection at any time. Unless it `must_end` it, it may keep it for its keepalive.
    """
    peer = _connected(port, must_end)
    try:
        peer.open(path, *lines)
        _send_and_end(peer, octets)
        while True:
            heard = peer.receive()
            if heard.opcode == CLOSE:
                check_close(heard.data)
            elif heard.opcode == TEXT and not heard.rsv1:
                check_message(json.loads(heard.data))
    except TimeoutError as error:
        if must_end:
            raise Misbehaved(NOT_ENDED) from error
    except OSError:
        return
    except AssertionError as error:
        if not str(error).startswith("the connection has ended behind b''"):
            raise Misbehaved(f"what the server sent is wrong: {error}") from error
    finally:
        peer.socket.close()


def ask(port: int, octets: bytes, *, must_end: bool = True) -> None:
    """Send octets over a TCP connection, end, and read to the end; Misbehaved for an error of the server."""
    peer = _connected(port, must_end)
    heard = bytearray()
    try:
        _send_and_end(peer, octets)
        while more := peer.socket.recv(65_536):
            heard += more
    except TimeoutError as error:
        if must_end:
            raise Misbehaved(NOT_ENDED) from error
    except OSError:
        pass  # a reset, which a server may send
    finally:
        peer.socket.close()
    if failed := _SERVER_ERROR.match(heard):
        raise Misbehaved(f"the server answered {failed[0]!r}")


NOT_ENDED = f"the server did not end the connection within {END_SECONDS:.0f} s of its client's end"
_SERVER_ERROR = re.compile(rb"HTTP/1\.[01] 5(?!03|05)[^\r\n]*")
"""Busy, and another version of HTTP, are valid answers."""


def _connected(port: int, must_end: bool) -> Peer:
    peer = Peer(port)
    peer.socket.settimeout(END_SECONDS if must_end else ANSWER_SECONDS)
    return peer


def _send_and_end(peer: Peer, octets: bytes) -> None:
    peer.send(octets)
    peer.socket.shutdown(socket.SHUT_WR)
