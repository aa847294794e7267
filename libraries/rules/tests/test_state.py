"""The allowed content of a portal view's state."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from libraries.rules.errors import InvalidPayload
from libraries.rules.places import MAX_EXCERPT_CHARS, root
from libraries.rules.state import (
    FIELDS,
    HEALTH_DISPLAYS,
    MAX_DETAILS,
    MAX_ITEM_ID_CHARS,
    MAX_ITEMS,
    MAX_NAME_CHARS,
    MAX_STATE_BYTES,
    NOT_IN_HEAD,
    READ_ONLY,
    check_patch,
    check_size,
    find_item,
    normal_item,
    normal_items,
    settled,
)
from libraries.rules.values import MAX_DEPTH
from libraries.tests.strategies import as_sent, patches

FLAGS = (
    *("showEncounter", "showHealth", "showAC", "showActions", "showConditions", "autoResetImageState", "blackout"),
    "viewersMayPoint",
)
EMPTY: dict[str, Any] = {
    **dict.fromkeys(FLAGS, False),
    "name": "Evening",
    "healthDisplay": "bar",
    **dict.fromkeys(("currentItem", "currentItemId", "camera", "encounter")),
    "items": [],
}


def nested(levels: int) -> Any:
    value: Any = "leaf"
    for _ in range(levels):
        value = {"a": value}
    return value


def details_of(payload: object) -> dict[str, str]:
    with pytest.raises(InvalidPayload) as refusal:
        check_patch(payload)
    assert refusal.value.code == "invalid-payload"
    return refusal.value.details or {}


def test_the_fields_are_those_of_the_protocol() -> None:
    assert {*FIELDS, *READ_ONLY} == {
        *("id", "libraryId", "name", "showEncounter", "showHealth", "showAC", "showActions", "showConditions"),
        *(
            "healthDisplay",
            "autoResetImageState",
            "blackout",
            "viewersMayPoint",
            "currentItem",
            "currentItemId",
            "camera",
            "encounter",
            "items",
            "version",
            "epoch",
            "createdAt",
            "updatedAt",
        ),
    }
    assert FIELDS.keys() > NOT_IN_HEAD


@pytest.mark.parametrize("key", sorted(READ_ONLY))
@pytest.mark.parametrize("value", ["\0", 2**53, {"url": "javascript:run()"}, [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]])
def test_values_of_read_only_keys_are_checked_too(key: str, value: object) -> None:
    """A `sync-response` is relayed with them: unchecked nesting in it ended the connection with 1011."""
    with pytest.raises(InvalidPayload) as refused:
        check_patch({key: value})
    assert {root(place) for place in refused.value.details or {}} == {key}


def test_a_payload_is_split_into_stored_relayed_and_read_only() -> None:
    patch = check_patch({"name": "Night", "zoom": 2, **dict.fromkeys(READ_ONLY, "any"), "blackout": True})
    assert patch.known == {"name": "Night", "blackout": True}
    assert patch.relayed == {"zoom": 2}


@given(patches)
def test_a_good_patch_is_stored_with_one_visible_for_each_item(payload: dict[str, Any]) -> None:
    patch = check_patch(payload)
    items = {"items": normal_items(payload["items"])} if "items" in payload else {}
    assert (patch.known, patch.relayed, patch.sent) == ({**payload, **items}, {}, payload)
    assert check_patch(patch.known).known == patch.known


def each(key: str, sentence: str, *values: object) -> list[tuple[str, object, str, str]]:
    return [(key, value, key, sentence) for value in values]


def each_at(place: str, sentence: str, *payloads: dict[str, Any]) -> list[tuple[str, object, str, str]]:
    """Payloads with one key, which are refused at that place below it."""
    return [(key, value, f"{key}{place}", sentence) for payload in payloads for key, value in payload.items()]


def items(*some: object) -> dict[str, Any]:
    return {"items": list(some)}


ONES = ({"id": 1}, {"id": "1"})
CAMERA = {"x": 0.5, "y": 0.5, "zoom": 1, "rotation": 0}
BAD_VALUES: list[tuple[str, object, str, str]] = [
    *(refused for flag in FLAGS for refused in each(flag, "true or false", 0, 1, None, "true", [])),
    *each("name", "1 to 200 characters", "", " \n", None, 5, "x" * (MAX_NAME_CHARS + 1)),
    *each("healthDisplay", "one of numbers, bar, words", "", "Bar", None, 1, ["bar"]),
    *each("currentItem", "index of an item", -1, MAX_ITEMS, 1.0, True, "0", []),
    *each("currentItemId", "Must be text of 1 to 128 characters, or an integer", "", "x" * 129, True, 1.5, [], {}),
    *each("items", "list of at most 500", None, {}, "", 1, [{}] * (MAX_ITEMS + 1)),
    *each("camera", "Must be null or an object", [], "x", 1, True),
    *each("encounter", "Must be null or an object", [], "x", 1, True),
    *each_at(".zoom", "Must be a number from 0.01 to 100", {"camera": {**CAMERA, "zoom": 0}}),
    *each_at(".round", "Must be a whole number from 0", {"encounter": {"round": -1, "order": []}}),
    ("zoom", 2**53, "zoom", "2^53-1; it is 9007199254740992."),
    ("zoom", "\0", "zoom", "NUL; it is “\\u0000”."),
    ("currentItemId", "a\0", "currentItemId", "NUL"),
]
_WISHES = "Must be numbers, bar, words, true or false; it is"
BAD_INSIDE: list[tuple[str, object, str, str]] = [
    ("items", ["a"], "items[0]", "Must be an object; it is “a”."),
    ("items", [{"id": ""}], "items[0].id", "Must be text of 1 to 128 characters, or an integer; it is “”."),
    ("items", [{}, {"id": 1.5}], "items[1].id", "Must be text of 1 to 128 characters, or an integer; it is 1.5."),
    ("items", [{"id": True}], "items[0].id", "Must be text of 1 to 128 characters, or an integer; it is true."),
    ("items", [*ONES], "items[1].id", "Must be unique, and items[0] has it too; it is “1”."),
    ("items", [{"id": 2**53}], "items[0].id", "2^53-1"),
    ("items", [{"id": "a", "revealOnTurn": 1}], "items[0].revealOnTurn", "Must be true or false; it is 1."),
    ("camera", {"x": float("nan")}, "camera.x", "2^53-1"),
    ("camera", {**CAMERA, "tilt": 1}, "camera.tilt", "There is no such key; there are x, y, zoom, rotation."),
    ("items", [{"id": "x" * (MAX_ITEM_ID_CHARS + 1)}], "items[0].id", f"; it is “{'x' * MAX_EXCERPT_CHARS}…”."),
    ("items", [{"id": "constructor"}], "items[0].id", "The name constructor is not possible"),
    ("items", [{"id": "a"}, {"id": "b"}, {"id": "a"}], "items[2].id", "unique, and items[0] has it too; it is “a”."),
    ("items", [{"id": "a", "visible": 0}], "items[0].visible", "Must be true or false; it is 0."),
    ("items", [{"id": "a"}, {"id": "b", "Hidden": "no"}], "items[1].Hidden", "Must be true or false; it is “no”."),
    ("items", [{"id": "a", "is_visible": []}], "items[0].is_visible", "Must be true or false; it is a list of 0."),
    ("items", [{"id": "a", "is visible": 2}], 'items[0]["is visible"]', "Must be true or false; it is 2."),
    ("items", [{"id": "a", "show": "all"}], "items[0].show", "Must be an object with some of health, ac, actions"),
    ("items", [{"id": "a", "show": {"hp": True}}], "items[0].show.hp", "no such key; there are health, ac, actions"),
    ("items", [{"id": "a", "show": {"ac": "numbers"}}], "items[0].show.ac", "Must be true or false; it is “numbers”."),
    ("items", [{"id": "a", "show": {"health": 1}}], "items[0].show.health", f"{_WISHES} 1."),
    ("items", [{"id": "a", "show": {"health": []}}], "items[0].show.health", f"{_WISHES} a list of 0."),
    ("items", [{"id": "a", "image": "javascript:alert(1)"}], "items[0].image", "; it is “javascript:alert(1)”."),
    ("zoom\0", 1, '["zoom\\u0000"]', "NUL"),
    ("zoom", {"src": "//a"}, "zoom.src", "; it is “//a”."),
]
"""Refused by the rules for all values: at a place below the key."""
GOOD_VALUES: list[tuple[str, object]] = [
    *((flag, value) for flag in FLAGS for value in (True, False)),
    *(("name", name) for name in ("x", "x" * MAX_NAME_CHARS, "Nächte <b>")),
    *(("healthDisplay", display) for display in HEALTH_DISPLAYS),
    *(("currentItem", index) for index in (None, 0, MAX_ITEMS - 1)),
    *(("currentItemId", item_id) for item_id in (None, "a", "x" * MAX_ITEM_ID_CHARS)),
    *(("camera", camera) for camera in (None, CAMERA)),
    ("encounter", None),
    ("encounter", {"round": 0, "turn": None, "order": []}),
    ("items", [{}, {"name": "no id"}, {"_id": 3}]),
    ("items", [{"id": "a", "revealOnTurn": True}, {"id": "b", "revealOnTurn": None}]),
    ("items", []),
    ("items", [{"id": "x" * MAX_ITEM_ID_CHARS, "visible": False}, {"id": "y", "visible": True}]),
    ("items", [{"id": str(index)} for index in range(MAX_ITEMS)]),
    (
        "items",
        [{"id": "a", "show": None}, {"id": "b", "show": {}}, {"id": "c", "show": {"ac": True, "actions": False}}],
    ),
    *(("items", [{"id": "a", "show": {"health": wish}}]) for wish in (True, False, *HEALTH_DISPLAYS)),
]


@pytest.mark.parametrize("payload", [None, [], "text", 1, True])
def test_a_payload_must_be_an_object(payload: object) -> None:
    with pytest.raises(InvalidPayload, match=r"^A payload must be an object\.$"):
        check_patch(payload)


@pytest.mark.parametrize(("key", "value", "place", "sentence"), BAD_VALUES)
def test_a_bad_value_is_refused_at_its_place(key: str, value: object, place: str, sentence: str) -> None:
    details = details_of({"showAC": True, key: value})
    assert details.keys() == {place}
    assert sentence in details[place]
    assert details[place].endswith(".")


@pytest.mark.parametrize(("key", "value", "place", "sentence"), BAD_INSIDE)
def test_a_bad_value_is_refused_with_its_place(key: str, value: object, place: str, sentence: str) -> None:
    details = details_of({"showAC": True, key: value})
    assert details.keys() == {place}
    assert sentence in details[place]
    assert details[place].endswith(".")


@pytest.mark.parametrize(("key", "value"), GOOD_VALUES)
def test_a_good_value_is_allowed(key: str, value: object) -> None:
    assert check_patch({key: value}).known == {key: value}


def test_every_bad_key_is_named_in_details_and_message() -> None:
    with pytest.raises(InvalidPayload) as refusal:
        check_patch({"name": "", "blackout": 1, "zoom": 2})
    details = refusal.value.details
    assert details is not None
    assert details.keys() == {"name", "blackout"}
    assert refusal.value.message == (
        f"Nothing was changed: name: {details['name']} blackout: Must be true or false; it is 1."
    )


_TOO_DEEP = "Nesting is limited to 16 levels; it is an object."


def test_a_payload_may_be_nested_sixteen_levels_deep_and_no_more() -> None:
    check_patch(nested(MAX_DEPTH))
    assert details_of(nested(MAX_DEPTH + 1)) == {".".join("a" * MAX_DEPTH): _TOO_DEEP}
    items = [{"id": "a", "deep": nested(MAX_DEPTH - 3)}]
    check_patch({"items": items})
    items[0]["deep"] = nested(MAX_DEPTH - 2)
    assert details_of({"items": items}) == {f"items[0].deep{'.a' * (MAX_DEPTH - 3)}": _TOO_DEEP}


def test_an_answer_to_many_bad_keys_names_some_and_can_be_sent() -> None:
    payload = {f"\ud800{index}": 1 for index in range(1000)}
    details = details_of(payload)
    assert 1 < len(details) < MAX_DETAILS
    assert details['["\\ud8000"]'].startswith("Text may not hold half")
    as_sent(details)


@pytest.mark.parametrize(
    ("item", "stored"),
    [
        ({}, {}),
        ({"visible": True}, {"visible": True}),
        ({"visible": None}, {}),
        ({"Visible": True, "hidden": False}, {"visible": True}),
        ({"hidden": None, "is_hidden": None}, {}),
        ({"hidden": True}, {"visible": False}),
        ({"isHidden": True, "visible": None}, {"visible": False}),
        ({"visible": True, "hidden": True}, {"visible": False}),
        ({"visible": 1}, {"visible": False}),
        ({"hidden": "no"}, {"visible": False}),
    ],
)
def test_an_item_is_stored_with_one_visible(item: dict[str, Any], stored: dict[str, Any]) -> None:
    assert normal_items([{"id": "a", **item, "x": 1}, "text"]) == [{"id": "a", **stored, "x": 1}, "text"]
    if all(value is None or isinstance(value, bool) for value in item.values()):
        assert check_patch({"items": [{"id": "a", **item}]}).known == {"items": [{"id": "a", **stored}]}


def test_an_items_id_is_stored_as_text_and_first() -> None:
    given = [{"name": "Ogre", "id": 7}, {"id": None, "name": "Spy"}, {"id": "a"}, {}]
    stored = check_patch({"items": given}).known["items"]
    assert stored == [{"id": "7", "name": "Ogre"}, {"name": "Spy"}, {"id": "a"}, {}]
    assert list(stored[0]) == ["id", "name"]
    assert given[0] == {"name": "Ogre", "id": 7}
    assert check_patch({"currentItemId": 7}).known == {"currentItemId": "7"}


def test_what_has_the_normal_form_stays_the_same_object() -> None:
    item = {"id": "a", "visible": False}
    items = [item, {"id": "b"}]
    assert normal_item(item) is item
    assert normal_items(items) is items


def test_camera_and_encounter_are_stored_with_all_of_their_keys() -> None:
    sent = {"camera": {"x": 0, "y": 1, "zoom": 2}, "encounter": {"round": 1, "order": [{"itemId": 7}]}}
    patch = check_patch(sent)
    assert patch.known == {
        "camera": {"x": 0, "y": 1, "zoom": 2, "rotation": 0},
        "encounter": {"round": 1, "turn": None, "order": [{"itemId": "7"}]},
    }
    assert patch.sent == sent


def test_an_item_is_found_by_its_id() -> None:
    items = [{"id": "a"}, {"id": "b"}]
    assert [find_item(items, item_id) for item_id in ("a", "b", "c", None)] == [0, 1, None, None]


@pytest.mark.parametrize(
    ("index", "item_id", "found"),
    [
        (None, None, (None, None)),
        (1, "b", (1, "b")),
        (1, "a", (1, "b")),
        (1, None, (1, "b")),
        (None, "a", (None, None)),
        (2, "a", (None, None)),
    ],
)
def test_the_index_counts_if_a_process_of_the_release_before_wrote(
    index: int | None, item_id: str | None, found: tuple[int | None, str | None]
) -> None:
    stored = {**EMPTY, "items": [{"id": "a"}, {"id": "b"}], "currentItem": index, "currentItemId": item_id}
    after = settled(stored)
    assert (after["currentItem"], after["currentItemId"]) == found
    assert settled(after) == after


def test_an_encounter_has_no_entry_of_an_item_that_such_a_process_removed() -> None:
    order = [{"itemId": item_id} for item_id in ("gone", "a")]
    stored = {**EMPTY, "items": [{"id": "a"}], "encounter": {"round": 1, "turn": "gone", "order": order}}
    assert settled(stored)["encounter"] == {"round": 1, "turn": "a", "order": [{"itemId": "a"}]}
    whole = {**stored, "encounter": {"round": 1, "turn": "a", "order": [{"itemId": "a"}]}}
    assert settled(whole)["encounter"] is whole["encounter"]


def test_a_state_may_be_as_large_as_the_limit_and_no_larger() -> None:
    item = {"id": "a", "text": ""}
    spare = MAX_STATE_BYTES - len(as_sent({**EMPTY, "items": [item]}).encode())
    longest = {**EMPTY, "items": [{**item, "text": "é" * (spare // 2) + "x" * (spare % 2)}]}
    check_size({**longest, "version": 1, "notCounted": "x" * 1000})
    too_long = {**longest, "name": "Evenings"}
    with pytest.raises(InvalidPayload, match=f"would be {MAX_STATE_BYTES + 1} bytes long; at most {MAX_STATE_BYTES}"):
        check_size(too_long)
