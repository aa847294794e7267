"""The outcome of a load test for people, and for machines. No I/O in here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from realtime.loadtest.books import percentile
from realtime.loadtest.run import Outcome, Plan

TOO_BUSY = 0.8
"""Above this share of a core, the clients are slow themselves."""


def as_json(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """All figures; latencies in milliseconds, None where nothing was measured."""
    books, deliveries = outcome.books, outcome.books.deliveries()
    return {
        "viewers": plan.viewers,
        "controllers": plan.controllers,
        "updatesPerSecond": plan.rate,
        "seconds": plan.seconds,
        "encoding": plan.encoding,
        "connectSeconds": round(outcome.connect_seconds, 3),
        "sent": sum(sent.updates for sent in books.sent.values()),
        "acknowledged": sum(len(sent.versions) for sent in books.sent.values()),
        "refused": {code: count for code, count in sorted(books.refused.items()) if count},
        "latency": _latency(books.latencies),
        "ackLatency": _latency(books.ack_latencies),
        "deliveries": deliveries.seen,
        "merged": deliveries.merged,
        "skipped": deliveries.skipped,
        "lost": deliveries.lost,
        "outOfOrder": deliveries.out_of_order,
        "connectionsLost": books.losses,
        "bytesPerConnection": None if outcome.bytes_each is None else round(outcome.bytes_each),
        "clientBusy": round(outcome.client_busy, 3),
    }


def _latency(values: Sequence[float]) -> dict[str, float | None]:
    found = {"p50": percentile(values, 0.5), "p99": percentile(values, 0.99), "max": max(values, default=None)}
    return {key: None if value is None else round(value, 3) for key, value in found.items()}


def as_text(figures: dict[str, Any]) -> str:
    """The figures of `as_json` in words."""
    refused = ", ".join(f"{count} {code}" for code, count in figures["refused"].items()) or "none"
    rows = {
        "Clients": f"{figures['viewers']} viewers, connected in {figures['connectSeconds']:.1f} s; "
        f"{figures['controllers']} controllers",
        "Updates": f"{figures['sent']} sent, {figures['acknowledged']} acknowledged; refused: {refused}",
        "Controller to viewer": _words(figures["latency"]),
        "Controller to ack": _words(figures["ackLatency"]),
        "Delivered": f"{figures['deliveries']}; {figures['merged']} merged into a later one, "
        f"{figures['skipped']} skipped for a newer state",
        "Lost": f"{figures['lost']}; {figures['outOfOrder']} out of order; "
        f"{figures['connectionsLost']} connections were lost",
        "Server's memory": _memory(figures["bytesPerConnection"]),
        "This process": f"busy for {figures['clientBusy']:.0%} of a core",
    }
    width = max(map(len, rows))
    lines = [f"{name:{width}}  {words}" for name, words in rows.items()]
    if figures["clientBusy"] > TOO_BUSY:
        lines.append("The clients were busy themselves, so the latencies are partly theirs: take fewer viewers.")
    return "\n".join(lines)


def _words(latency: dict[str, float | None]) -> str:
    if latency["p50"] is None:
        return "nothing arrived"
    return f"{latency['p50']:.1f} ms (half), {latency['p99']:.1f} ms (99 of 100), {latency['max']:.1f} ms at most"


def _memory(each: int | None) -> str:
    return "not measured (--server-pid)" if each is None else f"{each / 1024:.1f} KiB for each viewer"
