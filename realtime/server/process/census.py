"""Logs the numbers of objects in a process of `manage.py serve` at SIGUSR1: for soaks, and to look for a leak."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading

import structlog

log = structlog.get_logger(__name__)


def count_on_signal() -> None:
    """Count at each SIGUSR1 from now on; must be called in the event loop that is to be counted."""
    if threading.current_thread() is threading.main_thread():  # other threads get no signals
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _count)


def _count() -> None:
    # A worker imports this before Django is set up, and the hub needs Django's models.
    from realtime.hub.hub import current_hub

    gc.collect()  # do not count unreachable objects
    rooms = [keeper.room for keeper in current_hub().keepers.values()]
    connections = sum(len(room.people.everybody()) for room in rooms)
    log.warning("census", tasks=len(asyncio.all_tasks()), rooms=len(rooms), connections=connections)
