"""How late the event loop is: a timer looks twice a second how much later than asked it runs."""

from __future__ import annotations

import asyncio

from realtime.metrics.names import LOOP_LAG_SECONDS

LOOK_SECONDS = 0.5


def watch_lag() -> None:
    """Measure the running event loop from now on."""
    loop = asyncio.get_running_loop()

    def look(due: float) -> None:
        now = loop.time()
        LOOP_LAG_SECONDS.observe(max(now - due, 0.0))
        loop.call_at(now + LOOK_SECONDS, look, now + LOOK_SECONDS)

    due = loop.time() + LOOK_SECONDS
    loop.call_at(due, look, due)
