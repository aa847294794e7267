"""Fixtures that record the events and the mail of services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core import mail as django_mail
from django.core.mail import EmailMessage

from libraries import mail
from libraries.events import Event, happened

Heard = list[Event]
Published = Callable[[Callable[[], object]], Heard]
Mailed = Callable[[Callable[[], object]], list[EmailMessage]]


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


@pytest.fixture
def mailed(django_capture_on_commit_callbacks: Any) -> Mailed:
    """A function that runs a write in a transaction, and returns the mail sent after its commit."""

    def mailed(write: Callable[[], object]) -> list[EmailMessage]:
        before = len(django_mail.outbox)
        with django_capture_on_commit_callbacks(execute=True):
            write()
            assert mail.wait_until_sent(5)
            assert len(django_mail.outbox) == before, "sent before the commit"
        assert mail.wait_until_sent(5)
        return django_mail.outbox[before:]

    return mailed
