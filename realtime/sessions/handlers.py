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

from libraries.rules.changes import Change, ViewPatch, check_change, check_changes
from libraries.rules.errors import Unavailable
from libraries.rules.revocations import Reason
from libraries.rules.roles import portal_role
from libraries.rules.sight import check_pointer, check_target
from libraries.rules.state import check_patch
from libraries.services.changes import Message
from libraries.tokens import Credential
from realtime.hub.hub import current_hub
from realtime.limits.entrance import current_entrance
from realtime.limits.rates import Limiter
from realtime.protocol.events import Pong
from realtime.protocol.requests import (
    Act,
    Auth,
    Batch,
    EncounterNext,
    EncounterPrevious,
    ItemAdd,
    ItemMove,
    ItemRemove,
    ItemUpdate,
    Ping,
    Point,
    PortalViewUpdate,
    Request,
    RequestSync,
    StoredRequest,
    SyncResponse,
)
from realtime.rooms.connection import Connection
from realtime.sessions.credentials import Offered, Refused, prove
from realtime.sessions.gestures import act, point
from realtime.sessions.handshake import ended, lasting
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

    def forget_limiter(self) -> None:
        """Count from now on for the person whom the guest has become."""
        self._limiter = None


async def ping(session: Session, message: Ping, size: int) -> None:
    """Answer at once; milliseconds since the epoch."""
    now = time.time_ns() // 1_000_000
    session.connection.reply(
        Pong(timestamp=now, reconnect_within=current_hub().roster.reconnect_within, ref=message.ref)
    )


async def portal_view_update(session: Session, message: PortalViewUpdate, size: int) -> None:
    """Store the known keys of the payload, and relay the rest with them; relay all of it if no key is known."""
    connection = session.connection
    patch = check_patch(message.payload)
    if patch.known:
        await session.work.add(Update(connection, [_asked(connection, message, size, ViewPatch(patch))]))
    else:
        await session.work.add(Relay(connection, message.ref, size, lambda: relay_patch(connection, patch.relayed)))


async def change(session: Session, message: StoredRequest, size: int) -> None:
    """Store a change of items or of the encounter; a patch of an unknown item is only relayed."""
    kind = str(message.__struct_config__.tag)
    body = {field: getattr(message, name) for name, field in _BODIES if getattr(message, name, UNSET) is not UNSET}
    asked = _asked(session.connection, message, size, check_change(kind, body))
    await session.work.add(Update(session.connection, [asked]))


_BODIES = (("payload", "payload"), ("item_id", "itemId"), ("index", "index"))


async def batch(session: Session, message: Batch, size: int) -> None:
    """Store several changes as one version, or none of them."""
    changes = check_changes(message.changes)
    asked = _asked(session.connection, message, size, *changes, is_batch=True)
    await session.work.add(Update(session.connection, [asked]))


def _asked(
    connection: Connection, message: StoredRequest, size: int, *changes: Change, is_batch: bool = False
) -> Asked:
    before = message.connection_id
    is_retry = message.retry and before is not UNSET
    sent_by = connection.id if not is_retry or before is UNSET else before
    return Asked(Message(changes, is_batch), message.ref, sent_by, size, is_retry)


async def request_sync(session: Session, message: RequestSync, size: int) -> None:
    """Pass the question on to the controllers; without controllers the server answers."""
    session.connection.reply_ack(message.ref)
    await current_hub().ask(session.connection)


async def sync_response(session: Session, message: SyncResponse, size: int) -> None:
    """Send a controller's state to all viewers, or to the one that asked; nothing is stored."""
    connection, payload = session.connection, check_patch(message.payload, is_stored=False).known
    to = None if message.to is UNSET else message.to
    await session.work.add(Relay(connection, message.ref, size, lambda: relay_sync(connection, payload, to)))


async def activity(session: Session, message: Act, size: int) -> None:
    """Tell the others that a controller is editing, or has stopped."""
    target = None if message.target is UNSET else check_target(message.target)
    act(session.connection, is_editing=message.state == "editing", target=target)
    session.connection.reply_ack(message.ref)


async def pointer(session: Session, message: Point, size: int) -> None:
    """Show the others where somebody points."""
    connection, pointed = session.connection, check_pointer(message.item_id, message.x, message.y)
    await session.work.add(Relay(connection, message.ref, size, lambda: point(connection, pointed)))


async def auth(session: Session, message: Auth, size: int) -> None:
    """Extend the connection's life with a fresh credential of the same person, or make a guest a user.

    Another person's credential closes a user's connection. A credential identifies a person, and says nothing about
    roles: the role is looked up again, and applied.
    """
    connection = session.connection
    credential = await prove(_offered(message), connection.portal_view_id)
    if connection.subject.is_guest:
        await _become(session, credential)
    elif credential.subject == connection.subject:
        await _renew(connection, credential)
    else:
        sentence = "The token is of another person: open a connection of their own for it."
        connection.refuse("token-invalid", sentence, message.ref)
    if not connection.closed:
        connection.extend(credential.expires_at, time.time())
        connection.reply_ack(message.ref)


def _offered(message: Auth) -> Offered:
    if message.token is not UNSET:
        return Offered("bearer", message.token)
    if message.ticket is not UNSET:
        return Offered("ticket", message.ticket)
    raise Refused("invalid-message", "The body of auth is wrong: it needs a token or a ticket, which is text.")


async def _become(session: Session, credential: Credential) -> None:
    """Give a guest's connection to a user of the same library; the guest stays if that is refused."""
    connection = session.connection
    access = lasting(await look_up(credential.grant, connection.portal_view_id), credential)
    if access.role is None:
        raise Refused("no-access", "You are not a member of this portal view's library.")
    if connection.closed:  # its link ended in the meantime
        return
    current_entrance().change(connection, credential.grant)
    session.forget_limiter()
    current_hub().become(connection, credential.grant, access, portal_role(access.role))


async def _renew(connection: Connection, credential: Credential) -> None:
    try:
        access = await look_up(credential.grant, connection.portal_view_id)
    except Unavailable:  # without the database open connections stay; the beat looks roles up as soon as it is back
        return
    if access is None or access.ended is Reason.USER_UNAVAILABLE:
        current_hub().end(connection, Reason.USER_UNAVAILABLE)
        return
    if access.ended is not None:  # that session; the connection's own may last
        raise ended(access.ended)
    if not connection.closed:  # its session may have ended in the meantime
        current_hub().renew(connection, credential.grant)
        current_hub().hear_of_role(connection, None if access.role is None else portal_role(access.role))


HANDLERS: dict[type[Request], Callable[[Session, Any, int], Awaitable[None]]] = {
    Ping: ping,
    PortalViewUpdate: portal_view_update,
    ItemUpdate: change,
    ItemAdd: change,
    ItemRemove: change,
    ItemMove: change,
    EncounterNext: change,
    EncounterPrevious: change,
    Batch: batch,
    RequestSync: request_sync,
    SyncResponse: sync_response,
    Act: activity,
    Point: pointer,
    Auth: auth,
}
