"""How a process of `manage.py serve` ends: it takes no new clients, finishes its work, and tells clients to reconnect.

It ends after a signal, or after the end of its supervisor (see `realtime.server.process.inside`).
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
import threading
import time
from types import FrameType

import structlog
import uvicorn

from realtime.delivery.prepared import Prepared
from realtime.protocol.closing import CloseCode
from realtime.protocol.events import GoingAway
from realtime.scheduling import take_short_slices
from realtime.server.metrics.lag import watch_lag
from realtime.server.process.census import count_on_signal
from realtime.server.process.condition import draining
from realtime.server.process.garbage import settle
from realtime.server.process.loop import SWITCH_SECONDS
from realtime.server.websocket.connection import GOING_AWAY, WebSocketConnection
from realtime.server.websocket.phase import Phase

SPREAD_MILLISECONDS = 5_000
"""The time over which the reconnects of a full process are spread."""
EACH_MILLISECONDS = 50
"""The time between the reconnects of an almost empty process."""
SETTLE_SECONDS = 0.1
"""How long clients are still read after they were told: messages they sent before may still be on the way."""
LOOK_SECONDS = 0.05
STEP_SECONDS = 1.0
"""The time between the last deadlines.

Three steps before the end, sockets with pending work are closed. Two steps before it, sockets are cut. One step before
it, uvicorn's own time ends.
"""

log = structlog.get_logger(__name__)


def spread(count: int) -> list[int]:
    """The reconnect delays of `count` connections in milliseconds: all different, and evenly spread."""
    step = min(EACH_MILLISECONDS, max(SPREAD_MILLISECONDS / max(count, 1), 1))
    offset = random.random() * step  # noqa: S311  # no secret
    times = [int(offset + place * step) for place in range(count)]
    random.shuffle(times)
    return times


class DrainingServer(uvicorn.Server):
    """Uvicorn's server with an orderly end, within `config.timeout_graceful_shutdown` seconds after the delay."""

    def __init__(self, config: uvicorn.Config, drain_delay: int = 0) -> None:
        super().__init__(config)
        self.drain_delay = drain_delay
        self._stops_at: float | None = None
        self._told: set[WebSocketConnection] = set()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; a second Ctrl+C ends at once.

        Unlike in uvicorn, the signal is not raised again afterwards: a process that ends as told has status 0.
        """
        if draining.is_set() and sig == signal.SIGINT:
            self.force_exit = self.should_exit = True
        self.stop()

    def stop(self) -> None:
        """Begin to end: report not ready from now on, and serve until the delay is over."""
        draining.set()
        if not self.drain_delay:
            self.should_exit = True
        elif self._stops_at is None:
            log.info("not_ready", seconds=self.drain_delay)
            self._stops_at = time.monotonic() + self.drain_delay

    async def on_tick(self, counter: int) -> bool:
        """Called ten times per second; returns whether to end."""
        if self._stops_at is not None and time.monotonic() >= self._stops_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        take_short_slices()
        settle()  # it takes a while, and many may come as soon as the sockets listen
        await super().startup(sockets)
        sys.setswitchinterval(SWITCH_SECONDS)
        count_on_signal()
        watch_lag()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End: refuse new connections, drain the sockets, then let uvicorn end the rest."""
        draining.set()
        now = asyncio.get_running_loop().time
        seconds = self.config.timeout_graceful_shutdown or 0
        step = min(STEP_SECONDS, seconds / 5)
        last = now() + seconds
        self._give_up_after(seconds)
        for server in self.servers:
            server.close()
        for one in sockets or ():
            one.close()
        await self._drain(close_at=last - 3 * step, cut_at=last - 2 * step)
        self.config.timeout_graceful_shutdown = max(last - step - now(), 0)  # type: ignore[assignment]  # it may be a float
        await super().shutdown(sockets)

    async def _drain(self, *, close_at: float, cut_at: float) -> None:
        now = asyncio.get_running_loop().time
        connections = self._websockets()
        log.info("draining", sockets=len(connections))
        for connection, retry_after in zip(connections, spread(len(connections)), strict=True):
            self._send_away(connection, retry_after)
        if connections:
            await asyncio.sleep(SETTLE_SECONDS)
        while (connections := self._websockets()) and now() < cut_at and not self.force_exit:
            for connection in connections:
                # These were in the middle of their handshake; the others were told.
                self._send_away(connection, random.randrange(SPREAD_MILLISECONDS))  # noqa: S311  # no secret
                if now() < close_at:
                    connection.finish()
                else:
                    connection.close_after(CloseCode.RESTART, GOING_AWAY)
            await asyncio.sleep(LOOK_SECONDS)
        for connection in connections:
            connection.transport.abort()
        log.info("drained", cut=len(connections))

    def _send_away(self, connection: WebSocketConnection, retry_after: int) -> None:
        """Tell a client once that it must reconnect, after this many milliseconds; not before its handshake is done."""
        if connection.phase is not Phase.OPEN or connection in self._told:
            return
        self._told.add(connection)
        connection.deliver(Prepared.of(GoingAway(retry_after=retry_after)))
        if connection.stalled_since is not None:  # it would not read the answers to its requests
            connection.close_after(CloseCode.RESTART, GOING_AWAY)

    def _websockets(self) -> list[WebSocketConnection]:
        return [one for one in self.server_state.connections if isinstance(one, WebSocketConnection)]

    def _give_up_after(self, seconds: float) -> None:
        """Exit in time: a thread that waits for an unresponsive database would keep the process for ever."""

        def give_up() -> None:
            log.error("did_not_end", seconds=seconds)
            os._exit(1)

        timer = threading.Timer(seconds, give_up)
        timer.daemon = True
        timer.start()
