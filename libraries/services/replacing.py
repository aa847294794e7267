"""Tells who shows a picture that another one has taken its place: its address has stayed, so no state has changed.

Each item that shows it is told of again, as it is, under a message that stores nothing: with the keys that have the
address. Viewers are told only of what they see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from libraries import events
from libraries.events import PortalViewChanged, Tell
from libraries.rules.edits import Seen, Updated
from libraries.rules.images import shown_images
from libraries.rules.projection import shown_items
from libraries.selectors import load


def tell_replaced(image_id: UUID, portal_view_ids: Iterable[UUID], *, tell: Tell = events.tell) -> None:
    """Tell the portal views whose items show the picture; those that are deleted are left out."""
    for portal_view_id in portal_view_ids:
        stored = load(portal_view_id)
        if stored is None:
            continue
        event = PortalViewChanged(
            portal_view_id=portal_view_id,
            version=stored.version,
            viewers_version=stored.viewers_version,
            controllers=_shown_again(stored.state["items"], image_id),
            viewers=_shown_again(shown_items(stored.state, stored.disclosure), image_id),
            is_stored=False,
            viewers_changed=False,
        )
        if event.controllers:
            tell(event)


def _shown_again(items: Iterable[Mapping[str, Any]], image_id: UUID) -> Seen:
    """The items that show the picture, with the keys that do."""
    edits = []
    for index, item in enumerate(items):
        named = {key: value for key, value in item.items() if image_id in shown_images([{key: value}])}
        if named:
            edits.append(Updated(item["id"], named, index))
    return Seen(edits=tuple(edits))
