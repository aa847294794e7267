"""Rate limits on attempts to connect: failures are charged to the network, successes to the person."""

from __future__ import annotations

import pytest

from realtime.limits import attempts
from realtime.limits.attempts import FLOOD, Attempts, Verdict
from realtime.limits.rates import Rate

FAILED, GOOD = Rate(20, 200), Rate(5, 20)
SCHOOL, OTHER = "192.0.2.0/24", "198.51.100.0/24"


def test_successful_attempts_cost_a_network_nothing() -> None:
    entrance = Attempts()
    assert all(entrance.look(SCHOOL, FAILED, 10.0) == (Verdict.ALLOWED, 0.0) for _ in range(5000))


def test_a_network_with_too_many_failures_must_wait_and_others_need_not() -> None:
    entrance = Attempts()
    for _ in range(200):
        assert entrance.look(SCHOOL, FAILED, 10.0) == (Verdict.ALLOWED, 0.0)
        entrance.fail(SCHOOL, FAILED, 10.0)
    verdict, wait = entrance.look(SCHOOL, FAILED, 10.0)
    assert verdict is Verdict.LIMITED
    assert wait == pytest.approx(1 / 20)
    assert entrance.look(OTHER, FAILED, 10.0) == (Verdict.ALLOWED, 0.0)
    assert entrance.look(SCHOOL, FAILED, 10.0 + wait + 1e-6)[0] is Verdict.ALLOWED


def test_a_refused_attempt_is_not_charged_again() -> None:
    entrance = Attempts()
    for _ in range(200):
        entrance.fail(SCHOOL, FAILED, 10.0)
    for _ in range(100):
        assert entrance.look(SCHOOL, FAILED, 10.0)[0] is Verdict.LIMITED
    assert entrance.look(SCHOOL, FAILED, 10.06)[0] is Verdict.ALLOWED


def test_a_flood_is_shut_out_and_let_in_again() -> None:
    entrance = Attempts()
    answers = []
    for _ in range(200 * FLOOD + 1):
        verdict, _ = entrance.look(SCHOOL, FAILED, 10.0)
        answers.append(verdict)
        if verdict is Verdict.ALLOWED:
            entrance.fail(SCHOOL, FAILED, 10.0)
    assert answers == [Verdict.ALLOWED] * 200 + [Verdict.LIMITED] * 200 * (FLOOD - 1) + [Verdict.FLOODED]
    assert entrance.look(SCHOOL, FAILED, 21.0)[0] is Verdict.ALLOWED


def test_a_person_who_connects_too_often_must_wait() -> None:
    entrance = Attempts()
    assert [entrance.come("ann", GOOD, 10.0) for _ in range(20)] == [0.0] * 20
    wait = entrance.come("ann", GOOD, 10.0)
    assert wait == pytest.approx(1 / 5)
    assert entrance.come("bob", GOOD, 10.0) == 0.0
    assert entrance.come("ann", GOOD, 10.0 + wait + 1e-6) == 0.0


def test_failures_seen_by_other_processes_are_charged_too() -> None:
    here, there = Attempts(), Attempts()
    for _ in range(150):
        there.fail(SCHOOL, FAILED, 10.0)
        here.fail(SCHOOL, FAILED, 10.0)
    assert there.charged == {SCHOOL: 150}
    here.hear(there.charged, FAILED, 10.0)
    assert here.look(SCHOOL, FAILED, 10.0)[0] is Verdict.LIMITED


def test_without_a_rate_nothing_is_kept() -> None:
    entrance, none = Attempts(), Rate(0, 1)
    for _ in range(1000):
        entrance.fail(SCHOOL, none, 10.0)
        assert entrance.look(SCHOOL, none, 10.0) == (Verdict.ALLOWED, 0.0)
        assert entrance.come("ann", none, 10.0) == 0.0
    assert not entrance.charged
    assert not entrance._failed._kept


def test_kept_buckets_are_bounded_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MAX_KEPT", 100)
    entrance = Attempts()
    for number in range(1000):
        entrance.fail(f"10.{number}", FAILED, 10.0)
    assert len(entrance._failed._kept) == 100
    entrance.fail(SCHOOL, FAILED, 20.0)
    assert list(entrance._failed._kept) == [SCHOOL]
