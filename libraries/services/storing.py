"""The steps of each write to a portal view: lock the row, set columns, store the next version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from libraries.models import PortalView, iso
from libraries.receipts import Receipts
from libraries.rules.errors import AlreadyApplied, Forbidden, NotFound
from libraries.rules.projection import shown_count, shown_place
from libraries.rules.roles import PortalRole, portal_role
from libraries.rules.state import FIELDS, State, blocks_of, check_size
from libraries.selectors import portal_views_of
from libraries.services import quotas
from libraries.stored_json import encoded


def require_controller(role: str) -> None:
    """Raise Forbidden unless the membership role may write."""
    if portal_role(role) != PortalRole.CONTROLLER:
        raise Forbidden("You may look at this, but only owners and editors may change it.")


def lock_portal_view(actor_id: UUID | None, portal_view_id: UUID) -> PortalView:
    """The row, locked until the transaction ends; one query, which also reads the person's role.

    NotFound if the person may not see it, Forbidden if they may not write.
    """
    visible: QuerySet[PortalView] = PortalView.objects.all() if actor_id is None else portal_views_of(actor_id)
    try:
        portal_view = visible.select_for_update(of=("self",)).get(id=portal_view_id)
    except PortalView.DoesNotExist:
        raise NotFound("There is no such portal view.") from None
    if actor_id is not None:
        require_controller(portal_view.role)
    return portal_view


def put_state(portal_view: PortalView, before: Mapping[str, Any], after: State) -> dict[str, Any]:
    """Set the model's state; returns the changed columns with what to write, the items encoded.

    InvalidPayload or QuotaExceeded if it is too large.
    """
    items = encoded(after["items"])  # once, to measure and to write them
    size, grown = portal_view.size, blocks_of(check_size({**after, "items": items}))
    quotas.check_growth(library_id=portal_view.library_id, portal_view_id=portal_view.id, before=size, after=grown)
    portal_view.size = grown
    columns = {field.column: after[key] for key, field in FIELDS.items() if after[key] is not before[key]}
    for column, value in columns.items():
        setattr(portal_view, column, value)
    if "items" in columns:
        columns["items"] = items
    return columns if grown == size else {**columns, "size": grown}


_OF_VIEWERS = ("viewers_updated_at", "viewers_item_count", "viewers_current_item")


def store(
    portal_view: PortalView,
    after: State,
    columns: Mapping[str, Any],
    receipts: Receipts,
    *,
    viewers_changed: bool,
    item_ids: Sequence[str] = (),
) -> State:
    """Write the columns and the next version, and keep receipts; returns the state with that version.

    The viewers' version rises only if the part changed that they see. `item_ids` are those of the added items.
    AlreadyApplied if one of the messages was stored before.
    """
    portal_view.version += 1
    portal_view.updated_at = timezone.now()
    if viewers_changed:
        portal_view.viewers_updated_at = portal_view.updated_at
        portal_view.viewers_item_count = shown_count(after)
        portal_view.viewers_current_item = shown_place(after)
    else:
        portal_view.unseen_writes += 1
    written = ("version", "updated_at", *(_OF_VIEWERS if viewers_changed else ("unseen_writes",)))
    values = {**columns, **{column: getattr(portal_view, column) for column in written}}
    if not receipts.unless_stored(PortalView.objects.filter(id=portal_view.id)).update(**values):
        raise AlreadyApplied
    receipts.keep(portal_view.version, item_ids)
    return {
        **after,
        "version": portal_view.version,
        "updatedAt": iso(portal_view.updated_at),
        "viewersVersion": portal_view.viewers_version,
        "viewersUpdatedAt": iso(portal_view.viewers_updated_at),
    }
