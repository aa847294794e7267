"""Composes the messages about what people point at, and that they edit: a text for each role. Pure."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

from msgspec import UNSET

from libraries.rules.roles import PortalRole
from libraries.rules.sight import Pointed, Sight
from libraries.rules.subjects import Subject
from realtime.news.structs import MessageNews
from realtime.protocol.encodings import encode
from realtime.protocol.events import Activity, Pointer


def pointer_news(
    portal_view_id: UUID, pointed: Pointed, sight: Sight, *, role: PortalRole, subject: Subject, sender: str
) -> MessageNews | None:
    """The news of a pointer of the connection `sender`; None if its role may not point there.

    Viewers get it only if they see the item, and are not told whose it is.
    """
    if not sight.allows(role, pointed.item_id):
        return None
    message = Pointer(
        pointer_id=pointer_id(sender),
        role=role,
        item_id=pointed.item_id,
        x=pointed.x,
        y=pointed.y,
        subject_id=subject.id,
    )
    controllers = encode(message)
    message.subject_id = UNSET
    return MessageNews(
        portal_view_id=portal_view_id,
        controllers=controllers,
        viewers=encode(message) if sight.shows(pointed.item_id) else None,
        as_of=sight.version,
        sender=sender,
    )


def pointer_id(connection_id: str) -> str:
    """A name for the pointer of a connection, which tells neither the connection nor the person."""
    return blake2b(connection_id.encode(), digest_size=8).hexdigest()


def activity_news(
    portal_view_id: UUID, *, subject: Subject, sender: str, is_editing: bool, target: str | None
) -> MessageNews:
    """What controllers are told of another one."""
    about = UNSET if target is None else target
    message = Activity(subject_id=subject.id, state=_state(is_editing), target=about)
    return MessageNews(portal_view_id=portal_view_id, controllers=encode(message), sender=sender)


def flag_news(portal_view_id: UUID, *, is_editing: bool, as_of: int) -> MessageNews:
    """What viewers are told: that somebody is editing, or nobody any more. `as_of` is the version of the switches."""
    return MessageNews(portal_view_id=portal_view_id, viewers=encode(Activity(state=_state(is_editing))), as_of=as_of)


def _state(is_editing: bool) -> str:
    return "editing" if is_editing else "idle"
