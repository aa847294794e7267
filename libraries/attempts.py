"""The stored data of log-ins: how often something was tried, and the networks that people log in from."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """The number of tries of something, until `expires_at`, in seconds since the Unix epoch.

    See `libraries.services.logins`.

    `key` is a keyed hash of the counted subject. Below `extends_below`, each further try restarts the time.
    """

    key = models.CharField(max_length=32, primary_key=True)
    count = models.PositiveIntegerField()
    extends_below = models.PositiveIntegerField()
    expires_at = models.PositiveBigIntegerField(db_index=True)

    def __str__(self) -> str:
        return self.key


class KnownNetwork(models.Model):
    """A network that a user has logged in from, last at about `seen_at`; `network` is a keyed hash of both."""

    user = models.ForeignKey("libraries.User", on_delete=models.CASCADE, related_name="+")
    network = models.CharField(max_length=32)
    seen_at = models.PositiveBigIntegerField(db_index=True, help_text="Seconds since the epoch of Unix.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "network"), name="one_row_per_user_and_network"),)

    def __str__(self) -> str:
        return self.network
