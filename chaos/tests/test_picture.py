"""Folding messages into a picture, like a viewer's screen."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.picture import Picture


@pytest.fixture
def picture() -> Picture:
    """A viewer that was let in at version 4."""
    state = {
        "name": "Evening",
        "showHealth": False,
        "version": 4,
        "currentItem": None,
        "items": [{"id": "spy"}, {"id": "ogre", "n": 1}],
    }
    picture = Picture()
    picture.begin({"version": 4, "epoch": "e", "recovered": False, "state": state})
    return picture


def item(index: int, **payload: object) -> dict[str, Any]:
    return {"type": "item-updated", "version": 5, "index": index, "payload": payload}


def test_a_patch_replaces_keys_of_the_state(picture: Picture) -> None:
    payload = {"showHealth": True, "zoom": 2}
    picture.fold({"type": "portal-view-updated", "version": 5, "payload": payload})
    assert (picture.version, picture.state["showHealth"], "zoom" in picture.state) == (5, True, False)


def test_relayed_keys_change_nothing(picture: Picture) -> None:
    picture.fold({"type": "portal-view-updated", "payload": {"name": "Night"}})
    assert (picture.version, picture.state["name"]) == (4, "Evening")


@pytest.mark.parametrize(
    ("message", "ids"),
    [
        ({"type": "item-added", "item": {"id": "elf"}, "index": 1}, ["spy", "elf", "ogre"]),
        ({"type": "item-added", "item": {"id": "elf"}, "index": 2}, ["spy", "ogre", "elf"]),
        ({"type": "item-removed", "itemId": "spy"}, ["ogre"]),
        ({"type": "item-moved", "itemId": "spy", "index": 1}, ["ogre", "spy"]),
        ({"type": "item-moved", "itemId": "ogre", "index": 0}, ["ogre", "spy"]),
    ],
    ids=["added", "added at the end", "removed", "moved back", "moved forward"],
)
def test_items_are_added_removed_and_moved(picture: Picture, message: dict[str, Any], ids: list[str]) -> None:
    picture.fold({**message, "version": 5, "currentItem": 1})
    assert [item["id"] for item in picture.state["items"]] == ids
    assert (picture.state["currentItem"], picture.version) == (1, 5)


def test_a_batch_is_folded_in_its_order(picture: Picture) -> None:
    changes = [
        {"type": "item-removed", "itemId": "spy"},
        {"type": "item-added", "item": {"id": "elf"}, "index": 0},
        {"type": "item-updated", "payload": {"itemId": "elf", "hp": 3}, "index": 0},
        {"type": "portal-view-updated", "payload": {"name": "Night", "currentItem": 0}},
    ]
    picture.fold({"type": "batch-applied", "version": 5, "changes": changes})
    assert picture.state["items"] == [{"id": "elf", "hp": 3}, {"id": "ogre", "n": 1}]
    assert (picture.state["name"], picture.state["currentItem"]) == ("Night", 0)


@pytest.mark.parametrize(
    ("message", "items"),
    [
        (item(1, itemId="ogre", hp=3), [{"id": "spy"}, {"id": "ogre", "n": 1, "hp": 3}]),
        (item(1, itemId="ogre", n=None, m=2), [{"id": "spy"}, {"id": "ogre", "m": 2}]),
        (item(0, itemId="spy", text="x"), [{"id": "spy", "text": "x"}, {"id": "ogre", "n": 1}]),
    ],
    ids=["changes", "loses a key", "first"],
)
def test_an_item_is_patched_in_its_place(picture: Picture, message: dict[str, Any], items: list[Any]) -> None:
    picture.fold(message)
    assert picture.state["items"] == items


def test_a_client_that_missed_nothing_keeps_the_picture(picture: Picture) -> None:
    before = dict(picture.state)
    picture.begin({"version": 4, "epoch": "e", "recovered": True})
    assert picture.state == before


def test_a_picture_is_compared_with_the_stored_state_except_keys_that_patches_lack(picture: Picture) -> None:
    stored = {**picture.state, "version": 9, "updatedAt": "later"}
    assert picture.shows(stored)
    assert not picture.shows({**stored, "name": "Night"})
    assert picture.differs_in({**stored, "name": "Night"}) == ["name"]
