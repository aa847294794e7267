"""Whatever happens to a portal view, no byte that a viewer receives contains a hidden value."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import msgspec
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as playing
from rest_framework_simplejwt.tokens import AccessToken

from libraries.models import Library, Membership, User
from libraries.rules import health, net, projection
from libraries.rules.keys import plain_key
from libraries.rules.roles import PortalRole, Role
from portal.tests import secret_marks
from portal.tests.secret_machine import Machine
from portal.tests.secret_steps import Beginning, Step, beginnings, sequences
from portal.tests.secret_table import Leak, People
from realtime.news import compose
from realtime.rooms.connection import Connection
from realtime.rooms.seats import Seats
from testing.in_process import InProcessServer

EXAMPLES = 36


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


@pytest.fixture
def people(
    transactional_db: None, library: Library, owner: User, editor: User, viewer: User, make_user: Callable[[str], User]
) -> People:
    """The usual people, and two more viewers."""
    users = {"owner": owner, "editor": editor, "viewer": viewer, "guest": make_user("guest"), "late": make_user("late")}
    for name in ("guest", "late"):
        Membership.objects.create(library=library, user=users[name], role=Role.VIEWER.value)
    tokens = {name: str(AccessToken.for_user(user)) for name, user in users.items()}
    admin = Client()
    admin.force_login(User.objects.create_superuser("admin@example.org"))
    return People(tokens, str(library.id), str(editor.id), admin)


@pytest.fixture
def setting(people: People, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    """A server on the test database, without logs, and quick to answer a viewer whom no controller answers."""
    monkeypatch.setattr("realtime.hub.keeper.QUESTION_SECONDS", 0.01)
    # Data lost in a crash of the machine does not matter here, and waiting for the disk takes most of the time.
    if connection.vendor == "sqlite":
        options = settings.DATABASES["default"]["OPTIONS"]
        monkeypatch.setitem(options, "init_command", options["init_command"] + "PRAGMA synchronous=OFF;")
    logging.disable(logging.WARNING)
    server = InProcessServer()
    server.start()
    with asyncio.Runner() as runner, httpx.Client(trust_env=False) as http:
        yield Setting(server, http, people, runner)
    server.stop()
    logging.disable(logging.NOTSET)


def play_examples(setting: Setting, examples: int) -> None:
    """Run that many sequences, always the same ones."""

    @playing(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(beginnings, sequences)
    def play(beginning: Beginning, sequence: tuple[Step, ...]) -> None:
        setting.play(beginning, sequence)

    play()


def test_no_viewer_receives_a_hidden_value(setting: Setting) -> None:
    play_examples(setting, EXAMPLES)


# --- Checks that the test detects leaks ----------------------------------------------------------------------------


def test_every_hidden_key_is_planted() -> None:
    planted = {row: {plain_key(key) for key in keys} for row, keys in secret_marks.HIDDEN.items()}
    assert planted == net.HIDDEN


@pytest.fixture
def mutation() -> Iterator[pytest.MonkeyPatch]:
    """The context of a change of the code while the server runs; undone at the end."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch
    net.hide_also({})


@pytest.mark.parametrize("row", secret_marks.HIDDEN)
def test_without_one_row_of_the_table_there_are_leaks(setting: Setting, mutation: pytest.MonkeyPatch, row: str) -> None:
    mutation.delitem(net.HIDDEN, row)
    net.hide_also({})  # rebuilds the index
    with pytest.raises(Leak):
        play_examples(setting, EXAMPLES)


def _as_it_is(value: Any, *_: object) -> Any:
    return value


def _each_as_it_is(items: Any, *_: object) -> Any:
    return list(items)


def _for_all(before: Any, after: Any, named: Any, disclosure: Any) -> Any:
    controllers, viewers = _patch_seen(before, after, named, disclosure)
    return controllers, {key: after[key] for key in viewers}


def _item_for_all(before: Any, after: Any, index: int, patch: Any, disclosure: Any) -> Any:
    seen = _item_patch_seen(before, after, index, patch, disclosure)
    return replace(seen, viewers=seen.controllers, viewers_index=index) if seen.viewers else seen


def _unknown_item_for_all(portal_view_id: Any, item_id: str, payload: Any, *, sender: str | None = None) -> Any:
    news = _unknown_item_news(portal_view_id, item_id, payload, sender=sender)
    return msgspec.structs.replace(news, viewers=news.controllers)


def _all_shown(item: Any, switches: Any) -> Any:
    return frozenset(net.HIDDEN), "numbers"


def _in_numbers(known: health.Health, display: str) -> Any:
    return _shown(known, "numbers")


_patch_seen, _item_patch_seen = projection.patch_seen, projection.item_patch_seen
_unknown_item_news, _shown = compose.unknown_item_news, health.shown


def _in_the_old_seat(seats: Seats, connection: Connection) -> None:
    role, connection.role = connection.role, _first_roles.setdefault(connection.id, connection.role)
    _put_level(seats, connection)
    connection.role = role


_put_level = Seats.put_level
_first_roles: dict[str, PortalRole] = {}
MUTANTS: dict[str, Callable[..., Any]] = {
    "libraries.rules.projection.is_seen": lambda item: True,
    "libraries.rules.projection.build": _as_it_is,
    "libraries.rules.projection.build_each": _each_as_it_is,
    "libraries.rules.commands.shown_items": lambda state, disclosure: state["items"],
    "libraries.rules.commands.is_seen": lambda item: True,
    "libraries.rules.health.shown": _in_numbers,
    "libraries.rules.items.switches_of": _all_shown,
    "libraries.rules.items.alias_of": lambda item: None,
    "libraries.rules.net.is_struck": lambda key, shown: False,
    "libraries.services.portal_views.patch_seen": _for_all,
    "libraries.services.items.item_patch_seen": _item_for_all,
    "libraries.services.portal_views.project_command": _as_it_is,
    "libraries.api.serializers.project": _as_it_is,
    "libraries.admin.portal_views.project": _as_it_is,
    "realtime.rooms.snapshots.project": _as_it_is,
    "realtime.sessions.jobs.project_command": _as_it_is,
    "realtime.sessions.jobs.project_sync": _as_it_is,
    "realtime.sessions.jobs.unknown_item_news": _unknown_item_for_all,
    "realtime.rooms.connection.Connection.role_for": lambda connection, role: role,
    "realtime.rooms.seats.Seats.put_level": _in_the_old_seat,
}
"""Broken rules and outlets, by the name of the replaced function."""


@pytest.mark.parametrize("name", MUTANTS)
def test_with_a_broken_rule_there_are_leaks(setting: Setting, mutation: pytest.MonkeyPatch, name: str) -> None:
    mutation.setattr(name, MUTANTS[name])
    with pytest.raises(Leak):
        play_examples(setting, EXAMPLES)
