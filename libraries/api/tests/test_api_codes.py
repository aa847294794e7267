"""Short codes and screens over REST: the shapes, and what is refused how."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.grants import link_of_token
from libraries.models import PortalView, ShareLink, User
from libraries.services.share_links import create_share_link
from libraries.tests.rest import as_, refused
from libraries.tokens import verify_guest

pytestmark = pytest.mark.django_db


@pytest.fixture
def link(portal_view: PortalView) -> ShareLink:
    return create_share_link(actor_id=None, portal_view_id=portal_view.id, label="Table")[0]


@pytest.fixture
def code_at(link: ShareLink) -> str:
    return f"/api/portal-views/{link.portal_view_id}/share-links/{link.id}/code"


def join(**body: Any) -> Any:
    """The answer to somebody without an account."""
    return as_(None).post("/api/join", body)


def test_a_guest_joins_by_code(code_at: str, link: ShareLink, editor: User) -> None:
    started = as_(editor).post(code_at)
    assert started.json().keys() == {"code", "expiresAt"}
    answer = join(code=started.json()["code"], name="Ann")
    seat = answer.json()
    credential = verify_guest(seat["guest"])
    assert seat == {
        "portalViewId": str(link.portal_view_id),
        "guest": seat["guest"],
        "subject": {"kind": "guest", "id": str(credential.subject), "name": "Ann"},
    }
    assert all("no-store" in one["Cache-Control"] for one in (started, answer))
    assert join(code=started.json()["code"]).json()["subject"]["name"] is None
    assert as_(editor).delete(code_at).status_code == 204
    refused(join(code=started.json()["code"]), "not-found")


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({}, "code"),
        ({"code": ""}, "code"),
        ({"code": 234567}, "code"),
        ({"code": "A" * 33}, "code"),
        ({"code": "AAAAA0"}, "code"),
        ({"code": "AAAAAA", "name": "a" * 51}, "name"),
        ({"code": "AAAAAA", "name": "a\u202eb"}, "name"),
        ({"code": "AAAAAA", "link": "x"}, "link"),
    ],
)
def test_a_bad_value_is_named(body: dict[str, Any], key: str) -> None:
    refused(join(**body), "invalid-payload", key)


def test_wrong_codes_are_limited(link: ShareLink) -> None:
    for _ in range(10):
        refused(join(code="AAAAAA"), "not-found")
    answer = join(code="AAAAAA")
    refused(answer, "throttled")
    assert 0 < int(answer["Retry-After"]) <= 60


def test_a_code_of_an_ended_link(code_at: str, link: ShareLink, owner: User) -> None:
    as_(owner).delete(code_at.removesuffix("/code"))
    refused(as_(owner).post(code_at), "link-withdrawn")


def test_a_screen_is_added(portal_view: PortalView, editor: User) -> None:
    screen = as_(None).post("/api/screens").json()
    assert screen.keys() == {"code", "claim", "expiresAt"}

    def claim() -> Any:
        return as_(None).post("/api/screens/claim", {"claim": screen["claim"]})

    assert claim().json() == {"state": "waiting", "portalViewId": None, "token": None, "link": None}
    body = {"code": screen["code"], "label": "TV in the hall"}
    added = as_(editor).post(f"/api/portal-views/{portal_view.id}/screens", body)
    assert (added.status_code, added.json()["isScreen"], added.json()["label"]) == (201, True, "TV in the hall")
    assert added["Location"] == f"/api/portal-views/{portal_view.id}/share-links/{added.json()['id']}"
    ready = claim().json()
    assert ready["state"] == "ready"
    assert ready["portalViewId"] == str(portal_view.id)
    assert ready["link"] == f"http://testserver/view/{ready['token']}"
    assert str(link_of_token(ready["token"])) == added.json()["id"]
    as_(editor).delete(added["Location"])
    refused(claim(), "link-withdrawn")
    refused(as_(None).post("/api/screens/claim", {"claim": "x"}), "not-found")


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"code": "AAAAAA"}, "label"),
        ({"code": "AAAAAA", "label": ""}, "label"),
        ({"code": "AAAAAA", "label": "a" * 101}, "label"),
        ({"label": "TV"}, "code"),
        ({"code": "AAAAA1", "label": "TV"}, "code"),
    ],
)
def test_a_bad_screen_is_named(portal_view: PortalView, owner: User, body: dict[str, Any], key: str) -> None:
    refused(as_(owner).post(f"/api/portal-views/{portal_view.id}/screens", body), "invalid-payload", key)
    assert not ShareLink.objects.exists()
