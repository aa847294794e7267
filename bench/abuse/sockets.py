"""The attacks over WebSockets: a flood of each kind of frame, costly messages, sockets that are not read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count

from bench.abuse.engine import Part
from bench.abuse.target import (
    CONNECTED,
    OPENS_A_SECOND,
    SOCKETS,
    UPGRADED,
    Target,
    bearer,
    binary,
    flood,
    handshake,
    held,
    message,
    plain,
)
from libraries.rules.changes import MAX_CHANGES
from realtime.server.tests.peer import CONT, PING, TEXT, deflated, frame

RSV1 = 4
FRAGMENTS = 4000
LARGE_BYTES = 60_000
BOMB_CHARACTERS = 10_000
MANY = 30
"""The number of sockets of one person on one portal view that the default limits allow."""
AT_ONCE = 40
ERROR = b'"type":"error"'


def pings(target: Target) -> Sequence[Part]:
    """The protocol's own pings."""
    return [flood(target.view_id, target.controller, lambda n: message("ping", ref=n))]


def updates(target: Target) -> Sequence[Part]:
    """Updates that are stored, and acknowledged."""
    return [flood(target.view_id, target.controller, lambda n: message("portal-view-update", **_named(n)))]


def updates_of_many(target: Target) -> Sequence[Part]:
    """The same over as many sockets as one person may have."""
    return [
        flood(
            target.view_id,
            target.controller,
            lambda n: message("portal-view-update", **_named(n)),
            connections=MANY,
        )
    ]


def _named(n: int) -> dict[str, object]:
    return {"payload": {"name": f"Number {n}"}, "ref": n}


def item_updates(target: Target) -> Sequence[Part]:
    """Updates of an item of a large portal view, which somebody watches."""
    hp = [message("item-update", itemId=f"item-{n}", payload={"hp": n}, ref=n) for n in range(100)]
    return [
        held(target.large_view_id, target.viewer),
        flood(target.large_view_id, target.controller, lambda n: hp[n % len(hp)]),
    ]


def item_additions(target: Target) -> Sequence[Part]:
    """New items, until there is room for no more: the rest are refused."""
    return [flood(target.view_id, target.controller, lambda n: message("item-add", payload={"name": f"New {n}"}))]


def item_removals(target: Target) -> Sequence[Part]:
    """Removals from a large portal view, of items that are gone after the first round."""
    return [flood(target.large_view_id, target.controller, lambda n: message("item-remove", itemId=f"item-{n % 100}"))]


def item_moves(target: Target) -> Sequence[Part]:
    """Moves in a large portal view, which somebody watches."""
    return [
        held(target.large_view_id, target.viewer),
        flood(
            target.large_view_id,
            target.controller,
            lambda n: message("item-move", itemId=f"item-{n % 100}", index=n * 7 % 500),
        ),
    ]


def turns(target: Target) -> Sequence[Part]:
    """Turns of an encounter; now and then a message puts all items of a large portal view into it."""
    order = {"round": 1, "order": [{"itemId": f"item-{n}"} for n in range(500)]}
    begins = message("portal-view-update", payload={"encounter": order, "showEncounter": True})
    return [
        held(target.large_view_id, target.viewer),
        flood(
            target.large_view_id,
            target.controller,
            lambda n: message("encounter-next", ref=n) if n else message("encounter-next", ref=n) + begins,
        ),
    ]


def turns_back(target: Target) -> Sequence[Part]:
    """Turns back without an encounter: all of them are refused."""
    return [flood(target.view_id, target.controller, lambda n: message("encounter-previous", ref=n))]


def batches(target: Target) -> Sequence[Part]:
    """Batches of as many moves in a large portal view as one may hold, which somebody watches."""
    moves = [{"type": "item-move", "itemId": f"item-{n % 500}", "index": n * 7 % 500} for n in range(MAX_CHANGES)]
    large = message("batch", changes=moves)
    return [held(target.large_view_id, target.viewer), flood(target.large_view_id, target.controller, lambda n: large)]


def commands(target: Target) -> Sequence[Part]:
    """Commands that are relayed to ten viewers and not stored."""
    return [
        held(target.view_id, target.viewer, connections=10),
        flood(target.view_id, target.controller, lambda n: message("portal-view-update", payload={"zoom": n})),
    ]


def sync_requests(target: Target) -> Sequence[Part]:
    """Viewers' questions, with a controller that hears them."""
    return [
        held(target.view_id, target.controller),
        flood(target.view_id, target.viewer, lambda n: message("request-sync", ref=n)),
    ]


def sync_requests_alone(target: Target) -> Sequence[Part]:
    """Viewers' questions for a large state, which the server answers itself, as there is no controller."""
    return [flood(target.large_view_id, target.viewer, lambda n: message("request-sync"))]


def sync_responses(target: Target) -> Sequence[Part]:
    """Answers to nobody's question, to ten viewers."""
    return [
        held(target.view_id, target.viewer, connections=10),
        flood(target.view_id, target.controller, lambda n: message("sync-response", payload={"currentItem": n % 2})),
    ]


def good_auth(target: Target) -> Sequence[Part]:
    """Fresh tokens that are good."""
    token = target.controller
    return [flood(target.view_id, token, lambda n: message("auth", token=token))]


def bad_auth(target: Target) -> Sequence[Part]:
    """Tokens that are not."""
    bad = target.bad_tokens
    return [flood(target.view_id, target.controller, lambda n: message("auth", token=bad[n % len(bad)]))]


