"""`docs/hidden-information.md` matches the code: its tables are the code's, its examples are run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from libraries.rules import health
from libraries.rules.disclosure import MAX_PATHS, RESERVED, ROWS, check_disclosure
from libraries.rules.health import WORDS
from libraries.rules.items import FREE, HEALTH_SWITCH, IMAGES, SWITCHED, TEXTS, build
from libraries.rules.keys import plain_key
from libraries.rules.net import ALWAYS, HIDDEN
from libraries.rules.presets import presets
from libraries.rules.record_paths import MAX_STEPS, parse_path
from libraries.rules.state import HEALTH_DISPLAYS
from libraries.rules.warnings import MAX_WARNINGS

PAGE = (Path(__file__).parents[2] / "docs" / "hidden-information.md").read_text()


def table_of(name: str) -> list[list[str]]:
    """The cells of a table of the page, without its head."""
    block = PAGE.split(f"<!-- table: {name} -->\n")[1].split("<!-- end -->")[0]
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in block.splitlines()[2:]]


def test_the_page_shows_the_table_of_the_code() -> None:
    expected = [
        ["none: always hidden" if row == ALWAYS else f"`{row}`", " ".join(f"`{key}`" for key in sorted(keys))]
        for row, keys in HIDDEN.items()
    ]
    assert table_of("hidden keys") == expected, "the page's table should be:\n" + "\n".join(
        f"| {row} | {keys} |" for row, keys in expected
    )


@pytest.mark.parametrize("word", [word for _, word in WORDS])
def test_the_page_has_the_fractions_of_each_word_for_health(word: str) -> None:
    words = {row[1]: row[0] for row in table_of("health words")}
    assert list(words) == [word for _, word in WORDS]
    flags = {"showHealth": True, "healthDisplay": "words"}
    for percent in (-10, 0, 1, 25, 49, 50, 74, 75, 99, 100, 150):
        said = build({"hp": percent, "maxHp": 100}, flags)["health"]["word"] == word
        assert said is _holds(words[word], percent), (words[word], percent)


def _holds(condition: str, percent: int) -> bool:
    number = r"(-?\d+) %"
    tests: dict[str, Callable[[int], bool]] = {
        f"{number} or more": lambda bound: percent >= bound,
        f"below {number}": lambda bound: percent < bound,
        f"above {number}": lambda bound: percent > bound,
        f"{number} or less": lambda bound: percent <= bound,
    }
    parts = [part.strip() for part in condition.split(",")]
    found = [
        (match, test) for part in parts for pattern, test in tests.items() if (match := re.fullmatch(pattern, part))
    ]
    assert len(found) == len(parts), f"“{condition}” is not understood"
    return all(test(int(match[1])) for match, test in found)


def test_the_page_names_every_display_of_health() -> None:
    for display in HEALTH_DISPLAYS:
        assert f"- `{display}`: " in PAGE


def test_the_spellings_on_the_page_are_one_key() -> None:
    spellings: list[str] = re.findall(r"`([^`]+)`", PAGE.split("- Spelling makes no difference:")[1].split(".")[0])
    assert len(spellings) == 4
    assert {plain_key(spelling) for spelling in spellings} == {"maxhp"}


def test_the_setting_on_the_page_names_rows_of_the_table() -> None:
    setting = re.search(r"`(\{\"showHealth.+?\})`", PAGE)
    assert setting is not None
    assert json.loads(setting[1]).keys() <= HIDDEN.keys()


def words_of(cell: str) -> list[str]:
    """The words in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def test_the_page_shows_the_table_of_what_viewers_get() -> None:
    rows = [(key, shown.strip("`"), show.strip("`")) for keys, _, shown, show in _rows() for key in words_of(keys)]
    assert rows == [
        *((key, ALWAYS, "") for key in (*TEXTS, FREE)),
        ("health", HEALTH_SWITCH, "health"),
        *((key, row.switch, row.show) for key, row in SWITCHED.items()),
    ]


def _rows() -> list[list[str]]:
    return table_of("what viewers get")


def test_the_page_names_the_keys_of_health() -> None:
    assert [[words_of(cell) for cell in cells] for _, *cells in table_of("health keys")] == [
        [list(health.CURRENT), list(health._INSIDE_CURRENT)],
        [list(health.MAXIMUM), list(health._INSIDE_MAXIMUM)],
        [list(health.TEMPORARY), list(health._INSIDE_TEMPORARY)],
        [list(health.REMOVED), list(health._INSIDE_REMOVED)],
    ]


def test_the_page_names_the_keys_of_pictures() -> None:
    sentence = PAGE.split("has no `image`, the first of")[1].split("that holds an address")[0]
    assert ["image", *map(plain_key, words_of(sentence))] == list(IMAGES)


def test_the_page_lists_the_presets() -> None:
    assert table_of("presets") == [[f"`{name}`", preset.title] for name, preset in presets().items()]


def test_the_page_explains_each_row_and_form_of_paths() -> None:
    assert [row for cell, _ in table_of("disclosure rows") for row in words_of(cell)] == list(ROWS)
    for cell, _ in table_of("paths"):
        assert parse_path(words_of(cell)[0])
    example = PAGE.split('```json\n{"always": ["size"]')[1].split("\n```")[0]
    assert check_disclosure(json.loads('{"always": ["size"]' + example))


def test_the_page_names_the_limits_and_the_reserved_keys() -> None:
    assert f"at most {MAX_PATHS} paths" in PAGE
    assert f"at most {MAX_STEPS} steps" in PAGE
    assert f"up to {MAX_WARNINGS} of them" in PAGE
    sentence = PAGE.split("a key that has rules of its own:")[1].split(". It")[0]
    assert set(words_of(sentence)) == RESERVED


def test_the_first_example_of_the_page_is_what_viewers_get() -> None:
    stored, shown = (json.loads(block.split("```")[0]) for block in PAGE.split("```json\n")[1:3])
    assert build(stored, {"healthDisplay": "numbers"}) == shown
