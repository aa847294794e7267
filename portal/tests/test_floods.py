"""Floods of a real server process: connections beyond its limit on files, and requests abandoned at once.

The first used to end in a loop at full speed with 87 MB of log in half a minute, and refused every write; the second in
9,451 threads.
"""

from __future__ import annotations

import os
import resource
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from realtime.server.process.files import RESERVED
from testing.in_process import wait_until
from testing.installation import ServerKind, StoreKind, installation
from testing.stacks import STACK_ENV, Stack, running

pytestmark = pytest.mark.server

FILES = 256
CONNECTIONS = 400
FEW = 100
"""More open files than a server without connections has."""
REQUESTS = 860


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A server of one process on SQLite."""
    with installation(StoreKind.SQLITE, **STACK_ENV) as made, running(made, made.prepare(), ServerKind.SERVE) as stack:
        yield stack


def cpu_seconds(pid: int) -> float:
    """The processor seconds of a process, proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status(pid: int, name: str) -> int:
    """A number in a process's status, proc(5)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def attack(port: int) -> list[socket.socket]:
    """Silent connections."""
    return [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]


def first_octets(peers: list[socket.socket], most_open: int) -> list[bytes]:
    """The first octets sent to each, `open` for nothing.

    Waits until at most `most_open` are open, or the deadline has passed.
    """
    found = [b"open"] * len(peers)

    def look() -> bool:
        for place, peer in enumerate(peers):
            if found[place] == b"open":
                found[place] = _octets(peer)
        return found.count(b"open") <= most_open

    wait_until(look)
    return found


def _octets(peer: socket.socket) -> bytes:
    peer.settimeout(0.01)
    try:
        return peer.recv(100)
    except TimeoutError:
        return b"open"
    except ConnectionError:
        return b""


@pytest.mark.parametrize("files_left", [FILES, 0], ids=["below the cap", "no file left"])
def test_more_connections_than_files(stack: Stack, files_left: int) -> None:
    """The cap refuses them; and if something else has used up the files, each is answered and closed.

    The cap is half of so low a limit. So that files run out first, even if the server closes ten others now, only half
    as many are left as are open.
    """
    process, port = stack.server.process, stack.server.port
    before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    view, log, peers = stack.new_portal_view(), process.log_size, []
    wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) < FEW)  # the previous test's may still be open
    open_now = len(os.listdir(f"/proc/{process.pid}/fd"))
    limit = files_left or open_now * 3 // 2
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        peers = attack(port)
        used = cpu_seconds(process.pid)
        said = first_octets(peers, max(limit - RESERVED, limit // 2))
        assert said.count(b"open") > 0
        if files_left:  # the reserved files are for this, and the longest silent connection makes room
            assert connects(port)
            assert stack.controller.patch(f"/api/portal-views/{view}", {"name": "Written"})["name"] == "Written"
        else:
            assert sum(octets.startswith(b"HTTP/1.1 503") for octets in said) > 0
        assert cpu_seconds(process.pid) - used < 2
        assert process.log_size - log < 20_000
        # Silent connections are closed by the server, and then there is room, though the clients have not closed.
        wait_until(lambda: connects(port))
        assert stack.controller.patch(f"/api/portal-views/{view}", {"name": "After"})["name"] == "After"
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
        for peer in peers:
            peer.close()


def connects(port: int) -> bool:
    """Whether a new client is served."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/api/health", trust_env=False, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_requests_abandoned_at_once(stack: Stack) -> None:
    process = stack.server.process
    threads, log = status(process.pid, "Threads"), process.log_size
    most, begin = threads, time.monotonic()
    reset = struct.pack("ii", 1, 0)
    for number in range(REQUESTS):
        with socket.create_connection(("127.0.0.1", stack.server.port)) as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            peer.sendall(b"GET /api/libraries HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        if number % 20 == 0:
            most = max(most, status(process.pid, "Threads"))
    assert most <= threads + 12
    assert stack.viewer.get("/api/auth/me")
    assert time.monotonic() - begin < 30
    assert process.log_size - log < 400 * REQUESTS
