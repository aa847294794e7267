"""The measurements, in sections; each measures all its subjects in turn, round by round."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import redis

from bench import load
from bench.connections import idle
from bench.figures import Figures
from bench.report import WITH_LIMITS, WITHOUT_LIMITS
from bench.servers import PEERS, Portal, Running, fastify, nchan, portal
from testing.installation import StoreKind

DELIVERIES_A_SECOND = 5000
SLOW_DELIVERIES_A_SECOND = 1000
STORED_A_SECOND = 10
"""Stored updates per second: faster ones are merged while the database is busy, and then fewer are delivered."""
SIZES = (50, 500, 2000)
SIZES_OF = {"portal, no io_uring": (500,), "websockets": (500,), "socket.io": (500,)}
"""The sizes for subjects that are only references."""
ROOM_SIZES = (10, 100, 1000, 10_000)
ROOM_COUNTS = (1, 20, 200, 2000)
VIEWERS_IN_EACH_ROOM = 4
ROOMS_DELIVERIES_A_SECOND = 1600
PROCESSES = (1, 2, 4)
PROCESSES_SIZES = (50, 500)
BROADCASTS_A_SECOND = 10
LIMITED_PEOPLE = 200
LIMITED_SIZES = (500, 1500)
LIMITED_CONNECTS = 1500
"""Below the default limits of a portal view, and of one person's simultaneous connections."""
SECONDS = 2.0
STALLED_SECONDS = 15.0
"""So long, because the p99 of a short run is its slowest message."""
CURVES_SECONDS = 4.0
"""Twice the interval at which all rooms are compared with the database."""
LEAST_MESSAGES = 5

Say = Callable[[], None]
"""Called after each round."""


class NotDelivered(Exception):
    """Fewer messages came than were sent: stored ones were merged while the machine was busy."""


def measure(
    running: Running,
    viewers: int,
    *,
    wires: list[load.Wire] | None = None,
    pace: float | None = None,
    seconds: float = SECONDS,
    stalled: int = 0,
    rest: float = 0.0,
    counters: Callable[[], dict[str, float]] = dict,
) -> dict[str, float]:
    """One fan-out: microseconds of server CPU per delivery, latencies in milliseconds, `counters` per message.

    After a rest in seconds also the CPU in it, and the CPU per delivery without that of the rest.
    """
    pace = pace or (SLOW_DELIVERIES_A_SECOND if running.name == "vanilla" else DELIVERIES_A_SECOND)
    rate = pace / viewers
    messages = max(LEAST_MESSAGES, round(seconds * rate))
    marks: list[tuple[float, dict[str, float]]] = []

    def mark() -> None:
        marks.append((running.cpu_seconds(), counters()))

    done: load.Load = load.run(
        load.fan_out(
            wires or [running.wire],
            viewers=viewers,
            messages=messages,
            rate=rate,
            silent=running.silent,
            before=mark,
            after=mark,
            stalled=stalled,
            rest=rest,
        )
    )
    if done.deliveries != done.expected:
        raise NotDelivered(f"{running.name}: {done.deliveries} of {done.expected} messages were delivered.")
    seen = _between(marks, done, rest, messages)
    return {**seen, "p50": done.p50, "p99": done.p99, "client": done.client_busy}


def _between(
    marks: list[tuple[float, dict[str, float]]], done: load.Load, rest: float, messages: int
) -> dict[str, float]:
    """The use between the marks: before the rest, after it, and at the end."""
    (cpu_at_rest, _), (cpu, counted), (cpu_after, counted_after) = marks
    seen = {name: (value - counted[name]) / messages for name, value in counted_after.items()}
    if rest:
        idle = (cpu - cpu_at_rest) / rest
        seen["idle"] = idle * 1e6
        seen["cpu without idle"] = (cpu_after - cpu - idle * done.seconds) / done.deliveries * 1e6
    return {"cpu": (cpu_after - cpu) / done.deliveries * 1e6, **seen}


def fan_out(rounds: int, place: Portal, say: Say) -> Figures:
    """Each server at each size."""
    figures: Figures = defaultdict(list)
    servers: dict[str, Any] = {
        "portal": place.serve,
        "portal, stored": lambda: place.serve(stored=True),
        "portal, no io_uring": lambda: place.serve(PORTAL_IO_URING="false"),
        **PEERS,
    }
    for _ in range(rounds):
        for name, start in servers.items():
            with start() as running:
                for viewers in SIZES_OF.get(name, SIZES):
                    pace = min(DELIVERIES_A_SECOND, STORED_A_SECOND * viewers) if name == "portal, stored" else None
                    figures[f"{name} / {viewers}"].append(measure(running, viewers, pace=pace))
        say()
    return figures


