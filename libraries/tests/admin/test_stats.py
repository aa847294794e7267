"""The page of a portal view's open connections, and the same figures over REST."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.urls import reverse

from libraries import live
from libraries.models import PortalView
from libraries.rules.figures import Figures
from libraries.tests.admin.conftest import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(desk: Desk, portal_view: PortalView, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page of a portal view with some connections, without white space."""
    asked: list[UUID] = []

    def answer(portal_view_id: UUID) -> Figures:
        asked.append(portal_view_id)
        return Figures(
            processes=2,
            is_complete=False,
            controllers=1,
            viewers=1_233,
            people={uuid4()},
            seconds=1_234 * 75.0,
            longest_seconds=7_300.0,
            counted_seconds=59.0,
            delivered_rate=12.346,
        )

    monkeypatch.setattr(live._Site, "ask", answer)
    body = desk.get(reverse("admin:libraries_portalview_stats", args=[portal_view.pk])).content.decode()
    assert asked == [portal_view.pk]
    return " ".join(body.split())


def test_the_page_has_the_figures(page: str) -> None:
    for name, value in (
        ("Connections", "1,234"),
        ("People", "1"),
        ("Open for, on average", "1 min 15 s"),
        ("Open for longest", "2 h 1 min"),
        ("Messages to clients", "12.35 per second"),
    ):
        assert f"<dt>{name}</dt><dd>{value}</dd>" in page
    assert "Added up over 2 processes" in page
    assert "In the last 59 s" in page
    assert "The channel layer does not answer" in page


def test_without_connections_it_says_so(desk: Desk, portal_view: PortalView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live._Site, "ask", None)
    answer = desk.get(reverse("admin:libraries_portalview_stats", args=[portal_view.pk]))
    assert "Nobody is connected at the moment." in answer.content.decode()


def test_an_unknown_portal_view_is_not_there(desk: Desk) -> None:
    desk.get(reverse("admin:libraries_portalview_stats", args=[uuid4()]), 404)
