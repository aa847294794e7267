"""Tells every process that has a connection to a portal view what happened to it.

Each function encodes a message once per role and makes one `group_send`. They work from REST views, the admin,
management commands and a plain shell; those that begin with `a` are for coroutines. They store nothing: a change
that is to last goes through `libraries.services`, which calls these once it is committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync

from libraries.errors import Unavailable
from libraries.projection import project_relayed
from libraries.roles import Role, portal_role
from realtime.groups import NEWS, News
from realtime.layer import publish
from realtime.protocol import ItemUpdated, PortalViewUpdated, SyncResponded, encode

_collected: ContextVar[list[News] | None] = ContextVar("collected", default=None)


def send(news: News) -> None:
    """Publish from code that is not a coroutine. A layer that is away is no error here: what is stored is stored."""
    collected = _collected.get()
    if collected is not None:
        collected.append(news)
        return
    with suppress(Unavailable):  # logged where it was found out
        async_to_sync(publish)(news)


@contextmanager
def collect() -> Iterator[list[News]]:
    """Keep the news of what is called inside, for a coroutine to publish: a thread need not wait for the layer."""
    news: list[News] = []
    token = _collected.set(news)
    try:
        yield news
    finally:
        _collected.reset(token)


async def publish_stored(collected: Iterable[News]) -> None:
    """Publish what `collect` gave; as in `send`, a layer that is away is no error."""
    for news in collected:
        with suppress(Unavailable):
            await publish(news)


def portal_view_update_news(
    portal_view_id: UUID | str,
    payload: Mapping[str, Any],
    *,
    viewers: Mapping[str, Any] | None = None,
    version: int | None = None,
    viewers_stored: bool = True,
    sender: str | None = None,
) -> News:
    """The news of a patch: `payload` for controllers, `viewers` for viewers, who hear nothing if that is empty.

    `viewers_stored` is false if what viewers get holds only relayed keys: then it carries no version.
    """
    seen = project_relayed(payload, None) if viewers is None else viewers
    news = _news(portal_view_id, version, sender)
    news["controllers"] = encode(PortalViewUpdated(payload=dict(payload), **_version(version)))
    if seen:
        news["viewers"] = encode(PortalViewUpdated(payload=dict(seen), **_version(version if viewers_stored else None)))
    return news


def broadcast_portal_view_update(
    portal_view_id: UUID | str,
    payload: Mapping[str, Any],
    *,
    viewers: Mapping[str, Any] | None = None,
    version: int | None = None,
    viewers_stored: bool = True,
    as_of: int | None = None,
    sender: str | None = None,
) -> None:
    """Send `portal-view-updated` to every connection of a portal view but the sender's.

    `payload` goes to controllers and `viewers` to viewers; without `viewers` they get the payload with everything
    taken out that any flag could hide. `version` is that of the stored change; without it this is a relayed command
    (and so it is for viewers if `viewers_stored` is false), and `as_of` is the version of the flags that `viewers`
    was made with: it is dropped where they have changed since. In a coroutine use `abroadcast_portal_view_update`.
    """
    news = portal_view_update_news(
        portal_view_id,
        payload,
        viewers=viewers,
        version=version,
        viewers_stored=viewers_stored,
        sender=sender,
    )
    send(_as_of(news, as_of))


async def abroadcast_portal_view_update(
    portal_view_id: UUID | str,
    payload: Mapping[str, Any],
    *,
    viewers: Mapping[str, Any] | None = None,
    as_of: int | None = None,
    sender: str | None = None,
) -> None:
    """`broadcast_portal_view_update` of a relayed command, for coroutines; Unavailable while the layer is away."""
    await publish(_as_of(portal_view_update_news(portal_view_id, payload, viewers=viewers, sender=sender), as_of))


def item_update_news(
    portal_view_id: UUID | str,
    item_id: str,
    payload: Mapping[str, Any],
    *,
    viewers: Mapping[str, Any],
    index: int | None = None,
    version: int | None = None,
    sender: str | None = None,
) -> News:
    """The news of an item's patch; viewers hear nothing if `viewers` is empty."""
    news = _news(portal_view_id, version, sender)
    more = {**({} if index is None else {"index": index}), **_version(version)}
    # The id comes last: an item may have a key of its own that is called itemId, and that does not name it.
    news["controllers"] = encode(ItemUpdated(payload={**payload, "itemId": item_id}, **more))
    if viewers:
        news["viewers"] = encode(ItemUpdated(payload={**viewers, "itemId": item_id}, **more))
    return news


