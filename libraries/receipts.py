"""Receipts record that a client's message was stored, so that a message sent again is not stored twice.

A message is identified by the connection that first sent it and by its `ref`. `libraries.services` decides which writes
keep receipts.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Exists, QuerySet
from django.utils import timezone

from libraries import counters
from libraries.counters import Limit
from libraries.models import PortalView, Receipt
from libraries.rules.errors import AlreadyApplied

ReceiptKey = tuple[str, str]
"""The connection that first sent a message, and its ref as JSON."""
KEPT = timedelta(minutes=10)
_TURN = Limit("forget-receipts", most=1, seconds=60)
AT_ONCE = 1_000
"""The most receipts that one statement reads or writes: a database limits the number of parameters."""


def find_receipt(*, user_id: UUID, portal_view_id: UUID, connection_id: str, ref: str) -> Receipt | None:
    """The receipt of a person's message to the portal view, or None if it was not stored."""
    return Receipt.objects.filter(
        user_id=user_id, portal_view_id=portal_view_id, connection_id=connection_id, ref=ref
    ).first()


def forget_receipts() -> int:
    """Delete the receipts that no client will ask for any more; returns their number."""
    dropped, _ = Receipt.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return dropped


def forget_receipts_in_turn() -> None:
    """`forget_receipts`, unless another process has called it within the last minute."""
    counted = counters.add([_TURN], int(time.time()))
    if counted[_TURN.key].tries == 1:
        forget_receipts()


class Receipts:
    """The receipts of one write, which holds the lock of the portal view's row.

    A message first sent by another connection than `sender` is a retry.
    """

    def __init__(
        self, actor_id: UUID | None, portal_view_id: UUID, keys: Collection[ReceiptKey], sender: str | None
    ) -> None:
        rows = [
            Receipt(
                user_id=actor_id,
                portal_view_id=portal_view_id,
                connection_id=connection_id,
                ref=ref,
                by_retry=connection_id != sender,
            )
            for connection_id, ref in dict.fromkeys(keys)
            if actor_id is not None
        ]
        self._new = [receipt for receipt in rows if not receipt.by_retry]
        self._again = [receipt for receipt in rows if receipt.by_retry]

    def unless_stored(self, rows: QuerySet[PortalView]) -> QuerySet[PortalView]:
        """The rows, or none of them if a retry of one of the messages was already stored.

        A retry is stored first if the client's connection was cut, and the client was faster. AlreadyApplied if that is
        already known.
        """
        if not self._new:
            return rows
        *earlier, last = _retried(self._new)
        # All but the last are looked up one by one. The row is locked, so no retry can come in between.
        if any(retried.exists() for retried in earlier):
            raise AlreadyApplied
        return rows.exclude(Exists(last))

    def keep_of_nothing(self, portal_view: PortalView) -> None:
        """Write them for messages that changed nothing; AlreadyApplied if one of them was stored before."""
        if not self.unless_stored(PortalView.objects.filter(id=portal_view.id)).exists():
            raise AlreadyApplied
        self.keep(portal_view.version)

    def keep(self, version: int, item_ids: Sequence[str] = ()) -> None:
        """Write them for the stored version, with the ids of added items; AlreadyApplied if a retry was stored before.

        Only a message that is stored alone adds items.
        """
        for receipt in (*self._new, *self._again):
            receipt.version = version
            receipt.item_ids = list(item_ids) or None
        # A client may use a ref twice: then it can ask only for the later message.
        Receipt.objects.bulk_create(
            self._new,
            batch_size=AT_ONCE,
            update_conflicts=True,
            unique_fields=["user", "portal_view", "connection_id", "ref"],
            update_fields=["version", "item_ids", "created_at"],
        )
        try:
            Receipt.objects.bulk_create(self._again, batch_size=AT_ONCE)
        except IntegrityError:
            raise AlreadyApplied from None


def _retried(new: Sequence[Receipt]) -> list[QuerySet[Receipt]]:
    """The receipts of retries of these messages, which all come from one connection: in chunks."""
    one = new[0]
    sent = Receipt.objects.filter(
        user_id=one.user_id, portal_view_id=one.portal_view_id, connection_id=one.connection_id, by_retry=True
    )
    refs = [receipt.ref for receipt in new]
    chunks = (refs[start : start + AT_ONCE] for start in range(0, len(refs), AT_ONCE))
    return [sent.filter(ref__in=chunk) for chunk in chunks]
