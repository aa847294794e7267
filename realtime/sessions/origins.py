"""The hosts under which a socket may reach this site, and the origins that may open one (RFC 6455, section 10.2).

The rules are those of REST.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

Scope = Mapping[str, Any]
_PORTS = {"http": 80, "https": 443}


def is_host_allowed(scope: Scope) -> bool:
    """Whether the host is one of the site's; without a Host header it is the address connected to, as in Django."""
    host = _header(scope, b"host")
    if host is None:
        server = scope.get("server")
        host = server[0] if server else None
    if host is None:  # there is no network between the client and this process
        return True
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def is_origin_allowed(scope: Scope) -> bool:
    """Whether the origin is this site or an allowed one, or absent, as in clients that are no browser.

    An origin is a scheme, a host and a port (RFC 6454, section 4), and all three must be the same. `null`, the origin
    of pages that hide theirs, is never allowed.
    """
    found = _header(scope, b"origin")
    if found is None:
        return True
    origin = found.lower()
    if origin == "null":
        return False
    return origin in settings.PORTAL_ALLOWED_ORIGINS or _is_own(origin, scope)


def _is_own(origin: str, scope: Scope) -> bool:
    """Whether it is the origin of this site's pages.

    The scheme is the one that the request came with, or that a trusted proxy names; https if people only use that.
    """
    scheme = "https" if settings.SECURE_SSL_REDIRECT or scope.get("scheme") == "wss" else "http"
    if not origin.startswith(f"{scheme}://"):
        return False
    try:
        given, own = urlsplit(origin), urlsplit(f"//{(_header(scope, b'host') or '').lower()}")
        if f"{scheme}://{given.netloc}" != origin or "@" in given.netloc:  # an origin has no path and no user
            return False
        default = _PORTS[scheme]
        return bool(given.hostname) and (given.hostname, given.port or default) == (own.hostname, own.port or default)
    except ValueError:  # an incomplete address, such as `http://[`, is not allowed
        return False


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)
