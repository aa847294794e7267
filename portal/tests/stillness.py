"""Whether pages stand still: the browser's layout shifts, judged as Cumulative Layout Shift.

The score of a page is that of its worst window: the sum of shifts without a recent input, each at most a second after
the one before, and five seconds in all (https://web.dev/articles/cls). A score has no unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from playwright.sync_api import Browser, BrowserContext

from portal.tests.browsing import silent

MOST_SHIFT = 0.02
"""Of a page. 0.1 is what web.dev calls good."""
GAP_MILLISECONDS = 1_000
WINDOW_MILLISECONDS = 5_000
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
OBSERVE = """
  new PerformanceObserver((list) => {
    for (const { hadRecentInput, startTime, value, sources } of list.getEntries()) {
      const moved = sources.map(({ node, previousRect: was, currentRect: is }) =>
        `${Math.round(was.x)},${Math.round(was.y)} > ${Math.round(is.x)},${Math.round(is.y)}: ` +
        (node && (node.outerHTML || node.textContent).slice(0, 120)));
      if (!hadRecentInput) shifted(location.pathname, performance.timeOrigin, startTime, value, moved);
    }
  }).observe({ type: "layout-shift", buffered: true });
"""


@dataclass(frozen=True)
class Shift:
    """What moved on a page, from where to where; `at` is in milliseconds since the page's load began, at `began`."""

    path: str
    began: float
    at: float
    value: float
    moved: list[str]


def windows(shifts: list[Shift]) -> Iterator[list[Shift]]:
    """The windows of all loads of pages."""
    for _, of_page in groupby(sorted(shifts, key=lambda one: (one.began, one.at)), lambda one: one.began):
        window: list[Shift] = []
        for shift in of_page:
            if window and _is_later(shift, window):
                yield window
                window = []
            window.append(shift)
        yield window


def _is_later(shift: Shift, window: list[Shift]) -> bool:
    since_last, since_first = shift.at - window[-1].at, shift.at - window[0].at
    return since_last > GAP_MILLISECONDS or since_first > WINDOW_MILLISECONDS


def restless(shifts: list[Shift]) -> list[list[Shift]]:
    """The windows in which a page moved too much."""
    return [window for window in windows(shifts) if sum(shift.value for shift in window) >= MOST_SHIFT]


@contextmanager
def observed(chrome: Browser, *expected: str, **options: Any) -> Iterator[tuple[BrowserContext, list[Shift]]]:
    """A silent browser, and the shifts on its pages, which are complete when the context has ended."""
    shifts: list[Shift] = []
    with silent(chrome, *expected, **options) as context:
        context.expose_binding("shifted", lambda _, *entry: shifts.append(Shift(*entry)))
        context.add_init_script(OBSERVE)
        yield context, shifts
        for page in context.pages:
            page.evaluate(FRAMES)  # the last ones are told after the frame in which they were


@contextmanager
def still(chrome: Browser, *expected: str, **options: Any) -> Iterator[BrowserContext]:
    """A silent browser in which no page moves by itself."""
    with observed(chrome, *expected, **options) as (context, shifts):
        yield context
    moved = restless(shifts)
    assert moved == [], moved
