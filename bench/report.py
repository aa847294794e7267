"""Turns the figures of one run into bench/RESULTS.md and plots."""

from __future__ import annotations

import platform
import shutil
import statistics
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib

from bench import encodings, reveal, stored_update
from bench.abuse import section as abuse_section
from bench.figures import Figures, median, ratio, ratios, spread, table
from testing.limits import NO_LIMITS_SENTENCE

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

STALLED = ("one is stalled", "all read")
WITHOUT_LIMITS, WITH_LIMITS = "without limits", "default limits"
LIMITED = {
    "cpu": "CPU µs a delivery or connect",
    "p50": "p50 ms of a delivery",
    "p99": "p99 ms of a delivery",
    "per second": "connects a second",
}
PACKAGES = ("django", "channels", "daphne", "uvicorn", "uvloop", "aiofastnet", "websockets", "picows")


def fan_out(figures: Figures) -> str:
    """CPU and latency by server and size, each with the ratio of this application to it."""
    rows = []
    for name, seen in figures.items():
        size = name.split(" / ")[1]
        ours = figures[f"portal / {size}"]
        rows.append(
            [
                name,
                f"{median(seen, 'cpu'):.1f}",
                ratio(ours, seen, "cpu"),
                f"{median(seen, 'p50'):.2f}",
                f"{median(seen, 'p99'):.2f}",
                ratio(ours, seen, "p99"),
                f"{median(seen, 'client'):.0%}",
            ]
        )
    rows.sort(key=lambda row: (int(row[0].split(" / ")[1]), float(row[1])))
    head = [
        "server / viewers",
        "CPU µs a delivery",
        "portal's to it",
        "p50 ms",
        "p99 ms",
        "portal's p99 to it",
        "client",
    ]
    return table(head, rows)


def simple(figures: Figures, columns: dict[str, str], form: str = ".2f") -> str:
    """Medians of the given columns."""
    rows = [[name, *(f"{median(seen, key):{form}}" for key in columns)] for name, seen in figures.items()]
    return table(["", *columns.values()], rows)


def connections(figures: Figures) -> str:
    """Connects per second and memory, with ratios."""
    rows = [
        [
            name,
            f"{median(seen, 'per second'):.0f}",
            ratio(figures["portal"], seen, "per second"),
            f"{median(seen, 'cpu'):.0f}",
            f"{median(seen, 'bytes') / 1024:.1f}",
        ]
        for name, seen in figures.items()
    ]
    head = ["server", "connects a second", "portal's to it", "CPU µs a connect", "KiB (PSS) a connection"]
    steps = sorted(key for key in figures["portal"][0] if " at " in key)
    steps.sort(key=lambda key: int(key.split(" at ")[1].replace(",", "")))
    memory = {step: f"{step.replace(' at ', ' MiB at ')} connections" for step in steps}
    return f"{table(head, rows)}\n{simple(figures, memory, '.1f')}"


def stalled(figures: Figures) -> str:
    """Both kinds of run, and the ratio between them."""
    beside, without = (figures[name] for name in STALLED)
    columns = {"cpu": "CPU µs a delivery", "p50": "p50 ms", "p99": "p99 ms"}
    return f"{simple(figures, columns)}\np99 with the stalled reader to p99 without: {ratio(beside, without, 'p99')}.\n"


def curves(figures: Figures) -> str:
    """Cost by room size and number of rooms."""
    columns = {
        "cpu": "CPU µs a delivery",
        "cpu without idle": "without what idle connections took",
        "idle": "CPU µs a second while nobody sends",
        "p99": "p99 ms",
    }
    return simple(figures, columns)


def limits(figures: Figures) -> str:
    """Cost with the default limits and without, and the ratio between them."""
    rows = []
    for what, seen in figures.items():
        subject, _, size = what.partition(" / ")
        without = figures[f"{WITHOUT_LIMITS} / {size}"]
        for key, title in LIMITED.items():
            if key in seen[0]:
                rows.append([f"{title}, {size}", subject, f"{median(seen, key):.2f}", ratio(seen, without, key)])
    return table(["", "limits", "median", "to that without limits"], sorted(rows))


def processes(figures: Figures) -> str:
    """Cost by number of processes and viewers, here and on Valkey."""
    columns = {
        "cpu": "CPU µs a delivery",
        "p99": "p99 ms",
        "commands": "Valkey commands a broadcast",
        "published": "of them PUBLISH",
        "valkey cpu": "Valkey's CPU µs a broadcast",
    }
    return simple(figures, columns)


SECTIONS: dict[str, Callable[[Figures], str]] = {
    "fan-out": fan_out,
    "connections": connections,
    "stalled": stalled,
    "curves": curves,
    "processes": processes,
    "limits": limits,
    "reveal": reveal.section,
}


def _aims(figures: dict[str, Figures]) -> list[tuple[str, list[float], str, float]]:
    """The aims: the values round by round, whether at most or at least, and the limit."""
    fan, idle, readers = figures["fan-out"], figures["connections"], figures["stalled"]
    portal = {size: fan[f"portal / {size}"] for size in (50, 500, 2000)}
    rows: list[tuple[str, list[float], str, float]] = []
    for peer, most in (("fastify", 0.85), ("nchan", 1.0), ("vanilla", 1 / 25)):
        for size in (500, 2000):
            seen = ratios(portal[size], fan[f"{peer} / {size}"], "cpu")
            rows.append((f"CPU of a relayed delivery to {size} viewers, to {peer}'s", seen, "at most", most))
    for size in portal:
        seen = ratios(portal[size], fan[f"fastify / {size}"], "p99")
        rows.append((f"p99 latency with {size} viewers, to fastify's", seen, "at most", 1.0))
    rows.append(("KiB for an idle connection", [row["bytes"] / 1024 for row in idle["portal"]], "at most", 20))
    connects = ratios(idle["portal"], idle["fastify"], "per second")
    rows.append(("Connects a second with a token check, to fastify's", connects, "at least", 1.0))
    beside, without = (readers[name] for name in STALLED)
    rows.append(("p99 beside a stalled reader, to p99 without", ratios(beside, without, "p99"), "at most", 1.1))
    return rows


