"""Counters, gauges and histograms: what they hold, how they add up, and what stays of a process that has ended."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from realtime.metrics import exposition, reports
from realtime.metrics.instruments import OTHER, Counter, Counters, Gauge, Histogram, Instrument
from realtime.metrics.reports import Report, Sums, added, pack, unpack

COUNT = Counter("t_total", "A count.")
GAUGE = Gauge("t_now", "A gauge.", ("role",))
UP = Gauge("t_up", "The least.", merge=min)
TIME = Histogram("t_seconds", "Times.", (0.1, 1.0), ("route",))


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only these metrics exist."""
    metrics: dict[str, Instrument] = {one.name: one for one in (COUNT, GAUGE, UP, TIME)}
    monkeypatch.setattr(reports, "METRICS", metrics)
    monkeypatch.setattr(exposition, "METRICS", metrics)


def report(count: float, now: float, up: float, *buckets: float) -> Report:
    """The report of one process."""
    return {
        "t_total": {(): [count]},
        "t_now": {("viewer",): [now]},
        "t_up": {(): [up]},
        "t_seconds": {("/a",): list(buckets)},
    }


def test_unknown_labels_count_together() -> None:
    counters = Counters("t", "", "code", ["1000"])
    for code in ("1000", "4711", "3999"):
        counters.add(code, 2)
    assert counters.read() == {("1000",): [2], (OTHER,): [4]}


def test_threads_lose_no_count() -> None:
    counters = Counters("t", "", "reason", ["wrong"])

    def add() -> None:
        for _ in range(2_000):
            counters.add_from_thread("wrong")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert counters.read()["wrong",] == [8_000]


def test_a_value_at_a_bound_is_in_its_bucket() -> None:
    histogram = Histogram("t", "", (0.1, 1.0))
    for seconds in (0.0, 0.1, 0.11, 1.0, 5.0):
        histogram.observe(seconds)
    assert histogram.read() == {(): [2, 2, 1, pytest.approx(6.21)]}


def test_a_report_survives_the_wire() -> None:
    given_report = report(3, 2, 1, 1, 2, 3, 4.5)
    assert unpack(pack(given_report)) == given_report


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x93\x01\x02\x03"])
def test_what_is_no_report_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(data)


def test_numbers_of_another_release_are_left_out() -> None:
    strange: Report = {
        "t_total": {("label",): [1.0]},
        "t_new": {(): [1.0]},
        "t_seconds": {("/a",): [1.0, 2.0], ("/b",): [1.0, 0.0, 0.0, 0.05]},
    }
    assert unpack(pack(strange)) == {"t_total": {}, "t_seconds": {("/b",): [1.0, 0.0, 0.0, 0.05]}}


def test_sums_and_the_least() -> None:
    total = added([report(1, 5, 1, 1, 0, 0, 0.1), report(2, 6, 0, 0, 1, 2, 7.0)])
    assert total == report(3, 11, 0, 1, 1, 2, 7.1)


def test_the_counts_of_a_process_that_has_ended_stay_and_its_gauges_go() -> None:
    sums = Sums()
    sums.hear("a", report(1, 5, 1, 1, 0, 0, 0.1))
    sums.hear("b", report(2, 6, 1, 0, 1, 2, 7.0))
    sums.bury("a")
    assert sums.total() == report(3, 6, 1, 1, 1, 2, 7.1)
    sums.bury("b")
    sums.bury("never heard of")
    assert sums.total() == {"t_total": {(): [3]}, "t_seconds": {("/a",): [1, 1, 2, 7.1]}}


def test_a_report_without_gauges_leaves_the_last_ones() -> None:
    sums = Sums()
    sums.hear("a", report(1, 5, 1, 1, 0, 0, 0.1))
    sums.hear("a", {"t_total": {(): [4.0]}})
    assert sums.total() == report(4, 5, 1, 1, 0, 0, 0.1)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["count", "end"])), max_size=40))
def test_a_sum_never_falls(steps: list[tuple[str, str]]) -> None:
    sums, counts, counted = Sums(), dict.fromkeys("abc", 0), 0
    for process, step in steps:
        if step == "count":
            counts[process] += 1
            counted += 1
            sums.hear(process, {"t_total": {(): [float(counts[process])]}})
        else:
            sums.bury(process)
            counts[process] = 0  # the next process in its place counts from zero
        assert sums.total().get("t_total", {(): [0.0]}) == {(): [counted]}


def test_the_text_of_a_report() -> None:
    text, kind = exposition.exposed(report(3, 2, 1, 1, 2, 3, 4.5))
    samples = {
        (sample.name, *(value for _, value in sorted(sample.labels.items(), reverse=True))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }
    assert kind.startswith("text/plain")
    assert samples == {
        ("t_total",): 3,
        ("t_now", "viewer"): 2,
        ("t_up",): 1,
        ("t_seconds_bucket", "/a", "0.1"): 1,
        ("t_seconds_bucket", "/a", "1.0"): 3,
        ("t_seconds_bucket", "/a", "+Inf"): 6,
        ("t_seconds_count", "/a"): 6,
        ("t_seconds_sum", "/a"): 4.5,
    }
