"""A slow link to a real server: what is read is never older than the link's own reading of little, plus a second."""

from __future__ import annotations

import json
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from realtime.server.tests.peer import Peer, text
from testing.installation import Cast, Installation, ServerKind, StoreKind, installation
from testing.sockets import portal_view_path
from testing.stacks import STACK_ENV, Stack, running

pytestmark = pytest.mark.server

SECONDS = 18.0
BYTES_PER_SECOND = 8_000
CHANGES_PER_SECOND = 50
CHANGE_BYTES = 300
OWN_READING = 65_536
"""What a client may have to read before it reads something new."""
OLDEST_SECONDS = OWN_READING / BYTES_PER_SECOND + 1


@pytest.fixture(scope="module")
def prepared() -> Iterator[tuple[Installation, Cast]]:
    with installation(StoreKind.SQLITE, **STACK_ENV) as made:
        yield made, made.prepare()


@pytest.fixture(scope="module")
def stack(prepared: tuple[Installation, Cast]) -> Iterator[Stack]:
    with running(*prepared, ServerKind.SERVE) as started:
        yield started


class Link:
    """A client that reads so much per second, and when it read which octets."""

    def __init__(self, stack: Stack, portal_view_id: str) -> None:
        self._peer = Peer(stack.server.port, receive_buffer=4096)
        self._peer.open(f"{portal_view_path(portal_view_id)}?token={stack.viewer.access}")
        self._octets = bytearray()
        self._times: list[tuple[int, float]] = []
        """The number of octets read until each time."""

    def close(self) -> None:
        self._peer.socket.close()

    def read(self, seconds: float) -> None:
        started = time.monotonic()
        while (passed := time.monotonic() - started) < seconds:
            due = int(passed * BYTES_PER_SECOND) - len(self._octets)
            if due > 200:
                self._octets += self._peer.socket.recv(due)
                self._times.append((len(self._octets), time.time()))
            time.sleep(0.01)

    def messages(self) -> Iterator[tuple[float, dict[str, object]]]:
        """Each message with the time when it was read completely."""
        place, times = 0, iter(self._times)
        until, at = next(times)
        while place + 10 < len(self._octets):
            size, head = self._octets[place + 1], 2
            if size == 126:
                size, head = struct.unpack_from("!H", self._octets, place + 2)[0], 4
            elif size == 127:
                size, head = struct.unpack_from("!Q", self._octets, place + 2)[0], 10
            end = place + head + size
            if end > len(self._octets):
                return
            while until < end:
                until, at = next(times)
            if self._octets[place] & 0x0F == 1:
                yield at, json.loads(self._octets[place + head : end])
            place = end


def test_what_a_slow_link_reads_is_recent(stack: Stack) -> None:
    """The controller changes more than twice as much as the link can carry. Without a limit, the last is 10 s old."""
    portal_view_id = stack.new_portal_view()
    link = Link(stack, portal_view_id)
    controller = Peer(stack.server.port)
    controller.open(f"{portal_view_path(portal_view_id)}?token={stack.controller.access}")
    done = threading.Event()

    def change() -> None:
        while not done.wait(1 / CHANGES_PER_SECOND):
            payload = {
                "name": f"{time.time():.6f}",
                "items": [{"id": "a", "text": f"{time.time():.6f}" * (CHANGE_BYTES // 17)}],
            }
            controller.send(text(json.dumps({"type": "portal-view-update", "payload": payload})))

    thread = threading.Thread(target=change)
    thread.start()
    try:
        link.read(SECONDS)
    finally:
        done.set()
        thread.join()
        controller.socket.close()
        link.close()
    ages = []
    for at, message in link.messages():
        payload = message.get("payload")
        if message["type"] == "portal-view-updated" and isinstance(payload, dict) and "name" in payload:
            ages.append(at - float(payload["name"]))
    assert len(ages) > 20
    assert max(ages) < OLDEST_SECONDS, f"the oldest of {len(ages)} was {max(ages):.1f} s old"
