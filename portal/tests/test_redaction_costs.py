"""The cost of redacting a value for a log: linear in its length, whatever its content."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.redaction import Redactor, cut_traceback, escape, strike

text_log = Redactor(one_line=True)

# The beginning of a pattern, repeated: each beginning must fail at once.
UNITS = [
    *("ticket.", "share.a", "guest.a.", "share.aaaaaaaaaaaaaaaaaaaaaaaa.", "/view/", "/view", "/view/a", "%2Fview%2Fa"),
    *(
        "/verify/guest",
        "/reset/a ",
        "?code=",
        "&code=a",
        'code": ["',
        'code\\": \\"ABC23',
        "code': 'ABC234",
        "%3Fcode%3Da",
    ),
    *(
        "eyJ",
        "eyJeyJ.",
        "token",
        "token=",
        "token =",
        'token"',
        'token" ',
        'token": "',
        'token": "\\',
        "token\\",
        "://",
    ),
    *("bearer", "bearer ", "bearer.", "authorization:", "authorization: digest ", "cookie: ", "://a:", "token%22"),
    *("token%22%20", "token': ['", "token': [\"a", 'token\\": \\"a\\\\', '\\"', " ", "[", "a", "\n", "\u202e", "x\n"),
]


def cost(work: Callable[[str], object], text: str) -> float:
    """Processor seconds, the minimum of three runs."""

    def once() -> float:
        started = time.process_time()
        work(text)
        return time.process_time() - started

    return min(once() for _ in range(3))


@pytest.mark.parametrize(
    "work",
    [strike, escape, cut_traceback, text_log.traceback, text_log.value],
    ids=lambda work: work.__name__,
)
@pytest.mark.parametrize("unit", UNITS)
def test_the_cost_grows_linearly(work: Callable[[str], object], unit: str) -> None:
    texts = [(unit * size)[:size] for size in (4_000, 8_000, 16_000, 32_000)]
    costs = [cost(work, text) for text in texts]
    # Eight times the text: quadratic would be 64 times the cost.
    assert costs[-1] < 24 * max(costs[0], 0.0005), costs


@settings(max_examples=50)
@given(st.lists(st.sampled_from([*UNITS, '"', "'", "\\", ":", ".", "%3D", "_"]), min_size=1, max_size=4).map("".join))
def test_no_mixture_costs_more(unit: str) -> None:
    # With a pattern that backtracks, as the one for tokens once did, it takes seconds.
    assert cost(strike, (unit * 20_000)[:20_000]) < 0.4
