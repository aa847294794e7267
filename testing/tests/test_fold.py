"""The vectors of folding are what the rules make of them, and the reference folds each of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from testing.fold_vectors import text, vectors
from testing.vectors import folded
from testing.write_fold_vectors import FILE

VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text())


def test_the_file_is_what_the_rules_make() -> None:
    assert FILE.read_text() == text(), "python -m testing.write_fold_vectors writes it again"
    assert vectors() == VECTORS


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_reference_folds_it(vector: dict[str, Any]) -> None:
    client = folded(vector)
    state = {key: value for key, value in client.state.items() if key != "updatedAt"}
    assert json.dumps(state, sort_keys=True) == json.dumps(vector["state"], sort_keys=True)
    assert client.version == vector["state"]["version"]


def test_each_type_of_message_is_in_some_vector() -> None:
    steps = [step for vector in VECTORS for step in vector["steps"]]
    received = {step["receive"]["type"] for step in steps if "receive" in step}
    sent = {step["send"]["type"] for step in steps if "send" in step}
    assert received == {
        *("connected", "role-changed", "sync-response", "ack", "error", "portal-view-updated", "batch-applied"),
        *("item-added", "item-removed", "item-moved", "item-updated"),
    }
    assert sent == {
        *("portal-view-update", "item-update", "item-add", "item-remove", "item-move", "batch"),
        *("encounter-next", "encounter-previous"),
    }
