"""The event loop of `manage.py serve`: uvloop, with aiofastnet's transports, which write to a socket more cheaply."""

from __future__ import annotations

import asyncio

import aiofastnet
import uvloop

SWITCH_SECONDS = 0.0001
"""How long a thread runs Python before another one may (sys.setswitchinterval), where the default is 5 ms.

The loop competes with each thread that answers a request, and stands behind all of them each time that it has waited
for anything.
"""


def fast_loop() -> asyncio.AbstractEventLoop:
    """A new loop."""
    return aiofastnet.patch_loop(uvloop.new_event_loop())
