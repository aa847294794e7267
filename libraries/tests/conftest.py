"""What tests of services listen with."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from realtime import broadcast

Heard = list[dict[str, Any]]
Published = Callable[[Callable[[], object]], Heard]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """All news that was sent to other processes, with the texts in it decoded."""
    heard: Heard = []

    def send(news: Any) -> None:
        texts = {"controllers", "viewers"}
        heard.append({key: json.loads(value) if key in texts else value for key, value in news.items()})

    monkeypatch.setattr(broadcast, "send", send)
    return heard


@pytest.fixture
def published(heard: Heard, django_capture_on_commit_callbacks: Any) -> Published:
    """Makes a write in a transaction, and gives the news that was sent once it was committed."""

    def published(write: Callable[[], object]) -> Heard:
        before = len(heard)
        with django_capture_on_commit_callbacks(execute=True):
            write()
            assert len(heard) == before, "sent before the commit"
        return heard[before:]

    return published
