"""The attackers' knowledge, and the octets of attacks: handshakes, requests, blocks of frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.abuse.engine import Part
from realtime.server.tests.peer import frame, request, text

BLOCK_BYTES = 1 << 16
CONNECTED = b'"connected"'
UPGRADED = b"HTTP/1.1 101"
DEFLATE = (
    "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover; "
    "client_max_window_bits"
)
OPENS_A_SECOND = 1000.0
"""The maximum rate of opened connections: as fast as one home's line, and enough for 2,000 in two seconds."""
SOCKETS = 4
"""The connections of a flood: a page in a few tabs."""


@dataclass(frozen=True)
class Target:
    """The attacker's own library, with two portal views and people; `victim` is another person's account.

    `large_view_id` is about as large as a portal view may be. `controller` and `viewer` are tokens, and `guest_id` is
    the viewer; `bad_tokens` have no key of the server.
    """

    library_id: str
    view_id: str
    large_view_id: str
    controller: str
    viewer: str
    guest_id: str
    bad_tokens: Sequence[str]
    victim: str


def handshake(view_id: str, token: str, *lines: str) -> bytes:
    """The request that opens a socket on a portal view."""
    return request(f"/ws/portal-view/{view_id}?token={token}", *lines)


def plain(method: str, path: str, body: Any = None, *lines: str) -> bytes:
    """A request after which the server closes; a body is sent as JSON."""
    data = b"" if body is None else json.dumps(body).encode()
    kind = ("Content-Type: application/json", f"Content-Length: {len(data)}") if data else ()
    head = (f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *kind, *lines)
    return "\r\n".join((*head, "", "")).encode("latin-1") + data


def bearer(token: str) -> str:
    """The header line of a logged-in person."""
    return f"Authorization: Bearer {token}"


def message(kind: str, **keys: Any) -> bytes:
    """A text frame with a message of the protocol."""
    return text(json.dumps({"type": kind, **keys}, ensure_ascii=False))


def repeated(make: Callable[[int], bytes]) -> tuple[bytes, int]:
    """A block of frames made by `make`, and their number: about 64 KiB, so that one call sends many."""
    frames: list[bytes] = []
    size = 0
    while size < BLOCK_BYTES:
        frames.append(make(len(frames)))
        size += len(frames[-1])
    return b"".join(frames), len(frames)


def flood(
    view_id: str,
    token: str,
    make: Callable[[int], bytes],
    *,
    connections: int = SOCKETS,
    deflate: bool = False,
    reads: bool = True,
) -> Part:
    """Sockets of one person that send frames without end, the nth made by `make`."""
    block, messages = repeated(make)
    opening = handshake(view_id, token, DEFLATE) if deflate else handshake(view_id, token)
    return Part(
        opening=lambda n: opening,
        connections=connections,
        awaits=UPGRADED if deflate else CONNECTED,
        block=block,
        messages=messages,
        reads=reads,
    )


def held(view_id: str, token: str, *, connections: int = 1, reads: bool = True, opens_per_second: float = 50.0) -> Part:
    """Sockets of one person that send nothing."""
    opening = handshake(view_id, token)
    return Part(
        opening=lambda n: opening,
        connections=connections,
        awaits=CONNECTED,
        reads=reads,
        opens_per_second=opens_per_second,
    )


def binary(data: bytes) -> bytes:
    """A binary frame."""
    return frame(2, data)
