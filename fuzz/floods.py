"""The content of floods: frames of some kind, or an endless request. `fuzz.flood` sends them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from realtime.server.tests.peer import BINARY, CONT, PING, TEXT, deflated, frame

BIG, SMALL = 60_000, 20
PIECE_BYTES = 256 * 1024
"""The size of a block, which is sent again and again."""


@dataclass(frozen=True)
class Scene:
    """The targets of a flood: connections that do not read, of a controller and of a viewer, and the sender's token."""

    controller: str
    viewer: str
    token: str


Maker = Callable[[random.Random, Scene], bytes]


@dataclass(frozen=True)
class Kind:
    """One kind of frame: the maker of its data, its sender, and its beginning."""

    make: Maker
    role: str = "owner"
    opcode: int = TEXT
    fin: bool = True
    before: bytes = b""


def _said(kind: str, rng: random.Random, **body: object) -> bytes:
    ref = {} if rng.random() < 0.5 else {"ref": rng.randrange(2**50)}
    return json.dumps({"type": kind, **ref, **body}).encode()


def _text(rng: random.Random) -> str:
    return rng.choice("xyz") * rng.choice((SMALL, 2_000, BIG, BIG))


MESSAGES: dict[str, Kind] = {
    "ping": Kind(lambda rng, _: _said("ping", rng, ref="x" * 64)),
    "viewer's ping": Kind(lambda rng, _: _said("ping", rng, ref="x" * 64), "viewer"),
    "update": Kind(lambda rng, _: _said("portal-view-update", rng, payload={"items": [{"id": "a", "t": _text(rng)}]})),
    "small update": Kind(lambda rng, _: _said("portal-view-update", rng, payload={"blackout": False})),
    "item update": Kind(lambda rng, _: _said("item-update", rng, itemId="a", payload={"t": _text(rng)})),
    "command": Kind(lambda rng, _: _said("portal-view-update", rng, payload={"zoom": _text(rng)})),
    "unknown item": Kind(lambda rng, _: _said("item-update", rng, itemId="c", payload={"t": _text(rng)})),
    "sync": Kind(lambda rng, _: _said("sync-response", rng, payload={"zoom": _text(rng)})),
    "sync to one": Kind(
        lambda rng, scene: _said(
            "sync-response", rng, to=rng.choice((scene.viewer, scene.controller)), payload={"zoom": _text(rng)}
        )
    ),
    "activity": Kind(lambda rng, _: _said("activity", rng, state=rng.choice(("editing", "idle")), target=_text(rng))),
    "pointer": Kind(lambda rng, _: _said("pointer", rng, itemId="a", x=rng.random(), y=0)),
    "question": Kind(lambda rng, _: _said("request-sync", rng), "viewer"),
    "auth": Kind(lambda rng, scene: _said("auth", rng, token=rng.choice((scene.token, _text(rng))))),
    "forbidden": Kind(lambda rng, _: _said("item-update", rng, itemId="a", payload={"t": _text(rng)}), "viewer"),
    "long ping": Kind(lambda rng, _: _said("ping", rng, note=_text(rng))),
    "no message": Kind(lambda rng, _: rng.choice((b"{", b'{"type":"x"}', b'{"type":"auth"}'))),
    "ping frame": Kind(lambda rng, _: rng.randbytes(125), opcode=PING),
    "endless message": Kind(lambda _, __: b"", opcode=CONT, fin=False, before=frame(TEXT, b"", fin=False)),
    "binary": Kind(lambda rng, _: rng.randbytes(9), opcode=BINARY),
}
"""The kinds of frames over a socket."""

ROLE_CHANGES = "role changes"
"""Nothing is sent: by REST, the owner changes the role of a person who does not read."""

REQUESTS: dict[str, tuple[bytes, bytes]] = {
    "endless headers": (b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-A: " + b"a" * 1_000 + b"\r\n"),
    "endless header": (b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ", b"a" * 1_000),
    "endless address": (b"GET /", b"a" * 1_000),
    "endless body": (
        b"POST /api/libraries HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 1073741824\r\n\r\n",
        b" " * 1_000,
    ),
    "endless chunks": (
        b"POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"400\r\n" + b" " * 1_024 + b"\r\n",
    ),
    "endless form": (
        b"POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1073741824\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
        b'Content-Disposition: form-data; name="f"; filename="f"\r\n\r\n',
        b"a" * 1_000,
    ),
}
"""The requests without a log-in: the beginning, and the part that is repeated."""


def piece(rng: random.Random, scene: Scene, kinds: list[str], *, compressed: bool) -> bytes:
    """Frames of these kinds, in any order; the data of messages may be compressed."""
    made = bytearray()
    while len(made) < PIECE_BYTES:
        kind = MESSAGES[rng.choice(kinds)]
        data = kind.make(rng, scene)
        deflate = compressed and kind.opcode in {TEXT, BINARY}
        made += frame(kind.opcode, deflated(data) if deflate else data, fin=kind.fin, rsv=4 if deflate else 0)
    return bytes(made)
