"""What has happened to stored things, and the one way to tell whoever listens.

A service makes an event inside its transaction, with what each role sees of the change; it is told once the transaction
is committed. Nothing here knows who listens. The sockets do (`realtime.news.publish`), and another Django app may:

    from django.dispatch import receiver
    from libraries.events import PortalViewChanged, happened

    @receiver(happened, sender=PortalViewChanged)
    def note(event: PortalViewChanged, **kwargs: object) -> None:
        print(event.portal_view_id, "is at version", event.version)

A receiver runs in the thread that wrote, so it must not take long. What it raises is logged, and undoes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.dispatch import Signal

from libraries.rules.roles import PortalRole


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has happened."""


class PortalViewChanged(Event, frozen=True, kw_only=True):
    """A patch of a portal view was stored, or only relayed.

    `controllers` and `viewers` hold the keys that each role gets; viewers may get none. `version` is that of the state
    after it. `is_stored` says whether the patch changed the state; `viewers_stored`, whether what viewers get of it
    did. `sender` is the connection that it came by.
    """

    portal_view_id: UUID
    version: int
    controllers: dict[str, Any]
    viewers: dict[str, Any]
    is_stored: bool
    viewers_stored: bool
    sender: str | None = None


class ItemChanged(Event, frozen=True, kw_only=True):
    """A patch was merged into the item that is at `index`; the keys that each role gets of it."""

    portal_view_id: UUID
    version: int
    item_id: str
    index: int
    controllers: dict[str, Any]
    viewers: dict[str, Any]
    sender: str | None = None


class PortalViewDeleted(Event, frozen=True, kw_only=True):
    """A portal view is gone."""

    portal_view_id: UUID


class AccessChanged(Event, frozen=True, kw_only=True):
    """A person has another role in a library, None for no access any more.

    `portal_view_ids` are the library's; `access_version` counts the library's changes of access, this one included.
    """

    library_id: UUID
    portal_view_ids: tuple[UUID, ...]
    user_id: UUID
    role: PortalRole | None
    access_version: int


Tell = Callable[[Event], None]
"""What a service calls with each event once its transaction is committed."""

happened = Signal()
"""Sent for each event: `sender` is its class, `event` the event.

`is_published` is true where the caller of the service brings the event to the sockets itself.
"""


def tell(event: Event, *, is_published: bool = False) -> None:
    """Tell everybody who listens; what a listener raises is logged."""
    happened.send_robust(sender=type(event), event=event, is_published=is_published)


def tell_on_commit(tell: Tell, event: Event) -> None:
    """Call `tell` once the transaction is committed; what it raises then is logged, as what is stored is stored."""

    # A partial would not do: Django logs the name of what failed, and a partial has none.
    def told() -> None:
        tell(event)

    transaction.on_commit(told, robust=True)
