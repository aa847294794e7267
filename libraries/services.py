"""Writes to portal views. REST, the admin, commands and sockets all call these.

Each is one transaction: it locks the row, checks who asks, stores, raises the version by one, and publishes once the
transaction is committed. `actor_id` is the person who asks; None is the site itself (the admin, a command), whose
caller has checked the permission. `sender` is the connection a change came by: it gets no copy of it. All raise
`libraries.errors`. Libraries and memberships are in `libraries.membership`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ParamSpec
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, QuerySet
from django.utils import timezone

from libraries import quotas
from libraries.errors import AlreadyApplied, Forbidden, InvalidPayload, NotFound, VersionConflict
from libraries.models import Library, PortalView, Receipt, new_epoch
from libraries.outages import tried_again
from libraries.projection import item_patch_seen, patch_seen, project_relayed
from libraries.roles import PortalRole, portal_role
from libraries.selectors import libraries_of, portal_views_of
from libraries.state import (
    FIELDS,
    Patch,
    State,
    apply_item_patch,
    apply_patch,
    blocks_of,
    check_item_patch,
    check_patch,
    check_size,
    find_item,
)
from realtime import broadcast

P = ParamSpec("P")
ReceiptKey = tuple[str, str]
"""The connection that a message was first sent by, and its ref as JSON."""
RECEIPTS_KEPT = timedelta(minutes=10)
RECEIPTS_AT_ONCE = 1_000
"""How many receipts one statement may ask for or write: a database takes only so many parameters."""


@tried_again
def create_portal_view(*, actor_id: UUID | None, library_id: UUID, payload: Mapping[str, Any]) -> PortalView:
    """A new portal view, in a library that the person may write to."""
    patch = check_patch(payload).known
    if "name" not in patch:
        raise InvalidPayload("A portal view needs a name.", {"name": "This is required."})
    with transaction.atomic():
        libraries = Library.objects.all() if actor_id is None else libraries_of(actor_id)
        # Locked, so that it is there until the portal view is; what refers to it already need not wait.
        library = libraries.select_for_update(of=("self",), no_key=True).filter(id=library_id).first()
        if library is None:
            raise NotFound("There is no such library.")
        if actor_id is not None:
            require_controller(library.role)
        quotas.check_portal_views(library_id)
        portal_view = PortalView(library=library)
        _set(portal_view, patch)
        portal_view.save(force_insert=True)
        if actor_id is not None:
            portal_view.role = library.role
    return portal_view


@tried_again
def update_portal_view(
    *,
    actor_id: UUID | None,
    portal_view_id: UUID,
    payload: Mapping[str, Any],
    if_version: int | None = None,
    sender: str | None = None,
    receipts: Collection[ReceiptKey] = (),
) -> PortalView:
    """The portal view after a patch; keys that it has not are relayed with it, or alone, and not stored.

    With `if_version`, VersionConflict unless that is the stored version. `receipts` are kept for the messages that
    the patch came in; AlreadyApplied, and no change, if there is one for a message that another connection than
    `sender` sent first.
    """
    patch = check_patch(payload)
    with transaction.atomic():
        portal_view = _lock(actor_id, portal_view_id)
        if if_version is not None and if_version != portal_view.version:
            raise VersionConflict(
                f"The portal view has changed: its version is {portal_view.version} now. Read it again."
            )
        before = portal_view.state()
        if patch.known:
            columns = _set(portal_view, patch.known)
            _store(portal_view, columns, _new_receipts(actor_id, portal_view, receipts, sender))
        _publish_patch(before, portal_view.state(), patch, sender)
    return portal_view


@tried_again
def update_item(
    *,
    actor_id: UUID | None,
    portal_view_id: UUID,
    item_id: str,
    payload: Mapping[str, Any],
    sender: str | None = None,
    receipts: Collection[ReceiptKey] = (),
) -> PortalView | None:
    """The portal view after a patch was merged into one of its items; None, and no change, if it has no such item.

    `receipts` as for `update_portal_view`.
    """
    patch = check_item_patch(item_id, payload)
    with transaction.atomic():
        portal_view = _lock(actor_id, portal_view_id)
        index = find_item(portal_view.items, item_id)
        if index is None:
            return None
        before, flags = portal_view.items[index], portal_view.state()
        portal_view.items = apply_item_patch(portal_view.items, index, patch)
        columns = {"items", *_resize(portal_view, check_size(portal_view.state()))}
        _store(portal_view, columns, _new_receipts(actor_id, portal_view, receipts, sender))
        seen = partial(item_patch_seen, before, portal_view.items[index], patch, flags)
        tell_on_commit(
            broadcast.broadcast_item_update,
            portal_view_id,
            item_id,
            seen(PortalRole.CONTROLLER),
            viewers=seen(PortalRole.VIEWER),
            index=index,
            version=portal_view.version,
            sender=sender,
        )
    return portal_view


@tried_again
def delete_portal_view(*, actor_id: UUID | None, portal_view_id: UUID, if_version: int | None = None) -> None:
    """Delete a portal view; every connection to it is told, and closed."""
    with transaction.atomic():
        portal_view = _lock(actor_id, portal_view_id)
        if if_version is not None and if_version != portal_view.version:
            raise VersionConflict("The portal view has changed; read it again before you delete it.")
        portal_view.delete()
        publish_deleted([portal_view_id])


@tried_again
def restart_epochs() -> int:
    """Give every portal view a new epoch, and say how many there are.

    For a database that was restored: no client may take a version from before for one of now.
    """
    with transaction.atomic():
        portal_views = list(PortalView.objects.select_for_update().only("id"))
        for portal_view in portal_views:
            portal_view.epoch = new_epoch()
        PortalView.objects.bulk_update(portal_views, ["epoch"], batch_size=500)
        Receipt.objects.all().delete()
    return len(portal_views)


def forget_receipts() -> None:
    """Drop the receipts that no client will ask for any more."""
    Receipt.objects.filter(created_at__lt=timezone.now() - RECEIPTS_KEPT).delete()


def publish_deleted(portal_view_ids: Collection[UUID]) -> None:
    """Tell the connections of these portal views, after commit, that they are gone."""
    for portal_view_id in portal_view_ids:
        tell_on_commit(broadcast.broadcast_deleted, portal_view_id)


def tell_on_commit(tell: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call `tell` once the transaction is committed; what goes wrong then is logged, as what is stored is stored."""

    # A partial would not do: Django logs the name of what failed, and a partial has none.
    def told() -> None:
        tell(*args, **kwargs)

    transaction.on_commit(told, robust=True)