def forbidden(target: Target) -> Sequence[Part]:
    """What a viewer may not send."""
    return [flood(target.view_id, target.viewer, lambda n: message("portal-view-update", **_named(n)))]


def continuations(target: Target) -> Sequence[Part]:
    """Messages in thousands of fragments, most of them empty."""
    cut = frame(TEXT, b"{", fin=False) + frame(CONT, fin=False) * FRAGMENTS + frame(CONT, b"}")
    part = flood(target.view_id, target.controller, lambda n: cut)
    return [_counted(part, FRAGMENTS)]


def _counted(part: Part, times: int) -> Part:
    """A part whose messages are each counted this many times."""
    return Part(part.opening, part.connections, part.awaits, part.block, part.messages * times)


def protocol_pings(target: Target) -> Sequence[Part]:
    """Ping frames of the WebSocket protocol."""
    return [flood(target.view_id, target.controller, lambda n: frame(PING, b"x" * 100))]


def invalid_json(target: Target) -> Sequence[Part]:
    """Text that is no JSON."""
    return [flood(target.view_id, target.controller, lambda n: frame(TEXT, b'{"type": "ping"'))]


def unknown_types(target: Target) -> Sequence[Part]:
    """Types that do not exist."""
    return [flood(target.view_id, target.controller, lambda n: message(f"nothing-{n}", ref=n))]


def binary_frames(target: Target) -> Sequence[Part]:
    """Binary frames, each of which ends its connection."""
    return [flood(target.view_id, target.controller, lambda n: binary(b"\x00" * 100))]


def large_updates(target: Target) -> Sequence[Part]:
    """One socket, updates of 60 KB to one item, each with a key of its own, so that what waits merges and grows."""
    numbers = count()

    def block(_: str) -> bytes:
        number = next(numbers)
        return message("item-update", itemId="item-1", payload={f"note{number}": "x" * LARGE_BYTES}, ref=number)

    opening = handshake(target.large_view_id, target.controller)
    return [Part(lambda n: opening, 1, CONNECTED, block, 1)]


def large_commands(target: Target) -> Sequence[Part]:
    """One socket, updates of 60 KB that carry a command, so that they cannot be merged."""
    large = message("portal-view-update", payload={"name": "Large", "note": "x" * LARGE_BYTES}, ref="large")
    return [flood(target.view_id, target.controller, lambda n: large, connections=1)]


def key_bomb(target: Target) -> Sequence[Part]:
    """One socket, a long key of ligatures over a long list, compressed."""
    bomb = {"ﷺ" * BOMB_CHARACTERS: ["", *("x" for _ in range(BOMB_CHARACTERS // 2))]}
    words = json.dumps({"type": "portal-view-update", "payload": bomb}, ensure_ascii=False, separators=(",", ":"))
    packed = deflated(words.encode())
    return [
        flood(
            target.view_id,
            target.controller,
            lambda n: frame(TEXT, packed, rsv=RSV1),
            connections=1,
            deflate=True,
        )
    ]


def spaces(target: Target) -> Sequence[Part]:
    """Compressed messages of 60 KB of white space."""
    packed = deflated(b'{"type": "ping"' + b" " * LARGE_BYTES + b"}")
    return [
        flood(target.view_id, target.controller, lambda n: frame(TEXT, packed, rsv=RSV1), deflate=True),
    ]


def to_a_stalled_socket(target: Target) -> Sequence[Part]:
    """Answers of 60 KB to one's own viewer that does not read."""

    def block(connection_id: str) -> bytes:
        items = [{"id": "a", "text": "x" * LARGE_BYTES}]
        return message("sync-response", to=connection_id, payload={"items": items})

    opening = handshake(target.view_id, target.controller)
    return [
        held(target.view_id, target.viewer, connections=SOCKETS, reads=False),
        Part(lambda n: opening, SOCKETS, CONNECTED, block, 1),
    ]


def roles_of_a_stalled_socket(target: Target) -> Sequence[Part]:
    """Another role, over REST, for one's own viewer that does not read: each brings the whole of a large state."""
    path = f"/api/libraries/{target.library_id}/members/{target.guest_id}"
    owner = bearer(target.controller)
    requests = [plain("PATCH", path, {"role": role}, owner) for role in ("EDITOR", "VIEWER")]
    return [
        held(target.large_view_id, target.viewer, connections=SOCKETS, reads=False),
        Part(lambda n: requests[n % 2], SOCKETS, opens_per_second=OPENS_A_SECOND),
    ]


def deaf_pings(target: Target) -> Sequence[Part]:
    """Pings whose pongs are not read."""
    return [flood(target.view_id, target.controller, lambda n: message("ping"), reads=False)]


def sockets_of_one(target: Target) -> Sequence[Part]:
    """500 sockets of one person, opened again whenever they are refused."""
    return [held(target.view_id, target.viewer, connections=500, opens_per_second=OPENS_A_SECOND)]


def bad_tokens(target: Target) -> Sequence[Part]:
    """Handshakes with bad tokens, 2,000 and more, 100 at a time."""
    openings = [handshake(target.view_id, token) for token in target.bad_tokens]
    return [Part(lambda n: openings[n % len(openings)], 100, ERROR, abandons=True, opens_per_second=OPENS_A_SECOND)]


def good_tokens(target: Target) -> Sequence[Part]:
    """Handshakes with a good token, 40 at a time, given up once they are answered."""
    opening = handshake(target.view_id, target.viewer)
    return [Part(lambda n: opening, AT_ONCE, UPGRADED, abandons=True, opens_per_second=OPENS_A_SECOND)]
