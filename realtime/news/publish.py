"""Publishes news to every process with a connection to the portal view: one `group_send` for each piece of news.

Works from REST views, the admin, management commands and a plain shell. Coroutines use `realtime.news.layer.publish`,
or `publish_events` for the events of a service.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

from asgiref.sync import async_to_sync

from libraries.events import Event
from libraries.rules.errors import Unavailable
from realtime.news.compose import news_of
from realtime.news.layer import publish
from realtime.news.structs import News


def send(news: News) -> None:
    """Publish from code that is not a coroutine. An unavailable layer is no error: the change is stored in any case."""
    with suppress(Unavailable):  # logged where it was detected
        async_to_sync(publish)(news)


def on_event(*, event: Event, is_published: bool = False, **_kwargs: object) -> None:
    """The receiver of `libraries.events.happened`."""
    if not is_published:
        for news in news_of(event, time.time()):
            send(news)


async def publish_events(events: Iterable[Event]) -> None:
    """Publish the events of a service; as in `send`, an unavailable layer is no error."""
    for event in events:
        for news in news_of(event, time.time()):
            with suppress(Unavailable):
                await publish(news)
