"""Composes news: each message is encoded once for each role. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from msgspec import UNSET

from libraries.events import (
    AccessChanged,
    DisclosureChanged,
    Event,
    ItemChanged,
    PortalViewChanged,
    PortalViewDeleted,
)
from libraries.rules.commands import project_command
from libraries.rules.subjects import Subject
from realtime.news.structs import AccessNews, DeletedNews, MessageNews, News, StaleNews
from realtime.protocol.encodings import encode
from realtime.protocol.events import ItemUpdated, PortalViewUpdated, SyncResponded


def news_of(event: Event) -> Iterator[News]:
    """The news of an event for the other processes."""
    match event:
        case PortalViewChanged():
            yield patch_news(
                event.portal_view_id,
                event.controllers,
                viewers=event.viewers,
                version=event.version if event.is_stored else None,
                viewers_version=event.viewers_version if event.is_stored else None,
                viewers_changed=event.viewers_changed,
                as_of=None if event.is_stored else event.version,
                sender=event.sender,
            )
        case ItemChanged():
            yield _item_news(event)
        case DisclosureChanged():
            for portal_view_id in event.portal_view_ids:
                yield StaleNews(portal_view_id=portal_view_id)
        case PortalViewDeleted():
            yield DeletedNews(portal_view_id=event.portal_view_id)
        case AccessChanged():
            for portal_view_id in event.portal_view_ids:
                yield AccessNews(
                    portal_view_id=portal_view_id,
                    subject=Subject(event.user_id),
                    role=event.role,
                    access_version=event.access_version,
                )


def patch_news(
    portal_view_id: UUID,
    payload: Mapping[str, Any],
    *,
    viewers: Mapping[str, Any] | None = None,
    version: int | None = None,
    viewers_version: int | None = None,
    viewers_changed: bool = True,
    as_of: int | None = None,
    sender: str | None = None,
) -> MessageNews:
    """The news of a patch: `payload` for controllers, `viewers` for viewers. An empty `viewers` sends them nothing.

    Without `viewers`, viewers get of the payload what a command shows while all switches are off. `version` is that of
    the stored change, None for a relayed command; `viewers_version` is the viewers' version after it.
    `viewers_changed` is false if the viewers' part holds only relayed keys: then it carries no version. `as_of` is the
    version of the switches that `viewers` was made with.
    """
    seen = project_command(payload, None) if viewers is None else viewers
    seen_version = viewers_version if viewers_changed else None
    return MessageNews(
        portal_view_id=portal_view_id,
        controllers=encode(PortalViewUpdated(payload=dict(payload), **_version(version))),
        viewers=encode(PortalViewUpdated(payload=dict(seen), **_version(seen_version))) if seen else None,
        version=version,
        viewers_version=viewers_version,
        as_of=as_of,
        sender=sender,
    )


def _item_news(event: ItemChanged) -> MessageNews:
    """The news of a stored patch of an item."""
    version, shown = event.viewers_version, None
    if event.viewers_state:
        shown = encode(PortalViewUpdated(payload=event.viewers_state, version=version))
    elif event.viewers:
        payload = _item_payload(event.item_id, event.viewers)
        index = UNSET if event.viewers_index is None else event.viewers_index
        shown = encode(ItemUpdated(payload=payload, index=index, version=version))
    payload = _item_payload(event.item_id, event.controllers)
    return MessageNews(
        portal_view_id=event.portal_view_id,
        controllers=encode(ItemUpdated(payload=payload, index=event.index, version=event.version)),
        viewers=shown,
        version=event.version,
        viewers_version=version,
        sender=event.sender,
    )


def unknown_item_news(
    portal_view_id: UUID, item_id: str, payload: Mapping[str, Any], *, sender: str | None = None
) -> MessageNews:
    """The news of the patch of an item that is not stored: for controllers only, because it may have been hidden."""
    message = ItemUpdated(payload=_item_payload(item_id, payload))
    return MessageNews(portal_view_id=portal_view_id, controllers=encode(message), sender=sender)


def _item_payload(item_id: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    # The id comes last: an item may have its own key called itemId, which does not name the item.
    return {**payload, "itemId": item_id}


def sync_response_news(
    portal_view_id: UUID, viewers: Mapping[str, Any], *, version: int, as_of: int | None = None, to: str | None = None
) -> MessageNews:
    """The news of a controller's `sync-response`: to all viewers, or to the one connection `to`."""
    text = encode(SyncResponded(payload=dict(viewers), version=version, source="controller"))
    return MessageNews(portal_view_id=portal_view_id, viewers=text, as_of=as_of, to=to)


def _version(version: int | None) -> dict[str, int]:
    return {} if version is None else {"version": version}
