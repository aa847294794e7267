"""A person's socket without a network: the ASGI application, and the messages that it sends to the client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol, Self
from urllib.parse import urlencode
from uuid import UUID, uuid4

import msgpack
from channels.testing import WebsocketCommunicator
from rest_framework_simplejwt.tokens import AccessToken

from libraries.models import PortalView, User
from realtime.hub.hub import current_hub
from realtime.news.layer import require_layer
from realtime.news.structs import News, portal_view_group, to_message
from realtime.rooms.room import Room
from realtime.sessions.routing import application

DEADLINE_SECONDS = 5

Message = dict[str, Any]
Closed = tuple[int, str]


class Client:
    """An open socket. Everything expected of it must come before the deadline."""

    def __init__(self, communicator: WebsocketCommunicator) -> None:
        self._communicator = communicator
        self._gone = False
        self.subprotocol: str | None = None
        self.connected: Message = {}

    @property
    def id(self) -> str:
        """The connection's id, once it is connected."""
        return str(self.connected["connectionId"])

    @property
    def unread(self) -> int:
        """The number of the server's events that were not taken yet."""
        return int(self._communicator.output_queue.qsize())

    async def open(self) -> None:
        """Request the connection; it is always accepted."""
        accepted, subprotocol = await self._communicator.connect(timeout=DEADLINE_SECONDS)
        assert accepted
        assert subprotocol is None or isinstance(subprotocol, str)
        self.subprotocol = subprotocol

    async def send(self, type_: str, **body: Any) -> None:
        """Send one message."""
        await self.send_text(json.dumps({"type": type_, **body}))

    async def send_text(self, text: str) -> None:
        """Send a text frame; it may be empty."""
        await self.event({"type": "websocket.receive", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame."""
        await self.event({"type": "websocket.receive", "bytes": data})

    async def event(self, event: dict[str, Any]) -> None:
        """Pass an event of the client to the application, as the server does."""
        await self._communicator.send_input(event)

    def cancel(self) -> None:
        """Cancel the application, as a server does that stops without waiting."""
        self._communicator.future.cancel()

    async def receive(self, type_: str | None = None) -> Message:
        """The next message, which must be of that type; `presence` is passed over unless it is asked for."""
        message = await self._next()
        while message["type"] == "presence" != type_:
            message = await self._next()
        if type_ is not None:
            assert message["type"] == type_, f"expected {type_}, got {message}"
        return message

    async def _next(self) -> Message:
        content = await self._communicator.receive_from(timeout=DEADLINE_SECONDS)
        message = json.loads(content) if isinstance(content, str) else msgpack.unpackb(content)
        assert isinstance(message, dict)
        return message

    async def ask(self, type_: str, **body: Any) -> Message:
        """Send a message with a ref, and take its answer, which must come next."""
        ref = uuid4().hex
        await self.send(type_, ref=ref, **body)
        answer = await self.receive()
        assert answer.get("ref") == ref, f"expected the answer to {type_}, got {answer}"
        return answer

    async def expect_nothing_before_pong(self) -> None:
        """Assert that nothing was sent: the next message answers a ping sent now."""
        assert (await self.ask("ping"))["type"] == "pong"

    async def refused(self) -> tuple[Message, Closed]:
        """The `error` that comes next, and the close after it."""
        return await self.receive("error"), await self.closed()

    async def closed(self) -> Closed:
        """The close that comes next."""
        event = await self._communicator.receive_output(timeout=DEADLINE_SECONDS)
        while event["type"] == "websocket.send" and '"type":"presence"' in (event.get("text") or ""):
            event = await self._communicator.receive_output(timeout=DEADLINE_SECONDS)
        assert event["type"] == "websocket.close", f"expected the end, got {event}"
        return int(event["code"]), event["reason"]

    async def leave(self, code: int = 1001) -> None:
        """Disconnect, and wait until the server is finished; once is enough."""
        if not self._gone:
            self._gone = True
            await self._communicator.disconnect(code, timeout=DEADLINE_SECONDS)


class Connect(Protocol):
    """The fixture `connect`: opens a socket as `open_client` does."""

    async def __call__(
        self,
        who: User | str | None,
        where: PortalView | UUID | str,
        *,
        query: dict[str, str] | None = None,
        subprotocols: Sequence[str] = (),
        headers: Sequence[tuple[bytes, bytes]] = (),
        extensions: dict[str, Any] | None = None,
        greeted: bool = True,
    ) -> Client: ...


async def open_client(
    who: User | str | None,
    where: PortalView | UUID | str,
    *,
    query: dict[str, str] | None = None,
    subprotocols: Sequence[str] = (),
    headers: Sequence[tuple[bytes, bytes]] = (),
    extensions: dict[str, Any] | None = None,
    greeted: bool = True,
) -> Client:
    """A socket of `who`, a user or a token, to `where`: a portal view, its id, or a path.

    `greeted`: take the `connected` that must come first.
    """
    parameters = dict(query or {})
    if who is not None:
        parameters["token"] = who if isinstance(who, str) else token_of(who)
    path = where if isinstance(where, str) else path_of(where)
    asked = f"{path}?{urlencode(parameters)}" if parameters else path
    communicator = WebsocketCommunicator(application, asked, headers=list(headers), subprotocols=list(subprotocols))
    communicator.scope["extensions"] = extensions or {}
    client = Client(communicator)
    await client.open()
    if greeted:
        client.connected = await client.receive("connected")
    return client


class Listener:
    """Another process: a member of the portal view's group."""

    def __init__(self, portal_view_id: UUID) -> None:
        self._group = portal_view_group(portal_view_id)
        self._channel = ""

    async def __aenter__(self) -> Self:
        self._channel = await require_layer().new_channel()
        await require_layer().group_add(self._group, self._channel)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await require_layer().group_discard(self._group, self._channel)

    async def hear(self) -> Message:
        """The next news, with decoded texts."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            news = await require_layer().receive(self._channel)
        return {key: json.loads(text) if key in {"controllers", "viewers"} else text for key, text in news.items()}

    async def tell(self, news: News) -> None:
        """Send news to the group, including this process."""
        await require_layer().group_send(self._group, to_message(news))


def path_of(where: PortalView | UUID) -> str:
    """The path of a portal view's sockets."""
    return f"/ws/portal-view/{where.id if isinstance(where, PortalView) else where}/"


def token_of(user: User) -> str:
    """An access token of no session that can end, and so of no row."""
    return str(AccessToken.for_user(user))


def room_of(portal_view: PortalView) -> Room:
    """This process's room of a portal view."""
    return current_hub().keepers[portal_view.id].room


async def until(condition: Callable[[], object], what: str) -> None:
    """Let other tasks run until the condition holds."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():  # noqa: ASYNC110  # there is no event for what a test looks at
                await asyncio.sleep(0)
    except TimeoutError:
        raise AssertionError(f"{what} did not come about within {DEADLINE_SECONDS} s") from None
