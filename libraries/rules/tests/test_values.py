"""The limits on any value: numbers, text, nesting, keys, the number of values; and the cost of the check."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules import keys, values
from libraries.rules.keys import MAX_KEY_CHARS, REFUSED_KEYS
from libraries.rules.values import MAX_DEPTH, MAX_SAFE_INTEGER, check_value, has_too_many_values

scalars = st.none() | st.booleans() | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER) | st.floats(-1e9, 1e9)


def refused(value: object, key: str = "note") -> bool:
    try:
        check_value({key: value})
    except ValueError:
        return True
    return False


@given(
    st.recursive(
        scalars | st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=10,
    )
)
def test_json_is_allowed(value: Any) -> None:
    assert not refused(value)


@pytest.mark.parametrize("number", [0, -1, 1.5, MAX_SAFE_INTEGER, -MAX_SAFE_INTEGER, float(MAX_SAFE_INTEGER)])
def test_numbers_that_every_receiver_reads_the_same_are_allowed(number: float) -> None:
    assert not refused(number)


@pytest.mark.parametrize(
    "number", [MAX_SAFE_INTEGER + 1, -MAX_SAFE_INTEGER - 1, 1e300, float("inf"), float("-inf"), float("nan"), 10**400]
)
def test_larger_numbers_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match=r"between -\(2\^53-1\) and 2\^53-1"):
        check_value({"note": [number]})


@pytest.mark.parametrize("value", [{"a\0": 1}, {"a": "b\0"}, ["\0"], "\0"])
def test_nul_is_refused_in_keys_and_text(value: object) -> None:
    with pytest.raises(ValueError, match="NUL"):
        check_value(value)


@pytest.mark.parametrize("value", [{"a\ud800": 1}, {"a": "\udfff"}, "\ud83d"])
def test_half_a_surrogate_pair_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="surrogate"):
        check_value(value)
    check_value("\U0001f409")


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), 1j])
def test_values_that_json_does_not_have_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="Only JSON"):
        check_value({"note": value})


def test_a_key_that_is_not_text_is_refused() -> None:
    with pytest.raises(ValueError, match="Keys must be text"):
        check_value({"note": {1: 2}})


@pytest.mark.parametrize("wrap", [lambda inner: {"a": inner}, lambda inner: [inner], lambda inner: (inner,)])
def test_sixteen_levels_of_nesting_are_allowed_and_no_more(wrap: Any) -> None:
    value: Any = "leaf"
    for _ in range(MAX_DEPTH):
        value = wrap(value)
    check_value(value)
    with pytest.raises(ValueError, match="limited to 16 levels"):
        check_value(wrap(value))
    check_value(wrap("leaf"), MAX_DEPTH)
    with pytest.raises(ValueError, match="limited to 16 levels"):
        check_value(wrap("leaf"), MAX_DEPTH + 1)


def test_endless_nesting_is_refused_without_a_recursion_error() -> None:
    value: Any = []
    for _ in range(sys.getrecursionlimit() * 3):
        value = [value]
    assert refused(value)


@pytest.mark.parametrize("key", [*sorted(REFUSED_KEYS), "k" * (MAX_KEY_CHARS + 1), "a\0", "\ud800"])
def test_a_forbidden_key_is_refused_at_any_depth(key: str) -> None:
    values_with_it: list[Any] = [{key: 1}, [{"a": {key: None}}], {"a": [[{key: {}}]]}]
    for value in values_with_it:
        with pytest.raises(ValueError, match=r"\.$"):
            check_value(value)


def test_long_keys_are_allowed_up_to_the_limit() -> None:
    check_value({"ﷺ" * MAX_KEY_CHARS: {"k" * MAX_KEY_CHARS: 1}})


@given(
    st.recursive(
        scalars | st.text(max_size=3),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=60,
    )
)
def test_values_are_counted(value: Any) -> None:
    def count(inner: Any) -> int:
        entries = inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
        return 1 + sum(map(count, entries))

    length = len(json.dumps(value, separators=(",", ":"), ensure_ascii=False))
    assert not has_too_many_values(value, length, count(value))
    assert count(value) == 1 or has_too_many_values(value, max(length, 2 * count(value)), count(value) - 1)


def test_counting_stops_at_the_limit() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert has_too_many_values(endless, 1000, 100)


# --- Cost -------------------------------------------------------------------------------------------------


def test_a_key_is_checked_once_whatever_its_value_contains(monkeypatch: pytest.MonkeyPatch) -> None:
    # A key was normalised again for each entry of the list below it: 123 bytes, compressed, blocked everybody for 30 s.
    looked_at: list[str] = []

    def is_url_key(key: str) -> bool:
        looked_at.append(key)
        return False

    monkeypatch.setattr(values, "is_url_key", is_url_key)
    check_value({"a": ["x"] * 1000, "b": [[["x"] * 100] * 10, {"c": ["x"] * 100}]})
    assert sorted(looked_at) == ["", "a", "b", "c"]


def costs_of(value: object) -> float:
    """Processor seconds, the minimum of three runs, each with keys that were not seen before."""

    def once() -> float:
        keys._plain_short.cache_clear()
        keys._plain_long.cache_clear()
        started = time.process_time()
        check_value(value)
        return time.process_time() - started

    return min(once() for _ in range(3))


SHAPES: list[Any] = [
    lambda size: {"ﷺ" * MAX_KEY_CHARS: ["x"] * size},
    lambda size: [{"ﷺ" * (MAX_KEY_CHARS - 9) + str(index): 1} for index in range(size // 100)],
    lambda size: [{"\u0315\u0300" * 60 + str(index): 1} for index in range(size // 100)],
    lambda size: "data:" + "\t" * size,
    lambda size: "\n" * size + "javascript",
    lambda size: {"url": "a" * size},
    lambda size: {"url": "\u3164" * size},
    lambda size: ["data:" + "\t" * 100] * (size // 100),
]


@pytest.mark.parametrize("shape", SHAPES, ids=range(len(SHAPES)))
def test_the_cost_grows_linearly(shape: Any) -> None:
    few, many = (costs_of(shape(size)) for size in (8_000, 64_000))
    # Eight times the size: quadratic would be 64 times the cost.
    assert many < 24 * max(few, 0.0005)
