"""ETag, If-Match and If-None-Match of portal views."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.models import Membership, PortalView, User
from libraries.rules.projection import digest
from libraries.tests.rest import as_, refused

# Against version 2: the header's value -> the status of a write with it
CONDITIONS = {
    '"2"': 200,
    '"1", "2"': 200,
    '"2", "x", W/"2"': 200,
    '"7", "2", "1"': 200,
    "*": 200,
    '"1"': 412,
    '"3"': 412,
    '"1", "3"': 412,
    'W/"2"': 200,  # as changed by a proxy that compresses
    '"2-gzip"': 200,
    'W/"1"': 412,
    '"2-viewer"': 412,
    '"02"': 412,
    '""': 412,
    "2": 400,
    '"2': 400,
    "": 400,
    '*, "2"': 400,
}

VIEWERS = f'"2-viewer-{digest()}"'


@pytest.fixture
def path(portal_view: PortalView) -> str:
    PortalView.objects.update(version=2)
    return f"/api/portal-views/{portal_view.id}"


@pytest.mark.parametrize("method", ["patch", "put", "delete"])
@pytest.mark.parametrize(("condition", "status"), CONDITIONS.items())
def test_if_match(editor: User, path: str, method: str, condition: str, status: int) -> None:
    before = list(PortalView.objects.values())
    answer = getattr(as_(editor), method)(path, {"name": "New"}, HTTP_IF_MATCH=condition)
    if status == 200:
        assert answer.status_code in (200, 204), answer.content
        assert method == "delete" or answer["ETag"] == '"3"'
        assert list(PortalView.objects.values()) != before
        return
    refused(answer, *(["version-conflict"] if status == 412 else ["invalid-payload", "If-Match"]))
    assert list(PortalView.objects.values()) == before


def test_the_second_of_two_writers_gets_a_conflict(owner: User, editor: User, path: str) -> None:
    tag = as_(owner).get(path)["ETag"]
    assert as_(editor).patch(path, {"showAC": True}, HTTP_IF_MATCH=tag).status_code == 200
    refused(as_(owner).patch(path, {"name": "Lost"}, HTTP_IF_MATCH=tag), "version-conflict")
    fresh = as_(owner).get(path)
    assert (fresh.json()["name"], fresh.json()["showAC"]) == ("Evening", True)
    assert as_(owner).patch(path, {"name": "Kept"}, HTTP_IF_MATCH=fresh["ETag"]).status_code == 200


@pytest.mark.parametrize(("who", "code"), [("viewer", "forbidden"), ("stranger", "not-found")])
@pytest.mark.parametrize("condition", ['"1"', '"2"', '"1", "2"', "*"])
def test_permission_comes_before_conditions(
    request: pytest.FixtureRequest, path: str, who: str, code: str, condition: str
) -> None:
    user: User = request.getfixturevalue(who)
    refused(as_(user).patch(path, {"name": "New"}, HTTP_IF_MATCH=condition), code)


@pytest.mark.parametrize(
    ("who", "condition", "status"),
    [
        ("owner", '"2"', 304),
        ("owner", 'W/"2"', 304),
        ("owner", '"1", "2"', 304),
        ("owner", "*", 304),
        ("owner", '"1"', 200),
        ("owner", VIEWERS, 200),
        ("viewer", VIEWERS, 304),
        ("viewer", '"2-viewer"', 200),
        ("viewer", '"2-viewer-00000000"', 200),
        ("viewer", '"2"', 200),
        ("stranger", "*", 404),
        ("owner", "2", 400),
    ],
)
def test_if_none_match(request: pytest.FixtureRequest, path: str, who: str, condition: str, status: int) -> None:
    answer = as_(request.getfixturevalue(who)).get(path, HTTP_IF_NONE_MATCH=condition)
    assert answer.status_code == status
    if status == 304:
        assert answer.content == b""
    if status < 400:
        assert answer["ETag"] == (VIEWERS if who == "viewer" else '"2"')
        assert "private" in answer["Cache-Control"]
        assert "no-cache" in answer["Cache-Control"]
        assert "Authorization" in answer["Vary"]


def test_a_viewers_copy_is_not_valid_after_a_promotion(viewer: User, path: str) -> None:
    seen = as_(viewer).get(path)
    Membership.objects.filter(user=viewer).update(role="EDITOR")
    assert as_(viewer).get(path, HTTP_IF_NONE_MATCH=seen["ETag"]).json()["items"][1]["hp"] == 30
    # Storing the projected items would lose the hidden values
    patch = {"items": seen.json()["items"][:2]}
    refused(as_(viewer).patch(path, patch, HTTP_IF_MATCH=seen["ETag"]), "version-conflict")


def test_a_write_between_check_and_lock_is_detected(owner: User, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of tags is compared before the lock is taken; the service compares again under it."""
    from libraries.api import portal_views as api

    def look_then_lose(**asked: Any) -> PortalView:
        found = PortalView.objects.get(id=asked["portal_view_id"])
        PortalView.objects.update(version=9)
        return found

    monkeypatch.setattr(api, "get_portal_view", look_then_lose)
    refused(as_(owner).patch(path, {"name": "Lost"}, HTTP_IF_MATCH='"1", "2"'), "version-conflict")
    assert PortalView.objects.get().name == "Evening"
