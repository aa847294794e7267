"""What viewers do not see leaves no trace: other secrets, and they get the same messages, byte for byte.

`FOLD_EXAMPLES=20000` is the long form.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from libraries.rules.disclosure import NOTHING, Disclosure, compiled
from libraries.rules.roles import PortalRole
from realtime.news.tests.two_worlds import World
from testing.table import as_text, shown_to

EXAMPLES = int(os.environ.get("FOLD_EXAMPLES", "600"))
DISCLOSURE = compiled({"always": ["notes"], "name": ["title"], "initiative": ["hp"]})
seeds = st.integers(0, 2**32 - 1)
STEPS: dict[str, tuple[int, Callable[[World, Random], None]]] = {
    "update": (5, World.update),
    "add": (4, World.add),
    "remove": (2, World.remove),
    "move": (3, World.move),
    "replace": (1, World.replace),
    "patch": (2, World.patch),
    "command": (1, World.command),
    "choose": (3, World.choose),
    "begin": (2, World.begin),
    "end": (1, World.end),
    "go on": (4, World.go_on),
    "go back": (2, World.go_back),
}
kinds = [kind for kind, (weight, _) in STEPS.items() for _ in range(weight)]
steps = st.lists(st.tuples(st.lists(st.sampled_from(kinds), min_size=1, max_size=3), seeds), min_size=1, max_size=30)
Steps = list[tuple[list[str], int]]


def play(given_steps: Steps, secrets: tuple[int, int], disclosure: Disclosure = NOTHING) -> list[str]:
    """The same steps in both worlds; AssertionError if viewers could tell them apart. Returns the viewers' messages."""
    worlds = [World(disclosure, seed) for seed in secrets]
    for step in given_steps:
        for world in worlds:
            take(world, *step)
        one, other = worlds
        assert one.sent == other.sent, step
        seen = [as_text(shown_to(world.state, PortalRole.VIEWER, disclosure)) for world in worlds]
        assert seen[0] == seen[1], step
    return worlds[0].sent


def take(world: World, step: list[str], seed: int) -> None:
    """Take a step; several kinds are a batch. Around it, something unseen happens."""
    world.make_noise()
    public = Random(seed)  # noqa: S311  # to be repeated

    def all_of_it() -> None:
        for kind in step:
            if len(step) > 1:
                world.make_noise()
            STEPS[kind][1](world, public)

    all_of_it() if len(step) == 1 else world.batch(all_of_it)
    world.make_noise()


@settings(max_examples=EXAMPLES)
@given(steps, st.tuples(seeds, seeds), st.booleans())
def test_viewers_cannot_tell_what_they_do_not_see(
    given_steps: Steps, secrets: tuple[int, int], discloses: bool
) -> None:
    play(given_steps, secrets, DISCLOSURE if discloses else NOTHING)
