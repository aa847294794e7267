"""Libraries and their members: permissions, and the effects of each request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from libraries.models import Library, Membership, PortalView, User
from libraries.rules.roles import Role
from libraries.tests.rest import CAST, CODES, as_, cast, refused

FLAGS = ("showAudience", "showActivity")

# method, the path after the library's address, body, then the status for each person
ALLOWED: list[tuple[str, str, Any, tuple[int, ...]]] = [
    ("get", "", None, (200, 200, 200, 404, 401)),
    ("patch", "", {"name": "New"}, (200, 200, 403, 404, 401)),
    ("put", "", {"name": "New"}, (200, 200, 403, 404, 401)),
    ("delete", "", None, (204, 403, 403, 404, 401)),
    ("get", "/members", None, (200, 200, 200, 404, 401)),
    ("patch", "/members/{other}", {"role": "EDITOR"}, (200, 403, 403, 404, 401)),
    ("delete", "/members/{other}", None, (204, 403, 403, 404, 401)),
    ("get", "/portal-views", None, (200, 200, 200, 404, 401)),
    ("post", "/portal-views", {"name": "New"}, (201, 201, 403, 404, 401)),
]


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize(("method", "after", "body", "statuses"), ALLOWED)
@pytest.mark.parametrize("slash", ["", "/"])
def test_permissions_by_role(
    request: pytest.FixtureRequest,
    library: Library,
    make_user: Callable[[str], User],
    who: str,
    method: str,
    after: str,
    body: Any,
    statuses: tuple[int, ...],
    slash: str,
) -> None:
    other = make_user("other")
    if "{other}" in after:
        Membership.objects.create(library=library, user=other, role=Role.VIEWER)
    before = everything()
    path = f"/api/libraries/{library.id}{after.format(other=other.id)}{slash}"
    answer = getattr(cast(request, who), method)(path, body)
    expected = statuses[CAST.index(who)]
    assert answer.status_code == expected, answer.content
    if expected >= 400:
        refused(answer, CODES[expected])
    assert (everything() != before) == (expected < 300 and method != "get")


def everything() -> list[Any]:
    """All stored data of libraries."""
    return [list(model.objects.values().order_by("id")) for model in (Library, Membership, PortalView)]


# --- Libraries --------------------------------------------------------------------------------------------


def test_the_creator_of_a_library_owns_it(stranger: User, library: Library) -> None:
    answer = as_(stranger).post("/api/libraries", {"name": " Club ", "description": "Mondays"})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["name"], body["description"], body["role"]) == ("Club", "Mondays", "OWNER")
    assert answer["Location"] == f"/api/libraries/{body['id']}"
    assert as_(stranger).get(answer["Location"]).json() == body
    assert [mine["id"] for mine in as_(stranger).get("/api/libraries").json()["results"]] == [body["id"]]
    assert set(body) == {"id", "name", "description", *FLAGS, "disclosure", "role", "createdAt", "updatedAt"}
    assert body["createdAt"].endswith("Z")
    assert len(body["createdAt"]) == len("2026-01-05T18:30:00.000Z")


@pytest.mark.parametrize("who", ["owner", "editor", "viewer"])
def test_the_role_in_an_answer_is_the_askers(request: pytest.FixtureRequest, library: Library, who: str) -> None:
    client = cast(request, who)
    assert client.get(f"/api/libraries/{library.id}").json()["role"] == who.upper()
    assert [mine["role"] for mine in client.get("/api/libraries").json()["results"]] == [who.upper()]


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "  "}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"name": 5}, ["name"]),
        ({"name": "a\0b"}, ["name"]),
        ({"name": "x", "description": "x" * 2001}, ["description"]),
        ({"name": "x", "description": None}, ["description"]),
        ({"name": "x", "members": []}, ["members"]),
        ({"name": "", "description": 1}, ["name", "description"]),
        ([], []),
        ("x", []),
    ],
)
def test_bad_libraries(owner: User, library: Library, body: Any, keys: list[str]) -> None:
    refused(as_(owner).post("/api/libraries", body), "invalid-payload", *keys)
    refused(as_(owner).put(f"/api/libraries/{library.id}", body), "invalid-payload", *keys)
    library.refresh_from_db()
    assert library.name == "Library"
    assert Library.objects.count() == 1


def test_a_library_is_patched_and_replaced(owner: User, library: Library) -> None:
    path = f"/api/libraries/{library.id}"
    changed = as_(owner).patch(path, {"description": "Mondays", "role": "VIEWER", "id": str(uuid4())}).json()
    assert (changed["name"], changed["description"], changed["role"]) == ("Library", "Mondays", "OWNER")
    assert as_(owner).patch(path, {"name": "Club"}).json()["description"] == "Mondays"
    replaced = as_(owner).put(path, {"name": "Club"}).json()
    assert (replaced["name"], replaced["description"]) == ("Club", "")
    assert as_(owner).get(path).json() == replaced


@pytest.mark.parametrize("flag", FLAGS)
def test_only_owners_change_what_viewers_learn_of_people(
    request: pytest.FixtureRequest, library: Library, owner: User, flag: str
) -> None:
    path = f"/api/libraries/{library.id}"
    for who, status in (("editor", 403), ("viewer", 403), ("stranger", 404), ("nobody", 401)):
        assert cast(request, who).patch(path, {flag: True}).status_code == status
    assert as_(owner).get(path).json()[flag] is False
    assert as_(owner).patch(path, {flag: True}).json()[flag] is True
    assert as_(owner).put(path, {"name": "Club"}).json()[flag] is True
    assert cast(request, "editor").patch(path, {flag: True, "name": "Same"}).status_code == 200
    for who in ("editor", "viewer"):
        shown = cast(request, who).get(path).json()
        assert [shown[name] for name in FLAGS] == [name == flag for name in FLAGS]
    assert as_(owner).patch(path, {flag: False}).json()[flag] is False
    refused(as_(owner).patch(path, {flag: "perhaps"}), "invalid-payload", flag)
    made = as_(owner).post("/api/libraries", {"name": "New", flag: True}).json()
    assert [made[name] for name in FLAGS] == [name == flag for name in FLAGS]


def test_a_library_is_deleted_with_its_portal_views(owner: User, portal_view: PortalView) -> None:
    answer = as_(owner).delete(f"/api/libraries/{portal_view.library_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(as_(owner).get(f"/api/portal-views/{portal_view.id}"), "not-found")


# --- Members ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["owner", "editor", "viewer"])
def test_only_owners_see_e_mail_addresses(request: pytest.FixtureRequest, library: Library, who: str) -> None:
    answer = cast(request, who).get(f"/api/libraries/{library.id}/members")
    members = {member["name"]: member for member in answer.json()["results"]}
    editor = request.getfixturevalue("editor")
    shown = {"userId": str(editor.id), "name": "Editor", "role": "EDITOR"}
    if who == "owner":
        shown["email"] = "editor@example.org"
    assert members["Editor"] == shown
    assert len(members) == 3
    assert (b"@example.org" in answer.content) == (who == "owner")


def test_members_are_not_added_any_more(owner: User, stranger: User, library: Library) -> None:
    path = f"/api/libraries/{library.id}/members"
    for user in (owner, stranger):
        for body in ({"email": "stranger@example.org"}, {}, None):
            assert f"/api/libraries/{library.id}/invitations" in refused(as_(user).post(path, body), "gone")
    refused(as_(None).post(path, {}), "not-authenticated")
    assert Membership.objects.count() == 3


def test_a_member_is_promoted_and_removed(owner: User, stranger: User, library: Library) -> None:
    members = f"/api/libraries/{library.id}/members"
    Membership.objects.create(library=library, user=stranger, role=Role.VIEWER)
    path = f"{members}/{stranger.id}"
    assert as_(stranger).get(f"/api/libraries/{library.id}").json()["role"] == "VIEWER"
    assert as_(owner).patch(path, {"role": "OWNER"}).json() == {
        "userId": str(stranger.id),
        "email": "stranger@example.org",
        "name": "Stranger",
        "role": "OWNER",
    }
    assert as_(stranger).delete(f"{members}/{owner.id}").status_code == 204
    refused(as_(owner).get(members), "not-found")


@pytest.mark.parametrize("body", [{}, {"role": "GUEST"}, {"role": "OWNER", "email": "x"}, []])
def test_bad_roles(owner: User, viewer: User, library: Library, body: Any) -> None:
    answer = as_(owner).patch(f"/api/libraries/{library.id}/members/{viewer.id}", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-payload")
    assert Membership.objects.get(user=viewer).role == "VIEWER"


@pytest.mark.parametrize("who", ["editor", "viewer"])
def test_every_member_may_leave(request: pytest.FixtureRequest, library: Library, who: str) -> None:
    client = cast(request, who)
    path = f"/api/libraries/{library.id}/members/{request.getfixturevalue(who).id}"
    assert client.delete(path).status_code == 204
    refused(client.delete(path), "not-found")


def test_the_last_owner_cannot_leave(owner: User, library: Library) -> None:
    path = f"/api/libraries/{library.id}/members/{owner.id}"
    assert "somebody else" in refused(as_(owner).delete(path), "conflict")
    assert "somebody else" in refused(as_(owner).patch(path, {"role": "VIEWER"}), "conflict")
    assert as_(owner).patch(path, {"role": "OWNER"}).status_code == 200


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_a_person_who_is_no_member_is_not_found(owner: User, stranger: User, library: Library, method: str) -> None:
    answer = getattr(as_(owner), method)(f"/api/libraries/{library.id}/members/{stranger.id}", {"role": "OWNER"})
    refused(answer, "not-found")
