"""The jobs of a controller: an update that is stored, and a command that is only relayed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET

from libraries import events
from libraries.events import Event
from libraries.models import PortalView
from libraries.receipts import find_receipt
from libraries.rules.errors import AlreadyApplied, NotFound, PortalError, Unavailable
from libraries.rules.projection import UNSEEN_ITEM, needs_flags, project_item, project_relayed
from libraries.rules.state import Patch, merged
from libraries.selectors import Stored, load
from libraries.services.items import update_item
from libraries.services.portal_views import update_portal_view
from realtime.database import in_lane, in_write_lane
from realtime.news.compose import item_news, patch_news, sync_response_news
from realtime.news.layer import publish
from realtime.news.publish import publish_events
from realtime.rooms.connection import Connection, Ref
from realtime.sessions.work import Job


@dataclass(slots=True)
class Relay:
    """A command that is not stored; `send` publishes it. Never merged, and never overtaken."""

    connection: Connection
    ref: Ref
    size: int
    send: Callable[[], Awaitable[None]]
    messages = 1

    async def run(self) -> None:
        """Publish the command, and answer the sender."""
        try:
            await self.send()
        except PortalError as error:
            self.connection.reply_error(error, self.ref)
        else:
            self.connection.reply_ack(self.ref)

    def absorb(self, later: Job) -> bool:
        """Never: each command is sent separately."""
        return False

    def lets_pass(self, later: Job) -> bool:
        """Never: a command keeps its place."""
        return False


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of one message in an update: its checked patch, its ref, the connection that sent it first, its size."""

    patch: Patch
    ref: Ref
    connection_id: str
    size: int
    is_retry: bool = False

    @property
    def receipt(self) -> str | None:
        """The ref in its stored form, so that the message is not stored twice; None without a ref."""
        return None if self.ref is UNSET else msgspec.json.encode(self.ref).decode()


@dataclass(slots=True)
class Update:
    """Stored updates of one target: the portal view, or the item named `item_id`.

    `alone` is set if an update must not be merged: it has keys that are only relayed, or is sent again.
    """

    connection: Connection
    item_id: str | None
    asked: list[Asked]
    alone: bool = False

    @property
    def messages(self) -> int:
        """The number of messages in it."""
        return len(self.asked)

    @property
    def size(self) -> int:
        """The characters of those messages together."""
        return sum(one.size for one in self.asked)

    def absorb(self, later: Job) -> bool:
        """Merge a later update of the same target into this one, so that both are one write."""
        if not isinstance(later, Update) or later.item_id != self.item_id or self.alone or later.alone:
            return False
        self.asked += later.asked
        return True

    def lets_pass(self, later: Job) -> bool:
        """Whether the later one is an update of another target, and neither replaces the items."""
        return isinstance(later, Update) and not (self._is_barrier or later._is_barrier)

    @property
    def _is_barrier(self) -> bool:
        return self.alone or (self.item_id is None and any("items" in one.patch.known for one in self.asked))

    async def run(self) -> None:
        """Do one write. If it is refused, do one for each message, so that each gets its own answer."""
        happened: list[Event] = []
        try:
            if self.asked[0].is_retry and await self._was_applied(self.asked[0]):
                return
            stored = await self._store(happened)
        except PortalError as error:
            await self._refused(error)
            return
        if stored is None:
            for one in self.asked:
                await Relay(self.connection, one.ref, one.size, partial(self._relay_item, one.patch.known)).run()
            return
        for one in self.asked:
            self.connection.reply_ack(one.ref, stored.version)
        await publish_events(happened)

    async def _refused(self, error: PortalError) -> None:
        if isinstance(error, Unavailable):
            # This error does not depend on the message, and each attempt may take long.
            for one in self.asked:
                self.connection.reply_error(error, one.ref)
        elif len(self.asked) > 1:
            for one in self.asked:
                await Update(self.connection, self.item_id, [one]).run()
        elif isinstance(error, AlreadyApplied):
            await Update(self.connection, self.item_id, [replace(self.asked[0], is_retry=True)]).run()
        else:
            self.connection.reply_error(error, self.asked[0].ref)

    async def _was_applied(self, one: Asked) -> bool:
        """Answer a message that was stored before, with the version that holds it."""
        user_id, portal_view_id = self.connection.subject.user_id, self.connection.portal_view_id
        if one.receipt is None or user_id is None:
            return False
        version = await in_lane(
            portal_view_id,
            find_receipt,
            user_id=user_id,
            portal_view_id=portal_view_id,
            connection_id=one.connection_id,
            ref=one.receipt,
        )
        if version is None:
            return False
        self.connection.reply_ack(one.ref, version)
        return True

    async def _store(self, happened: list[Event]) -> PortalView | None:
        """Store the update; the service's events go into the list, and are published by the caller."""
        patch = merged([one.patch for one in self.asked])
        store: Callable[..., PortalView | None] = partial(update_portal_view, patch=patch)
        if self.item_id is not None:
            store = partial(update_item, item_id=self.item_id, patch=patch.known)

        def tell(event: Event) -> None:
            events.tell(event, is_published=True)
            happened.append(event)

        return await in_write_lane(
            self.connection.portal_view_id,
            store,
            actor_id=self.connection.subject.user_id,
            portal_view_id=self.connection.portal_view_id,
            sender=self.connection.id,
            receipts=[(one.connection_id, one.receipt) for one in self.asked if one.receipt is not None],
            tell=tell,
        )

    async def _relay_item(self, payload: Mapping[str, Any]) -> None:
        assert self.item_id is not None  # noqa: S101  # only items can be missing
        await relay_item(self.connection, self.item_id, payload)


async def relay_patch(connection: Connection, payload: Mapping[str, Any]) -> None:
    """Send keys that are not stored to the other connections, to viewers as the flags allow."""
    flags = await _flags(connection, payload)
    news = patch_news(
        connection.portal_view_id,
        payload,
        viewers=payload if flags is None else project_relayed(payload, flags.state),
        as_of=None if flags is None else flags.version,
        sender=connection.id,
    )
    await publish(news)


async def relay_item(connection: Connection, item_id: str, payload: Mapping[str, Any]) -> None:
    """Send the patch of an item that is not stored to the other connections, to viewers as the flags allow."""
    stored = await _stored(connection)
    seen: Mapping[str, Any] = {} if stored.state["blackout"] else project_item(payload, stored.state)
    if seen == UNSEEN_ITEM:
        seen = {}  # viewers must not learn the id of an item that they may not see
    news = item_news(
        connection.portal_view_id,
        item_id,
        payload,
        viewers=seen,
        as_of=stored.version,
        sender=connection.id,
    )
    await publish(news)


async def relay_sync(connection: Connection, payload: Mapping[str, Any], to: str | None) -> None:
    """Send a controller's version of the state to viewers, as the flags allow."""
    flags = await _flags(connection, payload)
    news = sync_response_news(
        connection.portal_view_id,
        payload if flags is None else project_relayed(payload, flags.state),
        as_of=None if flags is None else flags.version,
        version=connection.newest_version,
        to=to,
    )
    await publish(news)


async def _flags(connection: Connection, payload: Mapping[str, Any]) -> Stored | None:
    """The stored state, if it decides which parts of a payload viewers may see; None if they may see all of it."""
    return await _stored(connection) if needs_flags(payload) else None


async def _stored(connection: Connection) -> Stored:
    stored = await in_lane(connection.portal_view_id, load, connection.portal_view_id)
    if stored is None:
        raise NotFound("The portal view is gone.")
    return stored
