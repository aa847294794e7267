"""The names of channel-layer groups, and the one message that goes through them. Pure.

A group message is news between processes, not something a client sees: the texts in it are what clients get.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict
from uuid import UUID

NEWS = "portal_view.news"


def portal_view_group(portal_view_id: UUID | str) -> str:
    """The group of every process that has a connection to the portal view (at most 100 ASCII characters)."""
    return f"portal-view.{portal_view_id}"


class News(TypedDict):
    """What one process tells the others about a portal view.

    `event` is `message` for texts to deliver, `deleted` and `access` for something to look up: that the portal view may
    be gone, and that a person may have another role since the library's `accessVersion`; `sync-requested` and
    `sync-heard` for a viewer's question and the word that a controller has it. `version` is that of the stored change
    that the news carries, and missing when nothing was stored; then `asOf` is the version of the flags that the
    viewers' text was made with, if it depends on them.
    """

    type: str
    event: Literal["message", "deleted", "access", "sync-requested", "sync-heard"]
    portalViewId: str
    version: NotRequired[int]
    asOf: NotRequired[int]
    controllers: NotRequired[str]
    viewers: NotRequired[str]
    sender: NotRequired[str]
    to: NotRequired[str]
    userId: NotRequired[str]
    role: NotRequired[str | None]
    accessVersion: NotRequired[int]
