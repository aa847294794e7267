"""`make bench`: measures this application and its named peers, interleaved, and writes bench/RESULTS.md and plots.

Server and client have one core each. No figure is written by hand: each comes from the run that wrote the file.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import against, report, reveal, sections
from bench.figures import Figures
from bench.servers import CLIENT_CORE, PEER_FILES, Portal, portal
from testing.limits import NO_LIMITS_SENTENCE

SECONDS_A_ROUND = {
    "fan-out": 90.0,
    "connections": 34.0,
    "stalled": 45.0,
    "curves": 150.0,
    "processes": 33.0,
    "limits": 30.0,
    "reveal": 90.0,
    "against": 180.0,
}
"""Rough estimates, only used to show the remaining time; the pace of the run corrects them."""
SECTIONS = [name for name in SECONDS_A_ROUND if name != "against"]
FEWER_ROUNDS = {"curves": 3, "reveal": 5}
SPARE_FILES = 500


class Progress:
    """Reports the progress after each round, and the approximate remaining time."""

    def __init__(self, rounds: dict[str, int]) -> None:
        self.rounds = rounds
        self.done = dict.fromkeys(rounds, 0)
        self.began = time.monotonic()

    def __call__(self, section: str) -> None:
        """Count one more round of that section."""
        self.done[section] += 1
        elapsed = (time.monotonic() - self.began) / 60
        done, planned = (sum(SECONDS_A_ROUND[name] * n for name, n in of.items()) for of in (self.done, self.rounds))
        left = elapsed * (planned - done) / done
        what = f"{section}: round {self.done[section]} of {self.rounds[section]}"
        print(f"{elapsed:5.1f} min, about {left:.0f} left: {what}", flush=True)


def _allow_files(count: int) -> None:
    """Allow this process and its children this many connections."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < count + SPARE_FILES:
        raise SystemExit(f"{count} connections need a limit of {count + SPARE_FILES} open files (ulimit -n): {hard}.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=10_000, help="idle connections (default: %(default)s)")
    parser.add_argument("--write", type=Path, default=Path(__file__).parent, help="where to write the results")
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, help="for trying out: print these sections, and write nothing"
    )
    parser.add_argument(
        "--against", type=Path, help="a working copy of Portal: print how this one compares with it, and write nothing"
    )
    return parser.parse_args()


def _measures(arguments: argparse.Namespace, place: Portal) -> dict[str, Callable[..., Figures]]:
    return {
        "fan-out": partial(sections.fan_out, place=place),
        "connections": partial(sections.connections, count=arguments.connections, place=place),
        "stalled": partial(sections.stalled_reader, place=place),
        "curves": partial(sections.curves, place=place),
        "processes": sections.processes,
        "limits": partial(sections.limits, place=place),
        "reveal": partial(reveal.measure, place=place),
    }


def main() -> None:
    """Measure, and write the results."""
    arguments = _arguments()
    _allow_files(max(arguments.connections, *sections.ROOM_SIZES))
    os.sched_setaffinity(0, {CLIENT_CORE})
    print(NO_LIMITS_SENTENCE, flush=True)
    if arguments.against:
        say = Progress({"against": arguments.rounds})
        against.compare(arguments.against, arguments.rounds, arguments.connections, partial(say, "against"))
        return
    if not (arguments.only and (PEER_FILES / "node" / "node_modules").exists()):  # another run may be using them
        subprocess.run(["npm", "ci", "--silent"], cwd=PEER_FILES / "node", check=True)  # noqa: S607
    rounds = {name: arguments.rounds for name in SECTIONS if name in (arguments.only or SECTIONS)}
    rounds |= {name: min(arguments.rounds, most) for name, most in FEWER_ROUNDS.items() if name in rounds}
    say = Progress(rounds)
    figures: dict[str, Figures] = {}
    with portal() as place:
        measures = _measures(arguments, place)
        for name, count in rounds.items():
            figures[name] = measures[name](count, say=partial(say, name))
            if arguments.only:
                print(f"\n{report.SECTIONS[name](figures[name])}", flush=True)
            else:
                (arguments.write / "results.json").write_text(json.dumps(figures, indent=1))
    if not arguments.only:
        report.write(figures, arguments.write)


if __name__ == "__main__":
    main()
