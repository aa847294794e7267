"""Bytes in payloads: where they are possible, what viewers get of them, and the objects that stand for them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules import net
from libraries.rules.changes import check_addition, check_changes, check_item_patch
from libraries.rules.commands import needs_flags, project_command, project_sync
from libraries.rules.disclosure import compiled
from libraries.rules.errors import BadValue, InvalidPayload
from libraries.rules.keys import check_key
from libraries.rules.octets import Octets, octets_in, with_octets
from libraries.rules.places import excerpt
from libraries.rules.state import READ_ONLY, check_patch
from libraries.rules.tests.test_commands import STATE
from libraries.rules.values import MAX_DEPTH, check_value
from libraries.rules.warnings import warnings_of_command

DATA = Octets(b"data")
ITEMS = [{"id": "a", "public": {"song": DATA, "hp": DATA}, "notes": DATA, "image": DATA, "ac": DATA, "hp": DATA}]


def details(check: Any, *given: Any, **more: Any) -> set[str]:
    with pytest.raises(InvalidPayload) as refusal:
        check(*given, **more)
    return set(refusal.value.details or ())


@given(data=st.binary(max_size=50))
def test_bytes_and_their_object_are_the_same(data: bytes) -> None:
    assert octets_in(Octets(data).as_json()) == Octets(data)
    assert with_octets({"a": [Octets(data).as_json(), (data, bytearray(data))]}) == {
        "a": [Octets(data), [Octets(data), Octets(data)]]
    }
    assert len({Octets(data), Octets(data)}) == 1
    assert Octets(data) != data


def test_bytes_far_below_are_not_looked_for() -> None:
    value: Any = DATA.as_json()
    for _ in range(500):
        value = [value]
    assert with_octets(value) == value


@pytest.mark.parametrize("value", [DATA, [DATA], {"deep": [{"x": DATA}]}])
def test_bytes_are_relayed_and_not_stored(value: Any) -> None:
    check_value(value, is_stored=False)
    with pytest.raises(BadValue, match="Bytes are not stored"):
        check_value(value)
    assert check_patch({"sound": value}).relayed == {"sound": value}
    assert details(check_item_patch, "a", {"x": value}) <= {"x", "x[0]", "x.deep[0].x"}
    assert details(check_addition, {"x": value})
    assert details(check_changes, [{"type": "item-add", "payload": {"x": value}}])
    for key in ("name", "items", "currentItemId", "camera", "encounter", "blackout", "healthDisplay", *READ_ONLY):
        assert {place.partition("[")[0].partition(".")[0] for place in details(check_patch, {key: value})} == {key}


def test_a_sync_may_hold_bytes_where_a_state_holds_anything() -> None:
    assert check_patch({"items": ITEMS}, is_stored=False).known == {"items": ITEMS}
    for key in ("name", "currentItemId", "currentItem", "camera", "encounter", "blackout", "healthDisplay"):
        assert details(check_patch, {key: DATA}, is_stored=False) == {key}
    for item, place in (({"id": DATA}, "id"), ({"visible": DATA}, "visible"), ({"show": DATA}, "show")):
        assert details(check_patch, {"items": [item]}, is_stored=False) == {f"items[0].{place}"}


@pytest.mark.parametrize("value", [DATA.as_json(), {"$bytes": 5}, {"$bytes": "aGk=", "more": 1}])
@pytest.mark.parametrize("is_stored", [True, False])
def test_no_object_has_the_key_of_bytes(value: dict[str, Any], is_stored: bool) -> None:
    with pytest.raises(BadValue) as refusal:
        check_value({"x": [value]}, is_stored=is_stored)
    assert refusal.value.path == "x[0].$bytes"
    with pytest.raises(BadValue):
        check_key("$bytes")


def test_bytes_take_no_level() -> None:
    value: Any = DATA
    for _ in range(MAX_DEPTH):
        value = [value]
    check_value(value, is_stored=False)


def test_viewers_get_bytes_of_a_command_as_they_get_text() -> None:
    payload = {"sound": DATA, "secret": DATA, "hp": DATA, "pointer": {"x": DATA, "gmNotes": DATA}, "list": [DATA]}
    seen = {"sound": DATA, "pointer": {"x": DATA}}
    assert project_command(payload, STATE) == seen
    assert project_command(payload, None) == {"sound": DATA}
    assert needs_flags({"sound": DATA}) is False
    assert warnings_of_command({"privateSound": DATA, "pointer": {"answer": DATA}})
    assert net.strike([DATA, {"x": DATA, "secret": DATA}], ()) == [DATA, {"x": DATA}]


def test_viewers_get_bytes_of_a_sync_only_below_public_and_where_a_path_leads() -> None:
    open_all = {**STATE, "showHealth": True, "showAC": True, "showActions": True, "healthDisplay": "numbers"}
    assert project_sync({"items": ITEMS}, open_all) == {"items": [{"id": "a", "public": {"song": DATA, "hp": DATA}}]}
    assert project_sync({"items": ITEMS}, STATE) == {"items": [{"id": "a", "public": {"song": DATA}}]}
    disclosed = compiled({"always": ["notes"], "name": ["image"], "actions": ["notes"], "currentHealth": ["hp"]})
    assert project_sync({"items": ITEMS}, STATE, disclosed)["items"][0]["notes"] == DATA


def test_an_excerpt_says_how_many_there_are() -> None:
    assert excerpt(DATA) == "4 bytes"
    assert repr(DATA) == "Octets(b'data')"