def aims(figures: dict[str, Figures]) -> str:
    """The aims, and whether they were reached; all from the figures."""
    rows = []
    for what, values, bound, limit in _aims(figures):
        seen = statistics.median(values)
        reached = seen <= limit if bound == "at most" else seen >= limit
        rows.append([what, f"{bound} {limit:.3g}", spread(values, ".3g"), "yes" if reached else "no"])
    return table(["", "aim", "median (least to greatest)", "reached"], rows)


def machine() -> str:
    """The machine and the versions."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    programs = f"Node {_version('node', '--version')}; {_version('nginx', '-v') or 'no nginx'}"
    return f"{model}; Linux {platform.release()}; Python {platform.python_version()}; {programs}; {packages}."


def _version(program: str, option: str) -> str:
    """The version that a program prints, on either stream; empty if there is no such program."""
    path = shutil.which(program)
    if path is None:
        return ""
    done = subprocess.run([path, option], capture_output=True, text=True, check=True)  # noqa: S603  # a fixed option
    return (done.stdout + done.stderr).strip()


PAGE = """# What was measured

Written by `make bench` on {today}: {rounds} interleaved rounds (curves: {curve_rounds}); server
and client on a core each, on loopback; messages of about 300 bytes at 5,000 deliveries a second (vanilla Channels:
1,000). CPU is the server's, user and system. A ratio is the median of the rounds' own ratios, with the least and the
greatest. "client" is how busy the load client was. This application ran complete: token check, membership, role check,
projection and database. {no_limits}

{machine}

## What was aimed at, and what came out

{aims}
## Fan-out

"portal, stored" is an update that SQLite keeps. Those that wait behind a write are merged, and then fewer messages
arrive than were sent; so they come at most 10 times a second, which with 50 viewers is 500 deliveries a second.
"portal, no io_uring" writes to one socket after the other.

{tables[fan-out]}
![CPU for each delivery](fan-out.png)

## One reader of 501 is stalled

It stopped reading, and was sent 6 MB since, before the others came: nothing more can be written to it.

{tables[stalled]}
## Connections

With a token check, but for nchan; this application also reads the membership and sends a snapshot. PSS is the
processes' share of the memory that they use, RSS all of it.

{tables[connections]}
## Cost against the size of a room and the number of rooms

A room of any size gets 5,000 deliveries a second, and the rooms of 4 viewers get 1,600 together. Meanwhile a server
asks each connection now and then whether it is still there, and compares each room with the database: what that takes
was measured right before, while nobody sent anything.

{tables[curves]}
![The same as curves](curves.png)

## Processes, over Valkey and Postgres

All processes share one core; 10 broadcasts a second to 50 and to 500 viewers. Valkey's commands are of all kinds, also
those that have nothing to do with a broadcast.

{tables[processes]}
## What the limits cost

Both ran with many people, each with a few connections: as few as the default limits let in. "{with_limits}" is this
application as it comes.

{tables[limits]}
{tables[reveal]}
{abuse}"""


def write(figures: dict[str, Figures], folder: Path) -> None:
    """Write RESULTS.md, fan-out.png and curves.png."""
    rounds, curve_rounds = len(figures["fan-out"]["portal / 500"]), len(figures["curves"]["1 rooms"])
    page = PAGE.format(
        today=f"{datetime.now(UTC):%Y-%m-%d}",
        rounds=rounds,
        curve_rounds=curve_rounds,
        no_limits=NO_LIMITS_SENTENCE,
        with_limits=WITH_LIMITS,
        machine=machine(),
        aims=aims(figures),
        tables={name: SECTIONS[name](seen) for name, seen in figures.items()},
        abuse=encodings.stored(folder) + stored_update.stored(folder) + abuse_section.stored(folder),
    )
    (folder / "RESULTS.md").write_text(page)
    _plot(figures["fan-out"], folder / "fan-out.png")
    _plot_curves(figures["curves"], folder / "curves.png")


def _plot(figures: Figures, file: Path) -> None:
    names = [name for name in figures if name.endswith(" / 500")]
    values: list[Any] = [[row["cpu"] for row in figures[name]] for name in names]
    figure, axes = pyplot.subplots(figsize=(8, 4))
    axes.boxplot(values, tick_labels=[name.removesuffix(" / 500") for name in names])
    axes.set_yscale("log")
    axes.set_ylabel("CPU µs a delivery, 500 viewers")
    axes.grid(axis="y", alpha=0.4)
    figure.tight_layout()
    figure.savefig(file, dpi=110)


def _plot_curves(figures: Figures, file: Path) -> None:
    figure, axes = pyplot.subplots(figsize=(8, 4))
    for mark, label in (("room of ", "viewers in one room"), (" rooms", "rooms of 4 viewers")):
        of_this = {name.replace(mark, ""): seen for name, seen in figures.items() if mark in name}
        for key, line, what in (("cpu", "-", ""), ("cpu without idle", ":", ", without what idle connections took")):
            points = [(int(size), median(seen, key)) for size, seen in of_this.items()]
            axes.plot(*zip(*points, strict=True), line, marker="o", label=label + what)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("CPU µs a delivery")
    axes.legend()
    axes.grid(alpha=0.4)
    figure.tight_layout()
    figure.savefig(file, dpi=110)
