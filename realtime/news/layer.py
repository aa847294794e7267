"""The channel layer, and whether it is available.

Only news goes through it, so it may be unavailable: stored changes stay stored, and rooms find them by themselves. A
layer that does not answer is not used for half a second, so that writes do not queue up behind it.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.core.exceptions import ImproperlyConfigured
from redis.exceptions import RedisError

from libraries.rules.errors import Unavailable, described
from realtime.news.structs import News, to_message

ANSWER_SECONDS = 1.0
"""The timeout of one message to the layer."""
PAUSE_SECONDS = 0.5
"""How long a layer that failed is not used."""
CLEAN_SECONDS = 1.0
"""The interval at which the in-process layer looks for expired messages."""

log = structlog.get_logger(__name__)


class MemoryChannelLayer(InMemoryChannelLayer):
    """Channels' in-process layer. Without this class it iterates over all groups for each message sent."""

    _clean_again_at = 0.0

    def _clean_expired(self) -> None:
        now = time.monotonic()
        if now >= self._clean_again_at:
            self._clean_again_at = now + CLEAN_SECONDS
            super()._clean_expired()  # type: ignore[misc]  # the stubs have only what is public


class _Condition:
    """The state of the layer as this process knows it; times are of the monotonic clock."""

    away = False
    try_again_at = 0.0


def require_layer() -> Any:
    """The channel layer; ImproperlyConfigured if the settings have none."""
    layer = get_channel_layer()
    if layer is None:
        raise ImproperlyConfigured("CHANNEL_LAYERS needs a default.")
    return layer


async def publish(news: News) -> None:
    """Send news to its group; Unavailable while the layer is unavailable, which is logged once."""
    if time.monotonic() < _Condition.try_again_at:
        raise Unavailable("The message could not be passed on; try again in a moment.")
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await require_layer().group_send(news.group, to_message(news))
    except (OSError, RedisError) as error:  # TimeoutError is an OSError
        if not _Condition.away:
            log.warning("channel_layer_away", error=described(error))
        _Condition.away = True
        _Condition.try_again_at = time.monotonic() + PAUSE_SECONDS
        raise Unavailable("The message could not be passed on; try again in a moment.") from error
    if _Condition.away:
        _Condition.away = False
        log.info("channel_layer_back")
