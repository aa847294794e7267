"""Health as a bar or as words instead of numbers, for viewers."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.rules.projection import HEALTH_WORDS, project_item


def seen(content: dict[str, Any], *, healthDisplay: str = "numbers", showHealth: bool = True) -> dict[str, Any]:
    """The content of an item as a viewer sees it."""
    return project_item(content, {"showHealth": showHealth, "healthDisplay": healthDisplay})


@pytest.mark.parametrize(
    ("content", "bar", "word"),
    [
        ({"hp": 60, "maxHp": 60}, 1.0, "unhurt"),
        ({"hp": 70, "maxHp": 60}, 1.0, "unhurt"),
        ({"hp": 59, "maxHp": 60}, 1.0, "scratched"),
        ({"hp": 45, "maxHp": 60}, 0.8, "scratched"),
        ({"hp": 44, "maxHp": 60}, 0.7, "wounded"),
        ({"hp": 30, "maxHp": 60}, 0.5, "wounded"),
        ({"hp": 29, "maxHp": 60}, 0.5, "critical"),
        ({"hp": 1, "maxHp": 60}, 0.0, "critical"),
        ({"hp": 0, "maxHp": 60}, 0.0, "down"),
        ({"hp": -5, "maxHp": 60}, 0.0, "down"),
        ({"hp": 0.5, "maxHp": 1.0}, 0.5, "wounded"),
        ({"hp": 2**53 - 1, "maxHp": 5e-324}, 1.0, "unhurt"),
        ({"HIT_POINTS": 3, "max-hit-points": 4}, 0.8, "scratched"),
        ({"health": 1, "maxHealth": 4}, 0.3, "critical"),
        ({"currentHp": 1, "hpMax": 4, "tempHp": 99}, 0.3, "critical"),
        ({"hp": None, "health": 2, "maxHp": 4}, 0.5, "wounded"),
        ({"hp": {"current": 5, "max": 10}}, 0.5, "wounded"),
        ({"hp": {"Value": 5, "MAX": 10, "temp": 3}}, 0.5, "wounded"),
        ({"hitPoints": {"current": 5}, "maxHp": 20}, 0.3, "critical"),
    ],
)
def test_health_is_a_bar_or_a_word(content: dict[str, Any], bar: float, word: str) -> None:
    rest = {"name": "Ogre"}
    assert seen({**content, **rest}, healthDisplay="bar") == {**rest, "health": bar}
    assert seen({**content, **rest}, healthDisplay="words") == {**rest, "health": word}
    assert seen({"deep": [content]}, healthDisplay="words") == {"deep": [{"health": word}]}
    assert seen({**content, **rest}) == {**content, **rest}
    assert seen({**content, **rest}, showHealth=False, healthDisplay="words") == rest


@pytest.mark.parametrize(
    "content",
    [
        {"hp": 30},
        {"maxHp": 60},
        {"hp": 0, "maxHp": 0},
        {"hp": 5, "maxHp": -1},
        {"hp": "30", "maxHp": 60},
        {"hp": 30, "maxHp": "60"},
        {"hp": True, "maxHp": 60},
        {"hp": 1, "maxHp": True},
        {"hp": [30], "maxHp": 60},
        {"hp": {"current": 5}},
        {"hp": {"max": 5}},
        {"hp": {"current": {"current": 1}, "max": 5}},
        {"hp": 30, "maxHp": [60]},
        {"tempHp": 5},
        {"health": "fine"},
        {"hp": None, "maxHp": None},
    ],
)
def test_health_without_a_fraction_is_not_sent(content: dict[str, Any]) -> None:
    for display in ("bar", "words"):
        assert seen(content, healthDisplay=display) == {"health": None}


def test_there_are_five_words_for_health() -> None:
    assert [word for _, word in HEALTH_WORDS] == ["unhurt", "scratched", "wounded", "critical", "down"]
    bounds = [bound for bound, _ in HEALTH_WORDS]
    assert bounds == sorted(bounds, reverse=True)


def test_every_bar_is_in_tenths() -> None:
    bars = {seen({"hp": hp, "maxHp": 97}, healthDisplay="bar")["health"] for hp in range(98)}
    assert bars == {tenth / 10 for tenth in range(11)}
