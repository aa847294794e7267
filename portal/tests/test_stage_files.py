"""The files of the stage: for browsers of television sets (Chromium 76)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from portal.tests.test_js_client_files import NEWER, output

STATIC: Path = settings.BASE_DIR / "portal" / "pages" / "static"
ENTRIES = ("view.js", "tv.js", "join.js", "too-old.js")
STYLES = ("tokens.css", "dark.css", "stage.css", "stage-view.css")

NEWER_CSS = re.compile(
    r"@(?:layer|container|supports)|(?<![\w-])(?:gap|inset|aspect-ratio)\s*:|(?<![\w-])(?:clamp|min|max)\("
    r"|:(?:is|where|has)\(|overflow-wrap:\s*anywhere"
)
"""What Chromium 76 has not."""


def modules(*entries: str) -> list[Path]:
    """The files, and all that they import."""
    found: list[Path] = []
    left = [STATIC / "pages" / name for name in entries]
    while left:
        path = left.pop()
        if path in found:
            continue
        found.append(path)
        if not path.name.endswith(".min.js"):
            left += [(path.parent / name).resolve() for name in re.findall(r'from "(\..*?)"', path.read_text())]
    return found


def test_the_syntax_is_that_of_2018() -> None:
    paths = modules(*ENTRIES)
    assert len(paths) > 9
    assert json.loads(output("node", "syntax_check.mjs", *map(str, paths))) == []


@pytest.mark.parametrize("path", modules(*ENTRIES), ids=lambda path: path.name)
def test_it_calls_nothing_newer(path: Path) -> None:
    assert NEWER.findall(path.read_text()) == []


@pytest.mark.parametrize("name", STYLES)
def test_its_styles_are_as_old(name: str) -> None:
    assert NEWER_CSS.findall((STATIC / "pages" / name).read_text()) == []


@pytest.mark.parametrize("text", ["a { gap: 8px }", "a { inset: 0 }", "b:is(a) {}", "a { width: min(1px, 2px) }"])
def test_newer_styles_are_found(text: str) -> None:
    assert NEWER_CSS.search(text)
