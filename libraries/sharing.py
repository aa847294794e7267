"""Links that let somebody in: invitations of members, share links of guests, and screens that wait for one.

Of each secret only a digest is stored (`libraries.digests`).
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from libraries.access import Library, Membership, revoke
from libraries.rules.revocations import Reason
from libraries.rules.roles import Role
from libraries.validators import validate_name

MAX_LABEL_CHARS = 100
MAX_GUESTS = 10_000
"""The most places of a link that has a limit of its own."""


class Invitation(models.Model):
    """A link that makes one person a member of a library, once.

    `digest` is of the link that the owner copies, `mailed_digest` of the link that was mailed, which proves the
    address.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    library = models.ForeignKey(Library, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField("e-mail address", blank=True)
    role = models.CharField(max_length=6, choices=Membership.ROLES, default=Role.VIEWER.value)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    mailed_digest = models.CharField(max_length=64, unique=True, null=True, editable=False)  # noqa: DJ001  # unique
    invited_by = models.ForeignKey("libraries.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey("libraries.User", on_delete=models.SET_NULL, null=True, related_name="+")
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "id")
        indexes = (models.Index(fields=("email",), name="invitation_email"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(role__in=[role.value for role in Role]), name="invitation_role_is_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.role} of {self.library}"

    @property
    def state(self) -> str:
        """`accepted`, `expired` or `open`; one that was withdrawn is deleted."""
        if self.accepted_at is not None:
            return "accepted"
        return "open" if self.expires_at > timezone.now() else "expired"


class ShareLink(models.Model):
    """A link with which guests watch one portal view. A screen's is its own, and has no token until it took it.

    `code_digest` is of the short code that gives a seat until `code_expires_at`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    portal_view = models.ForeignKey("libraries.PortalView", on_delete=models.CASCADE, related_name="share_links")
    label = models.CharField(max_length=MAX_LABEL_CHARS, blank=True, validators=[validate_name])
    is_screen = models.BooleanField(default=False, editable=False)
    digest = models.CharField(max_length=64, unique=True, null=True, editable=False)  # noqa: DJ001  # unique
    max_guests = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_GUESTS)],
        help_text="At once; empty: no limit of its own.",
    )
    created_by = models.ForeignKey("libraries.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, editable=False)
    code_digest = models.CharField(max_length=64, unique=True, null=True, editable=False)  # noqa: DJ001  # unique
    code_expires_at = models.DateTimeField(null=True, editable=False)

    _was_withdrawn: bool = False

    class Meta:
        ordering = ("-created_at", "id")

    def __str__(self) -> str:
        return self.label or str(self.id)

    def save(self, *args: Any, **options: Any) -> None:
        """Save it; if it is withdrawn by that, its guests' connections end."""
        with transaction.atomic():
            super().save(*args, **options)
            if self.withdrawn_at is not None and not self._was_withdrawn:
                revoke(self.id, Reason.LINK_WITHDRAWN)
        self._was_withdrawn = self.withdrawn_at is not None

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Delete it, and end its guests' connections."""
        with transaction.atomic():
            link_id = self.id
            deleted = super().delete(*args, **options)
            revoke(link_id, Reason.LINK_WITHDRAWN)
        return deleted

    @classmethod
    def from_db(cls, *args: Any, **options: Any) -> Self:
        """Called by Django: the object of a row."""
        row = super().from_db(*args, **options)
        row._was_withdrawn = row.__dict__.get("withdrawn_at") is not None
        return row


class PendingScreen(models.Model):
    """A screen that shows a code until a controller confirms it, and then takes the token of its `link`.

    `claim_digest` is of the secret that only the screen has, and that the token is made of.
    """

    claim_digest = models.CharField(primary_key=True, max_length=64, editable=False)
    code_digest = models.CharField(max_length=64, unique=True, editable=False)
    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, null=True, related_name="+")
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return "a screen that waits" if self.link_id is None else f"a screen for {self.link_id}"
