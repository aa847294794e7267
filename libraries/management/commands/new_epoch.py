"""`manage.py new_epoch`: must be run after an older backup of the database was restored."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from libraries.services.portal_views import restart_epochs


class Command(BaseCommand):
    """Gives every portal view a new epoch, so that open clients load the stored state again."""

    help = "Run this after restoring a backup: open clients then load what is stored now."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and print the number."""
        self.stdout.write(f"{restart_epochs()} portal views have a new epoch.")
