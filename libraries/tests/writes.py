"""Short forms of writes, for the tests of services."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from libraries.models import PortalView
from libraries.rules.changes import check_item_patch
from libraries.services.changes import Message, change_portal_view


def update_item(
    *, actor_id: UUID | None, portal_view_id: UUID, item_id: str, payload: Any, **options: Any
) -> PortalView:
    """The portal view after an update of one item, with the warnings about it; NoSuchItem if there is no such item."""
    written = change_portal_view(
        actor_id=actor_id,
        portal_view_id=portal_view_id,
        messages=[Message([check_item_patch(item_id, payload)])],
        **options,
    )
    written.portal_view.warnings = written.warnings[0]
    return written.portal_view
