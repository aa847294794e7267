"""What the bench from a press to a frame says of its figures."""

from __future__ import annotations

import pytest

from bench.figures import Figures
from bench.glass_to_glass import CASES, section


def rows(*seen: float) -> list[dict[str, float]]:
    return [{"changed": one - 10, "seen": one} for one in seen]


@pytest.mark.parametrize(("median", "said"), [(49.9, "under 50"), (50, "NOT under 50")])
def test_the_section_says_whether_the_limit_is_kept(median: float, said: str) -> None:
    figures: Figures = {"health": rows(20, median, 400), "reveal of a picture": rows(90, 249, 400)}
    text = section(figures, 0.3)
    assert f"| health | {median:.1f} | 400.0 | 400.0 | {median - 10:.1f} | {said} |" in text
    assert "| reveal of a picture | 249.0 | 400.0 | 400.0 | 239.0 | under 250 |" in text
    assert "3 samples of each case" in text
    assert "within 0.3 ms" in text


def test_the_limits_are_those_that_are_promised() -> None:
    limits = {name: case.limit for name, case in CASES.items()}
    assert limits == {"health": 50, "blackout": 50, "camera": 50, "reveal of a picture": 250}
