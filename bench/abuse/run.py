"""One run of one row: quiet, attack, and the seconds after; the other tenant's measurements in each, as figures."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

from bench.abuse.rows import ROWS
from bench.abuse.stage import MIB, Held, Stage, attack, child, held, most, sink
from bench.load import percentile

WARM_SECONDS = 1.5
PAUSE_SECONDS = 1.0
LOOK_SECONDS = 0.1
AFTER = (2.0, 5.0)
"""The seconds after the end of the attack that are evaluated."""
PATIENCE_SECONDS = 1.5
"""How long after those the other tenant waits for the answers to what was sent in them."""
STOP_SECONDS = 30.0
KINDS = ("ping", "delivery")
PHASES = ("quiet", "attack", "after")
KINDS_OF_ANSWERS = 4

Timed = Sequence[tuple[float, float | None]]


def run(stage: Stage, name: str, seconds: float, quiet_seconds: float) -> dict[str, Any]:
    """The figures of one run.

    `ping` and `delivery` have p50, p99 and maximum of each phase, in milliseconds; `connect` has how often the other
    tenant connected and was refused. The rest is about the server (`memory` is growth in MiB) and the attacker (`sent`
    is per second).
    """
    row, target = ROWS[name], stage.target()
    seen: list[Held] = []
    with stage.server(row) as server, child("bench.abuse.probe", stage.probe_order(server.port)) as probe:

        def look() -> None:
            seen.append(held(server))
            time.sleep(LOOK_SECONDS)

        time.sleep(WARM_SECONDS)
        with sink(row) as port:
            quiet = attack(name, target, port, quiet_seconds, lambda: time.sleep(LOOK_SECONDS))
        time.sleep(PAUSE_SECONDS)
        before = held(server)
        done = attack(name, target, server.port, seconds, look)
        while time.monotonic() < done["ended"] + AFTER[1] + PATIENCE_SECONDS:
            look()
        saw = probe.result(STOP_SECONDS)
        server.process.kill()  # the time that it takes to end is not measured
    return {**_of_probe(saw, quiet, done), **_of_server(before, most([before, *seen])), **_of_attacker(done)}


def _of_probe(saw: dict[str, Any], quiet: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
    """The other tenant's measurements before, during and after."""
    windows = {
        "quiet": (quiet["began"], quiet["ended"]),
        "attack": (done["began"], done["ended"]),
        "after": (done["ended"] + AFTER[0], done["ended"] + AFTER[1]),
    }
    times = {
        kind: {
            **{phase: _summary(_within(saw[kind], windows[phase])) for phase in PHASES},
            "quiet as long as after": {"p99": _p99_of_parts(saw[kind], windows["quiet"])},
        }
        for kind in KINDS
    }
    return {**times, "connect": _connects(_within(saw["connect"], windows["attack"])), "cut": saw["cut"]}


def _within(timed: Timed, window: tuple[float, float]) -> list[float | None]:
    return [took for sent, took in timed if window[0] <= sent < window[1]]


def _summary(values: Sequence[float | None]) -> dict[str, float]:
    known = [value for value in values if value is not None]
    return {"p50": percentile(known, 0.5), "p99": percentile(known, 0.99), "greatest": max(known, default=float("nan"))}


def _p99_of_parts(timed: Timed, window: tuple[float, float]) -> float:
    """The median of p99 in parts as long as the time evaluated after the end: with fewer values a p99 is higher."""
    began, ended = window
    long = min(AFTER[1] - AFTER[0], ended - began)
    parts = [began + long * number for number in range(int((ended - began) / long))]
    return statistics.median(_summary(_within(timed, (part, part + long)))["p99"] for part in parts)


def _connects(values: Sequence[float | None]) -> dict[str, float]:
    known = [value for value in values if value is not None]
    return {"tried": len(values), "refused": len(values) - len(known), "greatest": max(known, default=float("nan"))}


def _of_server(before: Held, peak: Held) -> dict[str, float]:
    return {
        "memory": (peak.memory - before.memory) / MIB,
        "threads before": before.threads,
        "threads": peak.threads,
        "logged": (peak.logged - before.logged) / MIB,
    }


def _of_attacker(done: dict[str, Any]) -> dict[str, Any]:
    seconds = done["seconds"]
    answers = sorted(done["answers"], key=done["answers"].get, reverse=True)[:KINDS_OF_ANSWERS]
    sent = {"messages": done["messages"], "MB": done["sent_bytes"] / 1e6, "connections": done["opened"]}
    return {"sent": {what: value / seconds for what, value in sent.items()}, "answers": answers}