def require_controller(role: str) -> None:
    """Raise Forbidden unless the membership role may write."""
    if portal_role(role) != PortalRole.CONTROLLER:
        raise Forbidden("You may look at this, but only owners and editors may change it.")


def _lock(actor_id: UUID | None, portal_view_id: UUID) -> PortalView:
    """The row, locked until the transaction ends; one query, which also asks who the person is to it."""
    visible: QuerySet[PortalView] = PortalView.objects.all() if actor_id is None else portal_views_of(actor_id)
    try:
        portal_view = visible.select_for_update(of=("self",)).get(id=portal_view_id)
    except PortalView.DoesNotExist:
        raise NotFound("There is no such portal view.") from None
    if actor_id is not None:
        require_controller(portal_view.role)
    return portal_view


def _set(portal_view: PortalView, known: Mapping[str, Any]) -> set[str]:
    """Apply a checked patch to the model; the columns that it touched."""
    before = {key: getattr(portal_view, field.column) for key, field in FIELDS.items()}
    after: State = apply_patch(before, known)
    size = check_size(after)
    touched = {key for key in FIELDS if key in known or after[key] != before[key]}
    for key in touched:
        setattr(portal_view, FIELDS[key].column, after[key])
    return {*(FIELDS[key].column for key in touched), *_resize(portal_view, size)}


def _resize(portal_view: PortalView, size: int) -> set[str]:
    """Give the model the size of its state, if the library may hold it; the column, if it is another one."""
    before, after = portal_view.size, blocks_of(size)
    quotas.check_growth(library_id=portal_view.library_id, portal_view_id=portal_view.id, before=before, after=after)
    portal_view.size = after
    return {"size"} if after != before else set()


def _store(portal_view: PortalView, columns: Collection[str], receipts: Collection[Receipt]) -> None:
    """Write the columns and the next version, and keep receipts; AlreadyApplied if one of the messages was stored."""
    portal_view.version += 1
    portal_view.updated_at = timezone.now()
    values = {column: getattr(portal_view, column) for column in (*columns, "version", "updated_at")}
    rows = PortalView.objects.filter(id=portal_view.id)
    new = [receipt for receipt in receipts if not receipt.by_retry]
    again = [receipt for receipt in receipts if receipt.by_retry]
    if new:  # the client may have been cut, and its retry faster than what it had sent
        *earlier, last = _retried(new)
        # All but the last are asked for one by one. The row is locked, so no retry comes between.
        if any(retried.exists() for retried in earlier):
            raise AlreadyApplied("This message was stored before.")
        rows = rows.exclude(Exists(last))
    if not rows.update(**values):
        raise AlreadyApplied("This message was stored before.")
    for receipt in receipts:
        receipt.version = portal_view.version
    # A client may use a ref twice: then it is the later message that it can ask for.
    Receipt.objects.bulk_create(
        new,
        batch_size=RECEIPTS_AT_ONCE,
        update_conflicts=True,
        unique_fields=["user", "portal_view", "connection_id", "ref"],
        update_fields=["version", "created_at"],
    )
    try:
        Receipt.objects.bulk_create(again, batch_size=RECEIPTS_AT_ONCE)
    except IntegrityError:
        raise AlreadyApplied("This message was stored before.") from None


def _retried(new: Sequence[Receipt]) -> list[QuerySet[Receipt]]:
    """Where it is kept that retries of these messages, which are all of one connection, were stored: in chunks."""
    one = new[0]
    sent = Receipt.objects.filter(
        user_id=one.user_id, portal_view_id=one.portal_view_id, connection_id=one.connection_id, by_retry=True
    )
    refs = [receipt.ref for receipt in new]
    chunks = (refs[start : start + RECEIPTS_AT_ONCE] for start in range(0, len(refs), RECEIPTS_AT_ONCE))
    return [sent.filter(ref__in=chunk) for chunk in chunks]


def _new_receipts(
    actor_id: UUID | None, portal_view: PortalView, receipts: Collection[ReceiptKey], sender: str | None
) -> list[Receipt]:
    return [
        Receipt(
            user_id=actor_id,
            portal_view=portal_view,
            connection_id=connection_id,
            ref=ref,
            by_retry=connection_id != sender,
        )
        for connection_id, ref in dict.fromkeys(receipts)
        if actor_id is not None
    ]


def _publish_patch(before: State, after: State, patch: Patch, sender: str | None) -> None:
    if not patch.known and not patch.relayed:
        return
    seen = patch_seen(before, after, patch.known.keys(), PortalRole.VIEWER)
    version = after["version"]
    tell_on_commit(
        broadcast.broadcast_portal_view_update,
        UUID(after["id"]),
        {**patch_seen(before, after, patch.known.keys(), PortalRole.CONTROLLER), **patch.relayed},
        viewers={**seen, **project_relayed(patch.relayed, after)},
        version=version if patch.known else None,
        viewers_stored=bool(seen),
        as_of=None if patch.known else version,
        sender=sender,
    )
