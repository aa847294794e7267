"""`manage.py clear_sessions`: deletes sessions, links and other rows that have ended, and are of no use any more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from libraries.cleaning import forget_ended


class Command(BaseCommand):
    """Deletes what has ended. A server with open sockets does this by itself."""

    help = "Drop expired sessions, tickets, links and revocations; servers with open sockets do so once a minute."

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete it, and print how much."""
        for name, count in forget_ended().items():
            self.stdout.write(f"{count} {name} were dropped.")
