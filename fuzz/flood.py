"""The flood: one client sends as fast as it can, reading or not, while the server's resources are watched.

They are memory, threads and files. Limits are the default ones. Each kind of input has an episode with a client that
reads and one with clients that do not; then random mixtures follow until the time is over. A suspicious episode
continues until the result is clear.
"""

from __future__ import annotations

import json
import random
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Self

from httpx import HTTPError

from fuzz import floods
from fuzz.findings import Finding, Outcome
from fuzz.floods import MESSAGES, REQUESTS, ROLE_CHANGES, Scene
from fuzz.stack import MEBIBYTE, Stack, Watched
from fuzz.talk import OFFER
from realtime.server.tests.peer import Peer, inflated
from testing.people import Client
from testing.sockets import portal_view_path

PART = "flood"
MAX_GROWTH = 100 * MEBIBYTE
STOP_GROWTH = 400 * MEBIBYTE
SUSPICIOUS_GROWTH = 20 * MEBIBYTE
MORE_THREADS = 64
"""The most threads that a flood may start."""
LOOK_SECONDS = 0.05
LONGER, MIN_LONGER_SECONDS = 6, 3.0
"""The factor, or the seconds, by which a suspicious episode may be extended."""
NARROW_BYTES = 4_096
"""The kernel's buffer for a client that does not read."""
REPEAT_SECONDS = 5.0
LATE = 2
"""The factor by which a run may exceed its time if much is suspicious or the machine is busy."""
STATE_TEXT_BYTES = 55_000
MIXTURE = "mixture"


@dataclass(frozen=True)
class Episode:
    """The input, whether it is compressed, and whether the client reads; mixtures also have a number."""

    kind: str
    reads: bool = False
    compressed: bool = False
    number: int = 0

    def __str__(self) -> str:
        return f"{self.kind},{self.number},{'compressed' * self.compressed},{'reading' * self.reads}"

    @classmethod
    def named(cls, name: str) -> Self:
        """The episode with that name."""
        kind, number, compressed, reading = name.split(",")
        return cls(kind, bool(reading), bool(compressed), int(number))


def episodes(rng: random.Random) -> list[Episode]:
    """Each kind with a client that reads and one that does not, one of them with compression; in any order."""
    made = [Episode(ROLE_CHANGES), *(Episode(kind) for kind in REQUESTS)]
    for kind in MESSAGES:
        compressed = rng.random() < 0.5
        made += [Episode(kind, False, compressed), Episode(kind, True, not compressed)]
    rng.shuffle(made)
    return made


