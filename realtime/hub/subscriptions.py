"""This process's channel of the channel layer, and the groups that it is in.

Only the channel layer's public interface is used: `new_channel`, `group_add`, `group_discard`, `receive`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import structlog
from msgspec import ValidationError
from redis.exceptions import RedisError

from libraries.rules.errors import described
from realtime.news.layer import ANSWER_SECONDS, require_layer
from realtime.news.seal import NotAuthentic
from realtime.news.structs import AnyNews, from_message

UNREAD_SECONDS = 0.1
"""The pause after news that could not be read: a layer that fails at once must not keep the loop busy."""
REPORT_SECONDS = 1.0
"""The period over which news that is not authentic is counted before it is logged, as there may be any amount."""

log = structlog.get_logger(__name__)


class Subscriptions:
    """The groups of one event loop.

    The first group opens the channel and a listening task, the last one closes both.
    """

    def __init__(self, on_news: Callable[[AnyNews], None]) -> None:
        self._on_news = on_news
        self._groups: set[str] = set()
        self._open: tuple[str, asyncio.Task[None]] | None = None
        # Joining and leaving the same group must not overtake each other.
        self._lock = asyncio.Lock()
        self._refused: Counter[str] = Counter()

    async def add(self, group: str) -> bool:
        """Join a group; returns false, and logs, while the layer is unavailable."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._lock:
                await self._add(group)
        except (OSError, RedisError) as error:
            log.warning("group_not_joined", group=group, error=described(error))
            return False
        return True

    async def _add(self, group: str) -> None:
        if self._open is None:
            channel = await require_layer().new_channel("portal")
            self._open = channel, asyncio.create_task(self._listen(channel))
        await require_layer().group_add(group, self._open[0])
        self._groups.add(group)

    async def discard(self, group: str, *, unless: Callable[[], bool]) -> None:
        """Leave a group, unless it is needed again when the earlier operations are done."""
        async with self._lock:
            if self._open is None or unless():
                return
            channel, listener = self._open
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await require_layer().group_discard(group, channel)
            except (OSError, RedisError) as error:
                # A layer that is unavailable loses the membership together with the connection.
                log.info("group_not_left", group=group, error=described(error))
            self._groups.discard(group)
            if not self._groups:
                self._open = None
                listener.cancel()
                await asyncio.wait([listener])

    async def _listen(self, channel: str) -> None:
        while True:
            try:
                message = await require_layer().receive(channel)
            except NotAuthentic as error:
                self._refuse(error)
                await asyncio.sleep(0)  # a flood of them must not keep the loop busy
                continue
            except Exception:  # unreadable news, of another release perhaps, must not end the task that listens
                log.exception("news_not_read")
                await asyncio.sleep(UNREAD_SECONDS)
                continue
            try:
                news = from_message(message)
            except ValidationError as error:
                log.warning("news_not_read", error=str(error))
                continue
            if news is None:
                continue
            try:
                self._on_news(news)
            except Exception:  # an error with one portal view's news must not affect the others
                log.exception("news_not_delivered", group=news.group)

    def _refuse(self, error: NotAuthentic) -> None:
        if not self._refused:
            asyncio.get_running_loop().call_later(REPORT_SECONDS, self._report)
        self._refused[error.reason] += 1

    def _report(self) -> None:
        refused, self._refused = self._refused, Counter()
        log.warning("news_not_authentic", count=refused.total(), reasons=dict(refused))
