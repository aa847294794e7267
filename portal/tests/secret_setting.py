"""A server with people for the tests of secrets, and the examples that they play on it. It contains no checks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx
import pytest
from django.conf import settings
from django.db import connection
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as playing
from rest_framework_simplejwt.tokens import AccessToken

from conftest import PASSWORD
from libraries.models import Library, Membership, User
from libraries.rules.roles import Role
from portal.tests.secret_machine import Machine
from portal.tests.secret_plot import OPENING, PLOT
from portal.tests.secret_steps import Beginning, Step, beginnings, sequences
from portal.tests.secret_table import People
from testing.admin import AdminClient
from testing.in_process import InProcessServer
from testing.installation import Person

EXAMPLES = 26
"""The number of random sequences in which no hidden value may show, and in which a broken rule must be noticed."""
ADMIN = Person("admin@example.org", PASSWORD)
ROLES = {"owner": Role.OWNER, "editor": Role.EDITOR, **dict.fromkeys(("viewer", "guest", "late"), Role.VIEWER)}


@dataclass(frozen=True)
class Setting:
    """A server, people, and an event loop for their connections."""

    server: InProcessServer
    http: httpx.Client
    people: People
    runner: asyncio.Runner

    def play(self, beginning: Beginning, sequence: tuple[Step, ...]) -> None:
        """Apply the steps to a new portal view; Leak if a person receives a value that they may not see."""
        self.runner.run(self._play(beginning, sequence))

    async def _play(self, beginning: Beginning, sequence: tuple[Step, ...]) -> None:
        async with Machine(self.server, self.http, self.people, beginning) as table:
            await table.run(sequence)


@contextmanager
def opened() -> Iterator[Setting]:
    """A setting on the test database, without logs, and quick to answer a viewer whom no controller answers."""
    with ExitStack() as exits:
        patch = exits.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("realtime.hub.keeper.QUESTION_SECONDS", 0.01)
        for name in ("hub.gestures.RELAY_SECONDS", "rooms.gestures.RELAY_SECONDS", "hub.gestures.POINTER_SECONDS"):
            patch.setattr(f"realtime.{name}", 0.0)
        # Data lost in a crash of the machine does not matter here, and waiting for the disk takes most of the time.
        if connection.vendor == "sqlite":
            options = settings.DATABASES["default"]["OPTIONS"]
            patch.setitem(options, "init_command", options["init_command"] + "PRAGMA synchronous=OFF;")
        logging.disable(logging.WARNING)
        exits.callback(logging.disable, logging.NOTSET)
        server = InProcessServer()
        server.start()
        exits.callback(server.stop)
        runner, http = exits.enter_context(asyncio.Runner()), exits.enter_context(httpx.Client(trust_env=False))
        yield Setting(server, http, _people(exits, server.http), runner)


def _people(exits: ExitStack, http: str) -> People:
    """The usual people of one library, two more viewers, and somebody in the admin."""
    library = Library.objects.create(name="Library")
    users = {name: User.objects.create_user(f"{name}@example.org", PASSWORD) for name in ROLES}
    for name, role in ROLES.items():
        Membership.objects.create(library=library, user=users[name], role=role.value)
    User.objects.create_superuser(ADMIN.email, ADMIN.password)
    tokens = {name: str(AccessToken.for_user(user)) for name, user in users.items()}
    return People(tokens, str(library.id), str(users["editor"].id), exits.enter_context(AdminClient(http, ADMIN)))


def play_examples(setting: Setting) -> None:
    """Play the plot and the random sequences, always the same ones."""

    @playing(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @example(OPENING, PLOT)
    @given(beginnings, sequences)
    def play(beginning: Beginning, sequence: tuple[Step, ...]) -> None:
        setting.play(beginning, sequence)

    play()
