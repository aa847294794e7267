"""One socket: it is let in or refused, its messages are parsed, checked and handled, and every end is cleaned up.

It opens no channel of its own: the hub has one for all sockets of the process. The messages are handled in `handlers`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings

from libraries.rules.errors import Forbidden, PortalError, Unavailable
from libraries.rules.networks import network_of_scope
from realtime.delivery.outlet import EXTENSION, Outlet, QueueOutlet
from realtime.hub.hub import current_hub
from realtime.limits.entrance import Entrance, Flooded, Limited, current_entrance
from realtime.limits.rates import REFUSED
from realtime.metrics import names
from realtime.protocol.contents import Content, InvalidMessage
from realtime.protocol.oversize import size_over, too_big
from realtime.protocol.policy import may_send, refusal
from realtime.protocol.requests import ClientMessage, decode
from realtime.rooms.connection import CRASHED, Connection, refuse
from realtime.rooms.snapshots import Entry
from realtime.sessions.credentials import Refused
from realtime.sessions.handlers import HANDLERS, Session
from realtime.sessions.handshake import admit, encoding, is_socketio
from realtime.sessions.pacing import is_in_time
from realtime.sessions.work import Work

log = structlog.get_logger(__name__)


class PortalViewConsumer(AsyncJsonWebsocketConsumer):
    """A client of one portal view (docs/protocol.md)."""

    channel_layer_alias = "none"
    """Deliberately not configured: the hub saves a channel and a task for each socket."""

    def __init__(self) -> None:
        super().__init__()
        self.session: Session | None = None
        self.outlet: Outlet
        self.received = 0
        self.began = time.monotonic()

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        """Run until the client is gone. An unexpected error closes with 1011, which a browser can see."""
        self.scope = scope
        self.base_send = send
        self.outlet = scope.get("extensions", {}).get(EXTENSION) or QueueOutlet(send)
        try:
            while True:
                event = await receive()
                try:
                    await self.dispatch(event)
                except StopConsumer:
                    return
                except Exception:  # a bug must not end in 1006, nor stay unnoticed
                    self._crash()
        finally:
            await self._leave()

    async def dispatch(self, message: Any) -> None:
        """Pass an ASGI event to its method, without the base class's thread hop: most events need no database."""
        match message["type"]:
            case "websocket.receive":
                await self.websocket_receive(message)
                await asyncio.sleep(0)  # a client that sends a thousand messages at once must let others run in between
            case "websocket.connect":
                await self.websocket_connect(message)
            case "websocket.disconnect":
                await self.websocket_disconnect(message)

    async def connect(self) -> None:
        """Accept, and then let in or refuse: a close before accept would be an HTTP 403, which no browser shows."""
        entrance, came_from = current_entrance(), network_of_scope(self.scope)
        await entrance.queue()
        limited: Limited | None = None
        try:
            entrance.look(came_from)
        except Flooded as flooded:
            names.HANDSHAKE_FAILURES.add(flooded.code)
            await self._turn_away()
        except Limited as too_many:
            limited = too_many
        try:
            await self.accept(self._choose_encoding())
        except OSError:  # the client is gone already (ASGI, WebSocket, "Send"); that is the next event
            return
        try:
            if limited is not None:
                raise limited
            await self._let_in(entrance)
            names.HANDSHAKE_SECONDS.observe(time.monotonic() - self.began)
        except Refused as refused:
            names.HANDSHAKE_FAILURES.add(refused.code)
            if refused.code != Unavailable.code:  # this is not the client's fault
                entrance.fail(came_from)
            self._refuse(refused.code, refused.message)
        except Limited as too_many:  # this is logged, at most once per second
            names.HANDSHAKE_FAILURES.add(too_many.code)
            if too_many.code == "rate-limited" and limited is None:
                entrance.fail(came_from)
            refuse(self.outlet, too_many.code, too_many.message, wait=too_many.wait)

    def _choose_encoding(self) -> str | None:
        """Let the outlet speak what the client chooses; returns the subprotocol to select, never a credential."""
        if (wanted := encoding(self.scope)) is None:
            return None
        self.outlet.speak(wanted)
        return wanted.value

    async def _turn_away(self) -> None:
        """Answer with a bare status, before anything is accepted (ASGI, "WebSocket Denial Response")."""
        send: Any = self.base_send  # asgiref's types lack this extension
        if "websocket.http.response" in (self.scope.get("extensions") or {}):
            await send({"type": "websocket.http.response.start", "status": 429, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b""})
        else:
            await send({"type": "websocket.close"})
        raise StopConsumer

    async def _let_in(self, entrance: Entrance) -> None:
        """Identify the client and add its connection to the room; Refused or Limited."""
        if is_socketio(self.scope):
            raise Refused("socketio-not-supported", "This server speaks plain WebSocket, not Socket.IO.")
        admission = await admit(self.scope, entrance)
        # All copies of the scope that routing made share this list: the headers are not needed any more.
        headers: Any = self.scope["headers"]
        headers.clear()
        connection = Connection(
            connection_id=secrets.token_urlsafe(9),
            grant=admission.credential.grant,
            portal_view_id=admission.portal_view_id,
            role=admission.role,
            outlet=self.outlet,
            as_viewer=admission.as_viewer,
        )
        connection.extend(admission.credential.expires_at, time.time())
        entrance.enter(connection, admission.max_guests)
        self.session = Session(connection, Work(self._crash))
        log.info("connected", role=connection.role, **self._who())
        current_hub().join(
            Entry(
                connection,
                at_least=admission.version,
                access_version=admission.access_version,
                known_version=admission.known_version,
                known_epoch=admission.known_epoch,
                name=admission.credential.name,
                guest=admission.guest,
            )
        )

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """Do what a frame asks for, or answer with an error; the answer has the frame's `ref`."""
        if self.outlet.is_full:
            # Answers would only pile up: further input of the client waits in its own buffers.
            await self.outlet.wait_drained()
        session = self.session
        if session is None or session.connection.closed:
            return
        self.received += 1
        if session.connection.room is not None:
            session.connection.room.tally.received += 1
        content = text_data if session.connection.encoding.is_text else bytes_data
        if content is None:
            names.RECEIVED.add(names.INVALID)
            session.connection.refuse(*(_NO_TEXT if bytes_data is None else _NO_BYTES))
            return
        try:
            message = _read(content, session.connection)
        except InvalidMessage as error:
            names.RECEIVED.add(names.INVALID)
            if await is_in_time(session.connection, session.limiter, REFUSED, len(content), error.ref):
                session.connection.reply_error(error, error.ref)
            return
        try:
            await self._handle(session, message, len(content))
        except PortalError as error:
            session.connection.reply_error(error, message.ref)

    async def _handle(self, session: Session, message: ClientMessage, size: int) -> None:
        connection, kind = session.connection, str(message.__struct_config__.tag)
        names.RECEIVED.add(kind)
        is_preview = connection.is_preview
        allowed = may_send(connection.role, kind, is_preview=is_preview)
        priced = kind if allowed else REFUSED
        if not await is_in_time(connection, session.limiter, priced, size, message.ref):
            return
        if allowed:
            await HANDLERS[type(message)](session, message, size)
        else:
            sentence = refusal(connection.role, kind, is_preview=is_preview)
            connection.reply_error(Forbidden(sentence), message.ref)

    async def websocket_disconnect(self, message: Any) -> None:
        """The client is gone, or the server closed; pending work is still done, in `_leave`."""
        self.outlet.leave()  # this completes the count of sent messages
        code, seconds = int(message.get("code") or 1005), time.monotonic() - self.began
        names.CLOSES.add(str(code))
        if self.session is not None:  # a client that never came in was refused, which is logged already
            names.CONNECTION_SECONDS.observe(seconds)
            log.info(
                "disconnected",
                code=code,
                seconds=round(seconds, 3),
                **self._counts(),
            )
        raise StopConsumer

    async def _leave(self) -> None:
        if self.session is None:
            return
        session, self.session = self.session, None
        session.connection.closed = True
        current_entrance().leave(session.connection)
        await current_hub().leave(session.connection)
        await session.work.finish()

    def _refuse(self, code: str, message: str) -> None:
        log.info("refused", code=code, **self._who())
        refuse(self.outlet, code, message)

    def _crash(self) -> None:
        log.exception("socket_crashed", **self._who())
        if self.session is not None:
            self.session.connection.refuse("internal-error", CRASHED)
        else:
            self._refuse("internal-error", CRASHED)

    def _who(self) -> dict[str, str | None]:
        if self.session is None:
            return {"portalViewId": self.scope["url_route"]["kwargs"].get("portal_view_id")}
        connection = self.session.connection
        return {
            "portalViewId": str(connection.portal_view_id),
            **connection.subject.named,
            "connectionId": connection.id,
        }

    def _counts(self) -> dict[str, Any]:
        return {"messagesIn": self.received, "messagesOut": self.outlet.sent, **self._who()}


_NO_BYTES = ("binary-not-supported", "This connection speaks JSON, in text frames.")
_NO_TEXT = ("text-not-supported", "This connection speaks MessagePack, in binary frames.")


def _read(content: Content, connection: Connection) -> ClientMessage:
    most = settings.PORTAL_MAX_MESSAGE_BYTES
    if size := size_over(content, most):
        raise too_big(content, size, most, f"{settings.PORTAL_BASE_PATH}/api/portal-views/{connection.portal_view_id}")
    return decode(content)
