"""`make bench`: measures this application and its named peers, interleaved, and writes bench/RESULTS.md and a plot.

Server and client have a core each. No figure is typed in: each comes from the run that wrote the file.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

from bench import load, report
from bench.connections import idle
from bench.servers import CLIENT_CORE, PEER_FILES, PEERS, Portal, Running, fastify, nchan, portal
from portal.testing.installation import StoreKind

DELIVERIES_A_SECOND = 5000
SLOW_DELIVERIES_A_SECOND = 1000
STORED_A_SECOND = 10
"""Updates: those that come quicker than the database takes them are merged, and then fewer are delivered."""
SIZES = (50, 500, 2000)
SIZES_OF = {"portal, no io_uring": (500,), "websockets": (500,), "socket.io": (500,), "vanilla": (500,)}
"""Of those that are only looked at, or would take minutes."""
ROOM_SIZES = (10, 100, 1000, 10_000)
ROOM_COUNTS = (1, 20, 200, 2000)
VIEWERS_IN_EACH_ROOM = 4
PROCESSES = (1, 2, 4)
SECONDS = 2.0
SPARE_FILES = 500

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
        "portal, no io_uring": lambda: place.serve(PORTAL_IO_URING="false"),
        **PEERS,
    }
    for number in range(rounds):
        for name, start in servers.items():
            with start() as running:
                for viewers in SIZES_OF.get(name, SIZES):
                    pace = min(DELIVERIES_A_SECOND, STORED_A_SECOND * viewers) if name == "portal, stored" else None
                    figures[f"{name} / {viewers}"].append(measure(running, viewers, pace=pace))
        say(f"fan-out: round {number + 1} of {rounds}")
    return figures


def stalled_reader(rounds: int, place: Portal, say: Callable[[str], None]) -> Figures:
    """500 viewers with and without one more that never reads."""
    figures: Figures = defaultdict(list)
    stalled = {"all read": 0, "one is stalled": 1}
    for number in range(rounds):
        with place.serve(PORTAL_SEND_BUFFER_BYTES="65536") as running:
            for name in sorted(stalled, reverse=bool(number % 2)):  # each comes first in turn
                figures[name].append(measure(running, 500, stalled=stalled[name]))
        say(f"stalled reader: round {number + 1} of {rounds}")
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


def curves(rounds: int, place: Portal, say: Callable[[str], None]) -> Figures:
    """Cost for each delivery against the size of one room, and against the number of rooms."""
    figures: Figures = defaultdict(list)
    ids = place.make_portal_views(max(ROOM_COUNTS))
    for number in range(rounds):
        with place.serve() as running:
            for size in ROOM_SIZES:
                pace = max(DELIVERIES_A_SECOND, 2 * size)
                figures[f"room of {size}"].append(measure(running, size, pace=pace))
        for count in ROOM_COUNTS:
            with place.serve() as running:
                port = int(running.wire.controller_url.split(":")[2].split("/")[0])
                wires = [place.wire(port, one, stored=False) for one in ids[:count]]
                figures[f"{count} rooms"].append(measure(running, VIEWERS_IN_EACH_ROOM, wires=wires, pace=1600))
        say(f"curves: round {number + 1} of {rounds}")
    return figures


def processes(rounds: int, say: Callable[[str], None]) -> Figures:
    """1, 2 and 4 processes over Valkey and Postgres: CPU for each delivery, and Valkey commands for each broadcast."""
    figures: Figures = defaultdict(list)
    with portal(StoreKind.POSTGRES) as place:
        valkey: Any = redis.Redis.from_url(place.place.env["REDIS_URL"])
        for number in range(rounds):
            for count in PROCESSES:
                with place.serve("--workers", str(count)) as running:
                    commands = _commands(valkey)
                    seen = measure(running, 500)
                    messages = SECONDS * DELIVERIES_A_SECOND / 500
                    seen["commands"] = (_commands(valkey) - commands) / (messages + load.WARM_UP)
                    figures[f"{count} processes"].append(seen)
            say(f"processes: round {number + 1} of {rounds}")
    return figures


def _commands(valkey: Any) -> int:
    """How many commands Valkey was given, besides this one."""
    stats = valkey.info("commandstats")
    return sum(int(seen["calls"]) for name, seen in stats.items() if name != "cmdstat_info")


def _allow_files(count: int) -> None:
    """Let this process and those that it starts have so many connections."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < count + SPARE_FILES:
        raise SystemExit(f"{count} connections need a limit of {count + SPARE_FILES} open files (ulimit -n): {hard}.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    """Measure, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=10_000, help="idle connections (default: %(default)s)")
    parser.add_argument("--write", type=Path, default=Path(__file__).parent, help="where to write the results")
    arguments = parser.parse_args()
    rounds = arguments.rounds
    _allow_files(max(arguments.connections, *ROOM_SIZES))
    os.sched_setaffinity(0, {CLIENT_CORE})
    subprocess.run(["npm", "ci", "--silent"], cwd=PEER_FILES / "node", check=True)  # noqa: S607
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{(time.monotonic() - began) / 60:5.1f} min  {what}", flush=True)

    figures: dict[str, Figures] = {}
    with portal() as place:
        figures["fan-out"] = fan_out(rounds, place, say)
        figures["connections"] = connections(rounds, arguments.connections, place, say)
        figures["stalled"] = stalled_reader(rounds, place, say)
        figures["curves"] = curves(1, place, say)
    figures["processes"] = processes(max(rounds // 3, 1), say)
    (arguments.write / "results.json").write_text(json.dumps(figures, indent=1))
    report.write(figures, arguments.write)


if __name__ == "__main__":
    main()
