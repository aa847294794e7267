"""The log of an unavailable store: it has the kind of error, and no part of a password."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import redis
import trustme

from testing.installation import ROOT, Server, StoreKind, installation
from testing.processes import ReservedPort
from testing.stacks import STACK_ENV
from testing.stores import postgres, valkey

pytestmark = [pytest.mark.server, pytest.mark.long]

SECRET = "sw0rd%3Ffish"  # noqa: S105  # of nobody


@contextmanager
def self_signed() -> Iterator[int]:
    """The port of a TLS server with a certificate that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            while True:
                try:
                    taken, _ = listener.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(taken, server_side=True).close()
                except OSError:
                    taken.close()

        threading.Thread(target=greet, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def nobody_listens() -> Iterator[int]:
    """A port without a listener."""
    with ReservedPort() as port:
        yield port.number


@pytest.mark.valkey
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("redis://:{secret}@127.0.0.1:{free}/0", "refused|Connect call failed"),
        ("redis://:{secret}@nowhere.invalid:6379/0", "not known|resolution"),
        ("rediss://:{secret}@127.0.0.1:{tls}/0", "certificate verify failed"),
        ("redis://:{secret}@127.0.0.1:{valkey}/0", "invalid username-password|invalid password"),
        ("rediss://:{secret}@127.0.0.1:{valkey}/0", "Timeout connecting"),
    ],
    ids=["refused", "unknown host", "certificate", "password", "no TLS"],
)
def test_the_reason_of_the_channel_layer(url: str, reason: str) -> None:
    with ExitStack() as exits:
        free, tls = exits.enter_context(nobody_listens()), exits.enter_context(self_signed())
        layer = exits.enter_context(valkey())
        with redis.Redis.from_url(layer.url) as operator:
            operator.config_set("requirepass", "another")
        address = url.format(secret=SECRET, free=free, tls=tls, valkey=layer.url.rsplit(":", 1)[1].partition("/")[0])
        made = exits.enter_context(installation(StoreKind.SQLITE, REDIS_URL=address, **STACK_ENV))
        made.manage("migrate", "--verbosity", "0")
        says(exits.enter_context(made.server()), "degraded", "channelLayer", reason)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgres://portal:{secret}@127.0.0.1:{free}/portal", "refused"),
        ("postgres://portal:{secret}@nowhere.invalid/portal", "not known|resolve"),
        ("postgres://nobody:{secret}@127.0.0.1:{postgres}/portal", "nobody"),
        ("postgres://{user}@127.0.0.1:{postgres}/nowhere", "nowhere"),
    ],
    ids=["refused", "unknown host", "unknown person", "unknown database"],
)
def test_the_reason_of_the_database(url: str, reason: str) -> None:
    with ExitStack() as exits:
        free, database = exits.enter_context(nobody_listens()), exits.enter_context(postgres())
        there = httpx.URL(database.url())
        address = url.format(secret=SECRET, free=free, postgres=there.port, user=there.userinfo.decode())
        made = exits.enter_context(installation(StoreKind.SQLITE, DATABASE_URL=address, **STACK_ENV))
        says(exits.enter_context(made.server()), "unavailable", "database", reason)


def says(server: Server, status: str, check: str, reason: str) -> None:
    """The server gives this answer. Its log has the reason on the check's line, and no part of the password."""
    server.process.wait_until(
        lambda: httpx.get(f"{server.http}/api/health", timeout=5, trust_env=False).json()["status"] == status, 15
    )
    written = server.process.log.read_text()
    lines = [line for line in written.splitlines() if f"check={check}" in line or "psycopg.pool" in line]
    assert lines
    assert re.search(reason, "\n".join(lines), re.IGNORECASE), lines
    assert "sw0rd" not in written
    assert "fish" not in written


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgres://portal:sw0rd?fish@127.0.0.1/portal"),
        ("DATABASE_URL", "postgres://portal:sw0rd/fish@127.0.0.1/portal"),
        ("REDIS_URL", "redis://:sw0rd?fish@127.0.0.1:6379/0"),
        ("REDIS_URL", "redis://:sw0rd[fish@127.0.0.1:6379/0"),
    ],
)
def test_a_password_that_was_not_encoded_is_not_printed(name: str, url: str, tmp_path: Path) -> None:
    env = {**os.environ, "PORTAL_DATA_DIR": str(tmp_path / "var"), name: url}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert name in done.stderr
    assert "%3F" in done.stderr  # it says how to write it
    for part in ("sw0rd", "fish"):
        assert part not in done.stdout + done.stderr
