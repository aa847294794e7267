"""The page /metrics: answered in the event loop, without Django and its threads, and only to those who may read it.

For everybody else there is no such page: the request goes on to the site, which says so as it does of any other.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from functools import lru_cache
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings

from libraries.rules.paths import site_path
from realtime.metrics.exposition import exposed
from realtime.metrics.reports import Report

PATH = "/metrics"

Application = Callable[[Any, Any, Any], Awaitable[None]]
Source = Callable[[], Awaitable[Report]]


class NoReport(Exception):
    """The numbers could not be had in time."""


class _Process:
    source: Source | None = None


def read_from(source: Source) -> None:
    """Have the numbers from there: of this process alone, or from the supervisor, which has those of all."""
    _Process.source = source


async def _report() -> Report:
    if _Process.source is None:
        raise NoReport("Nobody counts here.")
    return await _Process.source()


class Metrics:
    """An ASGI application around the site's. Without a site there is nothing but this page."""

    def __init__(self, application: Application | None = None) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, or pass the request on."""
        is_own = self._application is None or _is_own_port(scope)
        is_here = is_own is bool(settings.PORTAL_METRICS_PORT)
        if is_here and _is_asked(scope) and _may_read(scope):
            await _answer(scope, send)
        elif self._application is not None and not is_own:
            await self._application(scope, receive, send)
        else:
            await _refuse(scope, send)


def _is_own_port(scope: Any) -> bool:
    """Whether the request came to the port that has only this page."""
    server = scope.get("server")
    return bool(settings.PORTAL_METRICS_PORT) and server is not None and server[1] == settings.PORTAL_METRICS_PORT


def _is_asked(scope: Any) -> bool:
    return scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and site_path(scope) == PATH


def _may_read(scope: Any) -> bool:
    """Whether the client has the token, or comes from an address that needs none."""
    headers, token = dict(scope["headers"]), settings.PORTAL_METRICS_TOKEN
    kind, _, offered = headers.get(b"authorization", b"").partition(b" ")
    if token and kind.lower() == b"bearer" and hmac.compare_digest(offered.strip(), token.encode()):
        return True
    client = scope.get("client")
    return _is_listed(client[0] if client else "", tuple(settings.PORTAL_METRICS_ADDRESSES))


def _is_listed(address: str, listed: tuple[str, ...]) -> bool:
    if listed == ("*",):
        return True
    try:
        ip = ip_address(address)
    except ValueError:  # the peer of a Unix socket has none
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:  # RFC 4291, section 2.5.5.2
        ip = ip.ipv4_mapped
    return any(ip in network for network in _networks(listed))


@lru_cache(maxsize=8)
def _networks(listed: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(one) for one in listed)


async def _answer(scope: Any, send: Any) -> None:
    accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
    try:
        body, kind = exposed(await _report(), accept)
        status = HTTPStatus.OK
    except NoReport as error:
        body, kind, status = f"{error}\n".encode(), "text/plain; charset=utf-8", HTTPStatus.SERVICE_UNAVAILABLE
    await _send(scope, send, status, body, kind)


async def _refuse(scope: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
    else:
        await _send(scope, send, HTTPStatus.NOT_FOUND, b"Not Found\n", "text/plain; charset=utf-8")


async def _send(scope: Any, send: Any, status: HTTPStatus, body: bytes, kind: str) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
