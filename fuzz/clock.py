"""The CPU time of a call, separated from the noise of a busy machine: the process's own time, the least of several."""

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
"""Seconds: the resolution of the clock."""


class TooLong(BaseException):
    """A call was interrupted; no `except Exception` in between may swallow it."""


class NotAccepted(Exception):
    """The input would have been refused earlier: nothing is measured."""


def seconds(prepare: Callable[[], Any], call: Callable[[Any], object], *, attempts: int = 1, at_most: float) -> float:
    """The least CPU seconds of a call, each with a new input and empty caches; infinity if it was interrupted.

    `at_most` is the number of CPU seconds after which a call is interrupted.
    """
    least = math.inf
    for _ in range(attempts):
        took = _once(_prepared(prepare, at_most), call, at_most)
        if math.isinf(took):
            break
        least = min(least, took)
    return least


def _prepared(prepare: Callable[[], Any], at_most: float) -> Any:
    """The input; if it takes too long to make, it is left to the measurement of another function."""
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
    """Interrupt after this much CPU; `re` seldom checks for signals while it searches, and other C functions on return.

    The timer is not that of the CPU: while one runs, Linux counts a process's CPU in steps of some milliseconds.
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
    """The functions that clear the caches of the product's modules: an attacker does not repeat an input."""
    found: dict[int, Callable[[], None]] = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in PRODUCT:
            for value in list(vars(module).values()):
                empty = getattr(value, "cache_clear", None)
                if callable(empty) and getattr(value, "__module__", "").partition(".")[0] in PRODUCT:
                    found[id(value)] = empty
    return tuple(found.values())


def exponent(costs: Mapping[int, float]) -> float:
    """The exponent with which the cost grows, over the last two doublings; infinity if one was interrupted."""
    sizes = sorted(costs)
    first, last = sizes[max(0, len(sizes) - 3)], sizes[-1]
    if math.isinf(costs[first]) or math.isinf(costs[last]):
        return math.inf if math.isinf(costs[last]) else 0.0
    return math.log(max(costs[last], TICK) / max(costs[first], TICK)) / math.log(last / first)
