"""Writes to portal views. REST, the admin, commands and sockets all call these.

Each is one transaction: it locks the row, checks the permission, stores, and raises the version by one. After the
commit it calls `tell` with an event, which by default notifies all listeners. `actor_id` is the person who asks; None
is the site itself (the admin, a command), whose caller has checked the permission. `sender` is the connection that sent
the change: it gets no copy. All raise `libraries.rules.errors`.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from libraries import events
from libraries.events import PortalViewDeleted, Tell, tell_on_commit
from libraries.models import Library, PortalView, Receipt, new_epoch
from libraries.outages import tried_again
from libraries.receipts import ReceiptKey
from libraries.rules.changes import ViewPatch
from libraries.rules.draft import Draft
from libraries.rules.errors import InvalidPayload, NotFound, VersionConflict
from libraries.rules.state import Patch
from libraries.selectors import libraries_of
from libraries.services import quotas
from libraries.services.changes import Message, change_portal_view, warnings_of_message
from libraries.services.storing import lock_portal_view, put_state, require_controller


@tried_again
def create_portal_view(
    *, actor_id: UUID | None, library_id: UUID, patch: Patch, portal_view_id: UUID | None = None
) -> PortalView:
    """A new portal view, in a library that the person may write to; keys that are only relayed are ignored here.

    `portal_view_id` is its id, by default an unguessable one.
    """
    if "name" not in patch.known:
        raise InvalidPayload("A portal view needs a name.", {"name": "This is required."})
    message = Message([ViewPatch(Patch(patch.known, {}, patch.sent))])
    with transaction.atomic():
        libraries = Library.objects.all() if actor_id is None else libraries_of(actor_id)
        # Locked, so that it exists until the portal view does; rows that already refer to it need not wait.
        library = libraries.select_for_update(of=("self",), no_key=True).filter(id=library_id).first()
        if library is None:
            raise NotFound("There is no such library.")
        if actor_id is not None:
            require_controller(library.role)
        quotas.check_portal_views(library_id)
        portal_view = PortalView(library=library, disclosure=library.disclosure)
        if portal_view_id is not None:
            portal_view.id = portal_view_id
        draft = Draft(portal_view.content(), portal_view.item_key)
        draft.apply(message.changes)
        put_state(portal_view, draft.before, draft.state)
        portal_view.save(force_insert=True)
        if actor_id is not None:
            portal_view.role = library.role
    portal_view.warnings = warnings_of_message(message, portal_view.state(), portal_view)
    return portal_view


def update_portal_view(
    *,
    actor_id: UUID | None,
    portal_view_id: UUID,
    patch: Patch,
    if_version: int | None = None,
    sender: str | None = None,
    receipts: Collection[ReceiptKey] = (),
    tell: Tell = events.tell,
) -> PortalView:
    """The portal view after a patch; the rules are those of `change_portal_view`."""
    written = change_portal_view(
        actor_id=actor_id,
        portal_view_id=portal_view_id,
        messages=[Message([ViewPatch(patch)])],
        if_version=if_version,
        sender=sender,
        receipts=receipts,
        tell=tell,
    )
    written.portal_view.warnings = written.warnings[0]
    return written.portal_view


@tried_again
def delete_portal_view(*, actor_id: UUID | None, portal_view_id: UUID, if_version: int | None = None) -> None:
    """Delete a portal view; every connection to it is notified, and closed."""
    with transaction.atomic():
        portal_view = lock_portal_view(actor_id, portal_view_id)
        if if_version is not None and if_version != portal_view.version:
            raise VersionConflict("The portal view has changed; read it again before you delete it.")
        portal_view.delete()
        tell_deleted([portal_view_id])


@tried_again
def restart_epochs() -> int:
    """Give every portal view a new epoch; returns the number of portal views.

    For a restored database: no client may mistake an older version for a current one.
    """
    with transaction.atomic():
        portal_views = list(PortalView.objects.select_for_update().only("id"))
        for portal_view in portal_views:
            portal_view.epoch = new_epoch()
        PortalView.objects.bulk_update(portal_views, ["epoch"], batch_size=500)
        Receipt.objects.all().delete()
    return len(portal_views)


def tell_deleted(portal_view_ids: Collection[UUID]) -> None:
    """After commit, send that these portal views are deleted."""
    for portal_view_id in portal_view_ids:
        tell_on_commit(events.tell, PortalViewDeleted(portal_view_id=portal_view_id))
