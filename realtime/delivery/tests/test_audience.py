"""The connections that get the same bytes: which ones get them, and how messages are counted."""

from __future__ import annotations

from typing import Any

import pytest

from realtime.delivery.audience import Audience
from realtime.delivery.prepared import Form, Framing, Prepared, form
from realtime.tests.doubles import Person, Recorder, viewer

PONG = Prepared('{"type":"pong"}')


def audience(*people: Person, stalled: list[str] | None = None, drained: list[str] | None = None) -> Audience:
    """An audience with three outlets, and lists of the ids that stalled and drained."""
    made = Audience(
        form(Framing.NONE), ([] if stalled is None else stalled).append, ([] if drained is None else drained).append
    )
    for person in people:
        made.add(person.id, person.outlet)
    return made


def test_everybody_but_the_excluded_gets_the_message() -> None:
    one, other = viewer(), viewer()
    both = audience(one, other)
    both.send(PONG, but=one.connection)
    both.send(PONG, but=viewer().connection)
    both.send(PONG, but=None)
    assert one.outlet.take_types() == ["pong", "pong"]
    assert other.outlet.take_types() == ["pong", "pong", "pong"]


def test_each_message_is_counted_for_its_receivers() -> None:
    early, late = viewer(), viewer()
    both = audience(early)
    both.send(PONG, None)
    early.outlet.deliver(PONG)
    both.add(late.id, late.outlet)
    both.send(PONG, but=late.connection)
    both.send(PONG, None)
    for person, sent in ((early, 4), (late, 2)):  # each leaves twice
        person.outlet.leave()
        assert person.outlet.sent == sent == len(person.outlet.take())
        person.outlet.leave()
        both.send(PONG, None)
        assert person.outlet.sent == sent


def test_a_stalled_outlet_leaves_and_reports_when_it_has_drained() -> None:
    stalled: list[str] = []
    drained: list[str] = []
    one = viewer()
    audience(one, stalled=stalled, drained=drained).send(PONG, None)
    assert stalled == []
    one.outlet.stall()
    assert (stalled, drained) == ([one.id], [])
    one.outlet.drain()
    assert (stalled, drained) == ([one.id], [one.id])


def test_an_outlet_that_leaves_has_not_stalled() -> None:
    stalled: list[str] = []
    one = viewer()
    audience(one, stalled=stalled)
    one.outlet.leave()
    assert stalled == []


def test_an_outlet_that_is_stalled_already_gets_nothing_yet() -> None:
    drained: list[str] = []
    one = viewer()
    one.outlet.stall()
    audience(one, drained=drained).send(PONG, None)
    assert one.outlet.take() == []
    assert one.outlet.sent == 0
    one.outlet.drain()
    assert drained == [one.id]


def test_a_write_that_removes_its_own_outlet_disturbs_nobody() -> None:
    class Full(Recorder):
        def write(self, message: Prepared) -> None:
            super().write(message)
            self.stall()

    first, last = viewer(), viewer()
    first.outlet = Full()
    both = audience(first, last)
    both.send(PONG, None)
    both.send(PONG, None)
    assert first.outlet.take_types() == ["pong"]
    assert last.outlet.take_types() == ["pong", "pong"]


@pytest.mark.parametrize("error", [ConnectionResetError, RuntimeError])
def test_a_closed_transport_disturbs_nobody(error: type[Exception]) -> None:
    class Gone(Recorder):
        def write(self, message: Prepared) -> None:
            raise error

    first, last = viewer(), viewer()
    first.outlet = Gone()
    audience(first, last).send(PONG, None)
    assert last.outlet.take_types() == ["pong"]


@pytest.mark.parametrize(
    "wanted",
    [form(framing) for framing in Framing],
)
def test_an_audience_gets_the_form_that_its_outlets_write(wanted: Form) -> None:
    class Raw(Recorder):
        def write(self, message: Any) -> None:
            raw.append(message)

    raw: list[Any] = []
    one = Audience(wanted, print, print)
    one.add("one", Raw())
    one.send(PONG, None)
    assert raw == [PONG.in_form(wanted)]
