"""The number of connections that a process takes, and the answer to the others; earlier it ran out of files.

Then `accept` failed at each turn of the event loop, at full speed and with a traceback, and so did every write.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from realtime.limits import rush
from realtime.server.http.protocol import TURNED_AWAY_AT_ONCE
from realtime.server.http.sweep import sweep_of
from realtime.server.process.files import RESERVED, most_connections, raise_file_limit
from realtime.server.process.listening import AT_ONCE, ListeningSocket
from realtime.server.process.loop import fast_loop
from realtime.server.tests.answering import AnsweringServer, answered, get
from realtime.server.tests.peer import request
from testing.in_process import wait_until

MOST = 5


def test_a_connection_over_the_limit_is_told_so(answering: AnsweringServer, settings: Any) -> None:
    """All the others are being served."""
    settings.PORTAL_CONNECTIONS = MOST
    inside = [answering.open() for _ in range(MOST - 1)]
    busy = answering.connect()
    busy.send(get("/held"))
    wait_until(lambda: answering.paths[-1] == "/held")
    for octets in (b"", get("/"), request()):
        peer = answering.connect()
        peer.send(octets)
        status, headers, text = answered(peer)
        assert (status, headers["retry-after"], headers["connection"]) == (503, "5", "close")
        assert "too many connections" in text
        peer.ended()
        peer.socket.close()
    inside[0].answers()
    answering.let_go()
    assert answered(busy)[2] == "/held"
    inside[1].socket.close()
    wait_until(lambda: len(answering.server.server_state.connections) < MOST)
    answering.open().answers()


@pytest.mark.parametrize("octets", [b"", b"GET /si", get("/body", "Content-Length: 9", method="POST") + b"half"])
def test_the_longest_silent_connection_makes_room(answering: AnsweringServer, settings: Any, octets: bytes) -> None:
    """Silent connections, also with half a head or half a body, must not block others."""
    settings.PORTAL_CONNECTIONS = MOST
    inside = answering.open()
    silent = [answering.connect() for _ in range(MOST - 1)]
    for one in silent:
        one.send(octets)
    wait_until(lambda: {_port(one) for one in silent} == set(answering.do(_silent)))
    silent[0].send(b"G")  # it has just sent something
    wait_until(lambda: answering.do(_silent)[-1] == _port(silent[0]))
    newcomer = answering.open()
    newcomer.answers()
    inside.answers()
    silent[1].ended()
    assert _port(silent[0]) in answering.do(_silent)
    assert rush.is_on()


def test_a_connection_being_answered_keeps_its_place_and_then_counts_as_silent(
    answering: AnsweringServer, settings: Any
) -> None:
    settings.PORTAL_CONNECTIONS = 1
    peer = answering.connect()
    peer.send(get("/kept"))
    assert answered(peer)[2] == "/kept"
    newcomer = answering.connect()
    newcomer.send(get("/new"))
    assert answered(newcomer)[2] == "/new"
    peer.ended()


def _silent() -> list[int]:
    """The ports of the watched connections, the longest silent first."""
    return [one.client[1] for one in sweep_of(asyncio.get_running_loop())]  # type: ignore[attr-defined]


def _port(peer: Any) -> int:
    return int(peer.socket.getsockname()[1])


def test_few_connections_at_once_are_told_that_they_are_too_many(answering: AnsweringServer, settings: Any) -> None:
    """They stay until they have read the answer, for 2 s at most; further ones are cut at once."""
    settings.PORTAL_CONNECTIONS = 1
    answering.open()
    for _ in range(3 * TURNED_AWAY_AT_ONCE):
        answering.connect()
    wait_until(lambda: answering.do(lambda: len(answering.server.server_state.connections)) > TURNED_AWAY_AT_ONCE)
    last = answering.connect()
    assert b"503" in last.socket.recv(100)
    assert len(answering.server.server_state.connections) <= 1 + TURNED_AWAY_AT_ONCE + 1


def test_no_limit(answering: AnsweringServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PORTAL_CONNECTIONS = 0
    monkeypatch.setattr("resource.getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert most_connections() == 0
    answering.open().answers()


@pytest.mark.parametrize(
    ("soft", "wanted", "most"),
    [
        (1024, 0, 1024 - RESERVED),
        (1024, 500, 500),
        (1024, 20_000, 1024 - RESERVED),
        (100, 20_000, 50),
        (resource.RLIM_INFINITY, 20_000, 20_000),
    ],
)
def test_some_files_are_reserved(
    settings: Any, monkeypatch: pytest.MonkeyPatch, soft: int, wanted: int, most: int
) -> None:
    settings.PORTAL_CONNECTIONS = wanted
    monkeypatch.setattr("resource.getrlimit", lambda _: (soft, resource.RLIM_INFINITY))
    assert most_connections() == most


def test_the_limit_on_files_is_raised() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
        raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- The socket that listens ------------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[ListeningSocket]:
    """A socket that listens, outside of any event loop."""
    with ListeningSocket(socket.AF_INET, socket.SOCK_STREAM) as made:
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        made.listen(200)
        yield made


def test_a_rush_is_accepted_in_several_turns(listener: ListeningSocket) -> None:
    clients = [socket.create_connection(listener.getsockname()) for _ in range(AT_ONCE + 1)]
    taken = [listener.accept()[0] for _ in range(AT_ONCE)]
    with pytest.raises(BlockingIOError):  # as if there were no more in this turn
        listener.accept()
    taken.append(listener.accept()[0])
    with pytest.raises(BlockingIOError):
        listener.accept()
    for one in (*clients, *taken):
        one.close()


def no_files(monkeypatch: pytest.MonkeyPatch, times: int, code: int = errno.EMFILE) -> None:
    """Let `accept` fail this many times."""
    real, left = socket.socket.accept, iter(range(times))

    def accept(self: socket.socket) -> Any:
        if next(left, None) is not None:
            raise OSError(code, os.strerror(code))
        return real(self)

    monkeypatch.setattr("socket.socket.accept", accept)


def test_without_a_file_left_a_connection_is_answered_and_closed(
    listener: ListeningSocket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It must not stay in the queue: the event loop would find it again at once, without end."""
    no_files(monkeypatch, 1)
    with socket.create_connection(listener.getsockname()) as client:
        with pytest.raises(BlockingIOError):
            listener.accept()
        client.settimeout(5)
        assert client.recv(100).startswith(b"HTTP/1.1 503 ")
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert caplog.text.count("no_files_left") == 1
    for _ in range(50):
        listener._taken = 0  # in another turn of the event loop
        no_files(monkeypatch, 1)
        with socket.create_connection(listener.getsockname()), pytest.raises(BlockingIOError):
            listener.accept()
    assert caplog.text.count("no_files_left") <= 2  # once per second


