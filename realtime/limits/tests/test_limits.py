"""The message rates of one connection: buckets compared with a plain count, and messages beyond the rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.limits.rates import (
    BURSTS_WORTH,
    BYTES_A_CREDIT,
    CONNECTIONS_WORTH,
    DONE,
    PATIENCE_SECONDS,
    PRICES,
    REFUSALS,
    REFUSALS_SECONDS,
    REFUSED,
    Allowance,
    Bucket,
    Kind,
    Limiter,
    Rate,
)
from realtime.protocol.policy import ALLOWED

UPDATES, OTHERS = Rate(60, 120), Rate(30, 60)
NO_LIMIT = Rate(0, 1)


def test_every_message_has_a_price() -> None:
    assert set(PRICES) == {*ALLOWED, REFUSED}


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 20)), max_size=60))
def test_a_bucket_allows_the_same_as_a_plain_count(steps: list[tuple[float, int]]) -> None:
    """The plain count: credits that grow with time up to the burst, and are spent."""
    rate, bucket, credits, now = Rate(7, 20), Bucket(), 20.0, 100.0
    for seconds, cost in steps:
        now += seconds
        credits = min(20.0, credits + seconds * 7)
        wait = bucket.wait(rate, cost, now)
        assert wait == pytest.approx(max(0.0, (cost - credits) / 7), abs=1e-6)
        if wait < 1e-6:
            bucket.take(rate, cost, now)
            credits -= cost


def test_a_cost_above_the_burst_waits_for_the_full_burst() -> None:
    bucket, rate = Bucket(), Rate(10, 20)
    assert bucket.wait(rate, 500, 0.0) == 0
    bucket.take(rate, 500, 0.0)
    assert bucket.wait(rate, 500, 0.0) == 2.0
    assert bucket.is_empty(2.0)
    assert not bucket.is_empty(1.9)


def charge(limiter: Limiter, kind: str, now: float, size: int = 100) -> tuple[float, bool]:
    """The verdict on a message."""
    verdict = limiter.charge(kind, size, UPDATES, OTHERS, now)
    return verdict.wait, verdict.refused


@pytest.mark.parametrize("kind", [kind for kind, price in PRICES.items() if price.kind is Kind.OTHER])
def test_other_messages_are_refused_at_once_beyond_the_burst(kind: str) -> None:
    limiter = Limiter(Allowance())
    free = int(OTHERS.burst / PRICES[kind].credits)
    assert [charge(limiter, kind, 50.0) for _ in range(free)] == [(0.0, False)] * free
    wait, refused = charge(limiter, kind, 50.0)
    assert refused
    assert charge(limiter, kind, 50.0 + wait + 1e-6) == (0.0, False)


@pytest.mark.parametrize("kind", [kind for kind, price in PRICES.items() if price.kind is Kind.UPDATE])
def test_a_drag_of_60_per_second_never_waits(kind: str) -> None:
    limiter = Limiter(Allowance())
    assert {charge(limiter, kind, 10 + number / 60) for number in range(6000)} == {(0.0, False)}


def test_updates_beyond_the_burst_first_wait_and_are_then_refused() -> None:
    limiter, now, waited = Limiter(Allowance()), 10.0, 0.0
    for _ in range(int(UPDATES.burst)):
        assert charge(limiter, "item-update", now) == (0.0, False)
    while True:
        wait, refused = charge(limiter, "item-update", now)
        if refused:
            break
        now += wait  # as the connection does before it reads on
        waited += wait
    assert PATIENCE_SECONDS < waited < PATIENCE_SECONDS + 0.1
    # They stay refused while they continue like this, although some find credit; after a rest this is forgotten.
    assert charge(limiter, "item-update", now + wait) == (0.0, False)
    assert charge(limiter, "item-update", now + wait)[1]
    rested = now + UPDATES.burst / UPDATES.per_second
    assert charge(limiter, "item-update", rested) == (0.0, False)


def test_the_two_rates_are_separate() -> None:
    limiter = Limiter(Allowance())
    for _ in range(int(UPDATES.burst)):
        charge(limiter, "item-update", 10.0)
    assert charge(limiter, "ping", 10.0) == (0.0, False)


@pytest.mark.parametrize(("kind", "rate"), [("item-update", UPDATES), ("request-sync", OTHERS)])
def test_many_connections_of_one_person_share_a_few_connections_rate(kind: str, rate: Rate) -> None:
    """Otherwise a person could have each limit thirty times."""
    person, other = Allowance(), Limiter(Allowance())
    limiters = [Limiter(person) for _ in range(30)]
    done = 0
    for limiter in limiters:
        while charge(limiter, kind, 10.0) == (0.0, False):
            done += 1
    # An update that must wait is charged as well, and each of the thirty had one.
    assert BURSTS_WORTH * rate.burst - 2 * len(limiters) < done <= BURSTS_WORTH * rate.burst
    assert charge(other, kind, 10.0) == (0.0, False)


def test_the_size_is_charged() -> None:
    limiter, size = Limiter(Allowance()), 15 * BYTES_A_CREDIT
    done = 0
    while charge(limiter, "item-update", 10.0, size) == (0.0, False):
        done += 1
    assert done == UPDATES.burst // 16


def test_without_a_rate_there_is_no_limit() -> None:
    limiter = Limiter(Allowance())
    for kind in PRICES:
        for _ in range(1000):
            assert limiter.charge(kind, 65_536, NO_LIMIT, NO_LIMIT, 10.0) == DONE


def test_too_many_refusals_in_a_period_end_the_connection() -> None:
    limiter = Limiter(Allowance())
    assert not any(limiter.count_refusal(10.0) for _ in range(REFUSALS - 1))
    assert limiter.count_refusal(10.0 + REFUSALS_SECONDS)
    limiter = Limiter(Allowance())
    assert not any(limiter.count_refusal(number * 0.11) for number in range(1000))


def test_one_second_later_a_person_has_credit_for_four_connections() -> None:
    person = Allowance()
    limiters = [Limiter(person) for _ in range(8)]
    for _ in range(int(OTHERS.burst)):
        for limiter in limiters:
            charge(limiter, "request-sync", 10.0)
    done = sum(charge(limiter, "request-sync", 11.0) == (0.0, False) for limiter in limiters * int(OTHERS.burst))
    assert done == pytest.approx(CONNECTIONS_WORTH * OTHERS.per_second, abs=2)


def test_refusals_of_many_connections_of_one_person_are_counted_together() -> None:
    """Otherwise each of thirty is refused a hundred times."""
    person, other = Allowance(), Limiter(Allowance())
    limiters = [Limiter(person) for _ in range(30)]
    ended = [limiters[number % 30].count_refusal(10.0) for number in range(CONNECTIONS_WORTH * REFUSALS)]
    assert ended.count(True) == 1
    assert ended[-1]
    assert not other.count_refusal(10.0)
