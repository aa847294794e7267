"""The guess of `state`: it is what the server's rules make of the same messages, and never fails."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.errors import PortalError
from realtime.client.python.portal_client.ahead import ahead
from realtime.client.python.tests.fake import STATE
from testing.asking import any_message
from testing.conversation import as_json
from testing.table import Table, amid_a_fight, changed


def shown(*messages: dict[str, Any]) -> dict[str, Any]:
    """The parts of the guess that messages change besides what they say."""
    state = ahead(STATE, messages)
    return {key: state[key] for key in ("currentItem", "currentItemId", "camera", "encounter")}


def update(**payload: Any) -> dict[str, Any]:
    return {"type": "portal-view-update", "payload": payload}


@pytest.mark.parametrize(
    ("messages", "current"),
    [
        ([update(currentItem=1)], (1, "imp", None)),
        ([update(currentItemId="imp")], (1, "imp", None)),
        ([update(currentItemId="imp", camera={"zoom": 3})], (1, "imp", {"zoom": 3})),
        ([update(autoResetImageState=False), update(currentItem=1)], (1, "imp", STATE["camera"])),
        ([update(currentItem=None)], (None, None, None)),
        ([update(currentItem=9)], (9, None, None)),
        ([{"type": "item-move", "itemId": "ogre", "index": 1}], (1, "ogre", STATE["camera"])),
        ([{"type": "item-add", "payload": {"id": "rat"}, "index": 0}], (1, "ogre", STATE["camera"])),
        ([{"type": "item-remove", "itemId": "ogre"}], (None, None, None)),
        ([update(currentItem=None), {"type": "item-add", "payload": {"slug": "rat"}}], (None, None, None)),
        ([{"type": "batch", "changes": [update(currentItem=1), update(camera={"zoom": 5})]}], (1, "imp", {"zoom": 5})),
    ],
)
def test_the_current_item_is_followed(messages: list[dict[str, Any]], current: tuple[Any, ...]) -> None:
    found = shown(*messages)
    assert (found["currentItem"], found["currentItemId"], found["camera"]) == current


def test_the_turn_goes_on_and_back() -> None:
    step = {"type": "encounter-next"}
    turns = [shown(*[step] * count)["encounter"] for count in range(4)]
    assert [(one["round"], one["turn"]) for one in turns] == [(1, "ogre"), (1, "imp"), (2, "ogre"), (2, "imp")]
    back = {"type": "encounter-previous"}
    assert shown(step, step, back)["encounter"] == turns[1]
    assert shown(back)["encounter"] == turns[0]
    nobody = update(encounter={"round": 0, "turn": None, "order": [{"itemId": "imp"}]})
    assert shown(nobody, step)["encounter"]["turn"] == "imp"
    assert shown(nobody, back)["encounter"]["turn"] is None
    assert shown(update(encounter=None), step)["encounter"] is None


COMPARED = ("name", "blackout", "currentItem", "currentItemId", "encounter")
NORMALISED = {"items", "encounter"}
"""Keys that the server stores in a form of its own, and tells the sender by its `ack`."""


@given(st.randoms(use_true_random=False))
def test_the_guess_is_what_the_rules_make_of_it(random: Random) -> None:
    table = Table(amid_a_fight())
    for _ in range(8):
        state = dict(as_json(table.state))
        message = dict(as_json(any_message(random, state)))
        guess = ahead(state, [message])
        try:
            changed(table, [message])
        except PortalError:
            continue
        is_plain = (
            message["type"] not in {"batch", "item-remove"} and not NORMALISED & message.get("payload", {}).keys()
        )
        if is_plain:
            after = as_json(table.state)
            assert {key: guess[key] for key in COMPARED} == {key: after[key] for key in COMPARED}, message
            assert (guess["camera"] is None) == (after["camera"] is None), message


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from(["ogre", "imp", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["itemId", "order", "id"]), inner),
)


@given(
    st.sampled_from(
        ["portal-view-update", "item-update", "item-add", "item-remove", "item-move", "encounter-next", "x"]
    ),
    st.dictionaries(st.sampled_from(["payload", "itemId", "index"]), ANYTHING),
    st.dictionaries(
        st.sampled_from(["items", "encounter", "currentItem", "currentItemId", "camera", "name"]), ANYTHING
    ),
)
def test_it_never_fails_whatever_a_program_says(kind: str, body: dict[str, Any], payload: dict[str, Any]) -> None:
    change = {"type": kind, "payload": payload, **body}
    nexts = [{"type": "encounter-next"}, {"type": "encounter-previous"}, {"type": "item-remove", "itemId": "imp"}]
    assert ahead(STATE, [change, {"type": "batch", "changes": [change, *nexts]}]).keys() == STATE.keys()
    assert ahead({}, [change]) == {}
