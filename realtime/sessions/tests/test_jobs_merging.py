"""Which of a controller's updates may be merged, and which may be overtaken by a later one."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from libraries.rules.changes import (
    Change,
    TurnStep,
    ViewPatch,
    check_addition,
    check_item_patch,
    check_move,
    check_removal,
)
from libraries.rules.state import check_patch
from libraries.services.changes import Message
from realtime.rooms.connection import Ref
from realtime.sessions.jobs import Asked, Relay, Update
from realtime.tests.doubles import controller

SOMEBODY = controller().connection


def view(**payload: Any) -> Change:
    return ViewPatch(check_patch(payload))


def item(item_id: str = "a", **payload: Any) -> Change:
    return check_item_patch(item_id, payload or {"hp": 1})


NAME = view(name="a")


def update(*changes: Change, is_batch: bool = False, is_retry: bool = False) -> Update:
    """An update with a message for each change, or with one batch of them."""
    messages = [Message(changes, is_batch=True)] if is_batch else [Message([one]) for one in changes]
    return Update(SOMEBODY, [Asked(message, ref, "me", 1, is_retry) for ref, message in enumerate(messages)])


async def _nothing() -> tuple[()]:
    """Send nothing."""
    return ()


RELAY = Relay(SOMEBODY, UNSET, 1, _nothing)
ALONE: dict[str, Update] = {
    "retry": update(NAME, is_retry=True),
    "item-retry": update(item(), is_retry=True),
    "relayed-keys": update(view(name="a", zoom=2)),
    "batch": update(NAME, item(), is_batch=True),
    "batch-of-one": update(NAME, is_batch=True),
    "add": update(check_addition({"id": "b"})),
    "remove": update(check_removal("a")),
    "move": update(check_move("a", 0)),
    "next": update(TurnStep(1)),
    "previous": update(TurnStep(-1)),
}


@pytest.mark.parametrize(
    ("earlier", "later", "merges", "passes"),
    [
        pytest.param(update(NAME), update(view(blackout=True)), True, True, id="same-target"),
        pytest.param(update(item("a")), update(item("a")), True, True, id="same-item"),
        pytest.param(update(item("1")), update(check_item_patch(1, {"hp": 1})), True, True, id="same-item-as-integer"),
        pytest.param(update(item("a")), update(item("b")), False, True, id="two-items"),
        pytest.param(update(NAME), update(item()), False, True, id="view-then-item"),
        pytest.param(update(item()), update(NAME), False, True, id="item-then-view"),
        pytest.param(update(NAME), update(view(items=[])), True, False, id="items-later"),
        pytest.param(update(NAME, view(items=[])), update(NAME), True, False, id="items-earlier"),
        pytest.param(update(view(items=[])), update(item()), False, False, id="items-then-item"),
        pytest.param(update(item()), update(view(items=[])), False, False, id="item-then-items"),
        pytest.param(update(view(encounter=None)), update(item()), False, False, id="encounter-then-item"),
        pytest.param(update(item()), update(view(encounter=None)), False, False, id="item-then-encounter"),
        pytest.param(update(item()), update(view(camera=None)), False, True, id="item-then-camera"),
        pytest.param(update(item("a", items=[], encounter=1)), update(item("b")), False, True, id="an-items-own-items"),
        pytest.param(update(NAME), RELAY, False, False, id="command-later"),
        pytest.param(RELAY, update(NAME), False, False, id="command-earlier"),
        pytest.param(RELAY, RELAY, False, False, id="commands"),
    ],
)
def test_which_updates_may_be_merged_and_which_may_be_overtaken(
    earlier: Update | Relay, later: Update | Relay, merges: bool, passes: bool
) -> None:
    assert earlier.lets_pass(later) is passes
    before = earlier.messages
    if isinstance(earlier, Update):
        earlier = Update(earlier.connection, list(earlier.asked))
    assert earlier.absorb(later) is merges
    assert earlier.messages == before + merges * later.messages


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("other", [update(NAME), update(item()), RELAY], ids=["view", "item", "command"])
def test_what_stands_alone_is_neither_merged_nor_overtaken(name: str, other: Update | Relay) -> None:
    for earlier, later in ((ALONE[name], other), (other, ALONE[name]), (ALONE[name], ALONE[name])):
        assert not earlier.absorb(later)
        assert not earlier.lets_pass(later)


@pytest.mark.parametrize(("ref", "receipt"), [(UNSET, None), (1, "1"), ("1", '"1"'), ("é", '"é"')])
def test_a_receipt_distinguishes_text_from_numbers(ref: Ref, receipt: str | None) -> None:
    assert Asked(Message([NAME]), ref, "me", 1).receipt == receipt
