"""Looking as a viewer: a controller gets what viewers get, and viewers get only what is theirs."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.models import Library, PortalView, User
from libraries.tests.rest import as_, cast, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(portal_view: PortalView) -> str:
    return f"/api/portal-views/{portal_view.id}"


@pytest.fixture
def views(library: Library) -> str:
    return f"/api/libraries/{library.id}/portal-views"


@pytest.mark.parametrize("who", ["owner", "editor", "viewer"])
def test_everybody_who_looks_as_a_viewer_gets_the_same(
    request: pytest.FixtureRequest, path: str, views: str, viewer: User, who: str
) -> None:
    for address in (path, views):
        shown, looked = as_(viewer).get(address), cast(request, who).get(f"{address}?as=viewer")
        assert looked.json() == shown.json()
        assert looked.get("ETag") == shown.get("ETag")


def test_the_tag_of_what_viewers_see_answers_not_modified(path: str, owner: User) -> None:
    tag = as_(owner).get(f"{path}?as=viewer")["ETag"]
    assert as_(owner).get(f"{path}?as=viewer", HTTP_IF_NONE_MATCH=tag).status_code == 304
    assert as_(owner).get(path, HTTP_IF_NONE_MATCH=tag).status_code == 200


@pytest.mark.parametrize("wish", ["", "owner", "Viewer", "controller"])
def test_there_is_no_other_way_to_look(path: str, views: str, owner: User, viewer: User, wish: str) -> None:
    for address in (path, views):
        for user in (owner, viewer):
            refused(as_(user).get(f"{address}?as={wish}"), "invalid-payload", "as")


def test_who_may_not_look_may_not_look_as_a_viewer(request: pytest.FixtureRequest, path: str, views: str) -> None:
    for address in (path, views):
        assert cast(request, "stranger").get(f"{address}?as=viewer").status_code == 404
        assert cast(request, "nobody").get(f"{address}?as=viewer").status_code == 401


def answers(client: Any, path: str, views: str) -> list[Any]:
    """All that a viewer gets: states, lists in each order, tags."""
    lists = ("", "?ordering=updatedAt", "?ordering=-updatedAt", "?ordering=name", "?search=e")
    got = [client.get(path), *(client.get(f"{views}{query}") for query in lists)]
    return [(answer.json(), answer.get("ETag")) for answer in got]


def test_hidden_writes_move_nothing_that_viewers_get(
    path: str, views: str, library: Library, owner: User, viewer: User
) -> None:
    for name in ("Dawn", "Dusk"):
        as_(owner).post(views, {"name": name})
    for body in ({"blackout": False}, {"blackout": True}):
        as_(owner).patch(path, body)
        before = answers(as_(viewer), path, views)
        stored = as_(owner).get(path).json()
        for number in range(10):
            items = [{**item, "gmNotes": f"note {number}"} for item in stored["items"]]
            written = as_(owner).patch(path, {"items": [*items, {"id": f"{body}-{number}", "visible": False}]})
            assert written.status_code == 200
        assert answers(as_(viewer), path, views) == before
        assert as_(owner).get(path).json()["version"] == stored["version"] + 10


def test_a_seen_write_moves_the_portal_view_to_the_front(
    path: str, views: str, portal_view: PortalView, owner: User, viewer: User
) -> None:
    as_(owner).post(views, {"name": "Dawn"})
    as_(owner).patch(path, {"showAC": True})
    listed = as_(viewer).get(f"{views}?ordering=-updatedAt").json()["results"]
    assert [one["id"] for one in listed][0] == str(portal_view.id)


def test_the_answer_to_a_write_has_warnings(path: str, views: str, owner: User) -> None:
    items = [{"id": "a", "public": {"correctAnswer": 4}}]
    sentence = "items[0].public.correctAnswer looks like an answer and is shown."
    assert as_(owner).patch(path, {"items": items}).json()["warnings"] == [sentence]
    assert as_(owner).put(path, {"name": "x", "items": items}).json()["warnings"] == [sentence]
    assert as_(owner).post(views, {"name": "x", "items": items}).json()["warnings"] == [sentence]
    assert as_(owner).patch(path, {"name": "y"}).json()["warnings"] == []
    assert "warnings" not in as_(owner).get(path).json()
