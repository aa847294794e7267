"""Writes to one item of a portal view. The same rules as in `libraries.services.portal_views` apply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from libraries import events
from libraries.events import ItemChanged, Tell, tell_on_commit
from libraries.models import PortalView
from libraries.outages import tried_again
from libraries.receipts import ReceiptKey, Receipts
from libraries.rules.projection import item_patch_seen
from libraries.rules.roles import PortalRole
from libraries.rules.state import apply_item_patch, find_item
from libraries.services.storing import lock_portal_view, put_state, store


@tried_again
def update_item(
    *,
    actor_id: UUID | None,
    portal_view_id: UUID,
    item_id: str,
    patch: Mapping[str, Any],
    sender: str | None = None,
    receipts: Collection[ReceiptKey] = (),
    tell: Tell = events.tell,
) -> PortalView | None:
    """The portal view after a checked patch was merged into one of its items; None, and no change, without the item."""
    with transaction.atomic():
        portal_view = lock_portal_view(actor_id, portal_view_id)
        before = portal_view.state()
        index = find_item(before["items"], item_id)
        if index is None:
            return None
        after = {**before, "items": apply_item_patch(before["items"], index, patch)}
        columns = put_state(portal_view, before, after)
        after = store(portal_view, after, columns, Receipts(actor_id, portal_view_id, receipts, sender))
        seen = partial(item_patch_seen, before["items"][index], after["items"][index], patch, after)
        event = ItemChanged(
            portal_view_id=portal_view_id,
            version=portal_view.version,
            item_id=item_id,
            index=index,
            controllers=seen(PortalRole.CONTROLLER),
            viewers=seen(PortalRole.VIEWER),
            sender=sender,
        )
        tell_on_commit(tell, event)
    return portal_view
