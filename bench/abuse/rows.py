"""The table of attacks: their names, and the address of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.abuse import gestures, requests, sockets
from bench.abuse.engine import Part
from bench.abuse.target import Target

FAR = "127.9.9.9"
"""An address of another network (/24) than the other tenant's: all of 127/8 is this machine."""
NEAR = "127.0.0.1"


@dataclass(frozen=True)
class Row:
    """One attack; its description is the docstring of its `parts`.

    `refused` says that no server accepts its handshakes. `files` is the server's limit of open files.
    """

    parts: Callable[[Target], Sequence[Part]]
    refused: bool = False
    source: str = FAR
    files: int | None = None

    @property
    def what(self) -> str:
        """A sentence that describes the input."""
        return (self.parts.__doc__ or "").strip()

    @property
    def shares_network(self) -> bool:
        """Whether it comes from the other tenant's network, and shares its limits."""
        return self.source == NEAR


ROWS: dict[str, Row] = {
    "token-in-path": Row(requests.token_in_path),
    "token-in-handshake": Row(requests.token_in_handshake, refused=True),
    "key-bomb": Row(sockets.key_bomb),
    "abandoned": Row(requests.abandoned),
    "abandoned-no-log-in": Row(requests.abandoned_without_log_in),
    "log-ins": Row(requests.log_ins),
    "admin-form": Row(requests.admin_form),
    "registrations": Row(requests.registrations),
    "guesses": Row(requests.guesses),
    "idle": Row(requests.idle, files=1024),
    "bodies": Row(requests.bodies),
    "headers": Row(requests.headers),
    "pipelined": Row(requests.pipelined),
    "reads": Row(requests.reads),
    "writes": Row(requests.writes),
    "large-updates": Row(sockets.large_updates),
    "large-commands": Row(sockets.large_commands),
    "stalled-sync": Row(sockets.to_a_stalled_socket),
    "stalled-roles": Row(sockets.roles_of_a_stalled_socket),
    "deaf-pings": Row(sockets.deaf_pings),
    "ping": Row(sockets.pings),
    "update": Row(sockets.updates),
    "update-30-sockets": Row(sockets.updates_of_many),
    "item-update": Row(sockets.item_updates),
    "item-add": Row(sockets.item_additions),
    "item-remove": Row(sockets.item_removals),
    "item-move": Row(sockets.item_moves),
    "turns": Row(sockets.turns),
    "turns-back": Row(sockets.turns_back),
    "batch": Row(sockets.batches),
    "command": Row(sockets.commands),
    "request-sync": Row(sockets.sync_requests),
    "request-sync-alone": Row(sockets.sync_requests_alone),
    "sync-response": Row(sockets.sync_responses),
    "activity": Row(gestures.activities),
    "pointer": Row(gestures.pointers),
    "auth": Row(sockets.good_auth),
    "bad-auth": Row(sockets.bad_auth),
    "forbidden": Row(sockets.forbidden),
    "continuations": Row(sockets.continuations),
    "ws-ping": Row(sockets.protocol_pings),
    "invalid-json": Row(sockets.invalid_json),
    "unknown-type": Row(sockets.unknown_types),
    "binary": Row(sockets.binary_frames),
    "spaces": Row(sockets.spaces),
    "bad-tokens": Row(sockets.bad_tokens, refused=True),
    "bad-tokens-near": Row(sockets.bad_tokens, refused=True, source=NEAR),
    "good-tokens": Row(sockets.good_tokens),
    "500-sockets": Row(sockets.sockets_of_one),
}
