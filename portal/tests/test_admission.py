"""The admission of requests, over a real port: bodies, simultaneous requests, clients that leave, and slow readers.

Earlier, each request had a thread at once, abandoned or not (9,451 threads), and each body was written to disk before
its sender was checked.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from portal.admission import Admission
from realtime.limits import rush
from realtime.server.tests.answering import answered, get
from realtime.server.tests.peer import Peer
from realtime.server.tests.served import Served
from testing.in_process import wait_until

ANONYMOUS, LONGEST = 1_000, 50_000
LOGGED_IN = "Authorization: Bearer x"


class AdmittingServer(Served):
    """A server with a replaced Django: `held` requests wait in their threads until they are released."""

    def __init__(self, application: Any) -> None:
        super().__init__()
        self.admission = Admission(application)
        self._config.app = ProtocolTypeRouter({"http": self.admission})

    def open_after(self, octets: bytes) -> Peer:
        """A connection on which these octets were sent."""
        peer = self.connect()
        peer.send(octets)
        return peer


@pytest.fixture
def limits(settings: Any) -> Any:
    """Limits that a test can reach."""
    settings.PORTAL_MAX_ANONYMOUS_BODY_BYTES = ANONYMOUS
    settings.PORTAL_MAX_BODY_BYTES = settings.FILE_UPLOAD_MAX_MEMORY_SIZE = LONGEST
    settings.PORTAL_REQUESTS_AT_ONCE = 2
    settings.PORTAL_REQUESTS_WAITING = 6
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    return settings


@pytest.fixture
def django(limits: Any, transactional_db: None) -> Iterator[AdmittingServer]:
    """A server with the real Django."""
    yield from serving(AdmittingServer(get_asgi_application()))


def serving(server: AdmittingServer) -> Iterator[AdmittingServer]:
    """A server for one test; afterwards it must hold nothing any more."""
    server.start()
    yield server
    server.clean()
    assert (server.admission.bodies.held, server.admission.outgoing.held) == (0, 0)
    assert [(lane.busy, lane.waits) for lane in server.admission.lanes.lanes] == [(0, 0)] * 4
    server.stop()


# --- Bodies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "lines", "most"),
    [
        ("/api/libraries", (), ANONYMOUS),
        ("/api/libraries", (LOGGED_IN,), LONGEST),
        ("/api/auth/token", (LOGGED_IN,), ANONYMOUS),
        ("/admin/", ("Cookie: sessionid=x",), LONGEST),
        ("/nowhere", (), ANONYMOUS),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_long(
    django: AdmittingServer, path: str, lines: tuple[str, ...], most: int, chunked: bool
) -> None:
    """Of an announced body nothing is read; of a chunked one, no more than allowed."""
    if chunked:
        body = b"%x\r\n%s\r\n" % (most + 1, b"x" * (most + 1))
        peer = django.open_after(get(path, *lines, "Transfer-Encoding: chunked", method="POST") + body)
    else:
        peer = django.open_after(get(path, *lines, f"Content-Length: {most + 1}", method="POST"))
    status, headers, text = answered(peer)
    assert status == 413
    assert str(most) in text
    if path.startswith("/api/"):
        assert json.loads(text)["code"] == "too-large"
    else:
        assert headers["content-type"].startswith("text/plain")


def test_the_connection_continues_after_a_body_that_was_too_long(django: AdmittingServer) -> None:
    peer = django.open_after(get("/api/libraries", f"Content-Length: {ANONYMOUS + 1}", method="POST"))
    assert answered(peer)[0] == 413
    peer.send(b"x" * (ANONYMOUS + 1), get("/api/libraries"))
    assert answered(peer)[0] == 401


def test_a_body_after_a_refused_expect_is_not_read_as_a_request(django: AdmittingServer) -> None:
    """RFC 9110, section 10.1.1: a client whose Expect was refused may or may not send its body."""
    lines = (f"Content-Length: {ANONYMOUS + 1}", "Expect: 100-continue")
    peer = django.open_after(get("/api/libraries", *lines, method="POST"))
    status, headers, _ = answered(peer)
    assert (status, headers["connection"]) == (413, "close")
    peer.ended()


@pytest.mark.parametrize("size", [ANONYMOUS, LONGEST])
def test_nothing_is_written_to_disk(django: AdmittingServer, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Neither the code that reads a body nor the parser of uploads writes to disk."""
    made: list[str] = []
    real = tempfile._TemporaryFileWrapper

    def noted(*args: Any, **kwargs: Any) -> Any:
        made.append("a file")
        return real(*args, **kwargs)

    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", noted)
    head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    body = head + b"y" * (size - len(head) - 9) + b"\r\n--x--\r\n"
    lines = (LOGGED_IN, "Content-Type: multipart/form-data; boundary=x", f"Content-Length: {len(body)}")
    peer = django.open_after(get("/admin/login/", *lines, method="POST") + body)
    assert answered(peer)[0] in {403, 413}
    peer = django.open_after(get("/api/libraries", *lines, method="POST") + body)
    assert answered(peer)[0] in {401, 413}
    assert made == []


