"""Share links in the admin: shown once, changed, withdrawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from libraries.digests import digest_of
from libraries.models import PortalView, ShareLink
from libraries.services import share_links
from libraries.services.share_links import create_share_link
from libraries.sharing import MAX_GUESTS
from libraries.tests.admin.conftest import Desk, add, body, change, delete, errors, list_of, says


@pytest.fixture
def link(portal_view: PortalView) -> ShareLink:
    return create_share_link(actor_id=None, portal_view_id=portal_view.id, label="Table")[0]


def test_a_new_link_is_shown_once(desk: Desk, portal_view: PortalView) -> None:
    page = desk.save(add(ShareLink), portal_view=str(portal_view.pk), label="Table", max_guests=5)
    found = re.search(r"http://testserver/view/([\w-]{32})", says(page))
    assert found is not None
    stored = ShareLink.objects.get()
    assert (stored.digest, stored.label, stored.max_guests) == (digest_of(found[1]), "Table", 5)
    for address in (list_of(ShareLink), change(stored)):
        assert found[1] not in body(desk.get(address))


def test_a_label_is_changed_and_the_rest_stays(desk: Desk, link: ShareLink) -> None:
    desk.save(change(link), label="Bar", max_guests=3)
    link.refresh_from_db()
    assert (link.label, link.max_guests) == ("Bar", 3)
    desk.save(change(link))
    form = desk.get(change(link)).context["adminform"].form
    assert set(form.fields) == {"label", "max_guests"}


def test_a_withdrawn_link_disconnects_and_cannot_be_changed(desk: Desk, link: ShareLink) -> None:
    page = desk.act("withdraw", link)
    assert says(page) == "Withdrawn: Table."
    assert [news["event"] for news in desk.news] == ["revoked"]
    assert says(desk.act("withdraw", link)) == "Nothing was changed."
    assert "withdrawn" in body(desk.get(list_of(ShareLink)))
    assert not desk.get(change(link)).context["adminform"].form.fields


def test_deleted_links_disconnect(desk: Desk, link: ShareLink, portal_view: PortalView) -> None:
    desk.post(delete(link), {"post": "yes"})
    links = [create_share_link(actor_id=None, portal_view_id=portal_view.id)[0] for _ in range(2)]
    desk.act("delete_selected", *links, post="yes")
    assert not ShareLink.objects.exists()
    assert [news["event"] for news in desk.news] == ["revoked"] * 3


def test_who_may_delete_portal_views_may_delete_their_links(clerk: Callable[..., Desk], link: ShareLink) -> None:
    desk = clerk("view_portalview", "delete_portalview")
    desk.post(delete(link.portal_view), {"post": "yes"})
    assert not ShareLink.objects.exists()


def test_a_refusal_of_the_service_is_shown(desk: Desk, link: ShareLink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share_links, "MAX_LIVE_LINKS", 1)
    page = desk.save(add(ShareLink), portal_view=str(link.portal_view_id), label="More")
    assert "withdraw one of them first" in says(page)
    page = desk.save(add(ShareLink), portal_view="", label="a\u202eb")
    assert errors(page).keys() == {"portal_view", "label"}
    monkeypatch.setattr(share_links, "MAX_LIVE_LINKS", 2)
    past = timezone.now() - timedelta(days=1)
    page = desk.save(
        add(ShareLink), portal_view=str(link.portal_view_id), expires_at_0=past.date(), expires_at_1="10:00:00"
    )
    assert "expired already" in says(page)
    assert ShareLink.objects.count() == 1


@pytest.mark.parametrize("places", [0, MAX_GUESTS + 1, 2**31])
def test_the_places_of_a_link_are_limited(desk: Desk, link: ShareLink, places: int) -> None:
    page = desk.save(add(ShareLink), portal_view=str(link.portal_view_id), max_guests=places)
    assert errors(page).keys() == {"max_guests"}
    assert errors(desk.save(change(link), max_guests=places)).keys() == {"max_guests"}
    link.refresh_from_db()
    assert (ShareLink.objects.count(), link.max_guests) == (1, None)


def test_withdrawing_needs_the_permission_to_change(clerk: Callable[..., Desk], link: ShareLink) -> None:
    desk = clerk("view_sharelink")
    desk.act("withdraw", link)
    link.refresh_from_db()
    assert link.withdrawn_at is None
