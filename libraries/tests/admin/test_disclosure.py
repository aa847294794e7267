"""What a library discloses, in the admin."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import unescape

import pytest

from libraries.models import Library, PortalView, User
from libraries.rules.presets import presets
from libraries.tests.admin.conftest import Desk, add, body, change, errors, filled

pytestmark = pytest.mark.django_db

DISCLOSURE = {"ac": ["armor_class"], "always": ["size"]}


def test_paths_are_edited_as_text(desk: Desk, library: Library, portal_view: PortalView) -> None:
    assert filled(desk.get(change(library)))["disclosure"] == "{}"
    desk.save(change(library), disclosure=json.dumps(DISCLOSURE))
    library.refresh_from_db()
    portal_view.refresh_from_db()
    assert library.disclosure == portal_view.disclosure == DISCLOSURE
    assert [news["event"] for news in desk.news] == ["stale"]
    assert json.loads(filled(desk.get(change(library)))["disclosure"]) == DISCLOSURE
    desk.save(change(library), disclosure=None)
    library.refresh_from_db()
    assert library.disclosure == {}


@pytest.mark.parametrize("name", ["open5e", "quiz"])
def test_a_preset_replaces_the_paths(desk: Desk, library: Library, name: str) -> None:
    page = desk.get(change(library))
    assert all(preset.title in unescape(body(page)) for preset in presets().values())
    desk.save(change(library), disclosure=json.dumps(DISCLOSURE), preset=name)
    library.refresh_from_db()
    assert library.disclosure == presets()[name].disclosure
    assert not filled(desk.get(change(library))).get("preset")


def test_a_new_library_may_disclose_at_once(desk: Desk, owner: User) -> None:
    desk.save(add(Library), name="New", preset="slides", **{"memberships-0-user": str(owner.pk)})
    assert Library.objects.get().disclosure == presets()["slides"].disclosure


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", "A disclosure must be an object of lists of paths."),
        ("{", "This is not JSON: line 1"),
        ('{"ac": ["a..b"]}', "ac.0: The path “a..b” can't be read from character 2 on."),
        ('{"hp": []}', "hp: There is no such row"),
    ],
)
def test_a_bad_path_is_named_beside_the_field(desk: Desk, library: Library, text: str, sentence: str) -> None:
    page = desk.save(change(library), disclosure=text)
    [error] = errors(page)["disclosure"]
    assert sentence in error
    assert filled(page)["disclosure"] == text
    library.refresh_from_db()
    assert library.disclosure == {}


def test_an_unknown_preset_is_refused(desk: Desk, library: Library) -> None:
    assert errors(desk.save(change(library), preset="nonsense")).keys() == {"preset"}


def test_a_person_who_may_only_look_sees_the_paths(clerk: Callable[..., Desk], library: Library) -> None:
    Library.objects.update(disclosure=DISCLOSURE)
    page = body(clerk("view_library").get(change(library)))
    assert "armor_class" in page
    assert 'name="disclosure"' not in page
    assert 'name="preset"' not in page
