"""For other code of the site: sends a message that is not stored to every connection of a portal view.

A change that must be stored goes through `libraries.services`, which notifies the sockets itself. Values may be bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from libraries.rules.octets import with_octets
from realtime.news.compose import patch_news
from realtime.news.layer import publish
from realtime.news.publish import send


def broadcast_portal_view_update(
    portal_view_id: UUID | str,
    payload: Mapping[str, Any],
    *,
    viewers: Mapping[str, Any] | None = None,
    version: int | None = None,
    viewers_version: int | None = None,
    viewers_stored: bool = True,
    as_of: int | None = None,
    sender: str | None = None,
) -> None:
    """Send `portal-view-updated` to every connection of a portal view except the sender's.

    `payload` goes to controllers and `viewers` to viewers. Without `viewers`, viewers get of the payload what a command
    shows while all switches are off. `version` is the version of a stored change, and `viewers_version` the viewers'
    version after it: without the second, each process reads the state instead. Without `version` the message is a
    relayed command. For viewers it is also a relayed command if `viewers_stored` is false. `as_of` is the version of
    the switches that `viewers` was made with: the viewers' message is dropped where they have changed since. If the
    channel layer is unavailable, that is logged and no error is raised. In a coroutine use
    `abroadcast_portal_view_update`.
    """
    send(
        patch_news(
            UUID(str(portal_view_id)),
            _with_octets(payload),
            viewers=None if viewers is None else _with_octets(viewers),
            version=version,
            viewers_version=viewers_version,
            viewers_changed=viewers_stored,
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
    """`broadcast_portal_view_update` of a relayed command, for coroutines.

    Unavailable while the channel layer is unavailable.
    """
    await publish(
        patch_news(
            UUID(str(portal_view_id)),
            _with_octets(payload),
            viewers=None if viewers is None else _with_octets(viewers),
            as_of=as_of,
            sender=sender,
        )
    )


def _with_octets(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {key: with_octets(value) for key, value in payload.items()}
