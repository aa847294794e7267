"""The event loop of `manage.py serve`: uvloop with aiofastnet's transports, which write to a socket at less cost."""

from __future__ import annotations

import asyncio

import aiofastnet
import uvloop

SWITCH_SECONDS = 0.0001
"""The time a thread runs Python before another one may (sys.setswitchinterval); the default is 5 ms.

The loop competes with each thread that answers a request. Each time it has waited for I/O, it queues behind all of
them.
"""


def fast_loop() -> asyncio.AbstractEventLoop:
    """A new loop."""
    return aiofastnet.patch_loop(uvloop.new_event_loop())
