"""What a client folds from messages is the stored state as its role sees it: after any messages of controllers.

Without a network: each message is stored at once, and everybody gets theirs in order. Loss, delay and reconnects are in
`realtime.rooms.tests.test_folding`.

`FOLD_EXAMPLES=20000` is the long form.
"""

from __future__ import annotations

import os
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from libraries.rules.disclosure import NOTHING, compiled
from libraries.rules.errors import PortalError
from libraries.rules.roles import PortalRole
from libraries.tests.strategies import as_sent
from testing.asking import any_message
from testing.conversation import Conversation, can_be_merged
from testing.table import Table, amid_a_fight, checked, new_state, shown_to

DISCLOSURE = compiled({"always": ["notes"], "name": ["title"]})
EXAMPLES = int(os.environ.get("FOLD_EXAMPLES", "600"))
seeds = st.integers(0, 2**32 - 1)
steps = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 3), seeds), min_size=1, max_size=30)


def play(given_steps: list[tuple[int, int, int]], *, discloses: bool = False, fights: bool = True) -> Conversation:
    """Two controllers write, one or several messages at a time; everybody is compared after each write."""
    table = Table(amid_a_fight() if fights else new_state(), DISCLOSURE if discloses else NOTHING)
    talk = Conversation(table)
    for who, count, seed in given_steps:
        random = Random(seed)  # noqa: S311  # to be repeated
        asked = [any_message(random, table.state) for _ in range(count)]
        before = as_sent(table.state)
        try:
            if len(asked) > 1 and not can_be_merged([checked(message) for message in asked]):
                asked = asked[:1]
            version = table.state["version"]
            told = talk.say(talk.controllers[who], asked)
        except PortalError:
            assert as_sent(table.state) == before
            continue
        is_seen = as_sent(shown_to(table.state, PortalRole.VIEWER, table.disclosure)) != talk.seen_before
        assert ("version" in told.get(PortalRole.VIEWER, {})) == is_seen
        assert table.state["version"] in {version, version + 1}
        talk.check()
    return talk


@settings(max_examples=EXAMPLES)
@given(steps, st.booleans(), st.booleans())
def test_everybody_folds_what_is_stored(given_steps: list[tuple[int, int, int]], discloses: bool, fights: bool) -> None:
    play(given_steps, discloses=discloses, fights=fights)
