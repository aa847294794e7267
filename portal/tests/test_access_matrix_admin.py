"""Permissions in the admin: every page, form and action for every person. A refused request changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from libraries.models import PortalView, User
from portal.tests.access import bodies
from portal.tests.access.people import MAKERS, World, changed, make_world, stored
from portal.tests.access.routes import actions, patterns, route_of
from portal.tests.access.tables import ADMIN_ROWS, Row

pytestmark = pytest.mark.django_db

IDS = dict.fromkeys(("library", "view", "other", "self", "group", "link", "invitation", "image"), "1")


@pytest.fixture
def world() -> World:
    return make_world()


def test_every_page_of_the_admin_is_in_the_table() -> None:
    there = {route for route, _ in patterns() if route.startswith("admin/")}
    in_table = {route_of(row.address.format(**IDS)) for row in ADMIN_ROWS}
    # Django's own redirect of /admin/r/ is behind ours, which has the same pattern.
    assert in_table == there


def test_every_form_and_action_is_in_the_table() -> None:
    posts = {row.address for row in ADMIN_ROWS if row.method == "POST"}
    assert {address for address in posts if "#" in address} == actions()
    forms = {row.address for row in ADMIN_ROWS if row.address.endswith(("/add/", "/change/", "/delete/", "/password/"))}
    assert forms <= posts
    assert {name.partition(" ")[2] for name in bodies.ADMIN} == {address for address in posts if "#" not in address}


def test_every_row_has_every_person_and_is_there_once() -> None:
    assert all(list(row.cells) == list(MAKERS) for row in ADMIN_ROWS)
    names = [row.name for row in ADMIN_ROWS]
    assert len(names) == len(set(names))


def is_staff(who: str) -> bool:
    return who in {"staff", "all", "super"}


def succeeds(row: Row, who: str) -> bool:
    """Whether the row changes something for this person."""
    return bool(row.changes) and is_staff(who) and int(row.cells[who]) < 400


def _form(row: Row, world: World, asker: User | None) -> dict[str, Any]:
    return bodies.ADMIN[row.name](world, asker) if row.name in bodies.ADMIN else {}


def ask(client: Client, row: Row, who: str, world: World, asker: User | None) -> set[str]:
    """Send the request of the row, check the answer, and return the changes."""
    address, _, action = row.address.format(**world.ids(asker)).partition("#")
    body = bodies.action(world, row.address) if action else _form(row, world, asker)
    before = stored()
    answer = client.get(address) if row.method == "GET" else client.post(address, body)
    assert answer.status_code == int(row.cells[who]), row.name
    if not is_staff(who) and row.address != "/admin/login/":
        assert answer["Location"].startswith(("/admin/login/", "/admin/")), row.name
        assert answer.content == b"", row.name
    return changed(before)


def browser_of(asker: User | None) -> Client:
    client = Client()
    if asker is not None:
        client.force_login(asker, settings.AUTHENTICATION_BACKENDS[0])
    return client


def _late(row: Row) -> bool:
    """Whether the row removes something that other rows need, and so comes last: the log-in."""
    return row.address == "/admin/logout/"


@pytest.mark.parametrize("who", MAKERS)
def test_refused_and_reading_requests_change_nothing(who: str, world: World) -> None:
    client = browser_of(asker := MAKERS[who](world))
    rows = [row for row in ADMIN_ROWS if not succeeds(row, who)]
    assert rows
    for row in sorted(rows, key=_late):
        assert ask(client, row, who, world, asker) == set(), row.name


WRITES = [(row, who) for row in ADMIN_ROWS for who in MAKERS if succeeds(row, who)]


@pytest.mark.parametrize(("row", "who"), WRITES, ids=[f"{row.name}-{who}" for row, who in WRITES])
def test_an_allowed_request_changes_the_models_of_its_row(row: Row, who: str, world: World) -> None:
    asker = MAKERS[who](world)
    assert ask(browser_of(asker), row, who, world, asker) == row.changes


def test_a_form_without_its_page_is_refused(world: World) -> None:
    superuser, client = MAKERS["super"](world), Client(enforce_csrf_checks=True)
    assert superuser is not None
    client.force_login(superuser, settings.AUTHENTICATION_BACKENDS[0])
    before = stored()
    for row in ADMIN_ROWS:
        if row.method == "POST":
            address = row.address.format(**world.ids(superuser)).partition("#")[0]
            assert client.post(address, {}).status_code == 403, row.name
    assert changed(before) == set()
    assert PortalView.objects.exists()
