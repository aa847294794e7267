"""Inputs of the functions that apply changes: they fit the state that they are applied to."""

from __future__ import annotations

import json

import pytest

from fuzz import drafts
from fuzz.clock import NotAccepted
from libraries.rules.changes import CHECKS, MAX_CHANGES
from libraries.rules.draft import Draft


def items(count: int) -> str:
    return json.dumps({"items": [{"id": str(place), "hp": place} for place in range(count)]})


@pytest.mark.parametrize("count", [1, 2, 10, 500])
def test_a_batch_fits_its_state(count: int) -> None:
    state, changes = drafts.changed(items(count))
    assert 0 < len(changes) <= MAX_CHANGES
    assert drafts.applied(Draft.apply, (state, changes))
    assert len(drafts.draft(items(count)).state["items"]) == count


def test_a_batch_has_nearly_every_kind_of_change() -> None:
    kinds = {body["type"] for body in drafts.batch(items(10))}
    assert kinds == CHECKS.keys() - {"portal-view-update", "encounter-previous"}


def test_an_encounter_has_all_items() -> None:
    state = drafts.encounter_state(items(3))
    assert [entry["itemId"] for entry in state["encounter"]["order"]] == ["0", "1", "2"]
    assert state["encounter"]["turn"] == "2"
    with pytest.raises(NotAccepted):
        drafts.encounter_state('{"items": []}')


def test_a_draft_can_replace_items_or_patch_one() -> None:
    assert drafts.replaced(items(3)).replaced
    assert drafts.patched('{"hp": 3}').named_items == {"a": {"hp"}}
