"""Which of a controller's updates may be merged, and which may be overtaken by a later one."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from libraries.rules.state import Patch
from realtime.rooms.connection import Ref
from realtime.sessions.jobs import Asked, Relay, Update
from realtime.tests.doubles import controller

ONE = Asked(Patch({"name": "a"}, {}), 1, "me", 1)
ITEMS = Asked(Patch({"items": []}, {}), 2, "me", 1)
SOMEBODY = controller().connection


def _update(item_id: str | None = None, *asked: Asked, alone: bool = False) -> Update:
    return Update(SOMEBODY, item_id, list(asked or (ONE,)), alone=alone)


async def _nothing() -> tuple[()]:
    """Send nothing."""
    return ()


RELAY = Relay(SOMEBODY, UNSET, 1, _nothing)


@pytest.mark.parametrize(
    ("earlier", "later", "merges", "passes"),
    [
        pytest.param(_update(), _update(), True, True, id="same-target"),
        pytest.param(_update("a"), _update("a"), True, True, id="same-item"),
        pytest.param(_update("a"), _update("b"), False, True, id="two-items"),
        pytest.param(_update(), _update("a"), False, True, id="view-then-item"),
        pytest.param(_update("a"), _update(), False, True, id="item-then-view"),
        pytest.param(_update(), _update(None, ITEMS), True, False, id="items-later"),
        pytest.param(_update(None, ONE, ITEMS), _update(), True, False, id="items-earlier"),
        pytest.param(_update(None, ITEMS), _update("a"), False, False, id="items-then-item"),
        pytest.param(_update("a"), _update(None, ITEMS), False, False, id="item-then-items"),
        pytest.param(_update("a", ITEMS), _update("b"), False, True, id="an-item-with-items-of-its-own"),
        pytest.param(_update(alone=True), _update(), False, False, id="alone-earlier"),
        pytest.param(_update(), _update(alone=True), False, False, id="alone-later"),
        pytest.param(_update(), RELAY, False, False, id="command-later"),
        pytest.param(RELAY, _update(), False, False, id="command-earlier"),
        pytest.param(RELAY, RELAY, False, False, id="commands"),
    ],
)
def test_which_updates_may_be_merged_and_which_may_be_overtaken(
    earlier: Update | Relay, later: Update | Relay, merges: bool, passes: bool
) -> None:
    assert earlier.lets_pass(later) is passes
    before = len(earlier.asked) if isinstance(earlier, Update) else 0
    if isinstance(earlier, Update):
        earlier.asked = list(earlier.asked)
    assert earlier.absorb(later) is merges
    if isinstance(earlier, Update) and isinstance(later, Update):
        assert len(earlier.asked) == before + merges * len(later.asked)


@pytest.mark.parametrize(("ref", "receipt"), [(UNSET, None), (1, "1"), ("1", '"1"'), ("é", '"é"')])
def test_a_receipt_distinguishes_text_from_numbers(ref: Ref, receipt: str | None) -> None:
    assert Asked(Patch({}, {}), ref, "me", 1).receipt == receipt
