"""`manage.py client_tables`: the copies of the server's tables that the clients have."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from realtime.management.tables import FILES, tables


class Command(BaseCommand):
    """Compares the files with the server's tables, or writes them."""

    help = "Compare the tables of the clients with the server's; --write writes those that differ."
    requires_system_checks = ()  # it only reads code

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Called by Django."""
        parser.add_argument("--write", action="store_true", help="write the files that differ")

    def handle(self, *args: Any, **options: Any) -> None:
        """Called by Django; CommandError if a file differs and is not written."""
        wanted = {path: render(tables()) for path, render in FILES.items()}
        stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
        for path in stale if options["write"] else ():
            path.write_text(wanted[path])
            self.stdout.write(f"Wrote {path}")
        if stale and not options["write"]:
            names = ", ".join(map(str, stale))
            raise CommandError(f"Not as the server's tables: {names}. manage.py client_tables --write writes them.")
