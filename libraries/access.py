"""Who may see what: libraries, their members, and what ends access. A saved change is told to open connections.

`save` and `delete` of one object tell it at once, whoever calls them: a service, the admin, or a shell. A statement on
many rows (`QuerySet.update`, SQL) tells nothing, and is found within a minute (`realtime.hub.roles`).
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from libraries import events
from libraries.events import AccessChanged, Revoked, tell_on_commit
from libraries.rules.revocations import Reason
from libraries.rules.roles import Role, portal_role
from libraries.rules.state import MAX_NAME_CHARS
from libraries.validators import validate_lines, validate_name


class Revocation(models.Model):
    """A person, a session or a link that ended. Rows are only added, and deleted once nothing can depend on them.

    `key` is the id of what ended. Of a person, only credentials with a lower `auth_version` end. `reason` is the code
    of the error that its connections are closed with. With `portal_view_id` a person, or a guest, is only sent away
    from that portal view, and `until` then.
    """

    key = models.UUIDField(db_index=True)
    auth_version = models.PositiveIntegerField(null=True)
    reason = models.CharField(max_length=32, choices=[(reason.value, reason.value) for reason in Reason])
    at = models.DateTimeField(db_default=Now(), editable=False)
    portal_view_id = models.UUIDField(null=True)
    until = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("at",), name="revocation_at"),)

    def __str__(self) -> str:
        return f"{self.reason} {self.key}"


def revoke(key: uuid.UUID, reason: Reason, *, auth_version: int | None = None) -> None:
    """Store that a person, a session or a link ended, and tell it once the transaction is committed."""
    with transaction.atomic():
        Revocation.objects.create(key=key, reason=reason.value, auth_version=auth_version)
        tell_on_commit(events.tell, Revoked(key=key))


def send_away(subject_id: uuid.UUID, portal_view_id: uuid.UUID, until: datetime) -> None:
    """Store that a person may not connect to a portal view until then, and tell it once that is committed."""
    with transaction.atomic():
        reason = Reason.DISCONNECTED.value
        Revocation.objects.create(key=subject_id, reason=reason, portal_view_id=portal_view_id, until=until)
        tell_on_commit(events.tell, Revoked(key=subject_id))


class Library(models.Model):
    """A collection of portal views, shared by its members."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=MAX_NAME_CHARS, validators=[validate_name])
    description = models.TextField(blank=True, max_length=2000, validators=[validate_lines])
    disclosure = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="What viewers see of foreign records: lists of paths by row."
    )
    show_audience = models.BooleanField(
        default=False, db_default=False, help_text="On: viewers see how many people are connected."
    )
    show_activity = models.BooleanField(
        default=False, db_default=False, help_text="On: viewers see that a controller is preparing something."
    )
    access_version = models.PositiveBigIntegerField(
        default=1, editable=False, help_text="Rises with each change of who may see the library."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    members: models.ManyToManyField[Any, Membership] = models.ManyToManyField(
        "libraries.User", through="libraries.Membership", related_name="libraries"
    )

    role: str
    """The asker's role, on an object from `libraries.selectors.libraries_of`."""

    class Meta:
        ordering = ("name", "id")
        verbose_name_plural = "libraries"
        constraints = (models.CheckConstraint(condition=~Q(name=""), name="library_has_a_name"),)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's role in a library. A library keeps at least one owner (`services` enforces it)."""

    ROLES: ClassVar = [(role.value, role.value.title()) for role in Role]

    user = models.ForeignKey("libraries.User", on_delete=models.PROTECT, related_name="memberships")
    library = models.ForeignKey(Library, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=6, choices=ROLES, default=Role.VIEWER.value)
    created_at = models.DateTimeField(auto_now_add=True)

    _stored_role: str | None = None

    class Meta:
        ordering = ("library", "user__email")
        constraints = (
            models.UniqueConstraint(fields=("user", "library"), name="one_membership_per_user_and_library"),
            models.CheckConstraint(
                condition=Q(role__in=[role.value for role in Role]), name="membership_role_is_known"
            ),
        )

    def __str__(self) -> str:
        # The admin shows this to people who may not see e-mail addresses.
        return f"{self.user.get_full_name()} ({self.user_id}) in {self.library}"

    def save(self, *args: Any, **options: Any) -> None:
        """Save it, and tell a new role."""
        with transaction.atomic():
            super().save(*args, **options)
            if self.role != self._stored_role:
                tell_access(self.library_id, self.user_id, Role(self.role))
        self._stored_role = self.role

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Delete it, and tell that there is no access any more."""
        with transaction.atomic():
            library_id, user_id = self.library_id, self.user_id
            deleted = super().delete(*args, **options)
            tell_access(library_id, user_id, None)
        return deleted

    @classmethod
    def from_db(cls, *args: Any, **options: Any) -> Self:
        """Called by Django: the object of a row."""
        row = super().from_db(*args, **options)
        row._stored_role = row.__dict__.get("role")
        return row


def tell_access(library_id: uuid.UUID, user_id: uuid.UUID, role: Role | None) -> None:
    """Raise the count of the library's changes of access, and send the news.

    A process that misses the news finds the new count. Of a library without portal views nothing is told.
    """
    library = Library.objects.filter(id=library_id)
    views = library.filter(portal_views__isnull=False).order_by("portal_views__name", "portal_views__id")
    ids = tuple(views.values_list("portal_views__id", flat=True))
    if not ids:
        return
    library.update(access_version=F("access_version") + 1)
    event = AccessChanged(
        library_id=library_id,
        portal_view_ids=ids,
        user_id=user_id,
        role=None if role is None else portal_role(role),
        access_version=library.values_list("access_version", flat=True).get(),
    )
    tell_on_commit(events.tell, event)
