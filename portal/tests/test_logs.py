"""No credential gets into a log line, from any logger and in any place."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
import uvicorn
import websockets
from django.conf import settings
from django.test import Client

from portal import logs
from portal.redaction import STRUCK

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoxfQ.c2lnbmF0dXJl-_x"
PATH = f"/ws/portal-view/1?version=3&token={JWT}&ticket=T1ck3t&share=Sh4re&epoch=e"
SECRETS = (JWT, "T1ck3t", "Sh4re", "c2lnbmF0dXJl", "Hunter2")


@pytest.fixture(params=[True, False], ids=["json", "console"])
def output(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """The output of all loggers, in each of the two formats."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter(as_json=request.param))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def clean(stream: io.StringIO) -> str:
    """The output, which must not be empty, and must contain no secret."""
    written = stream.getvalue()
    assert STRUCK in written
    assert not [secret for secret in SECRETS if secret in written]
    return written


def test_structlog(output: io.StringIO) -> None:
    class Scope:
        def __repr__(self) -> str:
            return f"<Scope {PATH}>"

    structlog.get_logger("portal").info(
        f"opened {PATH}",
        request=f"GET {PATH}",
        headers=[(b"sec-websocket-protocol", f"bearer.{JWT}".encode())],
        scope={"query": {PATH: PATH}, "object": Scope()},
        token="Hunter2",
        password="",
        user=7,
    )
    assert "user" in clean(output)


def test_stdlib_with_arguments_and_extra(output: io.StringIO) -> None:
    logging.getLogger("some.library").warning("at %s %r", PATH, {"token": "Hunter2"}, extra={"share": "Hunter2"})
    assert "some.library" in clean(output)


def test_exceptions(output: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError(f"bad request: {PATH}")

    for logger in (structlog.get_logger("portal"), logging.getLogger("some.library")):
        try:
            fail()
        except ValueError:
            logger.exception("failed")
    written = clean(output)
    assert written.count("Traceback") == 2
    assert written.count("ValueError: bad request: /ws/portal-view/1") == 2


def test_json_is_one_object_per_line() -> None:
    record = logging.LogRecord("name", logging.INFO, __file__, 1, "one\ntwo %s", (PATH,), None)
    line = logs.formatter(as_json=True).format(record)
    assert "\n" not in line
    event = json.loads(line)
    assert event["event"].startswith("one\ntwo /ws/portal-view/1?version=3&token=***")
    assert (event["logger"], event["level"]) == ("name", "info")
    assert event["timestamp"].endswith("Z")


def test_terminal_control_characters_are_escaped(output: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = [one for one in logging.getLogger().handlers if getattr(one, "stream", None) is output]
    # pytest's own handlers keep text that no report can contain: half a surrogate pair.
    with monkeypatch.context() as patch:
        patch.setattr(logging.getLogger(), "handlers", ours)
        for logger in (structlog.get_logger("portal"), logging.getLogger("some.library")):
            try:
                raise ValueError("\x1b[2J\u202e\nforged line")
            except ValueError:
                logger.exception("\x1b[31m\u2066\n\ud800", extra={"k\u200bey": "\x9b"})
    written = output.getvalue()
    assert written.count("Traceback") == 2
    assert not [mark for mark in "\x1b\u202e\u2066\u200b\ud800\x9b" if mark in written]
    assert "\nforged" not in written


def test_a_refused_request_is_one_line_without_traceback(output: io.StringIO) -> None:
    [handler] = [one for one in logging.getLogger().handlers if getattr(one, "stream", None) is output]
    handler.addFilter(logs.ClientFaults())
    answer = Client().get("/api/libraries", headers={"host": "elsewhere.example.org\n"})
    assert answer.status_code == 400
    lines = [line for line in output.getvalue().splitlines() if "Invalid HTTP_HOST" in line]
    assert len(lines) == 1
    assert "info" in lines[0]
    assert "Traceback" not in output.getvalue()
    logging.getLogger("django.security").setLevel(logging.WARNING)
    try:
        Client().get("/api/libraries", headers={"host": "again.example.org"})
    finally:
        logging.getLogger("django.security").setLevel(logging.NOTSET)
    assert "again" not in output.getvalue()


def test_other_security_errors_are_unchanged() -> None:
    record = logging.LogRecord("django.security.csrf", logging.WARNING, __file__, 1, "Forbidden", None, None)
    assert logs.ClientFaults().filter(record)
    assert record.levelno == logging.WARNING


async def test_uvicorn(output: io.StringIO) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})

    config = uvicorn.Config(application, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        async with websockets.connect(f"ws://127.0.0.1:{port}{PATH}") as socket:
            await socket.wait_closed()
    finally:
        await server.shutdown()
    assert "[accepted]" in clean(output)


@pytest.mark.parametrize(
    "name", ["django", "django.server", "django.channels.server", "uvicorn.error", "daphne.server", "twisted"]
)
def test_every_logger_uses_the_one_formatter(name: str) -> None:
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None and logger.name != "root":
        assert not logger.handlers
        assert logger.propagate
        logger = logger.parent


def test_the_access_log_of_uvicorn_is_off() -> None:
    assert not logging.getLogger("uvicorn.access").isEnabledFor(logging.INFO)


def test_the_formatter_is_the_configured_one() -> None:
    formatters = settings.LOGGING["formatters"]
    assert {entry["()"] for entry in formatters.values()} == {logs.formatter}
    assert all(entry["filters"] == ["client_faults"] for entry in settings.LOGGING["handlers"].values())
    assert {entry["formatter"] for entry in settings.LOGGING["handlers"].values()} == set(formatters)
