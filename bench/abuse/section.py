"""The section "Abuse" of bench/RESULTS.md, from bench/abuse.json; `make bench` keeps it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.abuse import verdict
from bench.abuse.rows import ROWS
from bench.abuse.target import OPENS_A_SECOND
from bench.figures import table

HEADING = "## Abuse"
FILE = "abuse.json"
HEAD = [
    "attack",
    "sent a second",
    "answered",
    "ping quiet",
    "ping beside it",
    "ping after it",
    "delivery quiet",
    "delivery beside it",
    "delivery after it",
    "memory MiB",
    "threads",
    "connects that failed",
    "kept",
]


def rows_of(record: dict[str, Any]) -> str:
    """The table of a record."""
    rows = []
    for name, runs in record["rows"].items():
        done = [run for run in runs if "failed" not in run]
        kept = "no" if verdict.broken(ROWS[name], runs) else "yes"
        rows.append([name, *(_cells(done) if done else ["failed", *[""] * (len(HEAD) - 3)]), kept])
    return table(HEAD, rows)


def _cells(runs: Sequence[dict[str, Any]]) -> list[str]:
    answers = sorted({answer for run in runs for answer in run["answers"]})
    latencies = [
        " / ".join(f"{verdict.of_runs(runs, kind, phase, key):.1f}" for key in ("p50", "p99", "greatest"))
        for kind in ("ping", "delivery")
        for phase in ("quiet", "attack", "after")
    ]
    tried, refused = (sum(run["connect"][key] for run in runs) for key in ("tried", "refused"))
    memory, threads = (max(run[key] for run in runs) for key in ("memory", "threads"))
    return [_sent(runs), ", ".join(answers), *latencies, f"{memory:.0f}", f"{threads}", f"{refused} of {tried}"]


def _sent(runs: Sequence[dict[str, Any]]) -> str:
    each = {what: statistics.median(run["sent"][what] for run in runs) for what in runs[0]["sent"]}
    return ", ".join(f"{value:,.{0 if value >= 10 else 1}f} {what}" for what, value in each.items() if value >= 0.05)


def section(record: dict[str, Any]) -> str:
    """The section's text."""
    about = "\n".join(f"- `{name}`: {ROWS[name].what}" for name in record["rows"])
    return f"""{HEADING}

Written by `make abuse` on {record["date"]}: {record["runs"]} runs of {record["seconds"]:.0f} s each, with the default
limits, on SQLite with its file in memory. The server has one core,
attacker and probe the other. Another tenant, on another network unless the
name says "near", pings every 15 ms, stores 10 updates a second for 10 viewers, and connects every 2 s. Latencies are
p50 / p99 / greatest in milliseconds, medians of the runs. An attack opens at most {OPENS_A_SECOND:,.0f} connections a
second; over those that are open it sends as fast as it can. "Quiet" is the same tenant on the same server while the
attacker sends the same to a sink beside it, for {record["quiet"]:.0f} s before each attack; "after it" is seconds 2
to 5 after the end. Memory is the greatest growth (RSS), threads the most.

Kept: p99 under {verdict.TIMES_QUIET:g} times quiet or {verdict.ENOUGH_MS:g} ms, greatest under
{verdict.GREATEST_MS:g} ms in two of three runs, memory under {verdict.MEMORY_MIB:g} MiB, at most
{verdict.MORE_THREADS} more threads, p99 after it under {verdict.TIMES_QUIET_AFTER:g} times that of a quiet as long, or
less than {verdict.RESOLUTION_MS["ping"]:g} ms (pings) and {verdict.RESOLUTION_MS["delivery"]:g} ms (deliveries) above it,
which is how much two times of three seconds differ without an attack, and nobody of the other tenant cut off or refused.

{rows_of(record)}
{about}
"""


def stored(folder: Path) -> str:
    """The section as the last `make abuse` measured it; empty if there was none."""
    file = folder / FILE
    return section(json.loads(file.read_text())) if file.exists() else ""


def added(record: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The record with the runs stored in the folder, if they have the same code and length."""
    file = folder / FILE
    before = json.loads(file.read_text()) if file.exists() else {}
    if any(before.get(key) != record[key] for key in ("code", "seconds", "quiet")):
        return record
    rows = {name: [*before["rows"].get(name, ()), *runs] for name, runs in record["rows"].items()}
    return {**record, "runs": before["runs"] + record["runs"], "rows": rows}


def write(record: dict[str, Any], folder: Path) -> None:
    """Store a record, and replace the section at the end of RESULTS.md."""
    (folder / FILE).write_text(json.dumps(record, indent=1) + "\n")
    page = folder / "RESULTS.md"
    before = page.read_text().partition(f"\n{HEADING}\n")[0] if page.exists() else ""
    page.write_text(f"{before.rstrip()}\n\n{section(record)}".lstrip())
