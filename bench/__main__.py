"""`make bench`: measures this application and its named peers, interleaved, and writes bench/RESULTS.md and a plot.

Server and client have a core each. No figure is typed in: each comes from the run that wrote the file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import redis

from bench import load, report
from bench.connections import idle
from bench.servers import CLIENT_CORE, PEER_FILES, PEERS, Portal, Running, fastify, nchan, portal
from portal.testing.installation import StoreKind

DELIVERIES_A_SECOND = 5000
SLOW_DELIVERIES_A_SECOND = 1000
SIZES = (50, 500, 2000)
ROOM_SIZES = (10, 100, 1000, 8000)
ROOM_COUNTS = (1, 20, 200, 2000)
VIEWERS_IN_EACH_ROOM = 4
PROCESSES = (1, 2, 4)
SECONDS = 2.0

Figures = dict[str, list[dict[str, float]]]


def measure(
    running: Running, viewers: int, *, wires: list[load.Wire] | None = None, pace: int | None = None, stalled: int = 0
) -> dict[str, float]:
    """One fan-out: microseconds of server CPU for each delivery, and latencies in milliseconds."""
    pace = pace or (SLOW_DELIVERIES_A_SECOND if running.name == "vanilla" else DELIVERIES_A_SECOND)
    rate = pace / viewers
    before = [0.0]

    def mark() -> None:
        before[0] = running.cpu_seconds()

    done: load.Load = load.run(
        load.fan_out(
            wires or [running.wire],
            viewers=viewers,
            messages=max(5, round(SECONDS * rate)),
            rate=rate,
            silent=running.silent,
            before=mark,
            stalled=stalled,
        )
    )
    if done.deliveries != done.expected:
        raise RuntimeError(f"{running.name}: {done.deliveries} of {done.expected} messages were delivered.")
    cpu = (running.cpu_seconds() - before[0]) / done.deliveries * 1e6
    return {"cpu": cpu, "p50": done.p50, "p99": done.p99, "client": done.client_busy}


def fan_out(rounds: int, place: Portal, say: Callable[[str], None]) -> Figures:
    """Each server at each size, in turn, `rounds` times."""
    figures: Figures = defaultdict(list)
    servers: dict[str, Any] = {
        "portal": place.serve,
        "portal, stored": lambda: place.serve(stored=True),
        **PEERS,
    }
    for number in range(rounds):
        for name, start in servers.items():
            with start() as running:
                for viewers in SIZES:
                    if name == "vanilla" and viewers == max(SIZES):
                        continue  # it would take minutes
                    figures[f"{name} / {viewers}"].append(measure(running, viewers))
        say(f"fan-out: round {number + 1} of {rounds}")
    return figures


def stalled_reader(rounds: int, place: Portal, say: Callable[[str], None]) -> Figures:
    """500 viewers with and without one more that never reads."""
    figures: Figures = defaultdict(list)
    for _ in range(rounds):
        with place.serve(PORTAL_SEND_BUFFER_BYTES="65536") as running:
            figures["all read"].append(measure(running, 500))
            figures["one is stalled"].append(measure(running, 500, stalled=1))
    say("stalled reader: done")
    return figures


def connections(rounds: int, count: int, place: Portal, say: Callable[[str], None]) -> Figures:
    """Connects a second and memory, with a token check; nchan has none."""
    figures: Figures = defaultdict(list)
    servers: dict[str, Any] = {"portal": place.serve, "fastify": lambda: fastify(token_check=True), "nchan": nchan}
    for number in range(rounds):
        for name, start in servers.items():
            with start() as running:
                seen = load.run(idle(running, count))
                figures[name].append(
                    {"per second": seen.per_second, "cpu": seen.cpu_microseconds, "bytes": seen.bytes_each}
                )
        say(f"connections: round {number + 1} of {rounds}")
    return figures


def curves(place: Portal, say: Callable[[str], None]) -> Figures:
    """Cost for each delivery against the size of one room, and against the number of rooms."""
    figures: Figures = {}
    with place.serve() as running:
        for size in ROOM_SIZES:
            figures[f"room of {size}"] = [measure(running, size, pace=max(DELIVERIES_A_SECOND, 3 * size))]
    ids = place.make_portal_views(max(ROOM_COUNTS))
    for count in ROOM_COUNTS:
        with place.serve() as running:
            port = int(running.wire.controller_url.split(":")[2].split("/")[0])
            wires = [place.wire(port, one, stored=False) for one in ids[:count]]
            figures[f"{count} rooms"] = [measure(running, VIEWERS_IN_EACH_ROOM, wires=wires, pace=1600)]
    say("curves: done")
    return figures


def processes(rounds: int, say: Callable[[str], None]) -> Figures:
    """1, 2 and 4 processes over Valkey and Postgres: CPU for each delivery, and Valkey commands for each broadcast."""
    figures: Figures = defaultdict(list)
    with portal(StoreKind.POSTGRES) as place:
        valkey: Any = redis.Redis.from_url(place.place.env["REDIS_URL"])
        for _ in range(rounds):
            for count in PROCESSES:
                with place.serve("--workers", str(count)) as running:
                    seen = measure(running, 500)
                    commands = _published(valkey)
                    messages = SECONDS * DELIVERIES_A_SECOND / 500
                    again = measure(running, 500)
                    seen["commands"] = (_published(valkey) - commands) / (messages + load.WARM_UP)
                    seen["cpu"] = min(seen["cpu"], again["cpu"])
                    figures[f"{count} processes"].append(seen)
    say("processes: done")
    return figures


def _published(valkey: Any) -> int:
    return int(valkey.info("commandstats").get("cmdstat_publish", {}).get("calls", 0))


def main() -> None:
    """Measure, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=8000, help="idle connections (default: %(default)s)")
    parser.add_argument("--write", type=Path, default=Path(__file__).parent, help="where to write the results")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {CLIENT_CORE})
    subprocess.run(["npm", "ci", "--silent"], cwd=PEER_FILES / "node", check=True)  # noqa: S607
    figures: dict[str, Figures] = {}
    with ExitStack() as stack:
        place = stack.enter_context(portal())
        figures["connections"] = connections(min(arguments.rounds, 9), arguments.connections, place, print)
        figures["fan-out"] = fan_out(arguments.rounds, place, print)
        figures["stalled"] = stalled_reader(arguments.rounds, place, print)
        figures["curves"] = curves(place, print)
    figures["processes"] = processes(3, print)
    (arguments.write / "results.json").write_text(json.dumps(figures, indent=1))
    report.write(figures, arguments.write)


if __name__ == "__main__":
    main()
