"""Fixtures that record the events of services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from libraries.events import Event, happened

Heard = list[Event]
Published = Callable[[Callable[[], object]], Heard]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """All events that were sent."""
    heard: Heard = []

    def hear(*, event: Event, **_kwargs: object) -> None:
        heard.append(event)

    happened.connect(hear)
    yield heard
    happened.disconnect(hear)


@pytest.fixture
def published(heard: Heard, django_capture_on_commit_callbacks: Any) -> Published:
    """A function that runs a write in a transaction, and returns the events sent after its commit."""

    def published(write: Callable[[], object]) -> Heard:
        before = len(heard)
        with django_capture_on_commit_callbacks(execute=True):
            write()
            assert len(heard) == before, "told before the commit"
        return heard[before:]

    return published
