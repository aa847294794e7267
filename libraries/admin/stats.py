"""The page of a portal view's open connections: its figures as rows for people."""

from __future__ import annotations

from dataclasses import dataclass

from libraries.rules.figures import Figures


@dataclass(frozen=True, slots=True)
class Group:
    """A heading and its rows, each a name and its figure as text."""

    heading: str
    rows: tuple[tuple[str, str], ...]


def groups(found: Figures) -> list[Group]:
    """The figures as they stand on the page."""
    return [
        Group(
            "Connected now",
            (
                ("Connections", f"{found.connections:,}"),
                ("Controllers", f"{found.controllers:,}"),
                ("Viewers", f"{found.viewers:,}"),
                ("Guests among them", f"{found.guests:,}"),
                ("People", f"{len(found.people):,}"),
                ("Too slow at the moment", f"{found.stalled:,}"),
                ("Waits for slow clients", f"{found.send_buffer_bytes:,} bytes"),
                ("Open for, on average", _duration(found.mean_seconds)),
                ("Open for longest", _duration(found.longest_seconds)),
            ),
        ),
        Group(
            "In the last minute",
            (
                ("Messages of clients", f"{found.received_rate:.2f} per second"),
                ("Messages to clients", f"{found.delivered_rate:.2f} per second"),
            ),
        ),
        Group(
            f"In the last {_duration(found.counted_seconds)}",
            (
                ("Connections that came", f"{found.connected:,}"),
                ("Messages of clients", f"{found.received:,}"),
                ("Updates and commands", f"{found.broadcasts:,}"),
                ("Messages to clients", f"{found.deliveries:,}"),
                ("Sent to them", f"{found.sent_bytes:,} bytes"),
                ("Came back and had missed nothing", f"{found.recovered:,}"),
                ("Came back and got the whole state", f"{found.snapshots:,}"),
                ("Gaps repaired", f"{found.gaps_repaired:,}"),
                ("News lost", f"{found.news_lost:,}"),
            ),
        ),
    ]


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"
