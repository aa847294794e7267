"""`python -m bench --against <working copy>`: this tree and another one of Portal, round by round in one run.

It finds out whether deliveries and connects became slower by more than the difference between rounds; it writes
nothing. The other working copy runs its own `manage.py`, on its own database, in the same virtual environment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import load
from bench.connections import idle
from bench.figures import Figures, median, ratio, spread, table
from bench.sections import (
    DELIVERIES_A_SECOND,
    LIMITED_PEOPLE,
    LIMITED_SIZES,
    SIZES,
    STORED_A_SECOND,
    NotDelivered,
    Say,
    measure,
)
from bench.servers import Portal, Running, portal

STORED_TRIES = 5
SECONDS = 5.0
"""The length of one measurement: at 2,000 viewers in 2 s there are 5 messages, and their noise hides 5 %."""
NOW, BEFORE = "portal now", "portal before"
BETTER_HIGH = {"per second"}
TITLES = {
    "cpu": "CPU µs each",
    "p50": "p50 ms",
    "p99": "p99 ms",
    "per second": "connects a second",
    "bytes": "PSS bytes each",
}


@dataclass
class Subject:
    """One of the two, with the tokens of many people, and its measurements."""

    place: Portal
    viewers: Sequence[str]
    figures: Figures = field(default_factory=lambda: defaultdict(list))

    def run(self, connections: int) -> None:
        """One round of everything."""
        with self.place.serve() as running:
            for size in SIZES:
                self.figures[f"relayed, {size} viewers"].append(measure(running, size, seconds=SECONDS))
        with self.place.serve(stored=True) as running:
            for size in SIZES:
                self.figures[f"stored, {size} viewers"].append(_stored(running, size))
        with self.place.serve(limits=True, viewers=self.viewers) as running:
            for size in LIMITED_SIZES:
                self.figures[f"relayed, default limits, {size} viewers"].append(measure(running, size, seconds=SECONDS))
        with self.place.serve() as running:
            self.figures[f"{connections:,} idle connections"].append(load.run(idle(running, connections)))


def _stored(running: Running, size: int) -> dict[str, float]:
    """Measured without merged updates: a busy machine merges some, and then the measurement is repeated."""
    pace = min(DELIVERIES_A_SECOND, STORED_A_SECOND * size)
    for _ in range(STORED_TRIES - 1):
        try:
            return measure(running, size, pace=pace, seconds=SECONDS)
        except NotDelivered as error:
            print(f"Again, as the machine was busy: {error}", flush=True)
    return measure(running, size, pace=pace, seconds=SECONDS)


def compare(root: Path, rounds: int, connections: int, say: Say) -> None:
    """Measure both in turn, each first in every other round, and print the results; SystemExit without a `root`."""
    if not (root / "manage.py").is_file():
        raise SystemExit(f"{root} has no manage.py: --against takes a working copy of Portal.")
    with portal() as ours, portal(root=root.resolve()) as theirs:
        subjects = {NOW: ours, BEFORE: theirs}
        measured = {name: Subject(place, place.make_viewers(LIMITED_PEOPLE)) for name, place in subjects.items()}
        for number in range(rounds):
            for name in sorted(measured, reverse=bool(number % 2)):
                measured[name].run(connections)
            say()
    print(f"\n{result(measured[NOW].figures, measured[BEFORE].figures)}", flush=True)


def result(now: Figures, before: Figures) -> str:
    """Each figure of both, their ratio round by round, and whether it is worse than in every round before."""
    rows = []
    for what, seen in now.items():
        for key, title in TITLES.items():
            if key in seen[0]:
                earlier = before[what]
                rows.append(
                    [
                        f"{what}: {title}",
                        spread([row[key] for row in earlier]),
                        spread([row[key] for row in seen]),
                        ratio(seen, earlier, key),
                        "worse" if _is_worse(seen, earlier, key) else "",
                    ]
                )
    head = ["median (least to greatest)", BEFORE, NOW, "ratio, round by round", "beyond the spread of before"]
    return table(head, rows)


def _is_worse(seen: list[dict[str, float]], earlier: list[dict[str, float]], key: str) -> bool:
    values = [row[key] for row in earlier]
    return median(seen, key) < min(values) if key in BETTER_HIGH else median(seen, key) > max(values)
