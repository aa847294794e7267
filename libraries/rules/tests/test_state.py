"""The allowed content of a portal view's state, and the effects of patches."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from libraries.rules.errors import InvalidPayload
from libraries.rules.items import visibilities
from libraries.rules.places import MAX_EXCERPT_CHARS, root
from libraries.rules.state import (
    FIELDS,
    HEALTH_DISPLAYS,
    MAX_DETAILS,
    MAX_ITEM_ID_CHARS,
    MAX_ITEMS,
    MAX_NAME_CHARS,
    MAX_STATE_BYTES,
    READ_ONLY,
    apply_item_patch,
    apply_patch,
    check_item_patch,
    check_patch,
    check_size,
    find_item,
    normal_items,
)
from libraries.rules.values import MAX_DEPTH
from libraries.tests.strategies import as_sent, item_patches, patches

FLAGS = (
    *("showEncounter", "showHealth", "showAC", "showActions", "showConditions", "autoResetImageState", "blackout"),
)
EMPTY: dict[str, Any] = {
    **dict.fromkeys(FLAGS, False),
    "name": "Evening",
    "healthDisplay": "bar",
    "currentItem": None,
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


def item_details_of(item_id: object, payload: object) -> dict[str, str]:
    with pytest.raises(InvalidPayload) as refusal:
        check_item_patch(item_id, payload)
    return refusal.value.details or {}


def test_the_fields_are_those_of_the_protocol() -> None:
    assert {*FIELDS, *READ_ONLY} == {
        *("id", "libraryId", "name", "showEncounter", "showHealth", "showAC", "showActions", "showConditions"),
        *(
            "healthDisplay",
            "autoResetImageState",
            "blackout",
            "currentItem",
            "items",
            "version",
            "epoch",
            "createdAt",
            "updatedAt",
        ),
    }


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
    assert (patch.known, patch.relayed) == ({**payload, **items}, {})
    assert check_patch(patch.known).known == patch.known


def each(key: str, sentence: str, *values: object) -> list[tuple[str, object, str]]:
    return [(key, value, sentence) for value in values]


BAD_VALUES: list[tuple[str, object, str]] = [
    *(refused for flag in FLAGS for refused in each(flag, "true or false", 0, 1, None, "true", [])),
    *each("name", "1 to 200 characters", "", " \n", None, 5, "x" * (MAX_NAME_CHARS + 1)),
    *each("healthDisplay", "one of numbers, bar, words", "", "Bar", None, 1, ["bar"]),
    *each("currentItem", "index of an item", -1, MAX_ITEMS, 1.0, True, "0", []),
    *each("items", "list of at most 500", None, {}, "", 1, [{}] * (MAX_ITEMS + 1)),
    ("zoom", 2**53, "2^53-1; it is 9007199254740992."),
    ("zoom", "\0", "NUL; it is “\\u0000”."),
]
_WISHES = "Must be numbers, bar, words, true or false; it is"
BAD_INSIDE: list[tuple[str, object, str, str]] = [
    ("items", ["a"], "items[0]", "Must be an object; it is “a”."),
    ("items", [{"id": "a"}, {}], "items[1].id", "Must be text of 1 to 128 characters; it is missing."),
    ("items", [{"id": ""}], "items[0].id", "Must be text of 1 to 128 characters; it is “”."),
    ("items", [{"id": 7}], "items[0].id", "Must be text of 1 to 128 characters; it is 7."),
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
GOOD_VALUES: list[tuple[str, object]] = [
    *((flag, value) for flag in FLAGS for value in (True, False)),
    *(("name", name) for name in ("x", "x" * MAX_NAME_CHARS, "Nächte <b>")),
    *(("healthDisplay", display) for display in HEALTH_DISPLAYS),
    *(("currentItem", index) for index in (None, 0, MAX_ITEMS - 1)),
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
    for check in (lambda: check_patch(payload), lambda: check_item_patch("a", payload)):
        with pytest.raises(InvalidPayload, match=r"^A payload must be an object\.$"):
            check()


@pytest.mark.parametrize(("key", "value", "sentence"), BAD_VALUES)
def test_a_bad_value_is_refused_under_its_key(key: str, value: object, sentence: str) -> None:
    details = details_of({"showAC": True, key: value})
    assert details.keys() == {key}
    assert sentence in details[key]
    assert details[key].endswith(".")


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


def test_an_item_patch_may_be_as_deep_as_an_item_in_a_state() -> None:
    check_item_patch("a", {"deep": nested(MAX_DEPTH - 3)})
    assert item_details_of("a", {"deep": nested(MAX_DEPTH - 2)}) == {f"deep{'.a' * (MAX_DEPTH - 3)}": _TOO_DEEP}


def test_an_answer_to_many_bad_rules_names_some() -> None:
    assert len(item_details_of("a", {"show": {f"x{index}": True for index in range(1000)}})) <= MAX_DETAILS


def test_an_answer_to_many_bad_keys_names_some_and_can_be_sent() -> None:
    payload = {f"\ud800{index}": 1 for index in range(1000)}
    for details in (details_of(payload), item_details_of("a", payload)):
        assert 1 < len(details) < MAX_DETAILS
        assert details['["\\ud8000"]'].startswith("Text may not hold half")
        as_sent(details)


@given(item_patches)
def test_a_good_item_patch_is_merged_with_one_visible(payload: dict[str, Any]) -> None:
    patch = check_item_patch("a", payload)
    assert check_item_patch("a", {**payload, "itemId": "a", "id": "a"}) == patch
    said = {key for key, _, _ in visibilities(payload)}
    assert {key: value for key, value in patch.items() if key != "visible"} == {
        key: value for key, value in payload.items() if key not in said
    }
    assert ("visible" in patch) is bool(said)
    assert patch.get("visible", True) is all(
        value is None or value is wanted for _, value, wanted in visibilities(payload)
    )


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
        assert check_item_patch("a", item) == ({"visible": True, **stored} if item else {})


@pytest.mark.parametrize(
    ("item_id", "payload", "key", "sentence"),
    [
        ("", {}, "itemId", "1 to 128 characters"),
        ("x" * (MAX_ITEM_ID_CHARS + 1), {}, "itemId", "1 to 128 characters"),
        (7, {"itemId": 7}, "itemId", "Must be text"),
        (None, {}, "itemId", "Must be text"),
        ({"a": 1}, {}, "itemId", "Must be text"),
        ("a\0", {}, "itemId", "NUL"),
        ("\ud800", {}, "itemId", "surrogate"),
        ("a", {"itemId": "b"}, "itemId", "two different items"),
        ("a", {"itemId": None}, "itemId", "two different items"),
        ("a", {"id": "b"}, "id", "can't be changed"),
        ("a", {"visible": 1}, "visible", "true or false"),
        ("a", {"HIDDEN": "no"}, "HIDDEN", "Must be true or false; it is “no”."),
        ("a", {"show": {"ac": 1}}, "show.ac", "Must be true or false; it is 1."),
        ("a", {"show": []}, "show", "Must be an object with some of health"),
        ("a", {"show": {"hp": True}}, "show.hp", "There is no such key; there are health"),
        ("a", {"x": float("nan")}, "x", "2^53-1"),
        ("a", {"image": "file:///etc/passwd"}, "image", "A file on your disk cannot be seen by others"),
        ("a", {"system": {"img": "blob:x"}, "hp": 2}, "system.img", "; it is “blob:x”."),
    ],
)
def test_a_bad_item_patch_is_refused(item_id: object, payload: Any, key: str, sentence: str) -> None:
    details = item_details_of(item_id, payload)
    assert details.keys() == {key}
    assert sentence in details[key]


def test_a_patch_replaces_keys_and_does_not_change_the_state_before() -> None:
    before = {**EMPTY, "items": [{"id": "a"}], "currentItem": 0}
    after = apply_patch(before, {"name": "Night", "items": [{"id": "b"}]})
    assert after == {**before, "name": "Night", "items": [{"id": "b"}]}
    assert before == {**EMPTY, "items": [{"id": "a"}], "currentItem": 0}


def test_current_item_beyond_a_shorter_list_becomes_null() -> None:
    before = {**EMPTY, "items": [{"id": "a"}, {"id": "b"}], "currentItem": 1}
    assert apply_patch(before, {"items": [{"id": "a"}]})["currentItem"] is None
    assert apply_patch(before, {"items": [], "currentItem": None})["currentItem"] is None
    assert apply_patch(before, {"items": [{"id": "a"}], "currentItem": 0})["currentItem"] == 0
    assert apply_patch(before, {"items": [{"id": "c"}, {"id": "d"}]})["currentItem"] == 1


@pytest.mark.parametrize("known", [{"currentItem": 1}, {"items": [], "currentItem": 0}])
def test_a_current_item_that_does_not_exist_is_refused(known: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        apply_patch({**EMPTY, "items": [{"id": "a"}]}, known)
    count = len(known.get("items", ["a"]))
    sentence = f"There is no item {known['currentItem']}; the portal view has {count}, counted from 0."
    assert refusal.value.details == {"currentItem": sentence}


def test_an_item_is_found_by_its_id() -> None:
    items = [{"id": "a"}, {"id": "b"}]
    assert [find_item(items, item_id) for item_id in ("a", "b", "c")] == [0, 1, None]


def test_an_item_patch_changes_only_its_item() -> None:
    items: list[dict[str, Any]] = [{"id": "a", "x": 1}, {"id": "b", "x": {"y": 1}}, {"id": "c"}]
    assert apply_item_patch(items, 1, {"x": {"z": 2}, "n": None}) == [
        {"id": "a", "x": 1},
        {"id": "b", "x": {"z": 2}, "n": None},
        {"id": "c"},
    ]
    assert items[1] == {"id": "b", "x": {"y": 1}}


def test_a_state_may_be_as_large_as_the_limit_and_no_larger() -> None:
    item = {"id": "a", "text": ""}
    spare = MAX_STATE_BYTES - len(as_sent({**EMPTY, "items": [item]}).encode())
    longest = {**EMPTY, "items": [{**item, "text": "é" * (spare // 2) + "x" * (spare % 2)}]}
    check_size({**longest, "version": 1, "notCounted": "x" * 1000})
    too_long = {**longest, "name": "Evenings"}
    with pytest.raises(InvalidPayload, match=f"would be {MAX_STATE_BYTES + 1} bytes long; at most {MAX_STATE_BYTES}"):
        check_size(too_long)
