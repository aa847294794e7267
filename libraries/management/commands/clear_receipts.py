"""`manage.py clear_receipts`: deletes the receipts that no client will ask for any more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from libraries.receipts import forget_receipts


class Command(BaseCommand):
    """Deletes old receipts of stored messages. A server with open sockets does this by itself."""

    help = "Drop old receipts of stored messages; servers with open sockets do so once a minute."

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete them, and print their number."""
        self.stdout.write(f"{forget_receipts()} receipts were dropped.")
