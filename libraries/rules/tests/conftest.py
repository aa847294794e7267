"""Fixtures for the tests of the rules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from libraries.rules import net


@pytest.fixture
def table() -> Iterator[dict[str, set[str]]]:
    """The table of names that stay hidden, for a test that changes it; restored after the test."""
    before = {row: set(keys) for row, keys in net.HIDDEN.items()}
    yield net.HIDDEN
    net.HIDDEN.clear()
    net.HIDDEN.update(before)
    net._index()
