"""How much CPU a call takes, told from the noise of a busy machine: the process' own time, the least of several."""

from __future__ import annotations

import gc
import math
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import Any

from fuzz.fragments import PRODUCT

ATTEMPTS = 5
TICK = 1e-9
"""Seconds: the clock goes no finer."""


class TooLong(BaseException):
    """A call was interrupted; no `except Exception` between here and there may keep it."""


class NotAccepted(Exception):
    """The input would have been refused before it came this far: nothing is measured."""


def seconds(prepare: Callable[[], Any], call: Callable[[Any], object], *, attempts: int = 1, at_most: float) -> float:
    """The least CPU seconds of a call, each with an input of its own and with empty caches; infinity if cut short.

    `at_most` is the CPU seconds after which a call is cut short.
    """
    least = math.inf
    for _ in range(attempts):
        took = _once(_prepared(prepare, at_most), call, at_most)
        if math.isinf(took):
            break
        least = min(least, took)
    return least


def _prepared(prepare: Callable[[], Any], at_most: float) -> Any:
    """The input; one that takes too long to make is for another function to be measured with."""
    try:
        with _cut_after(at_most):
            return prepare()
    except TooLong:
        raise NotAccepted from None


def _once(given: Any, call: Callable[[Any], object], at_most: float) -> float:
    for empty in _caches():
        empty()
    try:
        with _without_garbage(), _cut_after(at_most):
            began = time.process_time()
            call(given)
            return time.process_time() - began
    except TooLong:
        return math.inf


@contextmanager
def _without_garbage() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _cut_after(at_most: float) -> Iterator[None]:
    """At most so much CPU; `re` seldom looks for signals while it searches, and other C functions when they return.

    The timer is not that of the CPU: while one runs, Linux counts a process' CPU in steps of some milliseconds.
    """
    began = time.process_time()

    def cut(_number: int, _frame: FrameType | None) -> None:
        left = at_most - (time.process_time() - began)
        if left <= 0:
            raise TooLong
        signal.setitimer(signal.ITIMER_REAL, max(left, 0.01))

    before = signal.signal(signal.SIGALRM, cut)
    signal.setitimer(signal.ITIMER_REAL, at_most)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@cache
def _caches() -> tuple[Callable[[], None], ...]:
    """What empties the caches of the product's modules: an attacker does not send the same thing twice."""
    found: dict[int, Callable[[], None]] = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in PRODUCT:
            for value in list(vars(module).values()):
                empty = getattr(value, "cache_clear", None)
                if callable(empty) and getattr(value, "__module__", "").partition(".")[0] in PRODUCT:
                    found[id(value)] = empty
    return tuple(found.values())


def exponent(costs: Mapping[int, float]) -> float:
    """Of the power of the length that the cost grows with, over the last two doublings; infinity if one was cut."""
    sizes = sorted(costs)
    first, last = sizes[max(0, len(sizes) - 3)], sizes[-1]
    if math.isinf(costs[first]) or math.isinf(costs[last]):
        return math.inf if math.isinf(costs[last]) else 0.0
    return math.log(max(costs[last], TICK) / max(costs[first], TICK)) / math.log(last / first)
