"""Batches and previews over REST."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.conftest import Published
from libraries.events import PortalViewChanged
from libraries.models import PortalView, User
from libraries.tests.rest import CAST, CODES, as_, cast, refused

CHANGES: list[dict[str, Any]] = [
    {"type": "item-add", "payload": {"slug": "goblin", "name": "Goblin"}, "index": 0},
    {"type": "item-update", "itemId": "ogre", "payload": {"hp": 3}},
    {"type": "item-move", "itemId": "map", "index": 0},
    {"type": "item-remove", "itemId": "spy"},
    {"type": "portal-view-update", "payload": {"showHealth": True, "currentItemId": "ogre"}},
    {
        "type": "portal-view-update",
        "payload": {"encounter": {"round": 0, "turn": None, "order": [{"itemId": "ogre", "initiative": 4}]}},
    },
    {"type": "encounter-next"},
]


def at(portal_view: PortalView, path: str) -> str:
    return f"/api/portal-views/{portal_view.id}{path}"


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize("path", ["/batch", "/preview"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_permissions_by_role(
    request: pytest.FixtureRequest, portal_view: PortalView, who: str, path: str, slash: str
) -> None:
    answer = cast(request, who).post(at(portal_view, path + slash), {"changes": CHANGES})
    expected = (200, 200, 403, 404, 401)[CAST.index(who)]
    assert answer.status_code == expected, answer.content
    if expected >= 400:
        refused(answer, CODES[expected])
    portal_view.refresh_from_db()
    assert portal_view.version == (2 if expected == 200 and path == "/batch" else 1)


def test_a_batch_is_one_version_and_one_event(editor: User, portal_view: PortalView, published: Published) -> None:
    answers: list[Any] = []
    [event] = published(lambda: answers.append(as_(editor).post(at(portal_view, "/batch"), {"changes": CHANGES})))
    body = answers[0].json()
    read = as_(editor).get(at(portal_view, "")).json()
    assert [item["id"] for item in read["items"]] == ["map", body["itemIds"][0], "ogre"]
    assert (body["version"], answers[0]["ETag"]) == (2, '"2"')
    assert body["payload"]["encounter"] == {
        "round": 1,
        "turn": "ogre",
        "order": [{"itemId": "ogre", "initiative": 4}],
    }
    assert (body["payload"]["currentItem"], body["warnings"]) == (2, [])
    assert isinstance(event, PortalViewChanged)
    assert event.version == 2


def test_nothing_of_a_batch_is_stored_if_one_change_is_refused(editor: User, portal_view: PortalView) -> None:
    bad = [*CHANGES, {"type": "item-move", "itemId": "spy", "index": 0}]
    refused(as_(editor).post(at(portal_view, "/batch"), {"changes": bad}), "invalid-payload", "changes[7].itemId")
    portal_view.refresh_from_db()
    assert (portal_view.version, len(portal_view.items)) == (1, 3)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({}, "changes"),
        ({"changes": []}, "changes"),
        ({"changes": {}}, "changes"),
        ({"changes": [{"type": "encounter-next"}] * 1001}, "changes"),
        ({"changes": CHANGES, "more": 1}, "more"),
        ({"changes": [*CHANGES, 1]}, "changes[7].type"),
        ({"changes": [{"type": "batch", "changes": CHANGES}]}, "changes[0].type"),
        ({"changes": [{"type": "item-add"}]}, "changes[0].payload"),
        ({"changes": [{"type": "item-add", "payload": {}, "index": "1"}]}, "changes[0].index"),
        ({"changes": [{"type": "item-update", "payload": {"hp": 1}}]}, "changes[0].itemId"),
        ({"changes": [{"type": "item-update", "itemId": "ogre", "payload": {"show": 1}}]}, "changes[0].payload.show"),
        ({"changes": [{"type": "portal-view-update", "payload": {"zoom": 1}}]}, "changes[0].payload.zoom"),
        (
            {"changes": [{"type": "portal-view-update", "payload": {"items": [{"id": 1}, {"id": "1"}]}}]},
            "changes[0].payload.items[1].id",
        ),
        ({"changes": [{"type": "encounter-next"}]}, "changes[0].encounter"),
    ],
)
def test_a_bad_batch_is_refused_by_its_place(editor: User, portal_view: PortalView, body: Any, key: str) -> None:
    for path in ("/batch", "/preview"):
        refused(as_(editor).post(at(portal_view, path), body), "invalid-payload", key)


def test_if_match_names_the_version(editor: User, portal_view: PortalView) -> None:
    tag = as_(editor).get(at(portal_view, ""))["ETag"]
    assert as_(editor).post(at(portal_view, "/batch"), {"changes": CHANGES}, HTTP_IF_MATCH=tag).status_code == 200
    again = as_(editor).post(at(portal_view, "/batch"), {"changes": CHANGES[-1:]}, HTTP_IF_MATCH=tag)
    refused(again, "version-conflict")


def test_a_preview_is_what_viewers_see_afterwards(
    editor: User, viewer: User, portal_view: PortalView, published: Published
) -> None:
    answers: list[Any] = []
    assert published(lambda: answers.append(as_(editor).post(at(portal_view, "/preview"), {"changes": CHANGES}))) == []
    assert as_(editor).post(at(portal_view, "/batch"), {"changes": CHANGES}).status_code == 200
    seen = as_(viewer).get(at(portal_view, "")).json()
    ignored = {"version", "updatedAt"}
    preview = answers[0].json()
    assert {key: value for key, value in preview.items() if key not in ignored} == {
        key: value for key, value in seen.items() if key not in ignored
    }
    assert preview["version"] == 1