def broadcast_item_update(
    portal_view_id: UUID | str,
    item_id: str,
    payload: Mapping[str, Any],
    *,
    viewers: Mapping[str, Any],
    index: int | None = None,
    version: int | None = None,
    sender: str | None = None,
) -> None:
    """Send `item-updated` to every connection but the sender's: `payload` to controllers, `viewers` to viewers."""
    send(
        item_update_news(portal_view_id, item_id, payload, viewers=viewers, index=index, version=version, sender=sender)
    )


async def abroadcast_item_update(
    portal_view_id: UUID | str,
    item_id: str,
    payload: Mapping[str, Any],
    *,
    viewers: Mapping[str, Any],
    as_of: int | None = None,
    sender: str | None = None,
) -> None:
    """`broadcast_item_update` for an item that is not stored, for coroutines; `as_of` as above."""
    await publish(_as_of(item_update_news(portal_view_id, item_id, payload, viewers=viewers, sender=sender), as_of))


async def abroadcast_sync_response(
    portal_view_id: UUID | str,
    viewers: Mapping[str, Any],
    *,
    version: int,
    as_of: int | None = None,
    to: str | None = None,
) -> None:
    """Send a controller's `sync-response` to all viewers, or to the one connection `to`; `as_of` as above."""
    news = _as_of(_news(portal_view_id, None, None), as_of)
    news["viewers"] = encode(SyncResponded(payload=dict(viewers), version=version, source="controller"))
    if to is not None:
        news["to"] = to
    await publish(news)


async def abroadcast_sync_requested(portal_view_id: UUID | str, *, user_id: str, connection_id: str) -> None:
    """Ask the controllers, wherever they are, for a viewer; Unavailable while the layer is away."""
    news = News(type=NEWS, event="sync-requested", portalViewId=str(portal_view_id), userId=user_id)
    await publish({**news, "sender": connection_id})


async def abroadcast_sync_heard(portal_view_id: UUID | str, *, connection_id: str) -> None:
    """Say that a controller has a viewer's question; Unavailable while the layer is away."""
    await publish(News(type=NEWS, event="sync-heard", portalViewId=str(portal_view_id), to=connection_id))


def broadcast_deleted(portal_view_id: UUID | str) -> None:
    """Tell every connection that the portal view is gone, and close it."""
    send(News(type=NEWS, event="deleted", portalViewId=str(portal_view_id)))


def broadcast_access(portal_view_id: UUID | str, user_id: UUID | str, role: Role | None, access_version: int) -> None:
    """Tell a person's connections their new role; None closes them. `access_version` is the library's after that."""
    portal = None if role is None else str(portal_role(role))
    news = News(type=NEWS, event="access", portalViewId=str(portal_view_id), userId=str(user_id), role=portal)
    send({**news, "accessVersion": access_version})


def _news(portal_view_id: UUID | str, version: int | None, sender: str | None) -> News:
    news = News(type=NEWS, event="message", portalViewId=str(portal_view_id))
    if version is not None:
        news["version"] = version
    if sender is not None:
        news["sender"] = sender
    return news


def _as_of(news: News, version: int | None) -> News:
    if version is not None:
        news["asOf"] = version
    return news


def _version(version: int | None) -> dict[str, int]:
    return {} if version is None else {"version": version}
