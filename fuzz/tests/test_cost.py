"""The cost fuzzer finds superlinear cost, high cost and crashes, and nothing in linear functions."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from fuzz import clock, cost
from fuzz.clock import NotAccepted
from fuzz.cost import Probe
from fuzz.targets import Target
from libraries.rules.keys import _plain_short, plain_key

NAME = "libraries.rules.keys.plain_key"
PATTERN = re.compile(r"eyJ[\w-]+\.")


def target(call: Any, limit: int = 16_384) -> Target:
    """A row whose function is given by the test."""
    return Target(NAME, "text", lambda: limit, call=lambda _function, given: call(given))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth of all limits, because the functions here are small."""
    for bound in ("SLOW_SECONDS", "MAX_SECONDS", "ENOUGH_SECONDS", "CHEAP_SECONDS", "CUT_SECONDS"):
        monkeypatch.setattr(cost, bound, getattr(cost, bound) / 5)


def spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_it_finds_a_quadratic_cost() -> None:
    (found,) = Probe(target(lambda text: spin((len(text.encode()) / 16_384) ** 2 * 0.03)), 1, 1).explore()
    assert found.what.startswith("CPU grows with the length to the power of ")
    assert found.where == NAME
    assert found.name == f"cost:{NAME}:1:1"


def test_it_finds_nothing_in_a_linear_function() -> None:
    assert Probe(target(lambda text: spin(len(text.encode()) / 16_384 * 0.02)), 1, 1).explore() == []


def test_it_finds_a_high_cost_at_any_length() -> None:
    (found,) = Probe(target(lambda text: spin(0.055)), 1, 1).explore()
    assert "of CPU for " in found.what


def test_it_interrupts_a_call_that_takes_too_long() -> None:
    (found,) = Probe(target(lambda text: spin(20)), 1, 1).explore()
    assert "cut short" in found.what


def test_it_finds_an_exception_that_is_not_a_refusal() -> None:
    def refuse(_text: str) -> None:
        raise ValueError

    def crash(_text: str) -> None:
        raise KeyError("x")

    assert Probe(target(refuse), 1, 1).explore() == []
    (found,) = Probe(target(crash), 1, 1).explore()
    assert found.what == "raised KeyError('x')"


def test_a_run_finds_a_hostile_word_by_itself() -> None:
    """The pattern that removes web tokens from logs was like this: quadratic in `eyJeyJeyJ`."""
    row = Target("portal.redaction.strike", "text", lambda: 32_768, call=lambda _function, text: PATTERN.sub("", text))
    outcome = cost.run(None, 1, 10, [row])
    (found,) = outcome.findings
    assert "eyJ" in found.given
    assert cost.repeat(None, found.name, [row])[0].given == found.given
    assert outcome.tried.total() > 0


def test_a_cost_is_measured_with_empty_caches() -> None:
    misses: list[int] = []

    def ask(key: str) -> None:
        plain_key(key)
        misses.append(_plain_short.cache_info().misses)

    clock.seconds(lambda: "Max_HP", ask, attempts=2, at_most=1)
    assert misses == [1, 1]


def test_an_input_that_takes_too_long_to_make_is_left_to_others() -> None:
    with pytest.raises(NotAccepted):
        clock.seconds(lambda: spin(5), str, at_most=0.05)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_the_exponent_is_the_one_of_the_power(power: float) -> None:
    assert clock.exponent({size: size**power for size in (8, 16, 32, 64)}) == pytest.approx(power)
