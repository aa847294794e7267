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
    ("host", "origin", "allowed"),
    [
        ("x.example", "https://x.example", True),
        ("x.example:443", "https://x.example", True),
        ("x.example", "https://x.example:443", True),
        ("x.example:80", "http://x.example", True),
        ("X.example", "https://x.EXAMPLE", True),
        ("[::1]:443", "https://[::1]", True),
        ("x.example:8443", "https://x.example:8443", True),
        ("x.example:443", "http://x.example", False),
        ("x.example:80", "https://x.example", False),
        ("x.example:8443", "https://x.example", False),
        ("x.example", "https://x.example:8443", False),
        ("x.example", "https://y.example", False),
        ("x.example", "null", False),
        ("x.example", "", False),
        ("x.example", "http://[", False),
        ("x.example:port", "https://x.example", False),
        ("x.example", "https://x.example:99999999", False),
        ("", "https://", False),
        ("x.example", None, True),
        (None, "https://x.example", False),
    ],
)
def test_an_origin_is_the_host_with_the_default_port_of_its_scheme(
    settings: Any, host: str | None, origin: str | None, allowed: bool
) -> None:
    settings.PORTAL_ALLOWED_ORIGINS = []
    assert is_origin_allowed(scope(host, origin)) is allowed


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
