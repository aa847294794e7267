"""The stored part of credentials: the keys that sign tokens, the sessions of refresh tokens, tickets of sockets."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now


class SigningKey(models.Model):
    """A key that signs tokens: the newest one; the others only verify. `sealed` is encrypted with the secret key."""

    id = models.CharField(primary_key=True, max_length=16, editable=False)
    sealed = models.TextField(editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return self.id


class Session(models.Model):
    """A log-in by REST: the family of its refresh tokens, of which only the newest is good; its id is the `sid`.

    `generation` is the number of the newest one. `rotations` are the generations that were used within the last
    seconds, with the time in seconds since the epoch: their owner may ask again for the same successor.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("libraries.User", on_delete=models.CASCADE, related_name="+")
    generation = models.PositiveIntegerField(default=0)
    rotations = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.id)


class Ticket(models.Model):
    """A one-time ticket for one socket of a user to one portal view; `digest` is of the ticket itself.

    `ends_at` is when the connection ends, if its session does not end before.
    """

    digest = models.CharField(primary_key=True, max_length=64, editable=False)
    user = models.ForeignKey("libraries.User", on_delete=models.CASCADE, related_name="+")
    portal_view = models.ForeignKey("libraries.PortalView", on_delete=models.CASCADE, related_name="+")
    session_id = models.UUIDField()
    auth_version = models.PositiveIntegerField()
    ends_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.user_id} to {self.portal_view_id}"