def test_if_the_machine_has_no_files_left_there_is_a_pause(
    listener: ListeningSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_files(monkeypatch, 2, errno.ENFILE)
    with socket.create_connection(listener.getsockname()):
        with pytest.raises(OSError, match="Too many open files in system"):  # aiofastnet pauses for a second
            listener.accept()
        with pytest.raises(BlockingIOError):  # and asks once more before that
            listener.accept()
        listener.accept()[0].close()


def test_the_event_loop_pauses_with_it(
    listener: ListeningSocket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """aiofastnet calls `remove_reader` of the socket, but means the event loop's; without one it never pauses."""
    calls = 0
    no_files(monkeypatch, 2, errno.ENFILE)
    real = ListeningSocket.accept

    def accept(self: ListeningSocket) -> Any:
        nonlocal calls
        calls += 1
        return real(self)

    monkeypatch.setattr(ListeningSocket, "accept", accept)

    async def serve() -> None:
        come = asyncio.get_running_loop().create_future()
        server = await asyncio.get_running_loop().create_server(lambda: Greeter(come), sock=listener)
        with socket.create_connection(listener.getsockname()):
            await asyncio.wait_for(come, 10)
        server.close()

    with asyncio.Runner(loop_factory=fast_loop) as runner:
        runner.run(serve())
    assert calls < 10
    assert caplog.text.count("no_files_left") == 1


class Greeter(asyncio.Protocol):
    """Greets each connection."""

    def __init__(self, come: asyncio.Future[None]) -> None:
        self._come = come

    def connection_made(self, transport: Any) -> None:
        self._come.set_result(None)
        transport.abort()
