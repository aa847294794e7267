"""`manage.py serve`: the production server."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from libraries.migrated import some_of, unapplied_migrations
from realtime.server import CannotListen, Place, Supervisor, serve
from realtime.server.process.reload import Watch, own_folders

EVERYBODY = frozenset({"*", "0.0.0.0/0", "::/0"})
"""Proxy addresses that stand for every address: then every client is trusted to say where a request came from."""

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Serve Portal with uvicorn and uvloop until it is told to stop."""

    help = "Serves Portal: pages, REST and WebSockets on one port."

    def add_arguments(self, parser: CommandParser) -> None:
        """The address to listen on, the number of processes, and how to end."""
        parser.add_argument(
            "--host",
            default="127.0.0.1",
            help="the address to listen on: 0.0.0.0 is all of IPv4, :: all of IPv6, * both (default: %(default)s)",
        )
        parser.add_argument("--uds", default="", metavar="PATH", help="listen on a Unix socket there instead")
        parser.add_argument("--port", type=int, default=8000, help="the port (default: %(default)s)")
        parser.add_argument(
            "--workers",
            type=_at_least_one,
            default=1,
            help="how many processes share the port, under one that replaces those that end; "
            "more than one need REDIS_URL (default: %(default)s)",
        )
        parser.add_argument(
            "--drain-seconds",
            type=_at_least_one,
            default=10,
            help="how long after SIGTERM or Ctrl+C what goes on may take to end (default: %(default)s)",
        )
        parser.add_argument(
            "--drain-delay",
            type=_whole_number,
            default=0,
            help="for how many seconds after SIGTERM to serve on while /api/health/ready says no, so that a balancer "
            "takes note before the port closes (default: %(default)s)",
        )
        parser.add_argument(
            "--reload", action="store_true", help="for development: start anew when a .py or .html file changes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve."""
        place = Place(
            options["host"], options["port"], options["drain_seconds"], options["drain_delay"], options["uds"]
        )
        workers: int = options["workers"]
        if place.path and (workers > 1 or options["reload"]):
            raise CommandError("A Unix socket has one process: leave out --workers and --reload, or --uds.")
        layer: str = settings.CHANNEL_LAYERS["default"]["BACKEND"]
        if workers > 1 and layer.endswith("MemoryChannelLayer"):
            raise CommandError(
                f"{workers} processes cannot tell each other what has changed: set REDIS_URL, or use --workers 1."
            )
        try:
            for one in (
                *place.bind(),
                *place.bind_metrics(),
            ):  # report a port that cannot be opened before anything else
                one.close()
            self.stderr.write(f"Portal on {place.address} - API at /api/docs, admin at /admin/. Ctrl+C stops it.")
            if missing := unapplied_migrations():
                self.stderr.write(
                    f"The database is of another version: without {some_of(missing)}. Run manage.py migrate; "
                    "until then this is not ready."
                )
            if settings.PORTAL_BEHIND_PROXY and not EVERYBODY.isdisjoint(settings.PORTAL_PROXY_ADDRESSES):
                log.warning("any_proxy_believed", addresses=settings.PORTAL_PROXY_ADDRESSES)
            if workers > 1 or options["reload"]:
                # The share of the cores that each of them may use (`libraries.passwords`)
                os.environ["PORTAL_WORKERS"] = str(max(workers, settings.PORTAL_WORKERS))
                watch = Watch(own_folders()) if options["reload"] else None
                sys.exit(Supervisor(place, workers, watch).run())
            serve(place)
        except CannotListen as error:
            raise CommandError(str(error)) from error


def _whole_number(value: str) -> int:
    if not value.isdecimal():
        raise ArgumentTypeError(f"must be a whole number from 0 on, not {value!r}")
    return int(value)


def _at_least_one(value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise ArgumentTypeError(f"must be a whole number from 1 on, not {value!r}")
    return int(value)
