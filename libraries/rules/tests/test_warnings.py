"""Warnings about what looks secret and is shown."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from libraries.rules.changes import ItemAddition, ItemMove, ItemPatch, ItemRemoval, TurnStep, ViewPatch
from libraries.rules.disclosure import NOTHING, Disclosure, compiled
from libraries.rules.projection import SWITCHES
from libraries.rules.state import Patch
from libraries.rules.warnings import MAX_LOOKED_AT, MAX_WARNINGS, warnings_of, warnings_of_command

STATE: dict[str, Any] = {
    **dict.fromkeys(SWITCHES, False),
    "healthDisplay": "numbers",
    "blackout": False,
    "items": [],
    **dict.fromkeys(("currentItem", "currentItemId", "camera", "encounter")),
}


def warnings_of_item(
    patch: dict[str, Any], item: dict[str, Any], state: dict[str, Any], disclosure: Disclosure = NOTHING
) -> list[str]:
    """The warnings about a patch that led to the item; the same as about its addition with these keys."""
    change = ItemPatch(item["id"], patch, patch)
    found = list(islice(warnings_of(change, {**state, "items": [{"id": "z"}, item]}, disclosure), MAX_WARNINGS))
    if patch.keys() | {"id"} == item.keys():
        assert found == list(islice(warnings_of(ItemAddition(item, None, patch), state, disclosure), MAX_WARNINGS))
    return found


def warnings_of_patch(known: dict[str, Any], relayed: dict[str, Any], state: dict[str, Any]) -> list[str]:
    return list(warnings_of(ViewPatch(Patch(known, relayed)), state))


def of_item(**item: Any) -> list[str]:
    return warnings_of_item(item, {"id": "a", **item}, STATE)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("temporaryHitPts", None),
        ("bonus_hp", "health"),
        ("Wounds", "health"),
        ("privateNotes", "a secret"),
        ("speakerNotes", "notes"),
        ("correctAnswer", "an answer"),
        ("Solution", "an answer"),
        ("armor_class_base", "an armour class"),
        ("special_abilities", "actions"),
        ("lair_action", "actions"),
        ("initiative_bonus", "the turn order"),
        ("name", None),
        ("languages", None),
        ("dmg", None),
    ],
)
def test_a_key_that_looks_secret_is_named_with_its_place(key: str, what: str | None) -> None:
    sentences = [f"public.{key} looks like {what} and is shown."] if what else []
    assert of_item(public={key: 3}) == sentences
    assert of_item(public={"a": [{key: 3}]}) == [sentence.replace("public.", "public.a.0.") for sentence in sentences]


def test_what_is_not_shown_needs_no_warning() -> None:
    assert of_item(privateNotes="n", system={"hp": 3}, hp=3) == []
    assert of_item(public={"gmNotes": "n", "hp": 3, "maxHp": 4}) == []
    assert of_item(public="notes") == []
    assert of_item(visible=False, public={"notes": "n"}) == ["public.notes looks like notes and is shown."]


def test_only_the_keys_of_this_write_are_named() -> None:
    item = {"id": "a", "public": {"notes": "n"}, "text": "x"}
    assert warnings_of_item({"text": "x"}, item, STATE) == []
    state = {**STATE, "items": [item]}
    assert warnings_of_patch({"name": "x"}, {}, state) == []
    assert warnings_of_patch({"items": [item]}, {}, state) == ["items[0].public.notes looks like notes and is shown."]


def test_paths_of_a_disclosure_are_warned_of_too() -> None:
    item = {"id": "a", "notes": "n", "system": {"notes": "m", "cr": 1}}
    disclosure = compiled({"always": ["notes", "system.notes", "system.cr"]})
    assert warnings_of_item(item, item, STATE, disclosure) == [
        "notes looks like notes and is shown.",
        "system.notes looks like notes and is shown.",
    ]


def test_a_command_is_warned_of_as_viewers_get_it() -> None:
    relayed = {"speakerNotes": "n", "gmNotes": "n", "quiz": {"answer": 1}, "public": {"answer": 1}, "zoom": 2}
    assert warnings_of_patch({}, relayed, STATE) == [
        "speakerNotes looks like notes and is shown.",
        "public.answer looks like an answer and is shown.",
    ]


@pytest.mark.parametrize(("key", "value"), [("id", "the-lich"), ("alt", "A LICH!"), ("image", "/img/lich.png")])
def test_what_tells_the_name_that_an_alias_hides(key: str, value: str) -> None:
    sentence = f"{key} contains the name that the alias hides, and is shown."
    item = {"id": "a", "name": "Lich", "alias": "Old man", key: value}
    assert warnings_of_item(item, item, STATE) == [sentence]
    assert warnings_of_item({"alias": "Old man"}, item, STATE) == [sentence]
    assert warnings_of_item({"text": "x"}, item, STATE) == []
    for other in ({"alias": None}, {"alias": "Lich"}, {"name": None}, {"name": "?!"}, {"name": "Ghoul"}):
        assert warnings_of_item({**item, **other}, {**item, **other}, STATE) == []


def test_a_picture_under_another_key_tells_as_well() -> None:
    item = {"id": "a", "name": "Lich", "alias": "Old man", "imgUrl": "/lich.png"}
    assert warnings_of_item({"imgUrl": "/lich.png"}, item, STATE) == [
        "image contains the name that the alias hides, and is shown."
    ]


def test_the_number_of_warnings_and_of_looks_is_limited() -> None:
    assert len(of_item(public={f"notes{index}": 1 for index in range(100)})) == MAX_WARNINGS
    assert of_item(public={"a": list(range(MAX_LOOKED_AT + 1)), "b": {"notes": 1}}) == []


@pytest.mark.parametrize(
    "change", [ItemRemoval("a"), ItemMove("a", 0), TurnStep(1), ItemPatch("gone", {"public": {}}, {})]
)
def test_other_changes_need_no_warning(change: Any) -> None:
    assert list(warnings_of(change, {**STATE, "items": [{"id": "a", "public": {"notes": "n"}}]})) == []


def test_a_command_alone_is_warned_of_by_what_viewers_get() -> None:
    assert warnings_of_command({"speakerNotes": "n", "zoom": 1}) == ["speakerNotes looks like notes and is shown."]
    assert len(warnings_of_command({f"notes{index}": 1 for index in range(100)})) == MAX_WARNINGS
