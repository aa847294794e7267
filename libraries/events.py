"""The events about stored data, and the one way to notify listeners of them.

A service makes an event inside its transaction, with the part of the change that each role sees. The event is sent once
the transaction is committed. Nothing here knows the listeners. The sockets listen (`realtime.news.publish`), and
another Django app can do so too:

    from django.dispatch import receiver
    from libraries.events import PortalViewChanged, happened

    @receiver(happened, sender=PortalViewChanged)
    def note(event: PortalViewChanged, **kwargs: object) -> None:
        print(event.portal_view_id, "is at version", event.version)

A receiver runs in the thread that wrote, so it must be quick. If it raises an exception, that is logged, and the write
stays committed.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import msgspec
from django.db import transaction
from django.dispatch import Signal

from libraries.rules.edits import Seen
from libraries.rules.roles import PortalRole


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to stored data."""


class PortalViewChanged(Event, frozen=True, kw_only=True):
    """Changes of a portal view were stored, or only relayed.

    `controllers` and `viewers` are what each role sees of them, keys of the state and edits of items; viewers may see
    nothing. `version` is that of the state after the change, `viewers_version` that of the part that viewers see.
    `is_stored` says whether the state was changed, `viewers_changed` whether the viewers' part was. `sender` is the
    connection that sent it.
    """

    portal_view_id: UUID
    version: int
    viewers_version: int
    controllers: Seen
    viewers: Seen
    is_stored: bool
    viewers_changed: bool
    sender: str | None = None


class PortalViewDeleted(Event, frozen=True, kw_only=True):
    """A portal view was deleted."""

    portal_view_id: UUID


class DisclosureChanged(Event, frozen=True, kw_only=True):
    """A library discloses something else of foreign records: all of its portal views have new versions."""

    library_id: UUID
    portal_view_ids: tuple[UUID, ...]


class AccessChanged(Event, frozen=True, kw_only=True):
    """A person has another role in a library; None for no access any more.

    `portal_view_ids` are the library's; `access_version` counts the library's changes of access, including this one.
    """

    library_id: UUID
    portal_view_ids: tuple[UUID, ...]
    user_id: UUID
    role: PortalRole | None
    access_version: int


class Revoked(Event, frozen=True, kw_only=True):
    """A person, a session or a share link ended, the one with the id `key`; `libraries.models.Revocation` says why."""

    key: UUID


Tell = Callable[[Event], None]
"""The callback of a service for each event, called once its transaction is committed."""

happened = Signal()
"""Sent for each event: `sender` is its class, `event` the event.

`is_published` is true if the caller of the service publishes the event to the sockets itself.
"""


login_failed = Signal()
"""Sent for each failed log-in, in its thread: `is_limited` is true if the password was not tested, over a limit."""


def tell(event: Event, *, is_published: bool = False) -> None:
    """Send the event to all listeners; an exception in a listener is logged."""
    happened.send_robust(sender=type(event), event=event, is_published=is_published)


def tell_on_commit(tell: Tell, event: Event) -> None:
    """Call `tell` once the transaction is committed. An exception in it is logged, because the write stays stored."""

    # No partial here: Django logs the name of a function that fails, and a partial has none.
    def told() -> None:
        tell(event)

    transaction.on_commit(told, robust=True)
