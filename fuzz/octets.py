"""Octets for the protocol fuzzer, below WebSocket: handshakes and frames, valid ones, damaged ones, and noise.

A valid conversation is made first, and then damaged in one or more ways.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from fuzz import texts
from realtime.server.tests.peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, close, deflated, fragments, frame, request

OPCODES = (CONT, TEXT, BINARY, 3, 7, CLOSE, PING, PONG, 0xB, 0xF)
LENGTHS = (0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 2**31, 2**63 - 1, 2**63, 2**64 - 1)
MAX_OCTETS = 200_000
BOMB_BYTES = 2_000_000
MESSAGES = (
    b'{"type":"ping"}',
    b'{"type":"ping","ref":1}',
    b'{"type":"portal-view-update","payload":{"zoom":1},"ref":2}',
)

Maker = Callable[[random.Random], bytes]


def _payload(rng: random.Random) -> bytes:
    if rng.random() < 0.4:
        return rng.choice(MESSAGES)
    if rng.random() < 0.5:
        return rng.randbytes(rng.choice((0, 1, 2, 20, 125, 126, 3_000)))
    return texts.draw(rng).build(rng.choice((1, 20, 300, 5_000))).encode(errors="surrogatepass")


def _frame(rng: random.Random) -> bytes:
    """One frame, of any opcode and with any bits."""
    mask = rng.choice((rng.randbytes(4), b"\0\0\0\0", None if rng.random() < 0.3 else rng.randbytes(4)))
    rsv = rng.choice((0, 0, 0, 4, rng.randrange(8)))
    return frame(rng.choice(OPCODES), _payload(rng), fin=rng.random() < 0.7, rsv=rsv, mask=mask)


def _message(rng: random.Random) -> bytes:
    """A message in pieces, sometimes with a control frame between them."""
    payload = _payload(rng)
    data = deflated(payload) if rng.random() < 0.5 else payload
    step = max(1, len(data) // rng.choice((1, 2, 10)))
    pieces = [data[start : start + step] for start in range(0, len(data), step)] or [b""]
    made = fragments(rng.choice((TEXT, TEXT, BINARY)), *pieces, rsv=rng.choice((0, 4)))
    if rng.random() < 0.4:
        made.insert(
            rng.randrange(len(made) + 1), frame(rng.choice((PING, PONG, CLOSE)), rng.randbytes(rng.randrange(130)))
        )
    return b"".join(made)


def _claimed(rng: random.Random) -> bytes:
    """A frame with a wrong length."""
    length = rng.choice(LENGTHS)
    sizes = (
        bytes([0x80 | min(length, 125)]),
        struct.pack("!BH", 0xFE, length & 0xFFFF),
        struct.pack("!BQ", 0xFF, length),
    )
    return bytes([0x80 | rng.choice(OPCODES)]) + rng.choice(sizes) + rng.randbytes(rng.choice((0, 3, 4, 40)))


def _compressed(rng: random.Random) -> bytes:
    """Compressed data that is invalid, continues after its end, or unpacks to far more."""
    bomb = rng.choice((b"\0", b"a", b" ", b"[")) * rng.choice((65_536, 65_537, BOMB_BYTES))
    data = rng.choice(
        (rng.randbytes(rng.randrange(200)), deflated(bomb), deflated(b"x") + rng.randbytes(20), b"\x03\x00")
    )
    return frame(TEXT, data, rsv=4)


def _closing(rng: random.Random) -> bytes:
    """A close frame with any code and reason."""
    code = rng.choice((None, 0, 999, 1000, 1005, 1006, 1015, 2999, 3000, 4999, 5000, 65_535))
    return close(code, b"" if code is None else rng.randbytes(rng.choice((0, 3, 123, 124))))


def _noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice((1, 2, 14, 300, 70_000)))


FRAMES: tuple[Maker, ...] = (_frame, _frame, _message, _message, _claimed, _compressed, _closing, _noise)


def conversation(rng: random.Random) -> bytes:
    """The octets for an open connection: some frames, often with an octet changed, added or removed."""
    made = b"".join(rng.choice(FRAMES)(rng) for _ in range(rng.choice((1, 1, 2, 3, 8))))
    return _spoilt(rng, made)[:MAX_OCTETS]


HEADERS = (
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits={}",
    "Sec-WebSocket-Protocol: portal.v1.json, bearer.{}",
    "Origin: {}",
    "Cookie: {}",
    "X-Forwarded-For: {}",
    "Host: {}",
    "Content-Length: {}",
    "Transfer-Encoding: {}",
    "Expect: 100-continue",
    "Upgrade: h2c",
    "Sec-WebSocket-Version: {}",
    "Sec-WebSocket-Key: {}",
    "Authorization: Bearer {}",
    "{}",
)


def handshake(rng: random.Random, path: str) -> bytes:
    """A request to connect to the path, with headers of all kinds, whole or cut, and perhaps more after it."""
    lines = [rng.choice(HEADERS).replace("{}", _word(rng)) for _ in range(rng.choice((0, 1, 2, 5, 40)))]
    if rng.random() < 0.3:
        path += rng.choice(("/", "?", "?token=", "?version=1&epoch=", "//", "/../", "%00", "?EIO=4&x=")) + _word(rng)
    made = request(path.encode(errors="replace").decode("latin-1"), *lines)
    made = rng.choice((made, made, made.replace(b"GET", rng.choice((b"POST", b"OPTIONS", b"\x16\x03", b"")), 1)))
    made = made if rng.random() < 0.6 else _spoilt(rng, made)
    return made + (conversation(rng) if rng.random() < 0.3 else b"")


def _word(rng: random.Random) -> str:
    made = texts.draw(rng).build(rng.choice((1, 10, 200, 9_000, 60_000)))
    return made.encode(errors="replace").decode("latin-1").replace("\r", "").replace("\n", rng.choice(("", "\n", " ")))


def _spoilt(rng: random.Random, made: bytes) -> bytes:
    """The octets with some changed, added, repeated or removed; unchanged half of the time."""
    spoilt = bytearray(made)
    for _ in range(rng.choice((0, 0, 0, 1, 1, 4))):
        place = rng.randrange(len(spoilt) + 1)
        match rng.randrange(4):
            case 0 if place < len(spoilt):
                spoilt[place] ^= 1 << rng.randrange(8)
            case 1:
                spoilt[place:place] = rng.randbytes(rng.randrange(1, 5))
            case 2:
                del spoilt[place : place + rng.randrange(1, 9)]
            case _:
                del spoilt[place:]
    return bytes(spoilt)
