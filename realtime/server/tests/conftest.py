"""The servers, and a check that each test leaves no connection, no task and no error."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from libraries.models import PortalView
from realtime.delivery import audience
from realtime.limits import rush
from realtime.server.tests.answering import AnsweringServer
from realtime.server.tests.echo import EchoServer
from realtime.server.tests.table import Table


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


@pytest.fixture(params=[audience.MANY, 1], ids=["one by one", "at once"])
def table(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    transactional_db: None,
    portal_view: PortalView,
    no_errors: None,
) -> Iterator[Table]:
    """A server with one portal view, for one test, with each of the two ways to write to its connections."""
    monkeypatch.setattr(audience, "MANY", request.param)
    table = Table(portal_view)
    table.start()
    yield table
    table.clean()
    table.stop()


@pytest.fixture(autouse=True)
def _no_rates(no_limits: None) -> None:
    """Switch the rates off, as the limits have their own tests."""


@pytest.fixture
def no_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Assert that no client causes an error of the server."""
    yield
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    assert [record.getMessage() for record in records if record.levelno >= logging.ERROR] == []


@pytest.fixture(scope="session")
def _answering() -> Iterator[AnsweringServer]:
    server = AnsweringServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def answering(_answering: AnsweringServer, no_errors: None) -> Iterator[AnsweringServer]:
    """The server that answers http, for one test."""
    yield _answering
    _answering.clean()


@pytest.fixture(autouse=True)
def _no_rush() -> Iterator[None]:
    """No rush before a test, and none after it."""
    rush.forget()
    yield
    rush.forget()
