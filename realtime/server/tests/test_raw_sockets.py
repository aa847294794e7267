"""The socket below a transport, which the ring writes to."""

from __future__ import annotations

import asyncio
import socket
from types import BuiltinMethodType
from typing import Any, NamedTuple, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.delivery.audience import MANY, Audience
from realtime.delivery.prepared import Framing, Prepared, form
from realtime.server.process.loop import fast_loop
from realtime.server.websocket.phase import Phase
from realtime.server.websocket.sender import Sender
from realtime.server.websocket.wire import PortalServerProtocol

PEOPLE = MANY + 2
"""Steps for one person are for the first two, so that they meet."""
SMALL_BUFFER_BYTES = 4096


async def connected() -> tuple[Any, socket.socket]:
    """The sending side of a connection with a small buffer, and the client's socket, which nobody reads."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER_BYTES)
    theirs.setblocking(False)
    sender = Sender(cast(PortalServerProtocol, None), loop)
    sender.transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    sender.phase = Phase.OPEN
    return sender, theirs


_sizes = st.sampled_from([0, 100, 9000, 30_000])
_places = st.integers(0, 1)
_steps = st.one_of(
    st.tuples(st.just("all"), st.just(0), st.sampled_from([0, 100, 9000])),
    st.tuples(st.just("one"), _places, _sizes),
    st.tuples(st.just("read"), _places, st.just(0)),
    st.sampled_from([("turn", 0, 0), ("but one", 0, 100), ("but one", 0, 30_000)]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_steps, min_size=15, max_size=40))
def test_every_client_gets_its_messages_whole_and_in_order(steps: list[tuple[str, int, int]]) -> None:
    """Messages for all go past the transports, those for one through them; some clients read, and some do not."""

    async def play() -> None:
        people = [await connected() for _ in range(PEOPLE)]
        audience = Audience(form(Framing.PLAIN), print, print)
        for number, (sender, _) in enumerate(people):
            audience.add(str(number), sender)
        expected, got = [b""] * PEOPLE, [b""] * PEOPLE
        for count, (step, place, size) in enumerate(steps):
            message = Prepared(f"{count}:" + "x" * size)
            if step in {"all", "but one"}:
                own = None if step == "all" else Author("0", people[0][0])
                audience.send(message, own)
                first = 0 if own is None else 1
                expected[first:] = [text + message.in_form(form(Framing.PLAIN)) for text in expected[first:]]
            elif step == "one":
                people[place][0].deliver(message)
                expected[place] += message.in_form(form(Framing.PLAIN))
            elif step == "read":
                got[place] += received(people[place][1])
            else:
                await asyncio.sleep(0)
        async with asyncio.timeout(10):
            while [len(text) for text in got] != [len(text) for text in expected]:
                got = [text + received(client) for text, (_, client) in zip(got, people, strict=True)]
                await asyncio.sleep(0.001)
        for sender, client in people:
            sender.transport.abort()
            client.close()
        await asyncio.sleep(0)
        assert got == expected

    with asyncio.Runner(loop_factory=fast_loop) as runner:
        runner.run(play())


class Author(NamedTuple):
    """Somebody whose own message does not come back."""

    id: str
    outlet: Any


def received(client: socket.socket) -> bytes:
    """The bytes that have come."""
    try:
        return client.recv(1_000_000)
    except BlockingIOError:
        return b""


def test_the_socket_itself_says_which_descriptor_it_has_and_none_once_closed() -> None:
    async def ask() -> tuple[object, int, int, int]:
        sender, client = await connected()
        with client:
            raw = sender.raw
            number, before = sender.transport.get_extra_info("socket").fileno(), raw.fileno()
            sender.transport.abort()
            await asyncio.sleep(0.01)
            return raw.fileno, number, before, raw.fileno()

    with asyncio.Runner(loop_factory=fast_loop) as runner:
        question, number, before, after = runner.run(ask())
    assert before == number >= 0
    assert after == -1
    assert isinstance(question, BuiltinMethodType), "A question to a TransportSocket is a call in Python."