@dataclass
class Growth:
    """The growth of a server since the first look: bytes of memory, bytes written to files, threads."""

    server: Watched
    highest: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        self.before = (self.server.memory, self.server.written, self.server.threads)

    def watch(self, seconds: float, going: Callable[[], bool]) -> None:
        """Look again and again while somebody is `going` on; longer if it is suspicious."""
        began = time.monotonic()
        while self.server.alive and going():
            self.look()
            bad = max(self.highest[:2])
            enough = max(seconds * LONGER, MIN_LONGER_SECONDS) if bad > SUSPICIOUS_GROWTH else seconds
            if bad > STOP_GROWTH or time.monotonic() - began > enough:
                break
            time.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Measure; the maximum is kept."""
        memory, written, threads = self.server.memory, self.server.written, self.server.threads
        now = (memory - self.before[0], written - self.before[1], threads - self.before[2])
        self.highest = (max(self.highest[0], now[0]), max(self.highest[1], now[1]), max(self.highest[2], now[2]))


class Flood:
    """Floods for one server after the other; a server that has grown too much is stopped."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.stack = stack
        self.seed = seed
        self.outcome = Outcome(PART)
        self._exits = ExitStack()
        self._server: Watched | None = None
        self._people: dict[str, Client] = {}

    def close(self) -> None:
        """Stop the server."""
        self._exits.close()
        self._server = None

    def play(self, episode: Episode, seconds: float) -> None:
        """One episode of this many seconds, longer if it is suspicious; findings go into the outcome."""
        server = self._running()
        rng = random.Random(f"{self.seed}:{episode}")
        growth = Growth(server)
        began = time.monotonic()
        self.outcome.tried["episodes"] += 1
        deaf = ""
        try:
            with self._sending(episode, rng) as going:
                growth.watch(seconds, going)
        except (OSError, HTTPError, AssertionError) as error:
            deaf = repr(error)
        self._judge(episode, server, growth, time.monotonic() - began, deaf)

    def _judge(self, episode: Episode, server: Watched, growth: Growth, seconds: float, deaf: str) -> None:
        memory, written, threads = growth.highest
        told = {
            f"nobody is answered any more: {deaf}": bool(deaf),
            f"memory grew by {memory // MEBIBYTE} MiB in {seconds:.1f} s": memory > MAX_GROWTH,
            f"{written // MEBIBYTE} MiB were written to files in {seconds:.1f} s": written > MAX_GROWTH,
            f"{threads} threads were started": threads > MORE_THREADS,
            "the server has ended": not server.alive,
            **{f"the server logged: {line}": True for line in server.bad_lines()[:2]},
        }
        name = f"{PART}:{self.seed}:{episode}"
        found = [Finding("serve", sentence, str(episode), name) for sentence, is_bad in told.items() if is_bad]
        self.outcome.findings += found
        if found:
            server.server.process.kill()
            self.close()

    def _running(self) -> Watched:
        if self._server is None:
            self._server = self._exits.enter_context(self.stack.serving(default_limits=True))
            self._people = self._exits.enter_context(self.stack.people(self._server.server))
        return self._server

    @contextmanager
    def _sending(self, episode: Episode, rng: random.Random) -> Iterator[Callable[[], bool]]:
        """Send while the block lasts; gives a function that says whether anybody still sends."""
        ended = threading.Event()
        with ExitStack() as exits:
            send = self._sender(episode, rng, exits)
            thread = threading.Thread(target=lambda: self._send(send, ended), name="flood")
            thread.start()
            try:
                yield thread.is_alive
            finally:
                ended.set()
                thread.join()

    def _send(self, send: Callable[[], int], ended: threading.Event) -> None:
        with suppress(OSError, HTTPError):  # the server closes it, or is stopped
            while not ended.is_set():
                self.outcome.tried["KiB"] += send() // 1024

    def _sender(self, episode: Episode, rng: random.Random, exits: ExitStack) -> Callable[[], int]:
        """A function that sends more, and returns the number of bytes."""
        port = self._running().server.port
        if episode.kind in REQUESTS:
            peer = _kept(exits, Peer(port))
            before, again = REQUESTS[episode.kind]
            peer.send(before)
            return _pump(peer, again * (floods.PIECE_BYTES // len(again)), reads=False)
        portal_view_id = self._portal_view()
        others = {role: self._join(exits, portal_view_id, role, narrow=True) for role in ("editor", "viewer")}
        if episode.kind == ROLE_CHANGES:
            return self._role_changes()
        kinds = [episode.kind] if episode.kind != MIXTURE else rng.sample(sorted(MESSAGES), rng.randrange(2, 5))
        role = MESSAGES[kinds[0]].role
        sender, _ = self._join(exits, portal_view_id, role, OFFER, narrow=not episode.reads)
        scene = Scene(others["editor"][1], others["viewer"][1], self._people["owner"].access)
        sender.send(MESSAGES[kinds[0]].before)
        if episode.reads:
            for peer, _ in others.values():
                peer.socket.close()
        return _pump(sender, floods.piece(rng, scene, kinds, compressed=episode.compressed), reads=episode.reads)

    def _portal_view(self) -> str:
        """A new portal view with much content."""
        body = {"name": "Flooded", "items": [{"id": name, "t": "x" * STATE_TEXT_BYTES} for name in "abd"]}
        path = f"/api/libraries/{self.stack.cast.library_id}/portal-views"
        return str(self._people["owner"].post(path, body)["id"])

    def _join(self, exits: ExitStack, portal_view_id: str, role: str, *lines: str, narrow: bool) -> tuple[Peer, str]:
        """An open connection, and its id."""
        peer = _kept(exits, Peer(self._running().server.port, receive_buffer=NARROW_BYTES if narrow else None))
        peer.open(f"{portal_view_path(portal_view_id)}?token={self._people[role].access}", *lines)
        first = peer.receive()
        data = inflated(first.data) if first.rsv1 else first.data
        said = json.loads(data)
        assert said["type"] == "connected", said  # noqa: S101  # told as a finding
        return peer, str(said["connectionId"])

    def _role_changes(self) -> Callable[[], int]:
        owner, members = self._people["owner"], f"/api/libraries/{self.stack.cast.library_id}/members"
        editor = self._people["editor"].get("/api/auth/me")["id"]
        roles = ["VIEWER", "EDITOR"]

        def change() -> int:
            for role in roles:
                owner.patch(f"{members}/{editor}", {"role": role})
            return 1024

        return change


def _kept(exits: ExitStack, peer: Peer) -> Peer:
    exits.callback(peer.socket.close)
    return peer


def _pump(peer: Peer, made: bytes, *, reads: bool) -> Callable[[], int]:
    """A function that sends as many frames as the server takes at once, and reads if it should.

    The next call continues where the last one stopped.
    """
    connection = peer.socket
    connection.setblocking(False)
    rest = memoryview(b"")

    def pump() -> int:
        nonlocal rest
        readable, writable, _ = select.select([connection] if reads else [], [connection], [], LOOK_SECONDS)
        if readable and not connection.recv(1 << 20):
            raise ConnectionResetError
        if not writable:
            return 0
        rest = rest or memoryview(made)
        sent = connection.send(rest)
        rest = rest[sent:]
        return sent

    return pump


def run(stack: Stack, seed: int, seconds: float) -> Outcome:
    """Play an episode of each kind, and then mixtures until the time is over."""
    flood = Flood(stack, seed)
    rng = random.Random(seed)
    end = time.monotonic() + seconds
    planned = episodes(rng)
    each = seconds / (1.5 * len(planned))
    try:
        for episode in planned:
            if time.monotonic() < end + LATE * seconds:
                flood.play(episode, each)
        number = 0
        while time.monotonic() < end:
            flood.play(Episode(MIXTURE, rng.random() < 0.5, rng.random() < 0.5, number), each)
            number += 1
    finally:
        flood.close()
    return flood.outcome


def repeat(stack: Stack, name: str) -> list[Finding]:
    """Play the episode of that name again, for longer."""
    _, seed, title = name.split(":")
    flood = Flood(stack, int(seed))
    try:
        flood.play(Episode.named(title), REPEAT_SECONDS)
    finally:
        flood.close()
    return flood.outcome.findings
