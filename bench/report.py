"""Turns the figures of one run into bench/RESULTS.md and a plot."""

from __future__ import annotations

import platform
import statistics
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

STALLED = ("one is stalled", "all read")
Figures = dict[str, list[dict[str, float]]]
PACKAGES = ("django", "channels", "daphne", "uvicorn", "uvloop", "aiofastnet", "websockets", "picows")


def median(rows: list[dict[str, float]], key: str) -> float:
    """The median over the rounds."""
    return statistics.median(row[key] for row in rows)


def ratio(rows: list[dict[str, float]], peers: list[dict[str, float]], key: str) -> str:
    """Median and spread of the pairwise ratios, round by round."""
    ratios = [row[key] / peer[key] for row, peer in zip(rows, peers, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


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


def simple(figures: Figures, columns: dict[str, str]) -> str:
    """Medians of the given columns."""
    rows = [[name, *(f"{median(seen, key):.2f}" for key in columns)] for name, seen in figures.items()]
    return table(["", *columns.values()], rows)


def connections(figures: Figures) -> str:
    """Connects a second and memory, with ratios."""
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
    return table(["server", "connects a second", "portal's to it", "CPU µs a connect", "KiB a connection"], rows)


def _share(rows: list[dict[str, float]], peers: list[dict[str, float]], key: str) -> float:
    return statistics.median(row[key] / peer[key] for row, peer in zip(rows, peers, strict=True))


def aims(figures: dict[str, Figures]) -> str:
    """What was aimed at, and whether it came about; all from the figures."""
    fan, idle, stalled = figures["fan-out"], figures["connections"], figures["stalled"]
    rows: list[tuple[str, float, float]] = []
    for peer, most, sizes in (("fastify", 0.85, (500, 2000)), ("nchan", 1.0, (500, 2000)), ("vanilla", 1 / 25, (500,))):
        for size in sizes:
            seen = _share(fan[f"portal / {size}"], fan[f"{peer} / {size}"], "cpu")
            rows.append((f"CPU of a relayed delivery to {size} viewers, of {peer}'s", seen, most))
    for size in (50, 500, 2000):
        seen = _share(fan[f"portal / {size}"], fan[f"fastify / {size}"], "p99")
        rows.append((f"p99 latency with {size} viewers, of fastify's", seen, 1.0))
    rows.append(("KiB of memory for an idle connection", median(idle["portal"], "bytes") / 1024, 20))
    rows.append(("Time for a connect, of fastify's", _share(idle["fastify"], idle["portal"], "per second"), 1.0))
    beside, without = (stalled[name] for name in STALLED)
    rows.append(("p99 beside a stalled reader, of p99 without", _share(beside, without, "p99"), 1.1))
    head = ["", "median of the pairs", "aim: at most", ""]
    return table(
        head, [[what, f"{seen:.3g}", f"{most:.3g}", "yes" if seen <= most else "no"] for what, seen, most in rows]
    )


def machine() -> str:
    """What ran where."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{model}; Linux {platform.release()}; Python {platform.python_version()}; Node {node}; {packages}."


def write(figures: dict[str, Figures], folder: Path) -> None:
    """Write RESULTS.md and fan-out.png."""
    rounds = len(figures["fan-out"]["portal / 500"])
    latency = {"cpu": "CPU µs a delivery", "p50": "p50 ms", "p99": "p99 ms"}
    over_valkey = {"cpu": "CPU µs a delivery", "commands": "Valkey commands a broadcast", "p99": "p99 ms"}
    slowed = ratio(*(figures["stalled"][name] for name in STALLED), "p99")
    text = f"""# What was measured

Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {rounds} interleaved rounds; server and client on a core each,
on loopback; messages of about 300 bytes at 5,000 deliveries a second (vanilla Channels: 1,000). Stored updates
come at most 10 times a second: quicker ones are merged. CPU is the server's, user and system. A ratio is the median of
the rounds' own ratios, with the least and the greatest. "client" is how busy the load client was. This application ran
complete: token check, membership, role check, projection and database.

{machine()}

{aims(figures)}
## Fan-out

"portal, stored" is an update that SQLite keeps; "portal, no io_uring" writes to one socket after the other.

{fan_out(figures["fan-out"])}
![CPU for each delivery](fan-out.png)

## One reader of 501 is stalled

{simple(figures["stalled"], latency)}
p99 with the stalled reader to p99 without: {slowed}.

## Connections

With a token check, but for nchan; this application also reads the membership and sends a snapshot.

{connections(figures["connections"])}
## Cost against the size of a room and the number of rooms

{simple(figures["curves"], {"cpu": "CPU µs a delivery", "p99": "p99 ms"})}
![The same as curves](curves.png)

## Processes, over Valkey and Postgres

{simple(figures["processes"], over_valkey)}"""
    (folder / "RESULTS.md").write_text(text)
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
        points = [(int(name.replace(mark, "")), median(seen, "cpu")) for name, seen in figures.items() if mark in name]
        axes.plot(*zip(*points, strict=True), marker="o", label=label)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("CPU µs a delivery")
    axes.legend()
    axes.grid(alpha=0.4)
    figure.tight_layout()
    figure.savefig(file, dpi=110)
