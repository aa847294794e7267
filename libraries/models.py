"""The stored data: portal views here, and the names of all other models.

People are in `libraries.users`, libraries and their members in `libraries.access`, log-ins in `libraries.attempts` and
`libraries.credentials`, links in `libraries.sharing`.

Rules that the database can enforce are constraints here. Permissions are checked in `services`. Of a changed portal
view only a service tells: it knows who sees what of the change.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.crypto import salted_hmac

from libraries.access import Library as Library
from libraries.access import Membership as Membership
from libraries.access import Revocation as Revocation
from libraries.attempts import Counter as Counter
from libraries.attempts import KnownNetwork as KnownNetwork
from libraries.credentials import Session as Session
from libraries.credentials import SigningKey as SigningKey
from libraries.credentials import Ticket as Ticket
from libraries.images import Image as Image
from libraries.rules.disclosure import Disclosure, compiled
from libraries.rules.item_ids import MAX_ITEM_ID_CHARS, with_ids
from libraries.rules.projection import shown_count, shown_place
from libraries.rules.state import (
    FIELDS,
    HEALTH_DISPLAYS,
    MAX_ITEMS,
    MAX_NAME_CHARS,
    NOT_IN_HEAD,
    blocks_of,
    normal_items,
    settled,
    size_of,
)
from libraries.sharing import Invitation as Invitation
from libraries.sharing import PendingScreen as PendingScreen
from libraries.sharing import ShareLink as ShareLink
from libraries.stored_json import StoredJSON
from libraries.users import User as User
from libraries.users import UserManager as UserManager


def new_epoch() -> str:
    """A new unique epoch; versions of different epochs cannot be compared."""
    return uuid.uuid4().hex


class PortalView(models.Model):
    """The state that an audience sees. `version` rises by one with each stored change and counts within one `epoch`.

    The viewers' version rises only with changes that they see. It is the version without the `unseen_writes`, so that
    it also rises if a process that does not know of this column writes. What lists tell viewers is in columns of its
    own, because lists read no items.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    library = models.ForeignKey(Library, on_delete=models.CASCADE, related_name="portal_views")
    name = models.CharField(max_length=MAX_NAME_CHARS)
    show_encounter = models.BooleanField("encounter", default=False, help_text="Initiative, turn and round.")
    show_health = models.BooleanField("health", default=False)
    show_ac = models.BooleanField("armour class", default=False)
    show_actions = models.BooleanField("actions", default=False)
    show_conditions = models.BooleanField("conditions", default=True, db_default=True)
    health_display = models.CharField(
        max_length=7, choices=[(display, display) for display in HEALTH_DISPLAYS], default=HEALTH_DISPLAYS[0]
    )
    auto_reset_image_state = models.BooleanField("reset zoom on a new image", default=True)
    blackout = models.BooleanField(default=False, help_text="On: the audience sees nothing at all.")
    viewers_may_point = models.BooleanField(
        default=False, db_default=False, help_text="On: viewers may point at the picture, and all see where."
    )
    current_item = models.PositiveIntegerField(null=True, blank=True, help_text="Counted from 0; empty: none.")
    current_item_id = models.CharField(max_length=MAX_ITEM_ID_CHARS, null=True, editable=False)  # noqa: DJ001  # as on the wire
    camera = models.JSONField(null=True, blank=True, help_text="Which part of the current picture the screens show.")
    encounter = models.JSONField(null=True, blank=True, help_text="Who acts in which order, and whose turn it is.")
    items = StoredJSON(default=list, blank=True)
    size = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Bytes of the state as JSON, rounded up to full KiB."
    )
    version = models.PositiveBigIntegerField(default=1, editable=False)
    epoch = models.CharField(max_length=32, default=new_epoch, editable=False)
    unseen_writes = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    viewers_updated_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    viewers_item_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    viewers_current_item = models.PositiveIntegerField(null=True, editable=False)
    disclosure = models.JSONField(
        default=dict, db_default={}, editable=False, help_text="The library's: a copy, so that a write reads one row."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    role: str
    """The asker's role, on an object from `libraries.selectors.portal_views_of`."""
    item_count: int
    """The number of items, on an object from `libraries.selectors.portal_views_in`."""
    warnings: Sequence[str] = ()
    """What looks secret in the last write and is shown, on an object from a service."""

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.CheckConstraint(condition=~Q(name=""), name="portal_view_has_a_name"),
            models.CheckConstraint(condition=Q(version__gte=1), name="portal_view_version_from_one"),
            models.CheckConstraint(condition=Q(unseen_writes__lt=F("version")), name="portal_view_some_write_is_seen"),
            models.CheckConstraint(
                condition=Q(health_display__in=HEALTH_DISPLAYS), name="portal_view_health_display_is_known"
            ),
            models.CheckConstraint(
                condition=Q(current_item__isnull=True) | Q(current_item__lt=MAX_ITEMS),
                name="portal_view_current_item_in_range",
            ),
        )
        indexes = (
            models.Index(F("library"), Lower("name"), name="portal_view_by_library"),
            # A library's size is read from the index alone: the column stands after the items, and reading it would
            # read them.
            models.Index(fields=("library", "size"), name="portal_view_size"),
        )

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **options: Any) -> None:
        """Save it in its normal form; services that update single columns set the others themselves."""
        if options.get("update_fields") is None:
            self.items = with_ids(normal_items(self.items), self.item_key)
            state = self.content()
            self.current_item, self.current_item_id = state["currentItem"], state["currentItemId"]
            self.size = blocks_of(size_of(state))
            self.viewers_item_count, self.viewers_current_item = shown_count(state), shown_place(state)
        super().save(*args, **options)

    @property
    def viewers_version(self) -> int:
        """The version of the part that viewers see."""
        return self.version - self.unseen_writes

    @property
    def rules(self) -> Disclosure:
        """What viewers see of foreign records."""
        return compiled(self.disclosure)

    @property
    def item_key(self) -> bytes:
        """The secret that the ids of its items are made up with."""
        return salted_hmac("libraries.item-ids", str(self.id), algorithm="sha256").digest()

    def content(self) -> dict[str, Any]:
        """The keys of the state that clients can write, as stored."""
        return settled({key: getattr(self, field.column) for key, field in FIELDS.items()})

    def state(self) -> dict[str, Any]:
        """The state: protocol keys, ids as text, times in ISO 8601 and UTC.

        The last two are not on the wire: `libraries.rules.projection` makes of it what a role sees.
        """
        return self._with_head(self.content())

    def head(self) -> dict[str, Any]:
        """The state without the keys that need its items."""
        keys = FIELDS.keys() - NOT_IN_HEAD
        return self._with_head({key: getattr(self, FIELDS[key].column) for key in FIELDS if key in keys})

    def _with_head(self, stored: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "libraryId": str(self.library_id),
            **stored,
            "version": self.version,
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at),
            "viewersVersion": self.viewers_version,
            "viewersUpdatedAt": iso(self.viewers_updated_at),
        }


class Receipt(models.Model):
    """The record that a client's message was stored, and with which version.

    If its `ack` is lost, it is not stored twice.

    A receipt belongs to one portal view: a message to another one is a different message, even with the same ref and
    connection. `ref` is the message's, as JSON; `connection_id` is that of the connection that first sent it.
    `item_ids` are the ids of the items that it added, null for none. `by_retry` is true if it was stored when another
    connection sent it again.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    portal_view = models.ForeignKey(PortalView, on_delete=models.CASCADE, related_name="+")
    connection_id = models.CharField(max_length=32)
    ref = models.CharField(max_length=400)
    version = models.PositiveBigIntegerField()
    item_ids = models.JSONField(null=True)
    by_retry = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("user", "portal_view", "connection_id", "ref"), name="one_receipt_per_message"
            ),
        )

    def __str__(self) -> str:
        return f"{self.connection_id} {self.ref}"


def iso(moment: datetime) -> str:
    """A time as ISO 8601 in UTC with milliseconds, in the format of JavaScript's `toISOString`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
