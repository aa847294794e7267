"""Composes news: each message is encoded once for each role. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from libraries.events import AccessChanged, Event, ItemChanged, PortalViewChanged, PortalViewDeleted
from libraries.rules.projection import project_relayed
from libraries.rules.subjects import Subject
from realtime.news.structs import AccessNews, DeletedNews, MessageNews, News
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
                viewers_stored=event.viewers_stored,
                as_of=None if event.is_stored else event.version,
                sender=event.sender,
            )
        case ItemChanged():
            yield item_news(
                event.portal_view_id,
                event.item_id,
                event.controllers,
                viewers=event.viewers,
                index=event.index,
                version=event.version,
                sender=event.sender,
            )
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
    viewers_stored: bool = True,
    as_of: int | None = None,
    sender: str | None = None,
) -> MessageNews:
    """The news of a patch: `payload` for controllers, `viewers` for viewers. An empty `viewers` sends them nothing.

    Without `viewers`, viewers get the payload without every key that any flag can hide. `version` is that of the stored
    change, None for a relayed command. `viewers_stored` is false if the viewers' part holds only relayed keys: then it
    carries no version. `as_of` is the version of the flags that `viewers` was made with.
    """
    seen = project_relayed(payload, None) if viewers is None else viewers
    seen_version = version if viewers_stored else None
    return MessageNews(
        portal_view_id=portal_view_id,
        controllers=encode(PortalViewUpdated(payload=dict(payload), **_version(version))),
        viewers=encode(PortalViewUpdated(payload=dict(seen), **_version(seen_version))) if seen else None,
        version=version,
        as_of=as_of,
        sender=sender,
    )


def item_news(
    portal_view_id: UUID,
    item_id: str,
    payload: Mapping[str, Any],
    *,
    viewers: Mapping[str, Any],
    index: int | None = None,
    version: int | None = None,
    as_of: int | None = None,
    sender: str | None = None,
) -> MessageNews:
    """The news of an item's patch. An empty `viewers` sends viewers nothing; the rest is as for `patch_news`."""
    more = {**({} if index is None else {"index": index}), **_version(version)}
    # The id comes last: an item may have its own key called itemId, which does not name the item.
    controllers = encode(ItemUpdated(payload={**payload, "itemId": item_id}, **more))
    return MessageNews(
        portal_view_id=portal_view_id,
        controllers=controllers,
        viewers=encode(ItemUpdated(payload={**viewers, "itemId": item_id}, **more)) if viewers else None,
        version=version,
        as_of=as_of,
        sender=sender,
    )


def sync_response_news(
    portal_view_id: UUID, viewers: Mapping[str, Any], *, version: int, as_of: int | None = None, to: str | None = None
) -> MessageNews:
    """The news of a controller's `sync-response`: to all viewers, or to the one connection `to`."""
    text = encode(SyncResponded(payload=dict(viewers), version=version, source="controller"))
    return MessageNews(portal_view_id=portal_view_id, viewers=text, as_of=as_of, to=to)


def _version(version: int | None) -> dict[str, int]:
    return {} if version is None else {"version": version}
