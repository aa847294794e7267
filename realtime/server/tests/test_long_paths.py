"""A long path that looks like a credential costs no more than another: the redaction takes linear time."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Iterator

import pytest

from libraries.models import User
from realtime.server.tests.peer import request
from realtime.server.tests.table import Table

LENGTH = 63 * 1024
CREDENTIALS = "/" + "eyJ" * (LENGTH // 3)
LETTERS = "/" + "abc" * (LENGTH // 3)


@pytest.fixture(autouse=True)
def _written() -> Iterator[io.StringIO]:
    """The output of the formatter of all logs for every record."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    [configured] = [one for one in logging.getLogger().handlers if one.name == "stderr"]
    handler.setFormatter(configured.formatter)
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)
    assert "eyJeyJ" not in stream.getvalue()


def get(table: Table, path: str) -> None:
    """Send a plain request, and ignore the answer."""
    peer = table.connect()
    peer.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    status, _ = peer.response()
    assert status >= 400
    peer.socket.close()


def shake_hands(table: Table, path: str) -> None:
    """Send an opening handshake, and ignore the answer."""
    peer = table.connect()
    peer.send(request(path[: 8 * 1024]))
    assert peer.response()[0] >= 101
    peer.socket.close()


def cost(work: Callable[[], None]) -> float:
    """Processor seconds of all threads together, the minimum of three runs."""

    def once() -> float:
        started = time.process_time()
        work()
        return time.process_time() - started

    return min(once() for _ in range(3))


@pytest.mark.parametrize("ask", [get, shake_hands])
def test_a_path_that_looks_like_credentials_costs_no_more_than_letters(
    table: Table, viewer: User, ask: Callable[[Table, str], None]
) -> None:
    # Redacting `eyJeyJ…` took quadratic time: 2.4 s for 63 KB, while everything else waited.
    other = table.seat(viewer)
    letters = cost(lambda: ask(table, LETTERS))
    credentials = cost(lambda: ask(table, CREDENTIALS))
    assert other.ask("ping")["type"] == "pong"
    assert credentials < 5 * max(letters, 0.004)
