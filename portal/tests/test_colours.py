"""The colours of the pages: text and controls can be told from what is behind them (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

STATIC: Path = settings.BASE_DIR / "portal" / "pages" / "static" / "pages"
TEXT, CONTROL = 4.5, 3.0
BEHIND = ("ground", "surface", "raised", "accent-soft")
"""Rows that are hidden have stripes of two of them."""
PAIRS = [
    *((TEXT, one, behind) for one in ("text", "muted", "accent", "danger") for behind in BEHIND),
    *((TEXT, f"on-{one}", one) for one in ("accent", "danger")),
    *((TEXT, "ground", one) for one in ("text", "waiting")),
    *((CONTROL, one, behind) for one in ("edge", "accent", "waiting", "good", "danger") for behind in BEHIND),
]


def tokens(*names: str) -> dict[str, str]:
    """The colours by name; a later file has the last word."""
    found = (re.findall(r"--([\w-]+): #(\w{3,6})\b", (STATIC / name).read_text()) for name in names)
    return {
        name: value if len(value) == 6 else "".join(2 * digit for digit in value) for of in found for name, value in of
    }


def luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("files", [("tokens.css",), ("tokens.css", "dark.css")], ids=["light", "dark"])
def test_they_can_be_told_apart(files: tuple[str, ...]) -> None:
    colours = tokens(*files)
    assert [(one, behind) for least, one, behind in PAIRS if contrast(colours[one], colours[behind]) < least] == []


def test_white_on_the_red_of_blackout() -> None:
    reds = set(re.findall(r"background: #(\w{6})", (STATIC / "desk.css").read_text()))
    assert reds == {"b3261e"}
    assert contrast("ffffff", reds.pop()) >= TEXT


def test_the_measure() -> None:
    assert contrast("000000", "ffffff") == pytest.approx(21)
    assert contrast("767676", "ffffff") == pytest.approx(4.54, abs=0.01)
