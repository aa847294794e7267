"""The wire between a process and its supervisor, and the supervisor's answers; without processes."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from realtime.metrics.names import METRICS
from realtime.metrics.reports import Report, pack
from realtime.server.metrics import scrapes
from realtime.server.metrics.scrapes import Scrapes
from realtime.server.metrics.wire import Kind, Wire

BIG = b"x" * 3_000_000


@pytest.fixture
def ends() -> Iterator[tuple[Wire, Wire]]:
    one, other = socket.socketpair()
    with one, other:
        yield Wire(one), Wire(other)


def test_messages_come_whole_and_in_order(ends: tuple[Wire, Wire]) -> None:
    one, other = ends
    one.send(Kind.ALIVE)
    one.send(Kind.COUNTS, b"counts")
    assert other.receive() == [(Kind.ALIVE, b""), (Kind.COUNTS, b"counts")]
    assert other.receive() == []


def test_an_end_that_does_not_read_stops_nobody(ends: tuple[Wire, Wire]) -> None:
    one, other = ends
    one.send(Kind.SUM, BIG)
    assert one.has_unsent
    heard: list[tuple[Kind, bytes]] = []
    while not heard:
        heard += other.receive()
        one.flush()
    assert heard == [(Kind.SUM, BIG)]
    assert not one.has_unsent


def test_the_last_messages_of_an_end_are_heard_before_its_end(ends: tuple[Wire, Wire]) -> None:
    one, other = ends
    one.send(Kind.COUNTS, b"last")
    one.socket.close()
    assert other.receive() == [(Kind.COUNTS, b"last")]
    with pytest.raises(EOFError):
        other.receive()
    with pytest.raises(OSError, match=r"."):
        other.send(Kind.WANT)


class Place:
    """A place for a process, and the process's end of the wire."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.wire: Wire | None = Wire(ours)
        self.process = Wire(theirs)
        self.has_served = True

    def close(self) -> None:
        for wire in (self.wire, self.process):
            if wire is not None:
                wire.socket.close()


@pytest.fixture
def places() -> Iterator[list[Place]]:
    made = [Place(), Place()]
    yield made
    for place in made:
        place.close()


def connections(count: float) -> bytes:
    return pack({"portal_connections": {("viewer",): [count]}})


def test_the_sum_waits_for_the_gauges_of_every_process(places: list[Place]) -> None:
    one, other = places
    found, answers = Scrapes(), list[Report]()
    found.ask(answers.append)
    assert found.wait_seconds(0.5, places) == 0
    found.tend(places)
    assert [place.process.receive() for place in places] == [[(Kind.WANT, b"")]] * 2
    found.hear(one, Kind.ALL, connections(3))
    found.tend(places)
    assert answers == []
    found.hear(other, Kind.ALL, connections(4))
    found.tend(places)
    assert answers == [{"portal_connections": {("viewer",): [7]}}]


def test_requests_that_come_meanwhile_get_the_next_sum(places: list[Place]) -> None:
    found, answers = Scrapes(), list[str]()
    found.ask(lambda _: answers.append("first"))
    found.tend(places)
    found.ask(lambda _: answers.append("second"))
    for place in places:
        found.hear(place, Kind.ALL, connections(1))
    found.tend(places)
    assert answers == ["first"]
    found.tend(places)
    for place in places:
        assert place.process.receive() == [(Kind.WANT, b"")] * 2
        found.hear(place, Kind.ALL, connections(1))
    found.tend(places)
    assert answers == ["first", "second"]


def test_a_process_that_does_not_answer_counts_with_its_last_report(
    places: list[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = places
    found, answers = Scrapes(), list[Report]()
    found.hear(other, Kind.ALL, connections(4))
    monkeypatch.setattr(scrapes, "ANSWER_SECONDS", 0.0)
    found.ask(answers.append)
    found.hear(one, Kind.ALL, connections(3))
    found.tend(places)
    assert answers == [{"portal_connections": {("viewer",): [7]}}]


def test_nobody_waits_for_a_process_that_ends_or_has_not_begun(places: list[Place]) -> None:
    one, other = places
    other.has_served = False
    found, answers = Scrapes(), list[Report]()
    found.hear(one, Kind.COUNTS, pack({"portal_deliveries_total": {(): [5]}}))
    found.ask(answers.append)
    found.tend(places)
    assert other.process.receive() == []
    found.bury(one)
    found.tend(places)
    assert answers == [{"portal_deliveries_total": {(): [5]}}]


def test_a_process_is_told_the_sum_that_it_asked_for(places: list[Place]) -> None:
    one, other = places
    found = Scrapes()
    found.hear(one, Kind.ASK, b"")
    found.tend(places)
    for place in places:
        found.hear(place, Kind.ALL, connections(1))
    found.tend(places)
    kinds = [kind for kind, _ in one.process.receive()]
    assert kinds == [Kind.WANT, Kind.SUM]
    assert [kind for kind, _ in other.process.receive()] == [Kind.WANT]


def test_a_report_that_cannot_be_read_is_logged_and_left_out(
    places: list[Place], caplog: pytest.LogCaptureFixture
) -> None:
    found, answers = Scrapes(), list[Report]()
    found.hear(places[0], Kind.COUNTS, b"\xff")
    assert "report_not_read" in caplog.text
    found.ask(answers.append)
    found.tend([])
    assert answers == [{}]
    assert METRICS
