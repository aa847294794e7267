"""`python -m bench.abuse.probe`: the other tenant, in its own process with the highest priority on its core.

Reads one line of JSON from its input: `viewers`, `controller` and `newcomer`, which are addresses, and perhaps
`ping_seconds`, how often somebody pings. Prints a line when
all are connected. From then on viewers ping in turn, the controller stores an update now and then, and a newcomer
connects and disconnects. When its input ends it prints its measurements: for each ping, each delivery and each connect
the time when it was sent (seconds of the machine's monotonic clock) and the duration (milliseconds). An unanswered one
counts with its age; a connect that was refused, or never answered, is null.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from typing import Any

import uvloop
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

PING_SECONDS = 0.015
UPDATE_SECONDS = 0.1
NEWCOMER_SECONDS = 2.0
DEADLINE_SECONDS = 20.0
REAL_TIME_PRIORITY = 1

Timed = list[tuple[float, float | None]]


class Listener(WSListener):
    """One connection: records its messages with their times. Only those to listeners that `watch` are deliveries."""

    def __init__(self, probe: Probe, watches: bool) -> None:
        super().__init__()
        self.probe = probe
        self.watches = watches
        self.first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.is_gone = False
        self.updates_seen = 0

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Handle a frame."""
        now = time.monotonic()
        payload = frame.get_payload_as_bytes()
        if frame.msg_type == WSMsgType.PING:
            transport.send_pong(payload)
        elif not self.first.done():
            self.first.set_result(payload)
        elif b'"type":"pong"' in payload:
            self.probe.pongs[int(payload.split(b'"ref":')[1].split(b"}")[0])] = now
        elif self.watches and (at := payload.find(b"@")) >= 0:
            number = int(payload[at + 1 : payload.index(b"@", at + 1)])
            self.probe.delivered(self, number, now)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Handle the end of the connection."""
        self.is_gone = True
        if not self.first.done():
            self.first.set_result(b"")


class Probe:
    """The people of the other tenant, and their measurements."""

    def __init__(
        self, viewers: Sequence[str], controller: str, newcomer: str, ping_seconds: float = PING_SECONDS
    ) -> None:
        self.addresses = (viewers, controller, newcomer)
        self.ping_seconds = ping_seconds
        self.pings: list[float] = []
        self.pongs: dict[int, float] = {}
        self.updates: list[float] = []
        self.deliveries: Timed = []
        self.connects: Timed = []
        self.viewers: list[tuple[WSTransport, Listener]] = []

    async def run(self) -> dict[str, Any]:
        """Connect, and run until the input ends."""
        viewers, controller, _ = self.addresses
        self.viewers = [await self._connect(address, watches=True) for address in viewers]
        self.controller = await self._connect(controller)
        print("ready", flush=True)
        tasks = [asyncio.create_task(one) for one in (self._ping(), self._update(), self._come_and_go())]
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()
        failures = [one for one in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(one, Exception)]
        if failures:
            raise failures[0]
        return self._result()

    async def _connect(self, address: str, *, watches: bool = False) -> tuple[WSTransport, Listener]:
        listener = Listener(self, watches)
        transport, _ = await ws_connect(lambda: listener, address)
        try:
            first = await asyncio.wait_for(listener.first, DEADLINE_SECONDS)
            if b'"connected"' not in first:
                raise RuntimeError(f"The other tenant was not let in: {first!r}")
        except BaseException:
            transport.disconnect()
            raise
        return transport, listener

    async def _ping(self) -> None:
        async for number in _at_random(self.ping_seconds):
            transport, listener = self.viewers[number % len(self.viewers)]
            self.pings.append(time.monotonic())
            if not listener.is_gone:
                transport.send(WSMsgType.TEXT, b'{"type":"ping","ref":%d}' % number)

    async def _update(self) -> None:
        transport, listener = self.controller
        async for number in _ticks(UPDATE_SECONDS):
            self.updates.append(time.monotonic())
            if not listener.is_gone:
                update = b'{"type":"portal-view-update","payload":{"name":"@%d@"}}' % number
                transport.send(WSMsgType.TEXT, update)

    async def _come_and_go(self) -> None:
        async for _ in _ticks(NEWCOMER_SECONDS):
            began = time.monotonic()
            self.connects.append((began, None))
            try:
                transport, _ = await self._connect(self.addresses[2])
            except (RuntimeError, WSError, OSError, TimeoutError):
                continue  # refused, recorded as None
            self.connects[-1] = (began, (time.monotonic() - began) * 1e3)
            transport.disconnect()

    def delivered(self, listener: Listener, number: int, now: float) -> None:
        """Record that a viewer has seen an update, and with it those merged into it."""
        for earlier in range(listener.updates_seen, number + 1):
            self.deliveries.append((self.updates[earlier], (now - self.updates[earlier]) * 1e3))
        listener.updates_seen = max(listener.updates_seen, number + 1)

    def _result(self) -> dict[str, Any]:
        now = time.monotonic()
        pings = [(sent, (self.pongs.get(number, now) - sent) * 1e3) for number, sent in enumerate(self.pings)]
        listeners = [listener for _, listener in [*self.viewers, self.controller]]
        for _, listener in self.viewers:
            self.deliveries += [(sent, (now - sent) * 1e3) for sent in self.updates[listener.updates_seen :]]
        cut = sum(listener.is_gone for listener in listeners)
        return {"ping": pings, "delivery": self.deliveries, "connect": self.connects, "cut": cut}


async def _ticks(seconds: float) -> Any:
    """Numbers from 0, one each `seconds` of the clock; late ones are not skipped."""
    began = time.monotonic()
    number = 0
    while True:
        yield number
        number += 1
        await asyncio.sleep(max(0.0, began + number * seconds - time.monotonic()))


async def _at_random(seconds: float) -> Any:
    """Numbers from 0, at random moments with a mean of so many seconds in between.

    Samples at regular moments may always miss, or always meet, what else is regular (RFC 2330, section 11.1.1): here
    the updates, each of which is stored before the next ping if there is nothing else to do.
    """
    at = time.monotonic()
    for number in itertools.count():
        yield number
        at += random.expovariate(1 / seconds)
        await asyncio.sleep(max(0.0, at - time.monotonic()))


def come_first() -> None:
    """Run before everything else on this core, if permitted; report if not."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REAL_TIME_PRIORITY))
    except PermissionError:
        print("The probe may not come before the attacker (it needs CAP_SYS_NICE): it is late itself.", file=sys.stderr)


def main() -> None:
    """Probe."""
    order = json.loads(sys.stdin.readline())
    come_first()
    gc.disable()
    seen = json.dumps(uvloop.run(Probe(**order).run()))
    with open(1, "w", closefd=False) as out:  # unbuffered, print() loses the rest of a short write
        out.write(seen)


if __name__ == "__main__":
    main()