def connections(rounds: int, count: int, place: Portal, say: Say) -> Figures:
    """Connects per second and memory, with a token check; nchan has none."""
    figures: Figures = defaultdict(list)
    servers: dict[str, Any] = {"portal": place.serve, "fastify": lambda: fastify(token_check=True), "nchan": nchan}
    for _ in range(rounds):
        for name, start in servers.items():
            with start() as running:
                figures[name].append(load.run(idle(running, count)))
        say()
    return figures


def stalled_reader(rounds: int, place: Portal, say: Say) -> Figures:
    """500 viewers with and without one more that never reads, after a run that warms the server up."""
    figures: Figures = defaultdict(list)
    stalled = {"all read": 0, "one is stalled": 1}
    for number in range(rounds):
        with place.serve(PORTAL_SEND_BUFFER_BYTES="65536") as running:
            measure(running, 500)
            for name in sorted(stalled, reverse=bool(number % 2)):  # each comes first in turn
                figures[name].append(measure(running, 500, stalled=stalled[name], seconds=STALLED_SECONDS))
        say()
    return figures


def curves(rounds: int, place: Portal, say: Say) -> Figures:
    """Cost per delivery by the size of one room, and by the number of rooms."""
    figures: Figures = defaultdict(list)
    ids = place.make_portal_views(max(ROOM_COUNTS))
    for _ in range(rounds):
        with place.serve() as running:
            for size in ROOM_SIZES:
                seen = measure(running, size, seconds=CURVES_SECONDS, rest=CURVES_SECONDS)
                figures[f"room of {size}"].append(seen)
        for count in ROOM_COUNTS:
            with place.serve() as running:
                port = int(running.wire.controller_url.split(":")[2].split("/")[0])
                wires = [place.wire(port, one, stored=False) for one in ids[:count]]
                seen = measure(
                    running,
                    VIEWERS_IN_EACH_ROOM,
                    wires=wires,
                    pace=ROOMS_DELIVERIES_A_SECOND,
                    seconds=CURVES_SECONDS,
                    rest=CURVES_SECONDS,
                )
                figures[f"{count} rooms"].append(seen)
        say()
    return figures


def processes(rounds: int, say: Say) -> Figures:
    """1, 2 and 4 processes over Valkey and Postgres: CPU per delivery, and Valkey's work per broadcast."""
    figures: Figures = defaultdict(list)
    with portal(StoreKind.POSTGRES) as place:
        valkey: Any = redis.Redis.from_url(place.place.env["REDIS_URL"])
        for _ in range(rounds):
            for count in PROCESSES:
                with place.serve("--workers", str(count)) as running:
                    for size in PROCESSES_SIZES:
                        pace = BROADCASTS_A_SECOND * size
                        seen = measure(running, size, pace=pace, counters=lambda: _valkey_work(valkey))
                        figures[f"{count} processes / {size}"].append(seen)
            say()
    return figures


def limits(rounds: int, place: Portal, say: Say) -> Figures:
    """Deliveries and connects with the default limits, and without: many people, with a few connections each."""
    figures: Figures = defaultdict(list)
    viewers = place.make_viewers(LIMITED_PEOPLE)
    subjects = {WITHOUT_LIMITS: False, WITH_LIMITS: True}
    for number in range(rounds):
        for name in sorted(subjects, reverse=bool(number % 2)):  # each comes first in turn
            with place.serve(limits=subjects[name], viewers=viewers) as running:
                for size in LIMITED_SIZES:
                    figures[f"{name} / {size}"].append(measure(running, size))
            with place.serve(limits=subjects[name], viewers=viewers) as running:
                figures[f"{name} / {LIMITED_CONNECTS} idle"].append(load.run(idle(running, LIMITED_CONNECTS)))
        say()
    return figures


def _valkey_work(valkey: Any) -> dict[str, float]:
    """Valkey's work so far: commands of all kinds but INFO, PUBLISH among them, and microseconds of its CPU."""
    calls = {name.removeprefix("cmdstat_"): int(seen["calls"]) for name, seen in valkey.info("commandstats").items()}
    cpu = valkey.info("cpu")
    return {
        "commands": sum(count for name, count in calls.items() if name != "info"),
        "published": sum(count for name, count in calls.items() if name in {"publish", "spublish"}),
        "valkey cpu": (cpu["used_cpu_user"] + cpu["used_cpu_sys"]) * 1e6,
    }
