"""`docs/hidden-information.md` matches the code: its tables are the code's, its examples are run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from libraries.rules.health import WORDS
from libraries.rules.items import build
from libraries.rules.keys import plain_key
from libraries.rules.net import ALWAYS, HIDDEN
from libraries.rules.state import HEALTH_DISPLAYS

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
