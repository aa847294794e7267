"""`manage.py loadtest`: how fast a running server tells viewers what controllers do, and what a viewer costs it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from realtime.client.python.portal_client import Credential, PortalError
from realtime.loadtest import local
from realtime.loadtest.report import as_json, as_text
from realtime.loadtest.run import Advance, Outcome, Plan, Target, Unfit, run
from realtime.server.process.files import raise_file_limit

_HELP = (
    "Measures a running server: viewers and controllers connect to one portal view, the controllers change items of"
    " their own in it, and the time until each viewer has it is measured. Name a portal view with --portal-view,"
    " --token and --share; its other contents stay as they are, but viewers see the items of the run while it lasts."
    " Or, if this installation has the same database and keys as the server, let --local make a portal view, and"
    " delete it at the end. The server's limits apply: a person may open 30 connections to a portal view, and a portal"
    " view may have 2,000."
)


class Command(BaseCommand):
    """Runs the clients in this process, which should not be on the server's core."""

    help = _HELP
    requires_system_checks = ()  # another server is what is looked at

    def add_arguments(self, parser: CommandParser) -> None:
        """Called by Django."""
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="the site (default: %(default)s)")
        parser.add_argument("--portal-view", metavar="ID", help="the portal view, in which --token is a controller")
        parser.add_argument("--token", help="an access token of the controllers; others here can see command lines")
        parser.add_argument("--share", metavar="LINK", help="a share link of it, or its token: viewers are guests")
        parser.add_argument("--viewer-token", metavar="TOKEN", help="instead: an access token of a viewer")
        parser.add_argument("--local", action="store_true", help="make a portal view in this installation's database")
        parser.add_argument("--viewers", type=_positive(int), default=100, help="(default: %(default)s)")
        parser.add_argument("--controllers", type=_positive(int), default=1, help="(default: %(default)s)")
        parser.add_argument(
            "--rate",
            type=_positive(float),
            default=5.0,
            help="updates of a controller per second (default: %(default)s)",
        )
        parser.add_argument(
            "--seconds", type=_positive(float), default=20.0, help="how long they send (default: %(default)s)"
        )
        parser.add_argument("--encoding", choices=("json", "msgpack"), default="json", help="(default: %(default)s)")
        parser.add_argument(
            "--server-pid", type=int, metavar="PID", help="the server's process on this machine: measure its memory"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure; CommandError if the server refuses the clients, or something was lost or came out of order."""
        raise_file_limit()
        plan = Plan(
            options["viewers"], options["controllers"], options["rate"], options["seconds"], options["encoding"]
        )
        with _target(options) as target, _progress() as advance:
            outcome = _measured(target, plan, advance)
        figures = as_json(plan, outcome)
        self.stdout.write(json.dumps(figures, indent=2) if options["json"] else as_text(figures))
        if figures["lost"] or figures["outOfOrder"]:
            raise CommandError("Updates were lost, or came out of order.")


def _measured(target: Target, plan: Plan, advance: Advance) -> Outcome:
    try:
        return uvloop.run(run(target, plan, advance))
    except BaseExceptionGroup as group:
        raise CommandError(str(_first(group))) from group
    except (PortalError, TimeoutError, OSError, Unfit) as error:
        raise CommandError(str(error)) from error


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error in a group that people can act on; others are raised as they are."""
    found, rest = group.split((PortalError, TimeoutError, OSError))
    if found is None or rest is not None:
        raise group
    error: BaseException = found
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _target(options: dict[str, Any]) -> AbstractContextManager[Target]:
    url, pid = options["url"], options["server_pid"]
    named = [options[key] for key in ("portal_view", "token", "share", "viewer_token")]
    if options["local"]:
        if any(named):
            raise CommandError(
                "--local makes a portal view: leave out --portal-view, --token, --share, --viewer-token."
            )
        return local.portal_view(url, pid)
    portal_view_id, token, share, viewer_token = named
    if not portal_view_id or not token or bool(share) == bool(viewer_token):
        raise CommandError("Name --portal-view, --token, and one of --share and --viewer-token; or give --local.")
    viewer: Credential = {"token": viewer_token} if viewer_token else {"share": share.rstrip("/").rpartition("/")[2]}
    return nullcontext(Target(url, portal_view_id, lambda: {"token": token}, lambda: viewer, pid))


@contextmanager
def _progress() -> Iterator[Advance]:
    """A bar on standard error for each step; none unless that is a terminal."""
    columns = (TextColumn("{task.description:20}"), BarColumn(), TimeElapsedColumn())
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:

        def advance(step: str, done: float, total: float) -> None:
            if step not in bars:
                bars[step] = progress.add_task(step, total=total)
            progress.update(bars[step], completed=done)

        yield advance


def _positive(kind: type[int] | type[float]) -> Any:
    def convert(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            raise ArgumentTypeError(f"“{text}” is not a number.") from None
        if not number > 0:
            raise ArgumentTypeError("It must be more than 0.")
        return number

    return convert
