"""The cost fuzzer: looks for inputs of an allowed length that take far more CPU than others of that length.

An input is made after a random plan, at rising lengths. An input that costs more than `SLOW_SECONDS` is measured again
with care: the least of five at n, 2n, 4n and 8n. A finding is an exponent over `MAX_EXPONENT` together with that cost,
a cost over `MAX_SECONDS`, or an exception that is no refusal.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from rest_framework.exceptions import APIException

from fuzz import clock, documents, texts, wires
from fuzz.clock import NotAccepted
from fuzz.findings import Finding, Outcome
from fuzz.readers import resolve
from fuzz.stack import Stack
from fuzz.targets import TARGETS, Target, body_bytes
from libraries.rules.errors import PortalError

PART = "cost"
SLOW_SECONDS = 0.05
MAX_SECONDS = 0.25
OF_BODIES = 3
"""The factor allowed for a whole body: a thread reads it, and no socket waits."""
MAX_EXPONENT = 1.3
SUSPECT_EXPONENT = 1.15
"""The exponent of a first, single measurement, and of each doubling; below it the input is not measured again."""
LENGTHS = 7
"""The number of lengths to try: the limit, its half, and so on."""
STRIDE = 3
"""The step between the lengths that are tried while the cost is negligible."""
CHEAP_SECONDS = 0.004
CUT_SECONDS = 2.0
"""The CPU seconds after which a call is interrupted."""
MAX_WALL = 2.0
"""The factor by which the run may exceed its time on a busy machine."""
ENOUGH_SECONDS = 0.8
"""An input of this cost is not tried at a greater length."""

REFUSALS = (PortalError, APIException, ValidationError, ObjectDoesNotExist, ValueError)
"""The exceptions with which a function may refuse an input; any other is a finding."""

KINDS: dict[str, Callable[[random.Random, str, int], Any]] = {
    "text": texts.draw_in_turn,
    "json": lambda rng, _home, _number: documents.draw(rng),
    "object": lambda rng, _home, _number: documents.draw_object(rng),
    "items": lambda rng, _home, _number: documents.draw_items(rng),
    "raw": lambda rng, home, _number: documents.draw(rng) if rng.random() < 0.6 else texts.draw(rng, home),
    "wire": lambda rng, _home, _number: wires.draw(rng),
}
"""The makers of plans, by the kind of input."""


class Crashed(Exception):
    """A function raised an exception that is no refusal."""


class Probe:
    """One plan for one target; `name` reproduces it."""

    def __init__(self, target: Target, seed: int, number: int) -> None:
        self.target = target
        self.name = f"{PART}:{target.title}:{seed}:{number}"
        self.tried = 0
        self._times = OF_BODIES if target.limit is body_bytes else 1
        self._function = resolve(target.name)
        rng = random.Random(f"{seed}:{target.title}:{number}")
        self.plan = KINDS[target.kind](rng, self._function.__module__, number)

    def explore(self) -> list[Finding]:
        """Try the plan at rising lengths; returns the finding, if any."""
        limit = self.target.limit()
        costs: dict[int, float] = {}
        try:
            shift = LENGTHS - 1
            while shift >= 0 and max(costs.values(), default=0.0) <= ENOUGH_SECONDS:
                costs[limit >> shift] = cost = self._seconds(limit >> shift)
                shift = max(0, shift - (STRIDE if cost < CHEAP_SECONDS else 1)) if shift else -1
            return self._look_closer(costs)
        except NotAccepted:
            return []
        except Crashed as crash:
            return [self._found(f"raised {crash.__cause__!r}")]

    def _look_closer(self, costs: Mapping[int, float]) -> list[Finding]:
        slow = [length for length, cost in costs.items() if cost >= SLOW_SECONDS * self._times]
        if not slow:
            return []
        for length in sorted({slow[0], slow[-1]}):
            half = self._seconds(length // 2)
            if half <= 0 or clock.exponent({length // 2: half, length: costs[length]}) >= SUSPECT_EXPONENT:
                found = self._growth(length) and self._growth(length)  # twice, because noise does not repeat
                if found:
                    return [found]
        if costs[slow[-1]] >= MAX_SECONDS * self._times:
            least = self._seconds(slow[-1], clock.ATTEMPTS)
            if least >= MAX_SECONDS * self._times:
                return [self._found(f"takes {_milliseconds(least)} of CPU for {slow[-1]:,} bytes")]
        return []

    def _growth(self, longest: int) -> Finding | None:
        """Measure at n, 2n, 4n and 8n with care."""
        costs = {longest // part: self._seconds(longest // part, clock.ATTEMPTS) for part in (8, 4, 2, 1)}
        power = clock.exponent(costs)
        least = min(clock.exponent({one: costs[one] for one in pair}) for pair in pairwise(sorted(costs)[-3:]))
        if power < MAX_EXPONENT or least < SUSPECT_EXPONENT or costs[longest] < SLOW_SECONDS * self._times:
            return None  # work that starts at some length is one step, and does not grow
        shown = ", ".join(f"{_milliseconds(cost)} for {length:,}" for length, cost in costs.items())
        return self._found(f"CPU grows with the length to the power of {power:.2f}: {shown} bytes")

    def _found(self, what: str) -> Finding:
        return Finding(self.target.title, what, str(self.plan), self.name)

    def _seconds(self, length: int, attempts: int = 1) -> float:
        self.tried += 1
        build = self.plan.build
        made = build(length) if self.target.kind == "wire" else texts.fitted(build, length)
        return clock.seconds(lambda: self._read(made), self._call, attempts=attempts, at_most=CUT_SECONDS)

    def _read(self, made: Any) -> Any:
        try:
            return self.target.read(made)
        except REFUSALS as refusal:
            raise NotAccepted from refusal

    def _call(self, given: Any) -> None:
        try:
            self.target.call(self._function, given)
        except REFUSALS:
            return
        except Exception as error:
            raise Crashed from error


def run(stack: Stack | None, seed: int, seconds: float, targets: Sequence[Target] = TARGETS) -> Outcome:
    """Try plan after plan, for the same time on each target; TargetGone for an outdated name.

    Everything is called in this process, in which Django is set up: no `stack` is needed. `seconds` are CPU time, so a
    busy machine tries as much as an idle one. A target is dropped once something was found there: fix it, and run
    again.
    """
    outcome = Outcome(PART)
    for target in targets:
        resolve(target.name)
    spent = dict.fromkeys(targets, 0.0)
    numbers = dict.fromkeys(targets, 0)
    last = time.monotonic() + MAX_WALL * seconds
    end = time.process_time() + seconds
    while spent and time.process_time() < end and time.monotonic() < last:
        target = min(spent, key=spent.__getitem__)
        began = time.process_time()
        probe = Probe(target, seed, numbers[target])
        found = probe.explore()
        outcome.tried[target.name.rpartition(".")[0]] += probe.tried
        outcome.findings += found
        numbers[target] += 1
        spent[target] += time.process_time() - began
        if found:
            del spent[target]
    return outcome


def repeat(stack: Stack | None, name: str, targets: Sequence[Target] = TARGETS) -> list[Finding]:
    """Try the input of a finding's name again; KeyError if there is no such target."""
    _, title, seed, number = name.split(":")
    target = {target.title: target for target in targets}[title]
    return Probe(target, int(seed), int(number)).explore()


def _milliseconds(seconds: float) -> str:
    return "too long (cut short)" if math.isinf(seconds) else f"{seconds * 1000:,.1f} ms"
