"""Whatever is lost, late or sent again: what a client folds is what was stored as the version that it names.

`FOLD_EXAMPLES=20000` is the long form.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.tests.world_steps import KINDS, Step, calm, happen, new_world

EXAMPLES = int(os.environ.get("FOLD_EXAMPLES", "600"))
kinds = [kind for kind, (weight, _) in KINDS.items() for _ in range(weight)]
steps = st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 2**32 - 1)), min_size=1, max_size=60)


def play(given_steps: list[Step]) -> None:
    world = new_world()
    with pytest.MonkeyPatch.context() as patch:
        world.replace_server(patch)
        for step in given_steps:
            happen(world, step)
        calm(world)


@settings(max_examples=EXAMPLES)
@given(steps)
def test_everybody_folds_what_is_stored(given_steps: list[Step]) -> None:
    play(given_steps)
