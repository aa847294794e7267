"""What a room counts: broadcasts once, deliveries, rates, reconnects, gaps and lost news."""

from __future__ import annotations

import pytest

from realtime.metrics import names
from realtime.rooms.tally import RATE_SECONDS, STEP_SECONDS, Tally


def test_rates_of_a_new_room_are_since_its_beginning() -> None:
    tally = Tally(100.0)
    tally.received, tally.deliveries = 20, 200
    assert tally.rates(110.0) == (2.0, 20.0)
    assert tally.rates(100.1) == (20.0, 200.0)  # of at least a second


def test_rates_are_over_the_last_minute() -> None:
    tally = Tally(0.0)
    for second in range(0, 600):
        tally.received += 5 if second < 300 else 1
        tally.step(float(second))
    received, _ = tally.rates(600.0)
    assert received == pytest.approx(1.0, rel=STEP_SECONDS / RATE_SECONDS)


def test_a_room_that_was_not_looked_at_for_long_has_a_rate() -> None:
    tally = Tally(0.0)
    tally.received = 100
    assert tally.rates(1000.0) == (0.1, 0.0)


def test_no_metric_is_negative_if_a_clock_is_behind() -> None:
    from time import time

    from realtime.rooms.tally import count_written

    before = names.COMMIT_TO_WRITE_SECONDS.read()[()]
    count_written(time() + 3600)
    after = names.COMMIT_TO_WRITE_SECONDS.read()[()]
    assert after[0] == before[0] + 1
    assert after[-1] == before[-1]
