"""Items one by one over REST: permissions, places, entity tags, and what viewers may know of."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from libraries.conftest import Published
from libraries.events import PortalViewChanged
from libraries.models import PortalView, User
from libraries.rules.edits import Added, Moved, Removed, Seen, Updated
from libraries.tests.rest import CAST, CODES, as_, cast, refused

# method, path below the portal view, body, the status for each person
ALLOWED: list[tuple[str, str, Any, tuple[int, ...]]] = [
    ("get", "/items", None, (200, 200, 200, 404, 401)),
    ("post", "/items", {"name": "New"}, (201, 201, 403, 404, 401)),
    ("get", "/items/ogre", None, (200, 200, 200, 404, 401)),
    ("patch", "/items/ogre", {"hp": 3}, (200, 200, 403, 404, 401)),
    ("delete", "/items/ogre", None, (204, 204, 403, 404, 401)),
    ("put", "/items/ogre/position", {"index": 0}, (200, 200, 403, 404, 401)),
    ("get", "/items/spy", None, (200, 200, 404, 404, 401)),
    ("patch", "/items/spy", {"hp": 3}, (200, 200, 403, 404, 401)),
    ("delete", "/items/spy", None, (204, 204, 403, 404, 401)),
    ("put", "/items/spy/position", {"index": 0}, (200, 200, 403, 404, 401)),
    ("get", "/items/nobody", None, (404, 404, 404, 404, 401)),
    ("patch", "/items/nobody", {"hp": 3}, (404, 404, 403, 404, 401)),
    ("delete", "/items/nobody", None, (404, 404, 403, 404, 401)),
    ("put", "/items/nobody/position", {"index": 0}, (404, 404, 403, 404, 401)),
]


def at(portal_view: PortalView, path: str) -> str:
    return f"/api/portal-views/{portal_view.id}{path}"


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize(("method", "path", "body", "statuses"), ALLOWED)
@pytest.mark.parametrize("slash", ["", "/"])
def test_permissions_by_role(
    request: pytest.FixtureRequest,
    portal_view: PortalView,
    who: str,
    method: str,
    path: str,
    body: Any,
    statuses: tuple[int, ...],
    slash: str,
) -> None:
    before = list(PortalView.objects.values())
    answer = getattr(cast(request, who), method)(at(portal_view, path + slash), body)
    expected = statuses[CAST.index(who)]
    assert answer.status_code == expected, answer.content
    if expected >= 400:
        refused(answer, CODES[expected])
    assert (list(PortalView.objects.values()) != before) == (expected < 300 and method != "get")


def test_an_unseen_item_is_as_unknown_to_viewers_as_one_that_does_not_exist(
    viewer: User, editor: User, portal_view: PortalView
) -> None:
    unseen, unknown = (as_(viewer).get(at(portal_view, f"/items/{item_id}")) for item_id in ("spy", "nobody"))
    assert unseen.json() == unknown.json()
    assert as_(editor).get(at(portal_view, "/items/spy?as=viewer")).json() == unknown.json()


def test_items_are_listed_as_the_asker_sees_them(viewer: User, editor: User, portal_view: PortalView) -> None:
    whole, seen = (as_(user).get(at(portal_view, "/items")) for user in (editor, viewer))
    assert [item["id"] for item in whole.json()["items"]] == ["map", "ogre", "spy"]
    assert [item["id"] for item in seen.json()["items"]] == ["map", "ogre"]
    assert "hp" not in str(seen.json())
    portal_view_tag = as_(viewer).get(at(portal_view, ""))["ETag"]
    assert seen["ETag"] == portal_view_tag
    assert as_(viewer).get(at(portal_view, "/items"), HTTP_IF_NONE_MATCH=portal_view_tag).status_code == 304
    assert as_(editor).get(at(portal_view, "/items?as=viewer")).json() == seen.json()


def test_an_item_is_added_at_its_place(editor: User, portal_view: PortalView, published: Published) -> None:
    answers: list[Any] = []
    item = {"id": 7, "name": "Goblin", "hidden": True}
    [event] = published(lambda: answers.append(as_(editor).post(at(portal_view, "/items?index=1"), item)))
    stored = {"id": "7", "name": "Goblin", "visible": False}
    assert answers[0].status_code == 201
    assert answers[0].json() == {"item": stored, "index": 1, "version": 2, "warnings": []}
    assert answers[0]["Location"] == at(portal_view, "/items/7")
    read = as_(editor).get(answers[0]["Location"])
    assert (read.json(), read["ETag"]) == (stored, answers[0]["ETag"])
    assert isinstance(event, PortalViewChanged)
    assert event.controllers == Seen({}, (Added(stored, 1),))
    assert event.viewers == Seen()


def test_an_item_without_an_id_gets_the_same_one_each_time(editor: User, portal_view: PortalView) -> None:
    made = []
    for _ in range(2):
        answer = as_(editor).post(at(portal_view, "/items"), {"slug": "goblin", "name": "Goblin"})
        made.append(answer.json()["item"]["id"])
        assert as_(editor).delete(answer["Location"]).status_code == 204
    assert made[0] == made[1]
    assert "goblin" not in made[0]


@pytest.mark.parametrize(
    ("query", "body", "key"),
    [
        ("?index=4", {}, "index"),
        ("?index=-1", {}, "index"),
        ("?index=x", {}, "index"),
        ("?index=99999999999", {}, "index"),
        ("?index=²", {}, "index"),
        ("", {"id": "ogre"}, "id"),
        ("", {"id": ""}, "id"),
        ("", {"id": True}, "id"),
        ("", {"id": "a", "visible": "yes"}, "visible"),
    ],
)
def test_a_bad_new_item_is_refused_by_its_place(
    editor: User, portal_view: PortalView, query: str, body: Any, key: str
) -> None:
    refused(as_(editor).post(at(portal_view, f"/items{query}"), body), "invalid-payload", key)
    portal_view.refresh_from_db()
    assert portal_view.version == 1


def test_a_patch_merges_and_null_removes(editor: User, portal_view: PortalView, published: Published) -> None:
    answers: list[Any] = []
    [event] = published(
        lambda: answers.append(as_(editor).patch(at(portal_view, "/items/ogre"), {"hp": 3, "ac": None}))
    )
    item = answers[0].json()["item"]
    assert item["hp"] == 3
    assert "ac" not in item
    assert isinstance(event, PortalViewChanged)
    assert event.controllers == Seen({}, (Updated("ogre", {"hp": 3, "ac": None}, 1),))


def test_if_match_names_the_item_alone(editor: User, portal_view: PortalView) -> None:
    path = at(portal_view, "/items/ogre")
    tag = as_(editor).get(path)["ETag"]
    assert as_(editor).patch(at(portal_view, "/items/map"), {"name": "Map"}).status_code == 200
    assert as_(editor).get(path, HTTP_IF_NONE_MATCH=tag).status_code == 304
    moved = as_(editor).put(f"{path}/position", {"index": 2}, HTTP_IF_MATCH=tag)
    assert (moved.status_code, moved["ETag"]) == (200, tag)
    assert as_(editor).patch(path, {"hp": 1}, HTTP_IF_MATCH=tag).status_code == 200
    for answer in (
        as_(editor).patch(path, {"hp": 2}, HTTP_IF_MATCH=tag),
        as_(editor).put(f"{path}/position", {"index": 0}, HTTP_IF_MATCH=tag),
        as_(editor).delete(path, HTTP_IF_MATCH=tag),
    ):
        refused(answer, "version-conflict")
    assert as_(editor).delete(path, HTTP_IF_MATCH="*").status_code == 204


def test_a_viewers_tag_tells_nothing_of_what_is_hidden(viewer: User, editor: User, portal_view: PortalView) -> None:
    path = at(portal_view, "/items/ogre")
    tag = as_(viewer).get(path)["ETag"]
    assert as_(editor).patch(path, {"hp": 1}).status_code == 200
    assert as_(viewer).get(path)["ETag"] == tag
    assert as_(editor).patch(path, {"name": "Ogress"}).status_code == 200
    assert as_(viewer).get(path)["ETag"] != tag


def test_an_item_is_moved_and_removed(editor: User, portal_view: PortalView, published: Published) -> None:
    client, path = as_(editor), at(portal_view, "/items/map")
    [moved] = published(lambda: client.put(f"{path}/position", {"index": 2}))
    [removed] = published(lambda: client.delete(path))
    assert isinstance(moved, PortalViewChanged)
    assert isinstance(removed, PortalViewChanged)
    assert (moved.controllers.edits, moved.viewers.edits) == ((Moved("map", 2),), (Moved("map", 1),))
    assert (removed.controllers.edits, removed.viewers.edits) == ((Removed("map"),), (Removed("map"),))
    refused(client.put(f"{path}/position", {"index": 0}), "not-found")
    refused(client.put(at(portal_view, "/items/ogre/position"), {"index": 2}), "invalid-payload", "index")
    refused(client.put(at(portal_view, "/items/ogre/position"), {}), "invalid-payload", "index")


@pytest.mark.parametrize("item_id", ["a/b", "a b", "ä", "position", "a%2Fb", "7", "%"])
def test_an_id_may_hold_any_character(editor: User, portal_view: PortalView, item_id: str) -> None:
    answer = as_(editor).post(at(portal_view, "/items"), {"id": item_id})
    assert as_(editor).get(answer["Location"]).json() == {"id": item_id}
    path = at(portal_view, f"/items/{quote(item_id, safe='')}")
    assert as_(editor).patch(path, {"name": "A"}).json()["item"] == {"id": item_id, "name": "A"}
    assert as_(editor).put(f"{path}/position", {"index": 0}).json()["index"] == 0
    assert as_(editor).delete(path).status_code == 204


@pytest.mark.parametrize("body", [{"currentItem": 1}, {"currentItemId": "b"}, {"currentItem": 1, "currentItemId": "b"}])
def test_a_replacement_may_name_what_is_current_by_either_key(
    editor: User, portal_view: PortalView, body: dict[str, Any]
) -> None:
    whole = {"name": "New", "items": [{"id": "a"}, {"id": "b"}], **body}
    answered = as_(editor).put(at(portal_view, ""), whole).json()
    assert (answered["currentItem"], answered["currentItemId"]) == (1, "b")
    cleared = as_(editor).put(at(portal_view, ""), {"name": "New"}).json()
    assert (cleared["currentItem"], cleared["currentItemId"], cleared["camera"]) == (None, None, None)
