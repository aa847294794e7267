"""News of events: each event that the sockets are told of becomes news, and others do not."""

from __future__ import annotations

from libraries.events import Event
from realtime.news.compose import news_of


class Renamed(Event, frozen=True, kw_only=True):
    """An event of another app."""


def test_an_event_of_another_app_is_no_news() -> None:
    assert list(news_of(Renamed())) == []
