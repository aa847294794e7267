"""The queue of messages for servers that do not take ready frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from realtime.delivery.outlet import QueueOutlet
from realtime.delivery.prepared import Prepared
from realtime.protocol.encodings import Encoding
from realtime.tests.clients import DEADLINE_SECONDS, until

Event = dict[str, Any]


def is_stalled(outlet: QueueOutlet) -> bool:
    """Whether more waits than the limit."""
    return outlet.stalled_since is not None


class Server:
    """A server's `send`, which takes one event each time it is allowed to."""

    def __init__(self, *, lets: int = 10_000) -> None:
        self.events: list[Event] = []
        self._may = asyncio.Semaphore(lets)

    async def send(self, event: Event) -> None:
        """ASGI's `send`."""
        await self._may.acquire()
        self.events.append(event)

    def let(self, number: int = 10_000) -> None:
        """Take this many more events."""
        for _ in range(number):
            self._may.release()

    def has_taken(self, number: int) -> bool:
        """Wait until this many events were sent."""
        return len(self.events) == number

    @property
    def texts(self) -> list[str]:
        """The texts that were sent, and the code of a close."""
        return [event["text"] if event["type"] == "websocket.send" else str(event["code"]) for event in self.events]


class Seats:
    """An audience that records the calls of its outlets."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def discard(self, connection_id: str, outlet: object) -> None:
        """The outlet left."""
        self.told.append(f"{connection_id} left")

    def drained(self, connection_id: str) -> None:
        """The outlet has drained."""
        self.told.append(f"{connection_id} drained")

    def behind(self, connection_id: str) -> None:
        """Data waits for the outlet."""
        self.told.append(f"{connection_id} behind")


def text(letter: str, length: int = 1) -> Prepared:
    """A message."""
    return Prepared(letter * length)


@pytest.fixture
def seats() -> Seats:
    return Seats()


@pytest.fixture
def make(seats: Seats, settings: Any) -> Callable[[Server], QueueOutlet]:
    """A function that makes an outlet in an audience, with a limit of 10 characters."""
    settings.PORTAL_SEND_BUFFER_BYTES = 10

    def make(server: Server) -> QueueOutlet:
        outlet = QueueOutlet(server.send)
        outlet.join(seats, "one")
        return outlet

    return make


async def drained(outlet: QueueOutlet) -> None:
    """Wait until nothing waits."""
    await asyncio.wait_for(outlet.wait_drained(), DEADLINE_SECONDS)


async def test_messages_and_the_close_go_out_in_order(make: Callable[[Server], QueueOutlet]) -> None:
    server = Server()
    outlet = make(server)
    for letter in "abc":
        outlet.deliver(text(letter))
    outlet.close_after(1000, "done")
    assert server.events == []
    await drained(outlet)
    assert server.texts == ["a", "b", "c", "1000"]
    assert server.events[-1] == {"type": "websocket.close", "code": 1000, "reason": "done"}
    assert outlet.sent == 3


async def test_an_outlet_of_message_pack_sends_bytes(make: Callable[[Server], QueueOutlet]) -> None:
    server = Server()
    outlet = make(server)
    outlet.speak(Encoding.MSGPACK)
    message = Prepared('{"a":"1234"}')
    outlet.deliver(message)
    assert not outlet.stalled_since, "8 bytes wait, and 12 characters would be too many"
    outlet.deliver(message)
    assert server.events == []
    assert isinstance(outlet.stalled_since, float)
    await drained(outlet)
    assert server.events == [{"type": "websocket.send", "bytes": b"\x81\xa1a\xa41234"}] * 2
    assert outlet.stalled_since is None


async def test_nothing_is_sent_after_the_close(make: Callable[[Server], QueueOutlet]) -> None:
    server = Server()
    outlet = make(server)
    outlet.close_after(1000, "done")
    outlet.deliver(text("a", 20))
    outlet.close_after(1011, "again")
    await drained(outlet)
    assert server.texts == ["1000"]
    assert outlet.sent == 0
    assert outlet.stalled_since is None


async def test_a_message_queued_during_a_send_follows_it(make: Callable[[Server], QueueOutlet]) -> None:
    server = Server(lets=1)
    outlet = make(server)
    outlet.deliver(text("a"))
    outlet.deliver(text("b"))
    await until(lambda: server.texts == ["a"], "the first message")
    outlet.deliver(text("c"))
    server.let()
    await drained(outlet)
    assert server.texts == ["a", "b", "c"]


async def test_a_drained_outlet_starts_again(make: Callable[[Server], QueueOutlet]) -> None:
    server = Server()
    outlet = make(server)
    for letter in "ab":
        outlet.deliver(text(letter))
        await drained(outlet)
    await drained(outlet)
    assert server.texts == ["a", "b"]


async def test_more_than_the_limit_is_a_stall(make: Callable[[Server], QueueOutlet], seats: Seats) -> None:
    server = Server(lets=0)
    outlet = make(server)
    outlet.deliver(text("a", 10))
    assert not is_stalled(outlet)
    outlet.deliver(text("b", 1))
    assert is_stalled(outlet)
    since = outlet.stalled_since
    outlet.deliver(text("c", 1))
    assert outlet.stalled_since == since
    assert seats.told == ["one left"]
    server.let()
    await drained(outlet)
    assert not is_stalled(outlet)
    assert seats.told == ["one left", "one drained"]
    assert "".join(server.texts) == "a" * 10 + "bc"


async def test_sent_messages_do_not_count_as_waiting(make: Callable[[Server], QueueOutlet]) -> None:
    server = Server(lets=0)
    outlet = make(server)
    outlet.deliver(text("a", 6))
    for number in range(1, 5):
        # There is always one that waits, and never more than two.
        outlet.deliver(text("b", 4))
        assert outlet.stalled_since is None
        server.let(1)
        await until(partial(server.has_taken, number), "one more")
    server.let()
    await drained(outlet)


async def test_wait_drained_returns_when_everything_is_sent(make: Callable[[Server], QueueOutlet]) -> None:
    server = Server(lets=0)
    outlet = make(server)
    outlet.deliver(text("a", 20))
    waiting = asyncio.create_task(outlet.wait_drained())
    await asyncio.sleep(0)
    assert not waiting.done()
    server.let()
    await asyncio.wait_for(waiting, DEADLINE_SECONDS)
    assert server.has_taken(1)


async def test_an_empty_outlet_takes_a_message_of_any_size(make: Callable[[Server], QueueOutlet]) -> None:
    server = Server(lets=0)
    outlet = make(server)
    outlet.deliver(text("a", 1_000_000))
    server.let()
    await drained(outlet)
    assert server.texts == ["a" * 1_000_000]
    assert not is_stalled(outlet)


async def test_without_a_limit_no_outlet_stalls(make: Callable[[Server], QueueOutlet], settings: Any) -> None:
    settings.PORTAL_SEND_BUFFER_BYTES = 0
    server = Server(lets=0)
    outlet = make(server)
    outlet.deliver(text("a", 1_000_000))
    assert outlet.stalled_since is None
    server.let()
    await drained(outlet)


async def test_a_stalled_outlet_drops_its_queue_to_close(make: Callable[[Server], QueueOutlet]) -> None:
    server = Server(lets=0)
    outlet = make(server)
    outlet.deliver(text("a"))
    await asyncio.sleep(0)  # the first is on its way
    outlet.deliver(text("b", 20))
    outlet.close_after(1013, "too-slow")
    server.let()
    await drained(outlet)
    assert server.texts == ["a", "1013"]


async def test_a_client_that_is_gone_ends_the_outlet(seats: Seats) -> None:
    async def send(event: Event) -> None:
        raise ConnectionResetError

    outlet = QueueOutlet(send)
    outlet.join(seats, "one")
    outlet.deliver(text("a"))
    outlet.deliver(text("b"))
    await drained(outlet)
    assert seats.told == ["one left"]
    outlet.deliver(text("c"))
    assert outlet._task is None
    assert outlet.sent == 2


async def test_an_outlet_needs_no_audience(settings: Any) -> None:
    settings.PORTAL_SEND_BUFFER_BYTES = 1
    server = Server()
    outlet = QueueOutlet(server.send)
    outlet.deliver(text("a", 5))
    assert outlet.stalled_since is not None
    await drained(outlet)
    outlet.leave()
    outlet.close_after(1000, "done")
    await drained(outlet)
