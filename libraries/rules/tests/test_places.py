"""The place in an error leads to the value that is wrong, whatever the keys around it are called."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from libraries.rules.changes import check_item_patch
from libraries.rules.errors import BadValue, InvalidPayload
from libraries.rules.keys import MAX_KEY_CHARS, REFUSED_KEYS
from libraries.rules.places import MAX_EXCERPT_CHARS, MAX_PLACE_CHARS, excerpt, part, path, root, told
from libraries.rules.state import FIELDS, READ_ONLY, check_patch
from libraries.rules.values import MAX_SAFE_INTEGER, check_value
from libraries.tests.strategies import spellings

# --- Read a place: independently of the code that writes it -------------------------------------------------

TOKEN = re.compile(r'(?P<gap>…)|\.?(?P<word>[^.\["…]+)|\[(?P<index>\d+)\]|\[(?P<text>"(?:[^"\\]|\\.)*")\]')


def below(value: Any) -> Iterator[Any]:
    """The value, and everything in it."""
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from below(inner)


def steps(values: list[Any], token: re.Match[str]) -> Iterator[Any]:
    """Where one token of a place leads."""
    for value in values:
        if token["gap"]:
            yield from below(value)
        elif token["index"] and isinstance(value, list) and int(token["index"]) < len(value):
            yield value[int(token["index"])]
        elif isinstance(value, dict) and not token["index"]:
            name = json.loads(token["text"]) if token["text"] else token["word"]
            cut = name.endswith("…") and name not in value
            yield from (inner for key, inner in value.items() if key == name or (cut and key.startswith(name[:-1])))


def found(payload: Any, place: str) -> list[Any]:
    """All values that the place may mean: one, if nothing in it is cut."""
    values, end = [payload], 0
    for token in TOKEN.finditer(place):
        assert token.start() == end, f"{place!r} has something odd at {end}"
        values, end = list(steps(values, token)), token.end()
    assert end == len(place), place
    return values


# --- Plant a bad value --------------------------------------------------------------------------------------

letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
odd_keys = st.text(st.sampled_from('a.b[0]"\\…\u202e\u200bß \n/') | letters, max_size=50)
words = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,12}", fullmatch=True)
good_keys = (words | odd_keys).filter(lambda key: key not in REFUSED_KEYS)
scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1e9, 1e9) | st.text(letters, max_size=4)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(good_keys, inner, max_size=5),
    max_leaves=25,
)
split_texts = st.tuples(st.text(letters, max_size=40), st.text(letters, max_size=40))
bad_values: st.SearchStrategy[Any] = st.one_of(
    split_texts.map("\0".join),
    st.builds(lambda ends, half: half.join(ends), split_texts, st.characters(categories=["Cs"])),
    st.integers(min_value=MAX_SAFE_INTEGER + 1),
    st.integers(max_value=-MAX_SAFE_INTEGER - 1),
    st.floats(min_value=1e16),
    st.just(float("nan")),
    st.binary(max_size=3),
)


@st.composite
def planted(draw: st.DrawFn, bad: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> tuple[dict[str, Any], Any]:
    """A payload, all good but for one value, and that value."""
    payload = draw(st.dictionaries(good_keys, values, min_size=1, max_size=4))
    assume(_is_good(payload))
    holders = [one for one in below(payload) if isinstance(one, dict | list)]
    holder, value = draw(st.sampled_from(holders)), draw(bad)
    if isinstance(holder, dict):
        key = draw(keys)
        assume(key not in holder)
        holder[key] = value
    else:
        holder.insert(draw(st.integers(0, len(holder))), value)
    return payload, value


def _is_good(value: object) -> bool:
    try:
        check_value(value)
    except ValueError:
        return False
    return True


def leads_to(payload: Any, place: str, value: object) -> bool:
    ends = found(payload, place)
    assert len(place) <= MAX_PLACE_CHARS
    return any(end is value for end in ends) and ("…" in place or len(ends) == 1)


def refused(payload: object) -> BadValue:
    with pytest.raises(BadValue) as refusal:
        check_value(payload)
    return refusal.value


@given(planted(bad_values, good_keys))
def test_the_place_leads_to_the_bad_value(case: tuple[dict[str, Any], Any]) -> None:
    payload, value = case
    error = refused(payload)
    assert leads_to(payload, error.path, value)
    assert isinstance(value, bytes) or error.sentence.endswith(f"; it is {excerpt(value)}.")
    error.sentence.encode()


@given(planted(bad_values, good_keys))
def test_every_answer_has_the_place_as_key_of_its_details(case: tuple[dict[str, Any], Any]) -> None:
    payload, value = case
    assume(not {*payload} & {*FIELDS, *READ_ONLY, "id", "itemId", "visible", "show", "revealOnTurn"})
    for check in (check_patch, lambda given: check_item_patch("a", given)):
        with pytest.raises(InvalidPayload) as refusal:
            check(payload)
        (place,) = refusal.value.details or {"": ""}
        assert leads_to(payload, place, value)
        assert f"Nothing was changed: {place}: " in refusal.value.message


@given(st.data(), st.integers(0, 40))
def test_the_place_in_a_list_of_items_has_the_items_index(data: st.DataObject, index: int) -> None:
    item, value = data.draw(planted(bad_values, good_keys))
    assume(not {*item} & {"id", "visible", "show", "revealOnTurn"})
    payload = {"items": [*({"id": str(number)} for number in range(index)), {"id": "it", **item}]}
    with pytest.raises(InvalidPayload) as refusal:
        check_patch(payload)
    (place,) = refusal.value.details or {"": ""}
    assert leads_to(payload, place, value)
    assert place.startswith(f"items[{index}]")


@given(planted(st.just(1), st.sampled_from(sorted(REFUSED_KEYS)) | st.text(min_size=MAX_KEY_CHARS + 1)))
def test_a_bad_key_is_named_with_its_place(case: tuple[dict[str, Any], Any]) -> None:
    payload, value = case
    assume(not _is_good(payload))  # it may have become an entry of a list
    ends = found(payload, refused(payload).path)
    assert value in ends


@given(st.data(), st.sampled_from(["url", "images", "src", "portrait"]))
def test_a_bad_address_is_named_with_its_place(data: st.DataObject, key: str) -> None:
    address = data.draw(st.text(letters, max_size=40).map("javascript:".__add__))
    payload, value = data.draw(planted(st.just(address), spellings(key)))
    assume(not _is_good(payload))  # it may be an entry of a list, and no address
    assert leads_to(payload, refused(payload).path, value)


@given(values, st.lists(good_keys | st.integers(0, 3), min_size=17, max_size=60))
def test_the_place_of_a_level_too_many(value: Any, keys: list[Any]) -> None:
    for key in reversed(keys):
        value = {key: value} if isinstance(key, str) else [*[None] * key, value]
    error = refused(value)
    assert error.sentence.startswith("Nesting is limited to 16 levels; it is a")
    assert any(isinstance(end, dict | list) for end in found(value, error.path))


# --- The words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("system", ".system"),
        ("max-hp", ".max-hp"),
        ("$id", ".$id"),
        (37, "[37]"),
        ("", '[""]'),
        ("odd key", '["odd key"]'),
        ("a.b", '["a.b"]'),
        ("0", '["0"]'),
        ("größe", '["größe"]'),
        ('say "x"\\', '["say \\"x\\"\\\\"]'),
        ("a\u202eb\0\ud800", '["a\\u202eb\\u0000\\ud800"]'),
        ("odd key that does not seem to come to an end", '["odd key that does not seem to co…"]'),
        ("x" * 40, f".{'x' * 40}"),
        ("x" * 41, f'["{"x" * 32}…"]'),
        ('"' * 40, '["' + '\\"' * 16 + '…"]'),
    ],
)
def test_a_part_of_a_place(key: object, shown: str) -> None:
    assert part(key) == shown


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (["items", 37, "system", "img"], "items[37].system.img"),
        ([], ""),
        ([0], "[0]"),
        (["a"] * 33, "…".join(["a", ".a" * 31])),
        (["items", 3, "x" * 40, "y" * 30], f"items[3]….{'y' * 30}"),
        (["x" * 40, "a", "y" * 40], f"….a.{'y' * 40}"),
        (["a b"] + ["c"] * 40, '["a b"]…' + ".c" * 28),
    ],
)
def test_a_long_place_keeps_its_ends(keys: list[Any], shown: str) -> None:
    whole = path("".join(map(part, keys)))
    assert whole == shown
    assert len(whole) <= MAX_PLACE_CHARS


@given(st.lists(good_keys | st.integers(0, 999), max_size=20))
@example(['"' * 40] * 3)
def test_no_place_is_too_long(keys: list[Any]) -> None:
    whole = path("".join(map(part, keys)))
    assert len(whole) <= MAX_PLACE_CHARS
    assert not keys or whole.endswith(part(keys[-1]).removeprefix("."))


@pytest.mark.parametrize(
    ("place", "first"),
    [("items[3].id", "items"), ("name", "name"), ('["a b"].c', ""), ("….c", ""), ("items….c", "items")],
)
def test_the_root_of_a_place(place: str, first: str) -> None:
    assert root(place) == first


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("yes", "“yes”"),
        ('a "b" \\', '“a "b" \\”'),
        ("a\u202eb\n", "“a\\u202eb\\n”"),
        ("x" * 33, f"“{'x' * 32}…”"),
        ("\n" * 33, "“" + "\\n" * 16 + "…”"),
        (None, "null"),
        (True, "true"),
        (-3, "-3"),
        (1.5, "1.5"),
        (10**4000, "a number of about 3986 digits"),
        ({"a": 1}, "an object"),
        ([1, 2], "a list of 2"),
        (b"", "no JSON value"),
    ],
)
def test_what_was_sent(value: object, shown: str) -> None:
    assert excerpt(value) == shown
    assert told("Must be good.", value) == f"Must be good; it is {shown}."


@given(st.text() | values)
def test_an_excerpt_is_short_and_can_be_sent(value: object) -> None:
    shown = excerpt(value)
    assert len(shown) <= MAX_EXCERPT_CHARS + 3
    assert shown.isprintable()


def test_an_error_gets_its_place_while_it_travels_up() -> None:
    error = BadValue("Must be good.", ".x")
    assert error.below(3).below("system").place == ".system[3].x"
    assert (error.path, str(error)) == ("system[3].x", "Must be good.")


CHECKS: list[Callable[[Any], object]] = [check_value, check_patch]


@pytest.mark.parametrize("check", CHECKS)
def test_an_error_holds_no_chain_of_errors(check: Callable[[Any], object]) -> None:
    with pytest.raises((BadValue, InvalidPayload)) as refusal:
        check({"a": [{"b": [2**60]}]})
    assert refusal.value.__cause__ is None
