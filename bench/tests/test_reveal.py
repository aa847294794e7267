"""`bench.reveal`: pings within the windows, and the written section."""

from __future__ import annotations

from bench.load import of_pings
from bench.reveal import PEER_QUIET, PEER_REVEAL, QUIET, REVEAL, UPDATE, UPLOAD, section


def test_only_pings_that_were_sent_within_a_window_count() -> None:
    pings = [(0.5, 900.0), (1.0, 1.0), (1.9, 2.0), (2.0, 900.0), (3.5, 3.0)]
    assert of_pings(pings, [(1.0, 2.0), (3.0, 4.0)]) == {"p50": 2.0, "p99": 3.0, "pings": 3}


def test_the_section_has_the_ratios_of_each_round() -> None:
    pings = [{"p50": 1.0, "p99": 2.0, "pings": 100}, {"p50": 1.0, "p99": 4.0, "pings": 100}]
    shown = dict.fromkeys(("last", "slowest", "told", "cpu", "bytes", "client"), 1.0)
    sent = dict.fromkeys(("seconds", "first", "rss before", "rss", "bytes"), 1.0)
    figures = {
        QUIET: pings,
        UPDATE: [row | {"p99": row["p99"] * 2} for row in pings],
        REVEAL: [row | shown | {"p99": row["p99"] * 3} for row in pings],
        UPLOAD: [row | sent | {"p99": 4.0} for row in pings],
        PEER_QUIET: [{"p50": 0.5, "p99": 0.5}, {"p50": 0.5, "p99": 1.0}],
        PEER_REVEAL: [{"p50": 0.5, "p99": 3.5, "last": 1.0}, {"p50": 0.5, "p99": 3.0, "last": 1.0}],
    }
    written = section(figures)
    assert "| the item is hidden again | 1.00 (1.00 to 1.00) | 6.00 (4.00 to 8.00) | 2.00 (2.00 to 2.00) |" in written
    assert "| reveal | 1.00 (1.00 to 1.00) | 9.00 (6.00 to 12.00) | 3.00 (3.00 to 3.00) |" in written
    assert "| uploads | 1.00 (1.00 to 1.00) | 4.00 (4.00 to 4.00) | 1.50 (1.00 to 2.00) |" in written
    bare = "| nginx and bare sockets, reveal | 0.50 (0.50 to 0.50) | 3.25 (3.00 to 3.50) | 5.00 (3.00 to 7.00) |"
    assert bare in written
