"""How Hypothesis is run here: only to make inputs, some at a time, with the same inputs for the same number."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy


def play(strategy: SearchStrategy[Any], use: Callable[[Any], None], *, rng: random.Random, inputs: int) -> None:
    """Use this many inputs of the strategy; none if it cannot make any. `use` raises nothing: nothing is shrunk."""

    @hypothesis.seed(rng.randrange(2**32))
    @hypothesis.settings(
        max_examples=inputs,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy)
    def attempt(made: Any) -> None:
        use(made)

    try:
        attempt()
    except Unsatisfiable:
        return
