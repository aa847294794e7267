"""No byte of a hidden value is in any answer to a viewer."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.models import Library, Membership, PortalView, User
from libraries.rules.items import TEXTS
from libraries.rules.net import ALWAYS, HIDDEN
from libraries.tests.rest import as_

FLAGS = sorted(set(HIDDEN) - {ALWAYS})
MARK = "planted"


STRANGE = ("hit_dice", "privateNotes", "correctAnswer", "system", "Name", "体力", "a.b", "visible_to", "tags")


def planted(key: str) -> list[dict[str, Any]]:
    """Items with a mark under the key: flat, nested, in other spellings, and below `public`."""
    return [
        {"id": "plain", key: f"{MARK}-1", "name": "seen"},
        {"id": "deep", "sheet": {"more": [{key.upper(): {"in": f"{MARK}-2"}}]}},
        {"id": "spelt", f"{key[:1]}_{key[1:]}": [f"{MARK}-3"], f"{key[:1]}-{key[1:]}".title(): f"{MARK}-4"},
        {"id": "free", "public": {"a": [{key: f"{MARK}-5"}]}},
    ]


@pytest.fixture
def stored(portal_view: PortalView) -> PortalView:
    """A portal view with marks under every key that can be hidden, under others, and in an invisible item."""
    items = [
        {**item, "id": f"{row}-{key}-{item['id']}"}
        for row, keys in HIDDEN.items()
        for key in keys
        for item in planted(key)
    ]
    items += [{"id": f"none-{key}", key: {"in": [f"{MARK}-6"]}} for key in STRANGE]
    items += [{"id": f"shape-{key}", key: {"in": [f"{MARK}-7"]}} for key in TEXTS if key != "id"]
    portal_view.items = [*items, {"id": f"{MARK}-8", "visible": False, "name": f"{MARK}-9"}]
    portal_view.current_item = len(items)
    portal_view.show_conditions = False
    portal_view.save()
    return portal_view


def answers(viewer: User, portal_view: PortalView) -> list[Any]:
    """Every answer that a viewer can get about a portal view, refusals included."""
    client = as_(viewer)
    path = f"/api/portal-views/{portal_view.id}"
    library = f"/api/libraries/{portal_view.library_id}"
    views = f"{library}/portal-views"
    return [
        client.get(path),
        client.get(path, HTTP_IF_NONE_MATCH='"0"'),
        client.get(path, HTTP_IF_NONE_MATCH="nonsense"),
        client.get(f"{path}/"),
        client.patch(path, {"items": []}),
        client.patch(path, {"items": []}, HTTP_IF_MATCH='"1", "2"'),
        client.put(path, {"name": "x"}),
        client.delete(path),
        client.get(views),
        client.get(f"{views}?search=e&ordering=-updatedAt&pageSize=1"),
        client.post(views, {"name": "x"}),
        client.get(library),
        client.get("/api/libraries"),
        client.get(f"{library}/members"),
    ]


@pytest.mark.parametrize("display", ["numbers", "bar", "words"])
def test_with_all_flags_off(viewer: User, stored: PortalView, display: str) -> None:
    PortalView.objects.update(health_display=display)
    for answer in answers(viewer, stored):
        assert MARK not in answer.content.decode(), answer.request
    assert MARK in as_(stored.library.members.get(name="Owner")).get(f"/api/portal-views/{stored.id}").content.decode()


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_shows_its_own_keys_only(viewer: User, owner: User, stored: PortalView, flag: str) -> None:
    path = f"/api/portal-views/{stored.id}"
    as_(owner).patch(path, {flag: True})
    items = as_(viewer).get(path).json()["items"]
    marked = [item["id"] for item in items if MARK in str(item)]
    assert marked
    assert all(item_id.startswith(f"{flag}-") for item_id in marked)
    below_public = {f"{flag}-{key}-free" for key in HIDDEN[flag]}
    assert below_public <= set(marked)


@pytest.mark.parametrize("display", ["bar", "words"])
def test_health_as_a_bar_or_a_word_hides_the_numbers(
    viewer: User, owner: User, stored: PortalView, display: str
) -> None:
    as_(owner).patch(f"/api/portal-views/{stored.id}", {"showHealth": True, "healthDisplay": display})
    for answer in answers(viewer, stored):
        assert MARK not in answer.content.decode(), answer.request


def test_a_blackout_hides_the_number_of_items(viewer: User, owner: User, stored: PortalView, library: Library) -> None:
    path, views = f"/api/portal-views/{stored.id}", f"/api/libraries/{library.id}/portal-views"
    as_(owner).patch(path, {"blackout": True, **dict.fromkeys(FLAGS, True)})
    for answer in answers(viewer, stored):
        assert MARK not in answer.content.decode(), answer.request
    seen = as_(viewer).get(path).json()
    assert (seen["items"], seen["currentItem"]) == ([], None)
    [head] = as_(viewer).get(views).json()["results"]
    assert (head["itemCount"], head["currentItem"]) == (0, None)
    [whole] = as_(owner).get(views).json()["results"]
    assert whole["itemCount"] == len(stored.items) == whole["currentItem"] + 1


def test_an_invisible_item_has_no_place(viewer: User, stored: PortalView) -> None:
    seen = as_(viewer).get(f"/api/portal-views/{stored.id}").json()
    assert seen["currentItem"] is None
    assert len(seen["items"]) == len(stored.items) - 1
    [head] = as_(viewer).get(f"/api/libraries/{stored.library_id}/portal-views").json()["results"]
    assert (head["itemCount"], head["currentItem"]) == (len(stored.items) - 1, None)


def test_a_demoted_editor_sees_only_what_viewers_see(editor: User, stored: PortalView) -> None:
    path = f"/api/portal-views/{stored.id}"
    assert MARK in as_(editor).get(path).content.decode()
    Membership.objects.filter(user=editor).update(role="VIEWER")
    assert MARK not in as_(editor).get(path).content.decode()
