"""No module has more than 300 lines, and no function more than 40: beyond that it must be divided."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

MODULE_LINES = 300
FUNCTION_LINES = 40
PACKAGES = ("bench", "chaos", "fuzz", "libraries", "portal", "realtime", "testing")
LISTS = {"portal/settings.py"}
"""Modules that only list values; readers look up a name in them."""


def modules() -> list[Path]:
    """Every module except migrations, which Django writes."""
    found = (path for package in PACKAGES for path in (settings.BASE_DIR / package).rglob("*.py"))
    return [path for path in found if "migrations" not in path.parts]


def functions(module: Path) -> Iterator[tuple[str, int]]:
    """The name and the lines of each function."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("module", modules(), ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_nothing_is_too_long(module: Path) -> None:
    lines = len(module.read_text().splitlines())
    is_list = str(module.relative_to(settings.BASE_DIR)) in LISTS
    assert is_list or "tests" in module.parts or lines <= MODULE_LINES, f"{module} has {lines} lines"
    assert [name for name, lines in functions(module) if lines > FUNCTION_LINES] == []


def test_the_check_finds_long_functions(tmp_path: Path) -> None:
    module = tmp_path / "long.py"
    module.write_text("async def long():\n" + "    pass\n" * 40 + "def short(): pass\n")
    assert list(functions(module)) == [("long", 41), ("short", 1)]
    assert len(modules()) > 300
