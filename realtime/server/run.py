"""How uvicorn is set up for `manage.py serve`, and the port it serves. How it ends is in `realtime.server.drain`."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

import uvicorn
from django.conf import settings

from realtime.server.drain import DrainableProtocol, DrainingServer
from realtime.server.files import raise_file_limit
from realtime.server.http import BoundedHttpProtocol
from realtime.server.listening import ListeningSocket

_NOT_HERE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


class CannotListen(Exception):
    """The port cannot be had; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where to serve, and how many seconds a process may take to end."""

    host: str
    port: int
    drain_seconds: int

    def bind(self, *, shared: bool = False) -> list[socket.socket]:
        """Sockets on all addresses of the host, not listening yet; CannotListen if there are none or one is taken.

        Where one is `shared`, each process that binds it so gets a part of the connections.
        """
        bound: list[socket.socket] = []
        unusable: OSError | None = None
        try:
            for family, kind, protocol, _, address in socket.getaddrinfo(
                self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            ):
                try:
                    bound.append(_bind(ListeningSocket(family, kind, protocol), address, shared=shared))
                except OSError as error:
                    if error.errno not in _NOT_HERE:
                        raise
                    unusable = error  # such as localhost's IPv6 address in a container without IPv6
            if unusable is not None and not bound:
                raise unusable
        except OSError as error:
            for one in bound:
                one.close()
            raise CannotListen(f"Portal cannot listen on {self}: {error.strerror}.") from error
        return bound

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _bind(one: socket.socket, address: tuple[object, ...], *, shared: bool) -> socket.socket:
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if one.family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(address)
    except OSError:
        one.close()
        raise
    return one


def config(host: str, port: int, drain_seconds: int = 10) -> uvicorn.Config:
    """Uvicorn's configuration: uvloop, our WebSocket protocol, Django's logging, and no access log.

    The access log would print `?token=`.
    """
    return uvicorn.Config(
        settings.ASGI_APPLICATION.replace(".application", ":application"),
        host=host,
        port=port,
        loop="realtime.server.loop:fast_loop",
        http=BoundedHttpProtocol,
        ws=DrainableProtocol,
        ws_max_size=settings.PORTAL_MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        # A client that sends no frame and no pong for a minute is gone
        ws_ping_interval=30,
        ws_ping_timeout=30,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=settings.PORTAL_BEHIND_PROXY,
        forwarded_allow_ips=settings.PORTAL_PROXY_ADDRESSES,
        timeout_graceful_shutdown=drain_seconds,
    )


def serve(place: Place) -> None:
    """Serve in this process until a signal ends it; CannotListen if the port cannot be had."""
    raise_file_limit()
    sockets = place.bind()
    DrainingServer(config(place.host, place.port, place.drain_seconds)).run(sockets=sockets)
