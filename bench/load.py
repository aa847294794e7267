"""The load: many receivers and one sender in one process, on picows, which is faster than all measured servers.

Sender and receivers share a clock: a message contains the nanosecond when it was sent, as `@<number>@`.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

MESSAGE_BYTES = 300
CONNECT_AT_ONCE = 50
DEADLINE_SECONDS = 60.0
WARM_UP = 5
WARM_UP_A_SECOND = 5.0
CLOG = "x" * 60_000
CLOG_MESSAGES = 100
"""6 MB: more than the kernel's buffers of one connection hold if nobody reads."""


@dataclass(frozen=True)
class Wire:
    """The protocol of a server: the addresses, the first message, and the form of a message's text."""

    viewer_url: Callable[[int], str]
    controller_url: str
    dress: Callable[[str], bytes]
    hello: bytes | None = None
    viewer_headers: Callable[[int], dict[str, str]] = lambda number: {}
    """Further headers of a viewer's handshake, by its number."""

    def sender_url(self, number: int) -> str:
        """The address of the sender, whatever its number."""
        return self.controller_url


@dataclass(frozen=True)
class Load:
    """The results of one run: deliveries, seconds of the clock and of the client's CPU, latencies in milliseconds."""

    deliveries: int
    expected: int
    seconds: float
    client_busy: float
    p50: float
    p99: float


class Receiver(WSListener):
    """One viewer: records the age of each marked message."""

    def __init__(self, latencies: array[float], hello: bytes | None, ready: asyncio.Event) -> None:
        super().__init__()
        self.latencies = latencies
        self.hello = hello
        self.ready = ready

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Send the first message that the server expects; without one, connected is ready."""
        self.transport = transport
        if self.hello is not None:
            transport.send(WSMsgType.TEXT, self.hello)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Handle a frame."""
        now = time.monotonic_ns()
        payload = frame.get_payload_as_bytes()
        at = payload.find(b"@") if self.ready.is_set() else -1  # a snapshot may contain an older mark
        if at >= 0:
            self.latencies.append((now - int(payload[at + 1 : payload.index(b"@", at + 1)])) / 1e6)
        elif frame.msg_type == WSMsgType.PING:
            transport.send_pong(payload)
        elif payload == b"2":  # Engine.IO's ping
            transport.send(WSMsgType.TEXT, b"3")
        else:
            self.ready.set()


def marked() -> str:
    """A text of about a message's size, with the time."""
    stamp = f"@{time.monotonic_ns()}@"
    return stamp + "x" * (MESSAGE_BYTES - 80 - len(stamp))


async def connect(wire: Wire, count: int, latencies: array[float], *, silent: bool = False) -> list[Any]:
    """`count` viewers that have heard from the server; `silent` is for servers that send nothing at first."""
    transports: list[Any] = []
    for start in range(0, count, CONNECT_AT_ONCE):
        batch = range(start, min(start + CONNECT_AT_ONCE, count))
        transports += await asyncio.gather(*(_viewer(n, wire, latencies, silent) for n in batch))
    return transports


async def _viewer(number: int, wire: Wire, latencies: array[float], silent: bool) -> Any:
    ready = asyncio.Event()
    if silent:
        ready.set()
    transport, _ = await ws_connect(
        lambda: Receiver(latencies, wire.hello, ready),
        wire.viewer_url(number),
        extra_headers=wire.viewer_headers(number),
    )
    await asyncio.wait_for(ready.wait(), DEADLINE_SECONDS)
    return transport


# `before` is called when all are connected and warm, and again after a rest of `rest` seconds; `after` when all is
# delivered and before anybody disconnects.
async def fan_out(
    wires: Sequence[Wire],
    *,
    viewers: int,
    messages: int,
    rate: float,
    silent: bool,
    before: Callable[[], None],
    after: Callable[[], None],
    stalled: int = 0,
    rest: float = 0.0,
) -> Load:
    """Send `messages`, `rate` per second, to rooms in turn, each with `viewers`; `stalled` more in each never read."""
    latencies: array[float] = array("d")
    senders, transports = await _take_seats(wires, viewers, stalled, latencies, silent=silent)
    warm_up = max(WARM_UP, len(wires))  # each room once at least
    await _send(senders, wires, warm_up, max(rate, WARM_UP_A_SECOND))
    await _until(lambda: len(latencies) >= warm_up * viewers)
    del latencies[:]
    before()
    await asyncio.sleep(rest)
    before()
    began, cpu = time.monotonic(), time.process_time()
    await _send(senders, wires, messages, rate)
    await _until(lambda: len(latencies) >= messages * viewers)
    seconds = time.monotonic() - began
    after()
    busy = (time.process_time() - cpu) / seconds
    for transport in [*transports, *senders]:
        transport.disconnect()
    p50, p99 = percentile(latencies, 0.5), percentile(latencies, 0.99)
    return Load(len(latencies), messages * viewers, seconds, busy, p50, p99)


async def _take_seats(
    wires: Sequence[Wire], viewers: int, stalled: int, latencies: array[float], *, silent: bool
) -> tuple[list[Any], list[Any]]:
    """Connect to each room; returns its sender, and all others."""
    transports: list[Any] = []
    senders: list[Any] = []
    for wire in wires:
        senders += await connect(
            replace(wire, viewer_url=wire.sender_url, viewer_headers=lambda number: {}), 1, array("d"), silent=silent
        )
        transports += await _stall(wire, senders[-1], stalled, silent=silent)
        transports += await connect(wire, viewers, latencies, silent=silent)
    return senders, transports


async def _send(senders: Sequence[Any], wires: Sequence[Wire], messages: int, rate: float) -> None:
    began = time.monotonic()
    for n in range(messages):
        await asyncio.sleep(max(0.0, began + n / rate - time.monotonic()))
        senders[n % len(senders)].send(WSMsgType.TEXT, wires[n % len(wires)].dress(marked()))


async def _stall(wire: Wire, sender: Any, count: int, *, silent: bool) -> list[Any]:
    """Viewers that stopped reading, and were sent so many bytes that nothing more can be written to them."""
    transports = await connect(wire, count, array("d"), silent=silent)
    for transport in transports:
        transport.underlying_transport.pause_reading()
    for _ in range(CLOG_MESSAGES if count else 0):
        sender.send(WSMsgType.TEXT, wire.dress(CLOG))
        await asyncio.sleep(0.01)
    return transports


async def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110  # an event would cost receivers time
        await asyncio.sleep(0.005)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies; NaN without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def run(coroutine: Any) -> Any:
    """Run on uvloop."""
    return uvloop.run(coroutine)


Window = tuple[float, float]


def of_pings(pings: Sequence[tuple[float, float]], windows: Sequence[Window]) -> dict[str, float]:
    """Milliseconds of the pings that were sent within the windows, which are seconds of the monotonic clock."""
    took = [ms for sent, ms in pings if any(begin <= sent < end for begin, end in windows)]
    return {"p50": percentile(took, 0.5), "p99": percentile(took, 0.99), "pings": len(took)}
