"""The admin's page of who is in a portal view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings as site
from django.test import Client
from django.urls import reverse

from libraries.models import PortalView, Revocation, ShareLink, User
from libraries.rules.errors import Unavailable
from libraries.rules.roles import PortalRole
from portal import presence_admin
from realtime.presence import memory
from realtime.rooms.presence import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("staff@example.org", "x"), site.AUTHENTICATION_BACKENDS[0])
    return client


@pytest.fixture
def link(portal_view: PortalView) -> ShareLink:
    return ShareLink.objects.create(portal_view=portal_view, digest="d")


@pytest.fixture
def here(portal_view: PortalView, link: ShareLink) -> Iterator[list[Person]]:
    """A controller and two guests."""
    found = [Person(uuid4(), "user", "Ada <b>", PortalRole.CONTROLLER, 1, 1)]
    found += [Person(uuid4(), "guest", None, PortalRole.VIEWER, n, n, link.id) for n in (2, 3)]
    memory.put(portal_view.id, "test", {one.id: one for one in found})
    yield found
    memory.put(portal_view.id, "test", {})


def page(portal_view: PortalView | UUID | str) -> str:
    wanted = portal_view.pk if isinstance(portal_view, PortalView) else portal_view
    return reverse("admin:libraries_portalview_presence", args=[wanted])


def test_the_page_lists_everybody(desk: Client, portal_view: PortalView, here: list[Person]) -> None:
    for address in (page(portal_view), f"{page(portal_view)}?list"):
        text = desk.get(address).content.decode()
        assert "1 controllers, 2 viewers" in text
        assert "Ada &lt;b&gt;" in text
        assert text.count('name="subject"') == 3
    assert "<html" not in text  # the list alone


def test_a_person_is_disconnected_for_some_minutes(
    desk: Client, portal_view: PortalView, here: list[Person], link: ShareLink
) -> None:
    body = {"subject": str(here[1].id), "minutes": "5", "withdraw_link": "on"}
    text = desk.post(page(portal_view), body, follow=True).content.decode()
    assert "disconnects 1 others" in text
    assert {row.key for row in Revocation.objects.all()} == {here[1].id, link.id}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"subject": "x", "minutes": "5"}, "subject"),
        ({"subject": str(UUID(int=1)), "minutes": "5"}, "Nobody with that id"),
        ({"subject": str(UUID(int=1)), "minutes": "0"}, "minutes"),
    ],
)
def test_a_bad_form_is_explained(
    desk: Client, portal_view: PortalView, here: list[Person], body: dict[str, Any], sentence: str
) -> None:
    assert sentence in desk.post(page(portal_view), body, follow=True).content.decode()
    assert not Revocation.objects.exists()


def test_no_such_portal_view(desk: Client) -> None:
    for wanted in ("1", UUID(int=5)):
        assert desk.get(page(wanted)).status_code == 404


def test_without_the_store_the_page_says_so(
    desk: Client, portal_view: PortalView, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: UUID) -> None:
        raise Unavailable("Not known at the moment.")

    monkeypatch.setattr(presence_admin, "find_people", away)
    assert "Not known at the moment." in desk.get(page(portal_view)).content.decode()
