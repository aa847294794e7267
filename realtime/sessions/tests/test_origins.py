"""The hosts under which a socket may reach the site, and the origins that may open one."""

from __future__ import annotations

from typing import Any

import pytest

from realtime.sessions.origins import is_host_allowed, is_origin_allowed


def scope(host: str | None = None, origin: str | None = None, **more: Any) -> dict[str, Any]:
    """A handshake."""
    lines = [(b"host", host), (b"origin", origin)]
    return {"headers": [(name, value.encode("latin-1")) for name, value in lines if value is not None], **more}


@pytest.mark.parametrize(
    ("host", "origin", "scheme", "allowed"),
    [
        ("x.example", "https://x.example", "wss", True),
        ("x.example:443", "https://x.example", "wss", True),
        ("x.example", "https://x.example:443", "wss", True),
        ("x.example", "http://x.example", "ws", True),
        ("x.example:80", "http://x.example", "ws", True),
        ("x.example", "http://x.example", None, True),
        ("X.example", "https://x.EXAMPLE", "wss", True),
        ("[::1]:443", "https://[::1]", "wss", True),
        ("x.example:8443", "https://x.example:8443", "wss", True),
        # The scheme is another one
        ("x.example", "https://x.example", "ws", False),
        ("x.example", "https://x.example", None, False),
        ("x.example", "http://x.example", "wss", False),
        ("x.example:443", "https://x.example:443", "ws", False),
        ("x.example:8443", "http://x.example:8443", "wss", False),
        ("x.example", "ws://x.example", "ws", False),
        ("x.example", "wss://x.example", "wss", False),
        # The port is another one
        ("x.example:80", "https://x.example", "wss", False),
        ("x.example:443", "http://x.example", "ws", False),
        ("x.example:8443", "https://x.example", "wss", False),
        ("x.example", "https://x.example:8443", "wss", False),
        # The host is another one
        ("x.example", "https://y.example", "wss", False),
        ("x.example", "https://x.example.evil.example", "wss", False),
        (None, "https://x.example", "wss", False),
        # It is no origin
        ("x.example", "null", "ws", False),
        ("null", "null", "ws", False),
        ("x.example", "", "ws", False),
        ("", "http://", "ws", False),
        ("x.example", "http://[", "ws", False),
        ("x.example", "http://x.example/", "ws", False),
        ("x.example", "http://x.example/page", "ws", False),
        ("x.example", "http://x.example?", "ws", False),
        ("x.example", "http://somebody@x.example", "ws", False),
        ("x.example", "http://x.example http://x.example", "ws", False),
        ("x.example:port", "http://x.example", "ws", False),
        ("x.example", "http://x.example:99999999", "ws", False),
        ("x.example", None, "ws", True),
    ],
)
def test_an_origin_is_own_by_scheme_host_and_port(
    settings: Any, host: str | None, origin: str | None, scheme: str | None, allowed: bool
) -> None:
    settings.PORTAL_ALLOWED_ORIGINS = []
    assert is_origin_allowed(scope(host, origin, **({} if scheme is None else {"scheme": scheme}))) is allowed


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_site_of_https_has_no_origin_of_http(settings: Any, scheme: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert is_origin_allowed(scope("x.example", "https://x.example", scheme=scheme))
    assert not is_origin_allowed(scope("x.example", "http://x.example", scheme=scheme))


@pytest.mark.parametrize("origin", ["null", "NULL"])
def test_null_is_not_allowed_even_if_it_is_listed(settings: Any, origin: str) -> None:
    settings.PORTAL_ALLOWED_ORIGINS = ["null"]
    assert not is_origin_allowed(scope("x.example", origin))


@pytest.mark.parametrize(
    "origin",
    [
        "http://table.example.org:8443",
        "https://table.example.org",
        "https://table.example.org:8443/",
        "https://a.table.example.org:8443",
        "https://table.example.org:84430",
    ],
)
def test_only_a_listed_scheme_host_and_port_is_allowed(settings: Any, origin: str) -> None:
    settings.PORTAL_ALLOWED_ORIGINS = ["https://table.example.org:8443"]
    assert not is_origin_allowed(scope("x.example", origin, scheme="wss"))


@pytest.mark.parametrize("origin", ["https://table.example.org:8443", "HTTPS://TABLE.example.org:8443"])
def test_listed_origins_are_allowed(settings: Any, origin: str) -> None:
    settings.PORTAL_ALLOWED_ORIGINS = ["https://table.example.org:8443"]
    assert is_origin_allowed(scope("x.example", origin))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("x.example", True),
        ("X.EXAMPLE:8443", True),
        ("x.example.", True),
        ("a.sub.example", True),
        ("[::1]:8000", True),
        ("y.example", False),
        ("x.example.evil", False),
        ("evil@x.example", False),
        ("", False),
        ("x.example:port", False),
    ],
)
def test_a_host_is_allowed_as_in_django(settings: Any, host: str, allowed: bool) -> None:
    settings.ALLOWED_HOSTS = ["x.example", ".sub.example", "[::1]"]
    assert is_host_allowed(scope(host)) is allowed


def test_without_a_host_header_the_address_counts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    assert is_host_allowed(scope(server=("127.0.0.1", 8000)))
    assert not is_host_allowed(scope(server=("10.0.0.5", 8000)))
    assert is_host_allowed(scope())
