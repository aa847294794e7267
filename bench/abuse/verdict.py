"""The promises to the other tenant, and whether they were kept over the runs of a row. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from bench.abuse.rows import Row

TIMES_QUIET = 2.0
ENOUGH_MS = 20.0
"""A p99 below this is good enough, whatever the quiet phase."""
GREATEST_MS = 250.0
RUNS_SHARE = 2 / 3
"""The share of runs in which the maximum must stay below that."""
MEMORY_MIB = 100.0
MORE_THREADS = 40
"""Compared with the time before the attack: a pool of 32 for requests, and a few for databases and io_uring."""
TIMES_QUIET_AFTER = 1.5
RESOLUTION_MS = {"ping": 2.0, "delivery": 4.0}
"""The p99 of three seconds may differ by this from that of other three seconds, whatever the server did before them.

It is the second or third greatest of 200 pings, or 30 deliveries to all viewers. Without any attack it was up to 1.1 ms
higher for pings, and up to 3.4 ms apart for deliveries (six pairs of windows).
"""


def broken(row: Row, runs: Sequence[dict[str, Any]]) -> list[str]:
    """A sentence for each broken promise; none if all were kept."""
    failures = [f"run failed: {run['failed']}" for run in runs if "failed" in run]
    done = [run for run in runs if "failed" not in run]
    if not done:
        return failures
    for kind in ("ping", "delivery"):
        failures += _latencies(kind, done)
    memory, threads = (max(run[key] for run in done) for key in ("memory", "threads"))
    more = threads - min(run["threads before"] for run in done)
    if memory >= MEMORY_MIB:
        failures.append(f"memory grew by {memory:.0f} MiB")
    if more > MORE_THREADS:
        failures.append(f"{more} more threads")
    if cut := max(run["cut"] for run in done):
        failures.append(f"{cut} connections of the other tenant were cut")
    if not row.shares_network and (refused := sum(run["connect"]["refused"] for run in done)):
        failures.append(f"the other tenant could not connect {refused} times")
    return failures


def of_runs(runs: Sequence[dict[str, Any]], kind: str, phase: str, key: str) -> float:
    """The median over the runs."""
    values: list[float] = [run[kind][phase][key] for run in runs]
    return statistics.median(values)


def _latencies(kind: str, runs: Sequence[dict[str, Any]]) -> list[str]:
    failures = []
    quiet, attack, after = (of_runs(runs, kind, phase, "p99") for phase in ("quiet", "attack", "after"))
    most = max(TIMES_QUIET * quiet, ENOUGH_MS)
    if not attack < most:
        failures.append(f"{kind} p99 {attack:.1f} ms, at most {most:.1f}")
    greatest = [run[kind]["attack"]["greatest"] for run in runs]
    if sum(value < GREATEST_MS for value in greatest) < math.ceil(RUNS_SHARE * len(runs)):
        failures.append(f"{kind} greatest {' '.join(f'{value:.0f}' for value in greatest)} ms")
    before = of_runs(runs, kind, "quiet as long as after", "p99")
    if not after < max(TIMES_QUIET_AFTER * before, before + RESOLUTION_MS[kind]):
        failures.append(f"{kind} p99 {after:.1f} ms after the end, quiet for as long was {before:.1f}")
    return failures
