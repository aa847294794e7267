"""The gate of requests: few begin in one turn of the event loop, in their order, and none is forgotten."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial

import pytest

from realtime.server.http import gate as gates
from realtime.server.http.gate import AT_ONCE, Gate, gate_of
from realtime.server.tests.answering import AnsweringServer, answered, get

PEERS = 5 * AT_ONCE
BUSY_SECONDS = 0.3


def keep_busy(server: AnsweringServer) -> None:
    """Stop the server's loop for a moment: all that is sent now is there when it looks again."""
    has_begun = threading.Event()

    def rest() -> None:
        has_begun.set()
        time.sleep(BUSY_SECONDS)

    threading.Thread(target=server.do, args=(rest,)).start()
    assert has_begun.wait(BUSY_SECONDS)


async def test_requests_begin_in_their_order_some_in_each_turn() -> None:
    gate = Gate(asyncio.get_running_loop())
    begun: list[int] = []
    for number in range(3 * AT_ONCE + 1):
        if gate.enter(partial(begun.append, number)):
            begun.append(number)
    turns = [len(begun)]
    while len(begun) <= 3 * AT_ONCE:
        await asyncio.sleep(0)
        turns.append(len(begun))
    assert begun == list(range(3 * AT_ONCE + 1))
    assert all(later - earlier <= AT_ONCE for earlier, later in zip([0, *turns], turns, strict=False))


async def test_who_comes_while_others_wait_waits_behind_them() -> None:
    gate = Gate(asyncio.get_running_loop())
    begun: list[str] = []
    assert all(gate.enter(lambda: begun.append("never")) for _ in range(AT_ONCE))
    assert not gate.enter(lambda: begun.append("waited"))
    await asyncio.sleep(0)
    assert begun == ["waited"]
    await asyncio.sleep(0)
    assert all(gate.enter(lambda: begun.append("never")) for _ in range(AT_ONCE))
    assert begun == ["waited"]


async def test_each_loop_has_one() -> None:
    loop = asyncio.get_running_loop()
    assert gate_of(loop) is gate_of(loop)


def test_what_waits_is_answered_in_its_order_also_in_parts(
    answering: AnsweringServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = []
    turn = gates.Gate._turn

    def note(self: Gate) -> None:
        turns.append(len(self._waiting))
        turn(self)

    monkeypatch.setattr(gates.Gate, "_turn", note)
    peers = [answering.connect() for _ in range(PEERS)]
    for number, peer in enumerate(peers):
        peer.send(get(f"/{number}/first"))
        assert answered(peer)[2] == f"/{number}/first"
    keep_busy(answering)
    for number, peer in enumerate(peers):
        head = get(f"/{number}/second") + get(f"/{number}/third")
        peer.send(head[: 10 + number])
        peer.send(head[10 + number :])
    for number, peer in enumerate(peers):
        assert [answered(peer)[2] for _ in range(2)] == [f"/{number}/second", f"/{number}/third"]
    assert max(turns) >= PEERS - 2 * AT_ONCE


def test_who_goes_while_waiting_is_forgotten(answering: AnsweringServer) -> None:
    peers = [answering.connect() for _ in range(PEERS)]
    for peer in peers:
        peer.send(get("/first"))
        answered(peer)
    before = len(answering.paths)
    keep_busy(answering)
    for peer in peers:
        peer.send(get("/second"))
    peers[-1].socket.close()
    for peer in peers[:-1]:
        assert answered(peer)[2] == "/second"
    assert PEERS - 1 <= len(answering.paths) - before <= PEERS
