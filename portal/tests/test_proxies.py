"""Trust in the address of a client: only the proxy's `X-Forwarded-Proto` counts, whatever others send."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from realtime.server.tests.answering import get
from realtime.server.tests.served import Served

HTTPS = "X-Forwarded-Proto: https"


@contextmanager
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server with the current settings: Django's middleware reads them once, when the application is made."""
    monkeypatch.delitem(sys.modules, "portal.asgi", raising=False)
    server = Served()
    server.start()
    try:
        yield server
    finally:
        server.clean()
        server.stop()


@pytest.mark.parametrize(
    ("behind", "addresses", "lines", "is_https"),
    [
        (False, ["127.0.0.1"], (HTTPS,), False),
        (True, ["10.0.0.5"], (HTTPS,), False),
        (True, ["10.0.0.5"], (HTTPS, "X-Forwarded-For: 10.0.0.5"), False),
        (True, ["127.0.0.1"], (), False),
        (True, ["127.0.0.1"], ("X-Forwarded-Proto: http",), False),
        (True, ["127.0.0.1"], (HTTPS,), True),
    ],
    ids=["no proxy", "somebody else", "somebody else who lies", "proxy, silent", "proxy, http", "proxy, https"],
)
def test_only_the_proxy_can_say_that_a_request_is_https(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    transactional_db: None,
    behind: bool,
    addresses: list[str],
    lines: tuple[str, ...],
    is_https: bool,
) -> None:
    settings.PORTAL_BEHIND_PROXY, settings.PORTAL_PROXY_ADDRESSES = behind, addresses
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    with served(monkeypatch) as server:
        peer = server.connect()
        peer.send(get("/api/libraries", *lines))
        status, headers = peer.response()
        if is_https:
            assert status == 401
        else:
            assert (status, headers["location"]) == (301, "https://127.0.0.1/api/libraries")


def test_django_itself_trusts_no_header(settings: Any) -> None:
    assert settings.SECURE_PROXY_SSL_HEADER is None
