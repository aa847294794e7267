"""The socket below a transport, which the ring writes to."""

from __future__ import annotations

import asyncio
import socket
from types import BuiltinMethodType
from typing import cast

from realtime.server.process.loop import fast_loop
from realtime.server.websocket.sender import Sender
from realtime.server.websocket.wire import PortalServerProtocol


def test_the_socket_itself_says_which_descriptor_it_has_and_none_once_closed() -> None:
    async def ask() -> tuple[object, int, int, int]:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with theirs:
            ours.setblocking(False)
            number = ours.fileno()
            transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
            sender = Sender(cast(PortalServerProtocol, None), loop)
            sender.transport = transport
            raw = sender.raw
            assert raw is not None
            before = raw.fileno()
            transport.abort()
            await asyncio.sleep(0.01)
            return raw.fileno, number, before, raw.fileno()

    with asyncio.Runner(loop_factory=fast_loop) as runner:
        question, number, before, after = runner.run(ask())
    assert before == number
    assert after == -1
    assert isinstance(question, BuiltinMethodType), "A question to a TransportSocket is a call in Python."
