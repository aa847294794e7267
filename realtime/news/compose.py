"""Composes news: each message is encoded once for each role. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, assert_never
from uuid import UUID

from libraries.events import (
    AccessChanged,
    DisclosureChanged,
    Event,
    PortalViewChanged,
    PortalViewDeleted,
    Revoked,
)
from libraries.rules.commands import project_command
from libraries.rules.edits import Added, Edit, Moved, Removed, Seen, Updated
from libraries.rules.subjects import Subject
from realtime.news.structs import AccessNews, DeletedNews, MessageNews, News, RevokedNews, StaleNews
from realtime.protocol.encodings import encode
from realtime.protocol.events import (
    BatchApplied,
    ItemAdded,
    ItemMessage,
    ItemMoved,
    ItemRemoved,
    ItemUpdated,
    PortalViewUpdated,
    ServerMessage,
    SyncResponded,
)


def news_of(event: Event, committed_at: float | None = None) -> Iterator[News]:
    """The news of an event for the other processes; `committed_at`, since the epoch, is when it was stored."""
    match event:
        case PortalViewChanged():
            yield _changed_news(event, committed_at)
        case DisclosureChanged():
            for portal_view_id in event.portal_view_ids:
                yield StaleNews(portal_view_id=portal_view_id)
        case PortalViewDeleted():
            yield DeletedNews(portal_view_id=event.portal_view_id)
        case Revoked():
            yield RevokedNews()
        case AccessChanged():
            for portal_view_id in event.portal_view_ids:
                yield AccessNews(
                    portal_view_id=portal_view_id,
                    subject=Subject(event.user_id),
                    role=event.role,
                    access_version=event.access_version,
                )


def _changed_news(event: PortalViewChanged, committed_at: float | None) -> MessageNews:
    version = event.version if event.is_stored else None
    viewers_version = event.viewers_version if event.is_stored else None
    shown = None
    if event.viewers:
        shown = encode(_message(event.viewers, viewers_version if event.viewers_changed else None))
    return MessageNews(
        portal_view_id=event.portal_view_id,
        controllers=encode(_message(event.controllers, version)),
        viewers=shown,
        version=version,
        viewers_version=viewers_version,
        as_of=None if event.is_stored else event.version,
        sender=event.sender,
        committed_at=committed_at if event.is_stored else None,
    )


def _message(seen: Seen, version: int | None) -> ServerMessage:
    """The one message of a change as a role sees it."""
    if not seen.edits:
        return PortalViewUpdated(payload=dict(seen.patch), **_version(version))
    if len(seen.edits) == 1 and _SETTLED.issuperset(seen.patch):
        beside = {SETTLED_FIELDS[key]: value for key, value in seen.patch.items()}
        return _edit_message(seen.edits[0], **beside, **_version(version))
    changes: list[Any] = [_edit_message(edit) for edit in seen.edits]
    if seen.patch:
        changes.append(PortalViewUpdated(payload=dict(seen.patch)))
    return BatchApplied(changes=changes, **_version(version))


SETTLED_FIELDS = {
    "currentItem": "current_item",
    "currentItemId": "current_item_id",
    "camera": "camera",
    "encounter": "encounter",
}
"""The keys that a message about one item can carry beside it, and their fields."""
_SETTLED = frozenset(SETTLED_FIELDS)


def _edit_message(edit: Edit, **beside: Any) -> ItemMessage:
    match edit:
        case Added():
            return ItemAdded(item=dict(edit.item), index=edit.index, **beside)
        case Removed():
            return ItemRemoved(item_id=edit.item_id, **beside)
        case Moved():
            return ItemMoved(item_id=edit.item_id, index=edit.index, **beside)
        case Updated():
            return ItemUpdated(payload=_item_payload(edit.item_id, edit.patch), index=edit.index, **beside)
        case _:
            assert_never(edit)


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
        controllers=encode(_message(Seen(payload), version)),
        viewers=encode(_message(Seen(seen), seen_version)) if seen else None,
        version=version,
        viewers_version=viewers_version,
        as_of=as_of,
        sender=sender,
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
