"""The ids of items: their form, and the ids that are made up."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.item_ids import MAX_ITEM_ID_CHARS, RECORD_IDS, check_item_id, text_id, with_ids
from libraries.rules.item_ids import made_up_id as made_up_id_of

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def made_up_id(record: dict[str, Any], taken: Any = (), key: bytes = KEY, number: int = 0) -> str:
    """The id that is made up if this is the least number that may be free."""
    names = Counter({str(value): number for value in record.values()})
    return made_up_id_of(record, taken, key, names)


record_ids = st.dictionaries(
    st.sampled_from([*RECORD_IDS, "name"]), st.sampled_from(["ogre", "", "7", 7, 8, None, True, 1.5, ["x"], {"a": 1}])
)
given_ids = st.sampled_from(["a", "b", "c", "d"])
item_lists = st.lists(
    st.tuples(record_ids, st.none() | given_ids), max_size=8, unique_by=lambda made: made[1] or object()
).map(lambda made: [{**record, **({} if item_id is None else {"id": item_id})} for record, item_id in made])


@pytest.mark.parametrize(
    ("value", "stored"),
    [("a", "a"), (7, "7"), (0, "0"), (-3, "-3"), (True, True), (1.5, 1.5), (None, None), (["a"], ["a"])],
)
def test_only_an_integer_becomes_text(value: object, stored: object) -> None:
    assert text_id(value) == stored
    assert type(text_id(value)) is type(stored)


@pytest.mark.parametrize("value", ["a", "x" * MAX_ITEM_ID_CHARS, 7, -1, "0", " ", "prototypes"])
def test_a_good_id_is_accepted(value: object) -> None:
    check_item_id(value)


@pytest.mark.parametrize("value", ["", "x" * (MAX_ITEM_ID_CHARS + 1), None, True, False, 1.5, [], {}, 10**200])
def test_a_bad_id_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="^Must be text of 1 to 128 characters, or an integer.$"):
        check_item_id(value)


@pytest.mark.parametrize("value", ["__proto__", "constructor", "prototype"])
def test_an_id_is_no_key_of_every_object(value: str) -> None:
    with pytest.raises(ValueError, match=value):
        check_item_id(value)


@pytest.mark.parametrize("key", RECORD_IDS)
def test_the_same_record_gets_the_same_id(key: str) -> None:
    record = {"name": "Ogre", key: "ogre-1"}
    assert made_up_id(record) == made_up_id({key: "ogre-1", "hp": 3})
    assert made_up_id(record) != made_up_id({key: "ogre-2"})


def test_an_integer_and_the_same_text_are_the_same_record_id() -> None:
    assert made_up_id({"_id": 7}) == made_up_id({"_id": "7"})


def test_the_first_usable_key_counts() -> None:
    bad = {"_id": {"$oid": "x"}, "Id": "", "slug": "ogre", "key": "k"}
    assert made_up_id(bad) == made_up_id({"slug": "ogre"})


def test_an_id_says_nothing_about_the_record_or_the_portal_view() -> None:
    record = {"slug": "the-secret-lich"}
    assert "lich" not in made_up_id(record)
    assert made_up_id(record) != made_up_id(record, key=OTHER_KEY)


def test_equal_records_get_different_ids() -> None:
    first, second = (made_up_id({"slug": "ogre"}, number=nth) for nth in range(2))
    assert first != second
    assert made_up_id({"slug": "ogre"}, {first}) == second
    assert made_up_id({"slug": "ogre"}, {first, second}) not in {first, second}


def test_many_equal_records_are_numbered_and_not_tried_again_and_again() -> None:
    numbers: Counter[str] = Counter()
    taken = {made_up_id_of({"slug": "ogre", "key": str(one)}, (), KEY, numbers) for one in range(50)}
    assert (len(taken), numbers) == (50, {"ogre": 50})
    assert [item["id"] for item in with_ids([{"slug": "ogre"}] * 50, KEY)] == [
        made_up_id({"slug": "ogre"}, number=number) for number in range(50)
    ]


def test_a_record_without_an_id_gets_a_random_one() -> None:
    assert len({made_up_id({"name": "Ogre"}) for _ in range(50)}) == 50


def test_a_list_in_which_every_item_has_an_id_stays_the_same() -> None:
    items = [{"id": "a"}, {"id": "b"}]
    assert with_ids(items, KEY) is items
    assert with_ids([], KEY) == []


@given(item_lists)
def test_ids_are_filled_in_and_nothing_else_changes(items: list[dict[str, Any]]) -> None:
    before = [dict(item) for item in items]
    filled = with_ids(items, KEY)
    assert items == before
    assert len({item["id"] for item in filled}) == len(items)
    for old, new in zip(items, filled, strict=True):
        check_item_id(new["id"])
        assert {**new, "id": old.get("id")} == {"id": None, **old}
        assert next(iter(new)) == "id" or "id" in old


@given(item_lists)
def test_a_list_that_is_brought_in_again_gets_the_same_ids(items: list[dict[str, Any]]) -> None:
    """Apart from records without an id of their own: those are different each time."""
    first, again = with_ids(items, KEY), with_ids([dict(item) for item in items], KEY)
    for item, one, other in zip(items, first, again, strict=True):
        texts = [text_id(item.get(key)) for key in (*RECORD_IDS, "id")]
        is_known = any(isinstance(text, str) and text for text in texts)
        assert (one["id"] == other["id"]) is is_known
