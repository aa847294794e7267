"""The echo server, and the promise that each test leaves no connection, no task and no error behind."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from realtime.server.tests.echo import EchoServer


@pytest.fixture(scope="session")
def _echo() -> Iterator[EchoServer]:
    server = EchoServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def echo(_echo: EchoServer, no_errors: None) -> Iterator[EchoServer]:
    """The echo server, for one test."""
    yield _echo
    _echo.clean()


@pytest.fixture
def no_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing that a client does is an error of the server."""
    yield
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    assert [record.getMessage() for record in records if record.levelno >= logging.ERROR] == []
