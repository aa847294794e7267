"""Health: the ways to write it, and its one shape in three displays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.health import DISPLAYS, MAX_NUMBER_CHARS, WORDS, Health, number, read, read_value, shown
from libraries.rules.items import build
from libraries.rules.keys import plain_key
from libraries.tests.strategies import as_sent

ON = {"showHealth": True, "healthDisplay": "numbers"}


def health_of(**item: Any) -> Health:
    return read({plain_key(key): value for key, value in item.items()})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7),
        (7.0, 7),
        (7.5, 7.5),
        ("7", 7),
        (" -3 ", -3),
        ("+4", 4),
        ("7.50", 7.5),
        (".5", 0.5),
        ("7.", 7),
        (True, None),
        (None, None),
        ("", None),
        ("seven", None),
        ("1e3", None),
        ("0x10", None),
        ("٣", None),
        ("7 HP", None),
        ("1" * (MAX_NUMBER_CHARS + 1), None),
        (2**53, None),
        (str(2**53), None),
        (float("nan"), None),
        (float("inf"), None),
        ([7], None),
        ({}, None),
    ],
)
def test_a_number_may_be_written_as_text(value: object, expected: object) -> None:
    assert number(value) == expected
    assert type(number(value)) is type(expected)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({}, Health()),
        ({"hp": 5}, Health(5)),
        ({"hp": "5", "maxHp": "10"}, Health(5, 10)),
        ({"HP": 5, "max-hp": 10, "temp_hp": 3}, Health(5, 10, 3)),
        ({"hp": "20/59"}, Health(20, 59)),
        ({"hp": "20 / 59", "maxHp": 80}, Health(20, 59)),
        ({"hp": "a/59"}, Health()),
        ({"hp": "20/0"}, Health(20)),
        ({"hp": {"value": 5, "max": 10}}, Health(5, 10)),
        ({"hitPoints": {"current": 5, "maximum": 10, "temp": 2}}, Health(5, 10, 2)),
        ({"hp": {"Current": "5"}, "maxHp": 10}, Health(5, 10)),
        ({"hp": {"max": 10}}, Health(10, 10)),
        ({"hp": {"max": 10, "removed": 4}}, Health(6, 10)),
        ({"maxHp": 10}, Health(10, 10)),
        ({"maxHp": 10, "damage": 4}, Health(6, 10)),
        ({"maxHp": 10, "damage": "1d6"}, Health(10, 10)),
        ({"baseHitPoints": 30, "removedHitPoints": 12, "temporaryHitPoints": 5}, Health(18, 30, 5)),
        ({"hp": 7, "maxHp": 10, "damage": 4}, Health(7, 10)),
        ({"hp": 5, "maxHp": 0}, Health(5)),
        ({"hp": 5, "maxHp": -3}, Health(5)),
        ({"hp": None, "currentHp": 4, "maxHp": 8}, Health(4, 8)),
        ({"hp": "many", "health": 4, "maxHp": 8}, Health(4, 8)),
        ({"health": {"display": "bar", "fraction": 0.5}}, Health()),
        ({"temporaryHP": 4}, Health(None, None, 4)),
        ({"hp": [5], "maxHp": [10]}, Health()),
        ({"hp": {5: 1}}, Health()),
    ],
)
def test_health_is_read_from_many_spellings(item: dict[str, Any], expected: Health) -> None:
    assert health_of(**{str(key): value for key, value in item.items()}) == expected


@pytest.mark.parametrize(
    ("health", "numbers", "fraction", "word"),
    [
        (Health(10, 10), (10, 10, None), 1, "unhurt"),
        (Health(12, 10, 2), (12, 10, 2), 1, "unhurt"),
        (Health(9.99, 10), (9.99, 10, None), 0.9, "scratched"),
        (Health(75, 100), (75, 100, None), 0.8, "scratched"),
        (Health(74, 100), (74, 100, None), 0.7, "wounded"),
        (Health(5, 10), (5, 10, None), 0.5, "wounded"),
        (Health(49, 100), (49, 100, None), 0.5, "critical"),
        (Health(1, 1000), (1, 1000, None), 0.1, "critical"),
        (Health(0, 10), (0, 10, None), 0, "down"),
        (Health(-5, 10), (-5, 10, None), 0, "down"),
        (Health(5), (5, None, None), None, None),
    ],
)
def test_health_has_one_shape_in_each_display(health: Health, numbers: Any, fraction: Any, word: Any) -> None:
    expected = {"display": "numbers", "current": numbers[0], "max": numbers[1], "temp": numbers[2]}
    assert shown(health, "numbers") == expected
    assert shown(health, "bar") == (None if fraction is None else {"display": "bar", "fraction": fraction})
    assert shown(health, "words") == (None if word is None else {"display": "words", "word": word})


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize("health", [Health(), Health(temporary=5)])
def test_health_that_is_not_known_is_not_shown(health: Health, display: str) -> None:
    assert shown(health, display) is None


@given(st.integers(-3, 2000), st.integers(1, 1000))
def test_the_hurt_and_alive_are_never_empty_nor_full(current: int, maximum: int) -> None:
    bar, words = shown(Health(current, maximum), "bar"), shown(Health(current, maximum), "words")
    assert bar is not None
    assert words is not None
    assert (bar["fraction"] == 1) is (current >= maximum) is (words["word"] == "unhurt")
    assert (bar["fraction"] == 0) is (current <= 0) is (words["word"] == "down")
    assert 0 <= bar["fraction"] <= 1
    assert len(as_sent(bar["fraction"])) <= 3


def test_words_fall_with_health() -> None:
    words = [word for _, word in WORDS]
    seen = [(shown(Health(current, 100), "words") or {})["word"] for current in range(100, -2, -1)]
    assert list(dict.fromkeys(seen)) == words


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_bar_and_words_hold_no_number_of_health(current: int, maximum: int) -> None:
    item = {"id": "a", "hp": current + 10**7, "maxHp": maximum + 10**8, "tempHp": 10**9 + 1}
    for display in ("bar", "words"):
        text = as_sent(build(item, {**ON, "healthDisplay": display}))
        assert not any(str(number) in text for number in (current + 10**7, maximum + 10**8, 10**9 + 1))


def test_a_lone_value_is_read_alike_everywhere() -> None:
    assert read_value("20/59") == (Health(20, 59), None)
    assert read_value({"max": 9, "damage": "2"}) == (Health(None, 9), 2)
    assert read_value([]) == (Health(), None)
