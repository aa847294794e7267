"""For other code of the site: sends what is not stored to everybody who is connected to a portal view.

A change that is to last goes through `libraries.services`, which tells the sockets itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from realtime.news.compose import patch_news
from realtime.news.layer import publish
from realtime.news.publish import send


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
    taken out that any flag could hide. `version` is that of a stored change; without it this is a relayed command
    (and so it is for viewers if `viewers_stored` is false), and `as_of` is the version of the flags that `viewers`
    was made with: it is dropped where they have changed since. A channel layer that is away is logged, and no error.
    In a coroutine use `abroadcast_portal_view_update`.
    """
    send(
        patch_news(
            UUID(str(portal_view_id)),
            payload,
            viewers=viewers,
            version=version,
            viewers_stored=viewers_stored,
            as_of=as_of,
            sender=sender,
        )
    )


async def abroadcast_portal_view_update(
    portal_view_id: UUID | str,
    payload: Mapping[str, Any],
    *,
    viewers: Mapping[str, Any] | None = None,
    as_of: int | None = None,
    sender: str | None = None,
) -> None:
    """`broadcast_portal_view_update` of a relayed command, for coroutines; Unavailable while the layer is away."""
    await publish(patch_news(UUID(str(portal_view_id)), payload, viewers=viewers, as_of=as_of, sender=sender))
