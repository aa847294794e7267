"""The jobs of a controller: an update that is stored, and a command that is only relayed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET

from libraries import events
from libraries.events import Event, PortalViewChanged
from libraries.receipts import find_receipt
from libraries.rules.changes import Change, ItemPatch, ViewPatch, names_any
from libraries.rules.commands import needs_flags, project_command, project_sync
from libraries.rules.disclosure import NOTHING
from libraries.rules.errors import AlreadyApplied, NoSuchItem, NotFound, PortalError, Unavailable
from libraries.rules.roles import PortalRole
from libraries.rules.warnings import warnings_of_command
from libraries.selectors import Stored, load
from libraries.services.changes import Message, Written, change_portal_view
from realtime.database import in_lane, in_write_lane
from realtime.metrics import names
from realtime.news.compose import patch_news, sync_response_news, unknown_item_news
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
    send: Callable[[], Awaitable[Sequence[str]]]
    messages = 1

    async def run(self) -> None:
        """Publish the command, and answer the sender, with the warnings that `send` returns."""
        try:
            warnings = await self.send()
        except PortalError as error:
            self.connection.reply_error(error, self.ref)
        else:
            self.connection.reply_ack(self.ref, warnings=warnings)

    def absorb(self, later: Job) -> bool:
        """Never: each command is sent separately."""
        return False

    def lets_pass(self, later: Job) -> bool:
        """Never: a command keeps its place."""
        return False


@dataclass(frozen=True, slots=True)
class Asked:
    """One message in an update: its checked changes, its ref, the connection that sent it first, its size."""

    message: Message
    ref: Ref
    connection_id: str
    size: int
    is_retry: bool = False

    @property
    def receipt(self) -> str | None:
        """The ref in its stored form, so that the message is not stored twice; None without a ref."""
        return None if self.ref is UNSET else msgspec.json.encode(self.ref).decode()

    @property
    def change(self) -> Change:
        """Its change; the first one of a batch."""
        return self.message.changes[0]

    @property
    def is_alone(self) -> bool:
        """Whether it is never merged with another one.

        These are: a batch, a change of which items there are or of the turn, a message with keys that are only relayed,
        and one that is sent again.
        """
        if self.is_retry or self.message.is_batch or not isinstance(self.change, ViewPatch | ItemPatch):
            return True
        return isinstance(self.change, ViewPatch) and bool(self.change.patch.relayed)

    @property
    def target(self) -> str | None:
        """The id of the item that it patches; None for the portal view."""
        return self.change.item_id if isinstance(self.change, ItemPatch) else None


@dataclass(slots=True)
class Update:
    """Messages that are stored as one version: one of any kind, or several patches of one target.

    The target is the portal view or an item. The patches are applied one after the other, as if each were stored alone.
    """

    connection: Connection
    asked: list[Asked]

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
        if not isinstance(later, Update):
            return False
        first, second = self.asked[0], later.asked[0]
        if first.is_alone or second.is_alone or first.target != second.target:
            return False
        self.asked += later.asked
        return True

    def lets_pass(self, later: Job) -> bool:
        """Whether the later one is a patch of another target, and both orders lead to the same state."""
        return isinstance(later, Update) and not (self._is_barrier or later._is_barrier)

    @property
    def _is_barrier(self) -> bool:
        return any(one.is_alone or names_any(one.change, _STRUCTURE) for one in self.asked)

    async def run(self) -> None:
        """Do one write. If it is refused, do one for each message, so that each gets its own answer."""
        happened: list[Event] = []
        try:
            if self.asked[0].is_retry and await self._was_applied(self.asked[0]):
                return
            written = await self._store(happened)
        except PortalError as error:
            await self._refused(error)
            return
        version = written.portal_view.version if written.is_stored else None
        if version is not None and not self.asked[0].is_retry:
            self.connection.note_own(version)
        for one, answer, warnings in zip(self.asked, written.answers, written.warnings, strict=True):
            self.connection.reply_ack(
                one.ref,
                version,
                warnings,
                item_ids=answer.item_ids,
                payload=answer.payload,
                is_batch=one.message.is_batch,
            )
        await publish_events(happened)

    async def _refused(self, error: PortalError) -> None:
        if isinstance(error, Unavailable):
            # This error does not depend on the message, and each attempt may take long.
            for one in self.asked:
                self.connection.reply_error(error, one.ref)
        elif len(self.asked) > 1:
            for one in self.asked:
                await Update(self.connection, [one]).run()
        elif self.asked[0].is_retry and await self._was_applied(self.asked[0]):
            # It was stored just now, and fits no more: an item cannot be removed twice.
            return
        elif isinstance(error, AlreadyApplied):
            await Update(self.connection, [replace(self.asked[0], is_retry=True)]).run()
        elif isinstance(error, NoSuchItem) and self.asked[0].target is not None and not self.asked[0].message.is_batch:
            one = self.asked[0]
            await Relay(self.connection, one.ref, one.size, partial(self._relay_item, one.change)).run()
        else:
            self.connection.reply_error(error, self.asked[0].ref)

    async def _was_applied(self, one: Asked) -> bool:
        """Answer a message that was stored before, with the version that holds it."""
        user_id, portal_view_id = self.connection.subject.user_id, self.connection.portal_view_id
        if one.receipt is None or user_id is None:
            return False
        found = await in_lane(
            portal_view_id,
            find_receipt,
            user_id=user_id,
            portal_view_id=portal_view_id,
            connection_id=one.connection_id,
            ref=one.receipt,
        )
        if found is None:
            return False
        self.connection.reply_ack(one.ref, found.version, item_ids=found.item_ids or (), is_batch=one.message.is_batch)
        return True

    async def _store(self, happened: list[Event]) -> Written:
        """Store the update; the service's events go into the list, and are published by the caller."""

        def tell(event: Event) -> None:
            events.tell(event, is_published=True)
            if self.asked[0].is_retry and isinstance(event, PortalViewChanged):
                # Its sender cannot tell whether the `ack` is of a version stored before, so it gets the change itself.
                event = msgspec.structs.replace(event, sender=None)
            happened.append(event)

        began = time.monotonic()
        written = await in_write_lane(
            self.connection.portal_view_id,
            change_portal_view,
            actor_id=self.connection.subject.user_id,
            portal_view_id=self.connection.portal_view_id,
            messages=[one.message for one in self.asked],
            sender=self.connection.id,
            receipts=[(one.connection_id, one.receipt) for one in self.asked if one.receipt is not None],
            tell=tell,
        )
        names.STORED_SECONDS.observe(time.monotonic() - began)
        return written

    async def _relay_item(self, change: Change) -> Sequence[str]:
        """Send the patch of an item that is not stored to the other controllers."""
        assert isinstance(change, ItemPatch)  # noqa: S101  # only such a message has a target
        connection = self.connection
        await publish(unknown_item_news(connection.portal_view_id, change.item_id, change.patch, sender=connection.id))
        return ()


