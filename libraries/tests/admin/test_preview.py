"""The preview page of the viewers' state: no hidden value is on it, in any form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from libraries.admin.preview import cards
from libraries.models import PortalView
from libraries.rules.projection import project
from libraries.rules.roles import PortalRole
from libraries.rules.state import FIELDS
from libraries.tests.admin.conftest import Desk, body, change, list_of

MARKERS = {
    "showHealth": ("hp", 314_159),
    "showAC": ("ac", 271_828),
    "showActions": ("actions", "MARKER-club"),
    "showEncounter": ("initiative", 161_803),
    "showConditions": ("conditions", "MARKER-curse"),
    "always": ("gmNotes", "MARKER-trap"),
}

_SHOWN_AS = {"hp": "health"}


def preview(portal_view: PortalView) -> str:
    return reverse("admin:libraries_portalview_preview", args=[portal_view.pk])


@pytest.fixture
def marked(portal_view: PortalView) -> PortalView:
    """A portal view with a marker for each flag, and an item that viewers do not see."""
    ogre = {"id": "ogre", "name": "Ogre", **dict(MARKERS.values()), "deep": [{"secret": "MARKER-deep"}]}
    portal_view.items = [ogre, {"id": "MARKER-spy", "name": "MARKER-spy", "visible": False}]
    portal_view.show_conditions = False
    portal_view.save()
    return portal_view


def test_no_hidden_marker_is_on_the_page(desk: Desk, marked: PortalView) -> None:
    page = body(desk.get(preview(marked)))
    assert "Ogre" in page
    assert page.count('<li class="preview-card') == 1
    assert "MARKER" not in page
    for key, value in MARKERS.values():
        assert str(value) not in page
        assert f"<dt>{_SHOWN_AS.get(key, key)}</dt>" not in page


def test_the_order_of_the_encounter_is_that_of_viewers(desk: Desk, marked: PortalView) -> None:
    order = [{"itemId": "MARKER-spy", "initiative": 20}, {"itemId": "ogre", "initiative": 8}]
    PortalView.objects.update(encounter={"round": 2, "turn": "MARKER-spy", "order": order}, show_encounter=True)
    page = body(desk.get(preview(marked)))
    assert "Encounter, round 1" in page
    assert '<li class="current" aria-current="true">Ogre <span>8</span></li>' in page
    assert "MARKER" not in page
    PortalView.objects.update(show_encounter=False)
    assert "Encounter, round" not in body(desk.get(preview(marked)))


@pytest.mark.parametrize("flag", [flag for flag in MARKERS if flag != "always"])
def test_a_flag_reveals_its_own_keys_and_no_more(desk: Desk, marked: PortalView, flag: str) -> None:
    PortalView.objects.update(**{FIELDS[flag].column: True})
    page = unescape(body(desk.get(preview(marked))))
    for row, (key, value) in MARKERS.items():
        assert (str(value) in page) is (row == flag)
        assert (f"<dt>{_SHOWN_AS.get(key, key)}</dt>" in page) is (row == flag)


def test_the_json_is_the_one_that_the_socket_would_send(desk: Desk, marked: PortalView) -> None:
    page = body(desk.get(preview(marked)))
    found = re.search(r'<pre class="portal-json preview-json"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found
    assert json.loads(unescape(found[1])) == project(marked.state(), PortalRole.VIEWER)


def test_a_blackout_shows_nothing(desk: Desk, marked: PortalView) -> None:
    PortalView.objects.update(blackout=True)
    page = body(desk.get(preview(marked)))
    assert "viewers see nothing at all" in page
    assert "Ogre" not in page


def test_a_portal_view_without_items_says_so(desk: Desk, portal_view: PortalView) -> None:
    PortalView.objects.update(items=[])
    assert "There are no items that viewers see." in body(desk.get(preview(portal_view)))


def test_the_current_item_is_marked(portal_view: PortalView) -> None:
    portal_view.current_item = 1
    shown = cards(project(portal_view.state(), PortalRole.VIEWER))
    assert [card.is_current for card in shown] == [False, True]
    assert [card.title for card in shown] == ["map", "Ogre"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (0.5, "0.5"),
        (True, "yes"),
        (False, "no"),
        (None, "–"),
        ([], "–"),
        ({}, "–"),
        (["poisoned", "prone"], "poisoned; prone"),
        ([{"name": "Claws", "to hit": 4}, {"name": "Bite"}], "name Claws, to hit 4; name Bite"),
    ],
)
def test_a_value_is_formatted_for_people(portal_view: PortalView, value: object, text: str) -> None:
    portal_view.items = [{"id": "ogre", "public": {"value": value}}]
    [card] = cards(project(portal_view.state(), PortalRole.VIEWER))
    assert card.facts == (("public", f"value {text}"),)


@pytest.mark.parametrize(
    ("address", "is_drawn"),
    [
        ("/static/demo/coast.svg", True),
        ("data:image/png;base64,AAAA", True),
        ("https://elsewhere.example/map.png", False),
        ("//elsewhere.example/map.png", False),
        ("map.png", False),
    ],
)
def test_only_pictures_of_this_site_are_drawn(portal_view: PortalView, address: object, is_drawn: bool) -> None:
    portal_view.items = [{"id": "map", "image": address}]
    [card] = cards(project(portal_view.state(), PortalRole.VIEWER))
    assert card.image == (address if is_drawn else "")
    assert ("image" in dict(card.facts)) is not is_drawn


def test_typed_text_is_text_and_not_markup(desk: Desk, portal_view: PortalView) -> None:
    hostile = "<script>alert(1)</script>"
    PortalView.objects.update(
        name=hostile, items=[{"id": hostile, "name": hostile, "text": hostile, hostile: hostile, "type": hostile}]
    )
    for address in (preview(portal_view), change(portal_view), list_of(PortalView)):
        assert hostile not in body(desk.get(address))


def test_the_list_and_the_form_link_to_it(desk: Desk, portal_view: PortalView) -> None:
    assert preview(portal_view) in body(desk.get(list_of(PortalView)))
    assert preview(portal_view) in body(desk.get(change(portal_view)))


def test_the_preview_needs_the_permission_to_view(clerk: Callable[..., Desk], portal_view: PortalView) -> None:
    clerk("view_library").get(preview(portal_view), status=403)


def test_the_permission_to_view_is_enough(clerk: Callable[..., Desk], portal_view: PortalView) -> None:
    clerk("view_portalview").get(preview(portal_view))


def test_without_a_log_in_the_log_in_page_is_shown(client: Client, portal_view: PortalView) -> None:
    answer = client.get(preview(portal_view))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("pk", ["de300000-0000-4000-8000-00000000dead", "nonsense"])
def test_an_unknown_portal_view_is_not_found(desk: Desk, pk: str) -> None:
    desk.get(reverse("admin:libraries_portalview_preview", args=[pk]), status=404)
