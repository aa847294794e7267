"""Paths into foreign records: what they lead to, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.keys import MAX_KEY_CHARS
from libraries.rules.record_paths import MAX_PATH_CHARS, MAX_STEPS, parse_path

RECORD: dict[str, Any] = {
    "name": "Mirelurker",
    "level": 3,
    "is_boss": False,
    "nothing": None,
    "languages": ["Mire", "Low Mire"],
    "hit.points": {"max": 40},
    "hit points": 12,
    'a"b': 5,
    "stats": {"str": 12, "dex": 9, "deep": {"x": 1}},
    "attributes": [{"name": "hp", "current": 20}, {"name": "ac", "current": 15}, {"name": 7, "current": 1}, "hp", 3],
    "mixed": ["a", {"b": 1}],
    "rows": [[1, 2], [3, [4]]],
}


def found(path: str, record: dict[str, Any] = RECORD) -> list[Any]:
    return [value for _, value in parse_path(path).find(record)]


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("name", ["Mirelurker"]),
        ("level", [3]),
        ("is_boss", [False]),
        ("nothing", [None]),
        ("languages", [["Mire", "Low Mire"]]),
        ("languages[]", ["Mire", "Low Mire"]),
        ("languages[1]", ["Low Mire"]),
        ("languages[2]", []),
        ('["hit.points"].max', [40]),
        ('["hit.points"]', []),
        ("hit points", [12]),
        ('["a\\"b"]', [5]),
        ("stats.str", [12]),
        ("stats", []),
        ("stats.*", [12, 9]),
        ("stats.**", [RECORD["stats"]]),
        ("stats.*.*", [1]),
        ("stats.deep.**", [{"x": 1}]),
        ("attributes[name=hp].current", [20]),
        ('attributes[name="ac"].current', [15]),
        ("attributes[name=7].current", [1]),
        ("attributes[name=dex].current", []),
        ("attributes[].current", [20, 15, 1]),
        ("attributes[0].**", [{"name": "hp", "current": 20}]),
        ("mixed", []),
        ("mixed[]", ["a"]),
        ("mixed.**", [["a", {"b": 1}]]),
        ("rows[]", [[1, 2]]),
        ("rows[1][1][0]", [4]),
        ("name.x", []),
        ("name[]", []),
        ("name[0]", []),
        ("name.*", []),
        ("name[a=b]", []),
        ("elsewhere.x", []),
        ("Name", []),
    ],
)
def test_a_path_leads_to_scalars_and_lists_of_scalars(path: str, values: list[Any]) -> None:
    assert found(path) == values


def test_each_value_has_its_place() -> None:
    assert list(parse_path("attributes[name=ac].current").find(RECORD)) == [(("attributes", 1, "current"), 15)]
    assert [place for place, _ in parse_path("stats.*").find(RECORD)] == [("stats", "str"), ("stats", "dex")]
    assert parse_path('["hit.points"].max').first == "hit.points"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            ".",
            "a.",
            ".a",
            "a..b",
            "*",
            "**",
            "*.a",
            "[]",
            "[0]",
            "[a=b]",
            "a[",
            "a]",
            "a[b]",
            "a.[0]",
            "a[01]",
        ),
        *("a[-1]", "a[1234567]", 'a["b', 'a[b"]', "a=b", 'a"b', "a.**.b", "a**", "a.*b", "a.b*", "a[=x]", " a", "a "),
        *("a[].", "a[]b", 'a["\\x"]', "a." + "b" * (MAX_KEY_CHARS + 1), "a" * (MAX_PATH_CHARS + 1), "a. .b"),
        ".".join("a" * (MAX_STEPS + 1)),
    ],
)
def test_what_is_no_path_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as refused:
        parse_path(text)
    if text.strip() and len(text) < MAX_PATH_CHARS and "\\x" not in text:
        assert f"“{text[:20]}" in str(refused.value)


@pytest.mark.parametrize("value", [None, 3, True, [], {}, ["a"]])
def test_a_path_is_text(value: object) -> None:
    with pytest.raises(ValueError, match="A path must be text"):
        parse_path(value)


def test_the_greatest_number_of_steps_is_possible() -> None:
    assert len(parse_path(".".join("a" * MAX_STEPS) + ".**").steps) == MAX_STEPS


@given(st.text(alphabet='ab.*[]0="\\ ', max_size=30))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = parse_path(text)
    except ValueError:
        return
    assert 1 <= len(path.steps) <= MAX_STEPS
    assert list(path.find({"b": 1})) == ([(("b",), 1)] if path.steps == parse_path("b").steps else [])
