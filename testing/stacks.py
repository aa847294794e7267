"""A whole running Portal with its people logged in, for the contract suite and whole-system tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from realtime.protocol.encodings import Encoding
from testing.installation import Cast, Installation, Server, ServerKind
from testing.limits import NO_LIMITS
from testing.people import Client
from testing.proxies import NGINX_PASSES, nginx
from testing.sockets import Message, PortalSocket, open_socket, portal_view_path

ALLOWED_ORIGIN = "https://table.example.org"
# Tests open and send more per second than people do; the limits have their own tests.
STACK_ENV = {"PORTAL_ALLOWED_ORIGINS": ALLOWED_ORIGIN, **NO_LIMITS}


@dataclass(frozen=True)
class Stack:
    """One server on one installation. `controller` owns the demo library; the others are its people.

    Sockets speak in `encoding`.
    """

    installation: Installation
    server: Server
    cast: Cast
    encoding: Encoding
    controller: Client
    editor: Client
    viewer: Client
    stranger: Client

    def new_portal_view(self, **state: object) -> str:
        """A new portal view in the demo library; returns its id."""
        path = f"/api/libraries/{self.cast.library_id}/portal-views"
        return str(self.controller.post(path, {"name": f"Table {uuid4().hex[:8]}", **state})["id"])

    def open(self, path: str, **how: Any) -> AbstractAsyncContextManager[PortalSocket]:
        """A connection to the server, as by `testing.sockets.open_socket`."""
        return open_socket(self.server.ws, path, encoding=self.encoding, **how)

    @asynccontextmanager
    async def join(self, portal_view_id: str, who: Client) -> AsyncIterator[tuple[PortalSocket, Message]]:
        """An open socket of `who`, and the `connected` message that came first."""
        path = portal_view_path(portal_view_id)
        async with self.open(path, token=who.access) as socket:
            yield socket, await socket.receive("connected")

    @asynccontextmanager
    async def join_all(self, portal_view_id: str, *people: Client) -> AsyncIterator[Sequence[PortalSocket]]:
        """One open socket for each, with `connected` received; a person may be named more than once."""
        async with AsyncExitStack() as exits:
            joined = [await exits.enter_async_context(self.join(portal_view_id, who)) for who in people]
            yield [socket for socket, _ in joined]


BASE_PATH = "/portal"
BELOW_A_PATH = """
    server {{
        listen 127.0.0.1:{{listen}};
        location /portal/ {{ proxy_pass http://127.0.0.1:{port}{uri}; {passes} }}
        location / {{ return 404; }}
    }}
"""


@contextmanager
def below_a_path(installation: Installation, cast: Cast, *, stripped: bool) -> Iterator[Stack]:
    """A server behind nginx, which serves it below `BASE_PATH` and passes that prefix on, or strips it."""
    with ExitStack() as exits:
        server = exits.enter_context(
            installation.server(PORTAL_BASE_PATH=BASE_PATH, PORTAL_BEHIND_PROXY="true", PORTAL_HTTPS="false")
        )
        servers = BELOW_A_PATH.format(port=server.port, uri="/" if stripped else "", passes=NGINX_PASSES)
        port = exits.enter_context(nginx(servers))
        proxied = replace(server, port=port, path=BASE_PATH)
        people = (cast.controller, cast.editor, cast.viewer, cast.stranger)
        clients = [exits.enter_context(Client(proxied.http, person)) for person in people]
        yield Stack(installation, proxied, cast, Encoding.JSON, *clients)


@contextmanager
def running(installation: Installation, cast: Cast, kind: ServerKind, *options: str) -> Iterator[Stack]:
    """A running server of that kind on a prepared installation, with everybody logged in.

    `options` go on its command line.
    """
    with ExitStack() as exits:
        server = exits.enter_context(installation.server(kind, *options))
        people = (cast.controller, cast.editor, cast.viewer, cast.stranger)
        clients = [exits.enter_context(Client(server.http, person)) for person in people]
        yield Stack(installation, server, cast, Encoding.JSON, *clients)
