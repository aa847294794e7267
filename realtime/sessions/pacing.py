"""Applies the rate limits of a connection: an update waits until there is credit, other messages are refused without.

The prices of messages are in `realtime.limits.rates`.
"""

from __future__ import annotations

import asyncio
import time

from django.conf import settings

from libraries.rules.errors import PortalError
from realtime.limits import configured
from realtime.limits.entrance import over_limit
from realtime.limits.rates import COME_BACK_SECONDS, DONE, PRICES, REFUSALS, REFUSALS_SECONDS, Kind, Limiter
from realtime.rooms.connection import Connection, Ref


class RateLimited(PortalError):
    """A message came too soon after others."""

    code = "rate-limited"


async def is_in_time(connection: Connection, limiter: Limiter, message_type: str, size: int, ref: Ref) -> bool:
    """Whether a message of that `size` may be done now, if necessary after a wait; a refusal is answered.

    `message_type` is a row of `realtime.limits.rates.PRICES`.
    """
    verdict = limiter.charge(message_type, size, configured.updates(), configured.messages(), time.monotonic())
    if verdict is DONE:
        return True
    if not verdict.refused:
        if not settings.PORTAL_LIMITS_DRY_RUN:
            await asyncio.sleep(verdict.wait)
        return not connection.closed
    if not over_limit(_SETTINGS[PRICES[message_type].kind], **connection.subject.named, messageType=message_type):
        return True
    if limiter.count_refusal(time.monotonic()):
        sentence = f"{REFUSALS} messages within {REFUSALS_SECONDS:.0f} s were too many: connect again later."
        connection.refuse(RateLimited.code, sentence, ref, COME_BACK_SECONDS)
    else:
        sentence = "You send too many messages, so this one was not done; send it again a little later."
        connection.reply_error(RateLimited(sentence), ref, verdict.wait)
    return False


_SETTINGS = {Kind.UPDATE: "PORTAL_UPDATES_PER_SECOND", Kind.OTHER: "PORTAL_MESSAGES_PER_SECOND"}
