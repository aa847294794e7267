"""The handlers of client messages. The consumer has checked that the connection's role may send the message.

A handler returns quickly. If a controller's message needs the database or the channel layer, the handler queues a job
after the connection's other jobs; the job keeps the `size` of the message. A handler that refuses a message raises one
of `libraries.rules.errors`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from libraries.rules.errors import InvalidPayload, Unavailable
from libraries.rules.roles import portal_role
from libraries.rules.state import Patch, check_item_patch, check_patch
from realtime.hub.hub import current_hub
from realtime.limits.entrance import current_entrance
from realtime.limits.rates import Limiter
from realtime.protocol.events import Pong
from realtime.protocol.requests import (
    Auth,
    ItemUpdate,
    Ping,
    PortalViewUpdate,
    Request,
    RequestSync,
    StoredRequest,
    SyncResponse,
)
from realtime.rooms.connection import Connection
from realtime.sessions.handshake import verify
from realtime.sessions.jobs import Asked, Relay, Update, relay_patch, relay_sync
from realtime.sessions.lookup import look_up
from realtime.sessions.work import Work


@dataclass(slots=True)
class Session:
    """The state that a handler works on: a connection, and the pending work of its client."""

    connection: Connection
    work: Work
    _limiter: Limiter | None = None

    @property
    def limiter(self) -> Limiter:
        """The recent messages of its client; a silent client has no limiter."""
        if self._limiter is None:
            self._limiter = Limiter(current_entrance().allowance_of(self.connection.subject))
        return self._limiter


async def ping(session: Session, message: Ping, size: int) -> None:
    """Answer at once; milliseconds since the epoch."""
    session.connection.reply(Pong(timestamp=time.time_ns() // 1_000_000, ref=message.ref))


async def portal_view_update(session: Session, message: PortalViewUpdate, size: int) -> None:
    """Store the known keys of the payload, and relay the rest with them; relay all of it if no key is known."""
    connection = session.connection
    patch = check_patch(message.payload)
    if patch.known:
        asked = _asked(connection, message, size, patch)
        await session.work.add(Update(connection, None, [asked], alone=bool(patch.relayed) or asked.is_retry))
    else:
        await session.work.add(Relay(connection, message.ref, size, lambda: relay_patch(connection, patch.relayed)))


async def item_update(session: Session, message: ItemUpdate, size: int) -> None:
    """Merge the payload into the item that it names, and store that; a patch of an unknown item is only relayed."""
    item_id = message.payload.get("itemId") if message.item_id is UNSET else message.item_id
    if item_id is None:
        raise InvalidPayload("An item update needs the item's id as itemId.", {"itemId": "This is required."})
    patch = check_item_patch(item_id, message.payload)
    asked = _asked(session.connection, message, size, Patch(patch, {}))
    await session.work.add(Update(session.connection, item_id, [asked], alone=asked.is_retry))


def _asked(connection: Connection, message: StoredRequest, size: int, patch: Patch) -> Asked:
    before = message.connection_id
    if not message.retry or before is UNSET:
        return Asked(patch, message.ref, connection.id, size)
    return Asked(patch, message.ref, before, size, is_retry=True)


async def request_sync(session: Session, message: RequestSync, size: int) -> None:
    """Pass the question on to the controllers; without controllers the server answers."""
    session.connection.reply_ack(message.ref)
    await current_hub().ask(session.connection)


async def sync_response(session: Session, message: SyncResponse, size: int) -> None:
    """Send a controller's state to all viewers, or to the one that asked; nothing is stored."""
    connection, payload = session.connection, check_patch(message.payload).known
    to = None if message.to is UNSET else message.to
    await session.work.add(Relay(connection, message.ref, size, lambda: relay_sync(connection, payload, to)))


async def auth(session: Session, message: Auth, size: int) -> None:
    """Extend the connection's life with a fresh token of the same person; another person's token closes it.

    A token identifies a person, and says nothing about roles: the role is looked up again, and applied.
    """
    connection, credential = session.connection, verify(message.token)
    if credential.subject != connection.subject:
        sentence = "The token is of another person: open a connection of their own for it."
        connection.refuse("token-invalid", sentence, message.ref)
        return
    await _look_up_role(connection)
    connection.extend(credential.expires_at, time.time())
    connection.reply_ack(message.ref)


async def _look_up_role(connection: Connection) -> None:
    try:
        access = await look_up(connection.subject, connection.portal_view_id)
    except Unavailable:  # without the database open connections stay; the beat looks roles up as soon as it is back
        return
    role = access.role if access is not None and access.is_active else None
    current_hub().hear_of_role(connection, None if role is None else portal_role(role))


HANDLERS: dict[type[Request], Callable[[Session, Any, int], Awaitable[None]]] = {
    Ping: ping,
    PortalViewUpdate: portal_view_update,
    ItemUpdate: item_update,
    RequestSync: request_sync,
    SyncResponse: sync_response,
    Auth: auth,
}
