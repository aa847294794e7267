"""`manage.py serve`: the server that people run."""

from __future__ import annotations

from typing import Any

import uvicorn
from django.core.management.base import BaseCommand, CommandParser

from realtime.server import config


class Command(BaseCommand):
    """Serve Portal with uvicorn and uvloop until it is told to stop."""

    help = "Serves Portal: pages, REST and WebSockets on one port."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen."""
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="the port (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve."""
        host, port = options["host"], options["port"]
        shown = f"[{host}]" if ":" in host else host
        self.stderr.write(f"Portal on http://{shown}:{port}/ - API at /api/docs, admin at /admin/. Ctrl+C stops it.")
        uvicorn.Server(config(host, port)).run()
