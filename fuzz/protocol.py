"""The protocol fuzzer: messages of all kinds, and octets below WebSocket, against both servers.

After each input the server must run, have logged nothing unexpected, have given a defined answer or close, and answer
another client in time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from fuzz import messages, octets, rounds, talk
from fuzz.findings import Finding, Outcome
from fuzz.stack import Stack, Watched
from fuzz.talk import Bystander, Misbehaved, Speaker
from realtime.protocol.encodings import Encoding
from testing.installation import ServerKind
from testing.sockets import portal_view_path

PART = "protocol"
INPUTS = 20
"""The inputs of one round: either messages or octets."""


@dataclass
class Ring:
    """One server with its clients in both encodings; the bystander has its own portal view."""

    kind: ServerKind
    server: Watched
    speakers: dict[str, Speaker]
    binary: dict[str, Speaker]
    bystander: Bystander
    seed: int
    outcome: Outcome

    def play(self, number: int) -> None:
        """One round, in turn of messages in JSON, of octets, and of messages in MessagePack."""
        rng = random.Random(f"{self.seed}:{self.kind}:{number}")
        if number % 3 == 1:
            for _ in range(INPUTS):
                self._send_octets(rng, number)
        elif number % 3:
            self._say_packed(rng, number)
        else:
            self._say(rng, number)

    def _say(self, rng: random.Random, number: int) -> None:
        def say(words: str) -> None:
            said = words.encode(errors="surrogatepass")
            role = rng.choice(list(self.speakers))
            self._try(f"messages as {role}", number, repr(words), lambda: self.speakers[role].say(said))

        rounds.play(messages.frames, say, rng=rng, inputs=INPUTS)

    def _say_packed(self, rng: random.Random, number: int) -> None:
        def say(said: bytes) -> None:
            role = rng.choice(list(self.binary))
            self._try(f"packed as {role}", number, said.hex(), lambda: self.binary[role].say(said))

        rounds.play(messages.packed_frames, say, rng=rng, inputs=INPUTS)

    def _send_octets(self, rng: random.Random, number: int) -> None:
        speaker = rng.choice(list(self.speakers.values()))
        # Daphne does not notice the end of a client that sent more after its handshake: its keepalive does.
        must_end = self.kind is ServerKind.SERVE
        if rng.random() < 0.35:
            sent = octets.handshake(rng, speaker.path)
            self._try("handshakes", number, repr(sent), lambda: talk.ask(speaker.port, sent, must_end=must_end))
        else:
            sent = octets.conversation(rng)
            lines = (talk.OFFER,) if rng.random() < 0.7 else ()
            converse = partial(talk.converse, speaker.port, sent, speaker.path, *lines, must_end=must_end)
            self._try("frames", number, sent.hex(), converse)

    def _try(self, what: str, number: int, shown: str, send: Callable[[], None]) -> None:
        self.outcome.tried[f"{self.kind} {what.split()[0]}"] += 1
        for check in (send, self.bystander.check, self._check_server):
            try:
                check()
            except Misbehaved as misbehaved:
                self._found(what, str(misbehaved), shown, number)

    def _check_server(self) -> None:
        if not self.server.alive:
            raise Misbehaved("the server has ended")
        lines = self.server.bad_lines()
        if lines:
            raise Misbehaved(f"the server logged: {' | '.join(lines[:2])}")

    def _found(self, what: str, sentence: str, shown: str, number: int) -> None:
        name = f"{PART}:{self.kind}:{self.seed}:{number}"
        finding = Finding(f"{self.kind}, {what}", sentence, shown, name)
        if len(self.outcome.findings) < SHOWN:
            self.outcome.findings.append(finding)

    @property
    def over(self) -> bool:
        """Whether more rounds would find nothing new."""
        return not self.server.alive or len(self.outcome.findings) >= SHOWN


SHOWN = 20
"""The number of findings after which a run ends."""


def _ring(stack: Stack, kind: ServerKind, seed: int, outcome: Outcome, exits: ExitStack) -> Ring:
    server = exits.enter_context(stack.serving(kind))
    people = exits.enter_context(stack.people(server.server))
    port = server.server.port
    items = [{"id": "a", "hp": 3, "maxHp": 9}, {"id": "b", "visible": False}]
    body = {"name": "Fuzzed", "items": items, "showHealth": True, "healthDisplay": "bar"}
    fuzzed = people["owner"].post(f"/api/libraries/{stack.cast.library_id}/portal-views", body)["id"]
    own = people["stranger"].post("/api/libraries", {"name": "Quiet"})["id"]
    quiet = people["stranger"].post(f"/api/libraries/{own}/portal-views", {"name": "Quiet"})["id"]

    def path(portal_view_id: Any, role: str) -> str:
        return f"{portal_view_path(portal_view_id)}?token={people[role].access}"

    speakers = {role: Speaker(port, path(fuzzed, role)) for role in ("owner", "viewer")}
    speakers["owner as viewer"] = Speaker(port, f"{path(fuzzed, 'owner')}&as=viewer")
    binary = {role: replace(speaker, encoding=Encoding.MSGPACK) for role, speaker in speakers.items()}
    bystander = Bystander(port, path(quiet, "stranger"))
    for speaker in (*speakers.values(), *binary.values(), bystander):
        exits.callback(speaker.hang_up)
    return Ring(kind, server, speakers, binary, bystander, seed, outcome)


def run(stack: Stack, seed: int, seconds: float) -> Outcome:
    """Play round after round, half of the time with each server."""
    outcome = Outcome(PART)
    for kind in ServerKind:
        end = time.monotonic() + seconds / len(ServerKind)
        with ExitStack() as exits:
            ring = _ring(stack, kind, seed, outcome, exits)
            number = 0
            while time.monotonic() < end and not ring.over:
                ring.play(number)
                number += 1
    return outcome


def repeat(stack: Stack, name: str) -> list[Finding]:
    """Play the round of that name again."""
    _, kind, seed, number = name.split(":")
    outcome = Outcome(PART)
    with ExitStack() as exits:
        _ring(stack, ServerKind(kind), int(seed), outcome, exits).play(int(number))
    return outcome.findings
