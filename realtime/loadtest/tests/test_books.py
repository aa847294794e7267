"""What is lost, merged, skipped and out of order, and how it is told."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from realtime.loadtest.books import MARKED, Books, Deliveries, mark, percentile
from realtime.loadtest.memory import memory_bytes
from realtime.loadtest.report import as_json, as_text
from realtime.loadtest.run import Outcome, Plan

MILLISECOND = 1_000_000


def books(*versions: int, viewers: int = 1) -> Books:
    """One controller's updates are acknowledged with these versions, each 2 ms after it was sent."""
    made = Books(["a"], viewers)
    for version in versions:
        number = made.note_sent("a")
        made.note_acked("a", number, version, 0, 2 * MILLISECOND)
    return made


def sees(made: Books, *numbers: int, viewer: int = 0) -> Books:
    """A viewer gets updates, each 5 ms after it was sent."""
    for number in numbers:
        made.note_update(viewer, {"itemId": "a", MARKED: mark(number, 0)}, 5 * MILLISECOND)
    return made


@pytest.mark.parametrize(
    ("made", "deliveries"),
    [
        (sees(books(2, 3, 4), 1, 2, 3), Deliveries(3, 0, 0, 0, 0)),
        (sees(books(2, 3, 3), 1, 3), Deliveries(2, 1, 0, 0, 0)),
        (sees(books(2, 3, 4), 1, 3), Deliveries(2, 0, 1, 0, 0)),
        (sees(books(2, 3, 4), 1), Deliveries(1, 0, 0, 2, 0)),
        (sees(books(2, 3, 4), 2, 1, 3), Deliveries(2, 0, 1, 0, 1)),
        (sees(books(2, 3), 1, 2, 2), Deliveries(2, 0, 0, 0, 1)),
        (sees(books(2, viewers=2), 1), Deliveries(1, 0, 0, 1, 0)),
        (books(2, 2, viewers=2), Deliveries(0, 2, 0, 2, 0)),
    ],
)
def test_deliveries(made: Books, deliveries: Deliveries) -> None:
    assert made.deliveries() == deliveries
    assert made.is_complete == (deliveries.lost == 0)


def test_a_whole_state_is_something_newer() -> None:
    made = sees(books(2, 3, 4), 1)
    made.note_state(0, [{"id": "other", MARKED: "text"}, {"id": "a", MARKED: mark(3, 0)}, {"id": "b"}])
    assert made.deliveries() == Deliveries(1, 0, 2, 0, 0)
    made.note_state(0, [{"id": "a", MARKED: mark(1, 0)}])
    assert made.is_complete


def test_what_others_do_is_not_counted() -> None:
    made = books(2)
    made.note_update(0, {"itemId": "ogre", MARKED: "A hungry ogre"}, 0)
    made.note_update(0, {"itemId": "a", "name": "x"}, 0)
    assert made.deliveries().seen == 0


def test_percentiles() -> None:
    values = list(map(float, range(100)))
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)) == (50, 99, 99)
    assert percentile([], 0.5) is None


def test_the_figures_in_json_and_in_words() -> None:
    made = sees(books(2, 3), 1, 2)
    made.refused["rate-limited"] += 3
    figures = as_json(Plan(1, 1, 5.0, 1.0), Outcome(made, 0.5, 0.9, 20480.4))
    assert figures["latency"] == {"p50": 5.0, "p99": 5.0, "max": 5.0}
    assert figures["ackLatency"]["p50"] == 2.0
    assert (figures["sent"], figures["acknowledged"], figures["refused"]) == (2, 2, {"rate-limited": 3})
    assert (figures["bytesPerConnection"], figures["lost"]) == (20480, 0)
    text = as_text(figures)
    assert "5.0 ms (half)" in text
    assert "3 rate-limited" in text
    assert "20.0 KiB for each viewer" in text
    assert "take fewer viewers" in text
    idle = as_text(as_json(Plan(1, 1, 5.0, 1.0), Outcome(books(), 0.5, 0.1, None)))
    assert "nothing arrived" in idle
    assert "--server-pid" in idle
    assert "take fewer viewers" not in idle


def test_the_memory_of_a_process_has_that_of_its_children() -> None:
    alone = memory_bytes(os.getpid())
    code = "import sys; kept = bytearray(b'x') * (64 << 20); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        together = memory_bytes(os.getpid())
        child.communicate()
    assert together - alone > 60 << 20
    with pytest.raises(OSError, match=str(child.pid)):
        memory_bytes(child.pid)
