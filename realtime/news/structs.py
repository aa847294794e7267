"""The news about a portal view that processes send each other, and the group that it is sent to. Pure.

Clients never get these structs; the texts in them are what clients get.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args
from uuid import UUID

import msgspec

from libraries.rules.figures import Figures
from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Subject

TYPE = "portal_view.news"
"""The `type` that Channels requires of each message."""


class News(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", tag_field="event"):
    """A piece of news."""

    @property
    def group(self) -> str:
        """The group of the processes that it is for."""
        raise NotImplementedError


class RevokedNews(News, frozen=True, kw_only=True, tag="revoked"):
    """A person, a session or a link may have ended: the table of revocations is to be read."""

    @property
    def group(self) -> str:
        """The group of every process that has a connection."""
        return REVOCATIONS_GROUP


class PortalViewNews(News, frozen=True, kw_only=True):
    """A piece of news about a portal view."""

    portal_view_id: UUID

    @property
    def group(self) -> str:
        """The group of every process that has a connection to the portal view."""
        return portal_view_group(self.portal_view_id)


class MessageNews(PortalViewNews, frozen=True, kw_only=True, tag="message"):
    """Ready texts for connections: None for a role that gets none.

    `version` is that of the stored change in it, and `viewers_version` the viewers' version after it; both are None if
    nothing was stored. Then `as_of` is the version of the switches that the viewers' text was made with, if it depends
    on them. The connection `sender` gets no copy; with `to` only that connection gets one. `committed_at` is when the
    change was stored, in seconds since the epoch.
    """

    controllers: str | None = None
    viewers: str | None = None
    version: int | None = None
    viewers_version: int | None = None
    as_of: int | None = None
    sender: str | None = None
    to: str | None = None
    committed_at: float | None = None


class StaleNews(PortalViewNews, frozen=True, kw_only=True, tag="stale"):
    """The stored state has another version, which is to be read."""


class DeletedNews(PortalViewNews, frozen=True, kw_only=True, tag="deleted"):
    """The portal view may be deleted: to be looked up."""


class AccessNews(PortalViewNews, frozen=True, kw_only=True, tag="access"):
    """Somebody may have another role since the library's `access_version`: to be looked up. None: no access."""

    subject: Subject
    role: PortalRole | None
    access_version: int


class SyncRequestedNews(PortalViewNews, frozen=True, kw_only=True, tag="sync-requested"):
    """A viewer's question to the controllers; `sender` is the viewer's connection."""

    subject: Subject
    sender: str


class SyncHeardNews(PortalViewNews, frozen=True, kw_only=True, tag="sync-heard"):
    """A controller has received the question of the connection `to`."""

    to: str


class ActivityNews(PortalViewNews, frozen=True, kw_only=True, tag="activity"):
    """A controller is editing, maybe the item `target`, or is not any more; `sender` is their connection."""

    subject: Subject
    sender: str
    is_editing: bool
    target: str | None = None


class FiguresAskedNews(PortalViewNews, frozen=True, kw_only=True, tag="figures-asked"):
    """The process `asker` wants to know who is connected to the portal view in other processes."""

    asker: str
    question: str


class FiguresToldNews(News, frozen=True, kw_only=True, tag="figures-told"):
    """The answer of one process to such a question."""

    question: str
    figures: Figures

    @property
    def group(self) -> str:
        """The group of the process that has asked."""
        return figures_group(self.question)


class PresenceNews(PortalViewNews, frozen=True, kw_only=True, tag="presence"):
    """A process has written entries of people to the store, where the portal view's presence is at version `at` now.

    `came` are entries as `realtime.rooms.presence.Person` has them; both are None if the store must be read.
    """

    process: str
    at: int
    came: list[Any] | None = None
    gone: list[UUID] | None = None


RoomNews = MessageNews | StaleNews | DeletedNews | AccessNews | SyncRequestedNews | SyncHeardNews | ActivityNews
AnyNews = RoomNews | PresenceNews | RevokedNews | FiguresAskedNews | FiguresToldNews

REVOCATIONS_GROUP = "portal-revocations"


def portal_view_group(portal_view_id: UUID) -> str:
    """The group of every process that has a connection to the portal view (at most 100 ASCII characters)."""
    return f"portal-view.{portal_view_id}"


def figures_group(question: str) -> str:
    """The group of the process with that question."""
    return f"portal-figures.{question}"


def to_message(news: News) -> dict[str, Any]:
    """The news as a message of the channel layer."""
    return {"type": TYPE, **msgspec.to_builtins(news)}


_EVENTS = frozenset(kind.__struct_config__.tag for kind in get_args(AnyNews))


def from_message(message: object) -> AnyNews | None:
    """The news in a message of the channel layer; None for an event that only a newer release knows.

    msgspec.ValidationError if it is no news.
    """
    if isinstance(message, Mapping) and message.get("event", "message") not in _EVENTS:
        return None
    news: AnyNews = msgspec.convert(message, AnyNews)
    return news
