"""News of events: each event that the sockets are told of becomes news, and others do not."""

from __future__ import annotations

from uuid import UUID

from libraries.events import Event
from realtime.news.compose import news_of, patch_news


class Renamed(Event, frozen=True, kw_only=True):
    """An event of another app."""


def test_an_event_of_another_app_is_no_news() -> None:
    assert list(news_of(Renamed())) == []


def test_without_the_viewers_version_viewers_are_told_none() -> None:
    news = patch_news(UUID(int=1), {"name": "Night"}, version=7)
    assert (news.version, news.viewers_version) == (7, None)
    assert news.viewers == '{"type":"portal-view-updated","payload":{"name":"Night"}}'