_STRUCTURE = frozenset({"items", "encounter"})
"""The keys of a patch that say which items there are, and whose turn it is: nothing changes places with it."""


async def relay_patch(connection: Connection, payload: Mapping[str, Any]) -> Sequence[str]:
    """Send keys that are not stored to the other connections, to viewers as the switches allow; returns warnings.

    Nothing is sent of an empty patch.
    """
    if not payload:
        return ()
    stored = await _stored(connection) if needs_flags(payload) else None
    state, disclosure = (None, NOTHING) if stored is None else (stored.state, stored.disclosure)
    seen = project_command(payload, state, disclosure)
    news = patch_news(
        connection.portal_view_id,
        payload,
        viewers=seen,
        as_of=None if stored is None else stored.version,
        sender=connection.id,
    )
    await publish(news)
    return warnings_of_command(seen)


async def relay_sync(connection: Connection, payload: Mapping[str, Any], to: str | None) -> Sequence[str]:
    """Send a controller's version of the state to viewers, as the stored switches allow; returns no warnings."""
    stored = await _stored(connection)
    news = sync_response_news(
        connection.portal_view_id,
        project_sync(payload, stored.state, stored.disclosure),
        as_of=stored.version,
        version=connection.newest_for(PortalRole.VIEWER),
        to=to,
    )
    await publish(news)
    return ()


async def _stored(connection: Connection) -> Stored:
    stored = await in_lane(connection.portal_view_id, load, connection.portal_view_id)
    if stored is None:
        raise NotFound("The portal view is gone.")
    return stored
