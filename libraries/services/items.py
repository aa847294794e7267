"""Writes to one item of a portal view. The same rules as in `libraries.services.portal_views` apply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from libraries import events
from libraries.events import ItemChanged, Tell, tell_on_commit
from libraries.models import PortalView
from libraries.outages import tried_again
from libraries.receipts import ReceiptKey, Receipts
from libraries.rules.projection import item_patch_seen
from libraries.rules.state import apply_item_patch, find_item
from libraries.rules.warnings import warnings_of_item
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
        seen = item_patch_seen(before, after, index, patch, portal_view.rules)
        columns = put_state(portal_view, before, after)
        kept = Receipts(actor_id, portal_view_id, receipts, sender)
        store(portal_view, after, columns, kept, viewers_changed=seen.viewers_changed)
        event = ItemChanged(
            portal_view_id=portal_view_id,
            version=portal_view.version,
            viewers_version=portal_view.viewers_version,
            item_id=item_id,
            index=index,
            controllers=seen.controllers,
            viewers=seen.viewers,
            viewers_index=seen.viewers_index,
            viewers_state=seen.viewers_state,
            sender=sender,
        )
        tell_on_commit(tell, event)
    portal_view.warnings = warnings_of_item(patch, after["items"][index], after, portal_view.rules)
    return portal_view
