"""The setup of uvicorn for `manage.py serve`, and its port. How it ends is in `realtime.server.process.drain`."""

from __future__ import annotations

import errno
import os
import socket
import stat
from dataclasses import dataclass, replace

import uvicorn
from django.conf import settings

from realtime.protocol.oversize import ANSWERED_TIMES
from realtime.server.http.protocol import BoundedHttpProtocol
from realtime.server.process.drain import DrainingServer
from realtime.server.process.files import raise_file_limit
from realtime.server.process.listening import ListeningSocket
from realtime.server.websocket.connection import WebSocketConnection

EVERYWHERE = ("", "*")
"""Hosts that stand for all addresses of the machine."""
_NOT_HERE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


class CannotListen(Exception):
    """The port cannot be opened; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where to serve, and how a process ends: it serves on for the delay, and then has `drain_seconds` to finish.

    With `path`, a Unix socket at that path replaces host and port.
    """

    host: str
    port: int
    drain_seconds: int
    drain_delay: int = 0
    path: str = ""

    def bind(self, *, shared: bool = False) -> list[socket.socket]:
        """Sockets on all addresses of the host, not listening yet; CannotListen if there are none or one is taken.

        If the port is `shared`, each process that binds it this way gets a part of the connections.
        """
        if self.path:
            return [self._bind_path()]
        bound: list[socket.socket] = []
        unusable: OSError | None = None
        try:
            for family, kind, protocol, _, address in socket.getaddrinfo(
                None if self.host in EVERYWHERE else self.host,
                self.port,
                type=socket.SOCK_STREAM,
                flags=socket.AI_PASSIVE,
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

    def bind_metrics(self) -> list[socket.socket]:
        """Sockets for the port that has only /metrics, on all addresses of the host; none if there is no such port."""
        port: int = settings.PORTAL_METRICS_PORT
        return replace(self, port=port, path="").bind() if port else []

    def _bind_path(self) -> socket.socket:
        """A Unix socket for everybody who may enter its folder. It replaces a socket that nobody listens on."""
        try:
            if _is_abandoned(self.path):
                os.unlink(self.path)
            one = _bind(ListeningSocket(socket.AF_UNIX, socket.SOCK_STREAM), self.path, shared=False)
            os.chmod(self.path, 0o666)  # noqa: S103  # a proxy is another user; who may enter is up to the folder
        except OSError as error:
            raise CannotListen(f"Portal cannot listen on {self.path}: {error.strerror}.") from error
        return one

    @property
    def address(self) -> str:
        """The address for people."""
        return f"unix:{self.path}" if self.path else f"http://{self}/"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _is_abandoned(path: str) -> bool:
    """Whether there is a socket on which nobody listens any more."""
    if not os.path.exists(path) or not stat.S_ISSOCK(os.stat(path).st_mode):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        return client.connect_ex(path) == errno.ECONNREFUSED


def _bind(one: socket.socket, address: tuple[object, ...] | str, *, shared: bool) -> socket.socket:
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


def config(host: str, port: int, drain_seconds: int = 10, path: str = "") -> uvicorn.Config:
    """Uvicorn's configuration: uvloop, our WebSocket protocol, Django's logging, and no access log.

    The access log would print `?token=`.
    """
    return uvicorn.Config(
        settings.ASGI_APPLICATION.replace(".application", ":application"),
        host=host,
        port=port,
        loop="realtime.server.process.loop:fast_loop",
        http=BoundedHttpProtocol,
        ws=WebSocketConnection,
        ws_max_size=settings.PORTAL_MAX_MESSAGE_BYTES * ANSWERED_TIMES,
        ws_per_message_deflate=False,
        lifespan="off",
        timeout_keep_alive=settings.PORTAL_KEEP_ALIVE_SECONDS,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=settings.PORTAL_BEHIND_PROXY,
        # The peer of a Unix socket is on this machine, and has no address
        forwarded_allow_ips="*" if path else settings.PORTAL_PROXY_ADDRESSES,
        timeout_graceful_shutdown=drain_seconds,
    )


def serve(place: Place) -> None:
    """Serve in this process until a signal ends it; CannotListen if the port cannot be opened."""
    raise_file_limit()
    sockets = [*place.bind(), *place.bind_metrics()]
    uvicorn_config = config(place.host, place.port, place.drain_seconds, place.path)
    DrainingServer(uvicorn_config, place.drain_delay).run(sockets=sockets)
