"""Permissions on the pages: every page and form for every person's browser. A refused form changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from libraries.models import User
from libraries.services import samples
from libraries.services.share_links import create_share_link
from portal.tests.access.pages import COOKIES, FORMS, PAGE_ROWS, SECRET, UNKNOWN
from portal.tests.access.people import HIDDEN_NUMBER, HIDDEN_TEXT, MAKERS, World, changed, make_world, stored
from portal.tests.access.routes import is_page, patterns, route_of
from portal.tests.access.tables import Row

pytestmark = pytest.mark.django_db

CONTROLLERS = {"owner", "editor"}
OUTSIDE = {"nobody", "off"}
"""These are not logged in."""
IDS = {
    **dict.fromkeys(("library", "view", "link", "image", "other", "self", "invitation", "unknown"), UNKNOWN),
    **{"secret": SECRET, "share": SECRET},
}


@pytest.fixture(autouse=True)
def _sample_with_one_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample evening in which all pictures are the first: each takes a moment, and everybody here makes them."""
    add, urls = samples._add, list[str]()

    def once(*which: Any) -> str:
        if not urls:
            urls.append(add(*which))
        return urls[0]

    monkeypatch.setattr(samples, "_add", once)


@pytest.fixture
def world() -> World:
    cache.clear()  # many log-ins from one address
    return make_world()


def browser_of(asker: User | None, **options: Any) -> Client:
    client = Client(**options)
    if asker is not None:
        client.force_login(asker, settings.AUTHENTICATION_BACKENDS[0])
    return client


def test_every_page_and_form_is_in_the_table() -> None:
    there = {
        (method.upper(), route)
        for route, pattern in patterns()
        if is_page(pattern)
        for method in getattr(getattr(pattern.callback, "view_class", None), "http_method_names", ["get"])
        if method in {"get", "post"}
    }
    assert {(row.method, route_of(row.address.format(**IDS))) for row in PAGE_ROWS} == there
    assert all(list(row.cells) == list(MAKERS) for row in PAGE_ROWS)
    posts = {row.address for row in PAGE_ROWS if row.method == "POST"}
    assert FORMS.keys() | COOKIES.keys() <= posts


@pytest.mark.parametrize("who", MAKERS)
@pytest.mark.parametrize("row", PAGE_ROWS, ids=lambda row: row.name)
def test_every_browser_gets_the_answer_of_the_table(row: Row, who: str, world: World) -> None:
    asker = MAKERS[who](world)
    share = create_share_link(actor_id=world.owner.id, portal_view_id=world.portal_view.id)[1]
    client = browser_of(asker)
    if row.address in COOKIES:
        name, secret = COOKIES[row.address]
        client.cookies[name] = secret(world, asker)
    form = FORMS[row.address](world, asker) if row.method == "POST" and row.address in FORMS else {}
    address = row.address.format(**{**IDS, **world.ids(asker), "share": share})
    before = stored()
    answer = client.get(address) if row.method == "GET" else client.post(address, form)
    text = answer.content.decode()
    assert answer.status_code == int(row.cells[who]), text
    is_done = answer.status_code < 400 and not answer.headers.get("Location", "").startswith("/login?next=")
    if row.address in {"/logout", "/language"} and who in OUTSIDE:
        is_done = False
    assert changed(before) == (row.changes if is_done else set())
    assert HIDDEN_TEXT not in text
    assert str(HIDDEN_NUMBER) not in text
    if row.address != "/libraries/{library}/members" or who != "owner":
        assert world.other.email not in text
    if who not in CONTROLLERS and not (who == "viewer" and row.address.startswith("/libraries/{library}")):
        assert world.portal_view.name not in text


@pytest.mark.parametrize("row", [row for row in PAGE_ROWS if row.method == "POST"], ids=lambda row: row.name)
def test_a_form_without_its_page_is_refused(row: Row, world: World) -> None:
    client = browser_of(world.owner, enforce_csrf_checks=True)
    form = FORMS[row.address](world, world.owner) if row.address in FORMS else {}
    before = stored()
    for origin in ({}, {"Origin": "null"}, {"Origin": "https://elsewhere.example.org"}):
        assert client.post(row.address.format(**IDS), form, headers=origin).status_code == 403
    assert changed(before) == set()
