"""`make abuse`: attacks a Portal in every way of the table, and measures the effect on another tenant.

Exit status 1 if a promise was broken. It writes nothing unless told to.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.abuse import section, verdict
from bench.abuse.rows import ROWS
from bench.abuse.run import run
from bench.abuse.stage import AttackFailed, Stage, stage
from bench.servers import CLIENT_CORE
from testing.installation import ROOT
from testing.processes import ProcessFailed

SECONDS = 30.0
QUIET_SECONDS = 10.0
"""The maximum: a p99 needs no more, and maxima are not compared with the quiet phase."""
RUNS = 3
CODE = ("libraries", "portal", "realtime", "requirements.txt")
"""The code under test: figures of two runs are comparable if these are the same."""
OTHER_SECONDS = 16.0
"""The other phases of each run: start, warm-up, pause, the time after the attack, end."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.abuse", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each attack (default: %(default)s)")
    parser.add_argument(
        "--quiet", type=float, help=f"of the quiet before it (default: the same, {QUIET_SECONDS} at most)"
    )
    parser.add_argument("--runs", type=int, default=RUNS, help="interleaved runs (default: %(default)s)")
    parser.add_argument(
        "--only", nargs="+", action="extend", choices=ROWS, metavar="ROW", help="only these; writes nothing"
    )
    parser.add_argument("--list", action="store_true", help="print the rows, and attack nothing")
    parser.add_argument(
        "--write",
        type=Path,
        nargs="?",
        const=Path("bench"),
        help="write abuse.json and the section of RESULTS.md here; runs of the same code are added to those before",
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="attack this working copy of Portal; writes nothing")
    arguments = parser.parse_args()
    if arguments.write and (arguments.only or arguments.root != ROOT):
        parser.error("--write needs a complete run of this working copy: leave out --only and --root.")
    if arguments.write and _git("status", "--porcelain", "--", *CODE):
        parser.error("--write needs code that is committed, so that the figures are of something.")
    return arguments


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603, S607


def main() -> int:
    """Attack, and print the results; returns the exit status."""
    arguments = _arguments()
    if arguments.list:
        print("\n".join(f"{name}: {row.what}" for name, row in ROWS.items()))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and leave no server behind
    os.sched_setaffinity(0, {CLIENT_CORE})
    quiet = arguments.quiet or min(arguments.seconds, QUIET_SECONDS)
    names = arguments.only or list(ROWS)
    planned = len(names) * arguments.runs
    minutes = planned * (arguments.seconds + quiet + OTHER_SECONDS) / 60
    print(f"{planned} attacks with the default limits, about {minutes:.0f} min.", flush=True)
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with stage(arguments.root.resolve()) as place:
        for number in range(arguments.runs):
            for name in names:
                rows[name].append(_attack(place, name, arguments.seconds, quiet))
                _say(name, number, rows[name][-1])
    record = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "seconds": arguments.seconds,
        "quiet": quiet,
        "runs": arguments.runs,
        "rows": rows,
    }
    if arguments.write:
        record["code"] = _git("rev-parse", *(f"HEAD:{path}" for path in CODE)).split()
        record = section.added(record, arguments.write)
        rows = record["rows"]
        section.write(record, arguments.write)
    print(f"\n{section.rows_of(record)}")
    failures = {name: verdict.broken(ROWS[name], runs) for name, runs in rows.items()}
    broken = [f"{name}: {sentence}" for name, sentences in failures.items() for sentence in sentences]
    print("\n".join(["Broken promises:", *broken]) if broken else "Every promise was kept.")
    return 1 if broken else 0


def _attack(place: Stage, name: str, seconds: float, quiet: float) -> dict[str, Any]:
    """One run; a failed run is recorded as such, so that the others of an hour are not lost."""
    try:
        return run(place, name, seconds, quiet)
    except (AttackFailed, ProcessFailed, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return {"failed": f"{type(error).__name__}: {str(error).splitlines()[0]}"}


def _say(name: str, number: int, seen: dict[str, Any]) -> None:
    kept = "; ".join(verdict.broken(ROWS[name], [seen])) or "kept"
    print(f"{time.strftime('%H:%M:%S')} run {number + 1}, {name}: {kept}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
