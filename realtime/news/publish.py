"""Brings news to every process that has a connection to the portal view: one `group_send` for each.

Works from REST views, the admin, management commands and a plain shell; coroutines use `realtime.news.layer.publish`,
or `publish_events` for what a service has told.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from asgiref.sync import async_to_sync

from libraries.events import Event
from libraries.rules.errors import Unavailable
from realtime.news.compose import news_of
from realtime.news.layer import publish
from realtime.news.structs import News


def send(news: News) -> None:
    """Publish from code that is not a coroutine. A layer that is away is no error here: what is stored is stored."""
    with suppress(Unavailable):  # logged where it was found out
        async_to_sync(publish)(news)


def on_event(*, event: Event, is_published: bool = False, **_kwargs: object) -> None:
    """The receiver of `libraries.events.happened`."""
    if not is_published:
        for news in news_of(event):
            send(news)


async def publish_events(events: Iterable[Event]) -> None:
    """Publish what a service has told; as in `send`, a layer that is away is no error."""
    for event in events:
        for news in news_of(event):
            with suppress(Unavailable):
                await publish(news)