# --- Simultaneous requests ----------------------------------------------------------------------------------------


class Held:
    """An application that answers in a thread, as Django does, once it is released; `begun` counts."""

    def __init__(self) -> None:
        self.begun = 0
        self.threads: set[int] = set()
        self.event = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from asgiref.sync import sync_to_async

        size = await sync_to_async(self._work)(scope["path"])
        headers = [(b"content-length", str(size).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * size})

    def _work(self, path: str) -> int:
        self.begun += 1
        self.threads.add(threading.get_ident())
        if path.startswith("/held"):
            self.event.wait(20)
        return int(path.rpartition("/")[2] or 0) if path.startswith("/bytes") else 2


@pytest.fixture
def held() -> Held:
    """An application that holds its requests."""
    return Held()


@pytest.fixture
def server(limits: Any, held: Held) -> Iterator[AdmittingServer]:
    """A server with that application."""
    yield from serving(AdmittingServer(held))
    held.event.set()


def lane_of(server: AdmittingServer, path: str) -> Any:
    """The lane of a path."""
    return server.admission.lanes.of(path)


def test_requests_beyond_the_waiting_limit_are_refused_at_once(
    server: AdmittingServer, held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    """Two are answered, and three wait: half of the places, as all come from one network."""
    peers = [server.open_after(get("/held")) for _ in range(5)]
    wait_until(lambda: (held.begun, lane_of(server, "/").waits) == (2, 3))
    for path, kind in (("/api/libraries", "application/json"), ("/page", "text/plain; charset=utf-8")):
        for _ in range(20):
            status, headers, text = answered(server.open_after(get(path)))
            assert (status, headers["retry-after"], headers["content-type"]) == (503, "5", kind)
            assert "try again" in text
    assert rush.is_on()
    assert caplog.text.count("requests_refused") <= 3  # one per second
    for path in ("/api/health", "/static/x", "/admin/login/"):  # these have their own lanes
        assert answered(server.open_after(get(path)))[0] == 200
    held.event.set()
    assert [answered(peer)[0] for peer in peers] == [200] * 5
    assert len(held.threads) <= 2 + 3


def test_a_client_that_leaves_before_a_thread_is_free_gets_none(server: AdmittingServer, held: Held) -> None:
    staying = [server.open_after(get("/held")) for _ in range(2)]
    wait_until(lambda: held.begun == 2)
    for _ in range(100):
        waiting = [server.open_after(get("/held")) for _ in range(3)]
        wait_until(lambda: lane_of(server, "/").waits == 3)
        for peer in waiting:
            peer.reset()
        wait_until(lambda: lane_of(server, "/").waits == 0)
    held.event.set()
    assert [answered(peer)[0] for peer in staying] == [200, 200]
    assert held.begun == 2
    assert len(held.threads) == 2


def test_an_abandoned_request_keeps_its_place_while_its_thread_runs(server: AdmittingServer, held: Held) -> None:
    """A thread cannot be stopped: another request in its place would be one thread too many."""
    abandoned = [server.open_after(get("/held")) for _ in range(2)]
    wait_until(lambda: held.begun == 2)
    for peer in abandoned:
        peer.reset()
    wait_until(lambda: not server.server.server_state.connections)
    patient = server.open_after(get("/next"))
    wait_until(lambda: lane_of(server, "/").waits == 1)
    assert held.begun == 2
    held.event.set()
    assert answered(patient)[0] == 200


def test_a_slow_reader_delays_nobody(server: AdmittingServer, held: Held) -> None:
    for count in range(1, 7):
        server.connect(receive_buffer=4096).send(get("/bytes/9000000"))
        wait_until(lambda: held.begun == count and lane_of(server, "/").busy == 0)  # noqa: B023  # waits here
    assert answered(server.open_after(get("/quick")))[0] == 200
    assert server.do(lambda: server.admission.outgoing.held) > 6 * 4_000_000  # more than the kernels hold


def test_unread_answers_are_bounded(server: AdmittingServer, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client whose last progress is longest ago is cut."""
    monkeypatch.setattr(server.admission.outgoing, "_most", 50_000_000)
    slow = []
    for _ in range(4):
        slow.append(server.connect(receive_buffer=4096))
        begun = held.begun
        slow[-1].send(get("/bytes/20000000"))
        wait_until(lambda: held.begun > begun and lane_of(server, "/").busy == 0)  # noqa: B023  # waits here
    wait_until(lambda: len(server.server.server_state.connections) == 2)
    assert server.do(lambda: server.admission.outgoing.held) <= 50_000_000
    with pytest.raises((ConnectionError, AssertionError)):
        slow[0]._read(30_000_000)
    assert len(slow[3]._read(20_000_000)) == 20_000_000
