"""Invitations by REST: permissions, what each answer shows, and that the link is shown once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from libraries.conftest import Mailed
from libraries.models import Invitation, Library, Membership, User
from libraries.rules.emails import NOT_PLAIN
from libraries.tests.rest import CAST, CODES, as_, cast, refused

# method, the path after the library's address, body, then the status for each person
ALLOWED: list[tuple[str, str, Any, tuple[int, ...]]] = [
    ("get", "/invitations", None, (200, 403, 403, 404, 401)),
    ("post", "/invitations", {"email": "other@example.org", "role": "EDITOR"}, (201, 403, 403, 404, 401)),
    ("delete", "/invitations/{invitation}", None, (204, 403, 403, 404, 401)),
]


def make(library: Library, owner: User, **body: str) -> dict[str, Any]:
    answer = as_(owner).post(f"/api/libraries/{library.id}/invitations", body)
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def token_of(made: dict[str, Any]) -> dict[str, str]:
    return {"token": made["link"].rpartition("/")[2]}


def verify(user: User) -> None:
    User.objects.filter(id=user.id).update(email_verified_at=timezone.now())


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize(("method", "after", "body", "statuses"), ALLOWED)
@pytest.mark.parametrize("slash", ["", "/"])
def test_permissions_by_role(
    request: pytest.FixtureRequest,
    library: Library,
    owner: User,
    who: str,
    method: str,
    after: str,
    body: Any,
    statuses: tuple[int, ...],
    slash: str,
) -> None:
    invitation = make(library, owner)["id"]
    request.getfixturevalue("stranger")
    path = f"/api/libraries/{library.id}{after.format(invitation=invitation)}{slash}"
    answer = getattr(cast(request, who), method)(path, body)
    expected = statuses[CAST.index(who)]
    assert answer.status_code == expected, answer.content
    if expected >= 400:
        refused(answer, CODES[expected])
    assert (Invitation.objects.count() != 1) == (expected < 300 and method != "get")


def test_the_link_is_shown_once(owner: User, library: Library) -> None:
    path = f"/api/libraries/{library.id}/invitations"
    answer = as_(owner).post(path, {"email": " Stranger@Example.org ", "role": "EDITOR"})
    made = answer.json()
    assert answer["Location"] == f"{path}/{made['id']}"
    assert answer["Cache-Control"] == "no-store"
    token = made["link"].removeprefix("http://testserver/invitation/")
    assert len(token) == 32
    assert made == {
        "id": str(Invitation.objects.get().id),
        "email": "stranger@example.org",
        "role": "EDITOR",
        "state": "open",
        "link": f"http://testserver/invitation/{token}",
        "createdAt": made["createdAt"],
        "expiresAt": made["expiresAt"],
        "invitedBy": {"userId": str(owner.id), "name": "Owner"},
        "acceptedBy": None,
        "acceptedAt": None,
    }
    listed = as_(owner).get(path)
    del made["link"]
    assert listed.json()["results"] == [made]
    assert token not in listed.content.decode()


def test_owners_see_who_accepted(owner: User, stranger: User, library: Library) -> None:
    path = f"/api/libraries/{library.id}/invitations"
    as_(stranger).post("/api/invitations/accept", token_of(make(library, owner)))
    [shown] = as_(owner).get(path).json()["results"]
    assert shown["acceptedBy"] == {"userId": str(stranger.id), "name": "Stranger", "email": "stranger@example.org"}
    assert (shown["state"], shown["acceptedAt"] is None) == ("accepted", False)
    refused(as_(owner).delete(f"{path}/{shown['id']}"), "conflict")
    stranger.memberships.all().delete()
    stranger.delete()
    [shown] = as_(owner).get(path).json()["results"]
    assert (shown["state"], shown["acceptedBy"]) == ("accepted", None)


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({"email": "nobody"}, ["email"]),
        ({"email": "аda@example.org"}, ["email"]),
        ({"email": 'ada+"x"@example.org'}, ["email"]),
        ({"email": None}, ["email"]),
        ({"email": "a@example.org\nBcc: b@example.org"}, ["email"]),
        ({"role": "editor"}, ["role"]),
        ({"role": None}, ["role"]),
        ({"role": ["EDITOR"]}, ["role"]),
        ({"userId": "x"}, ["userId"]),
        ([], []),
    ],
)
def test_bad_invitations(owner: User, library: Library, body: Any, keys: list[str]) -> None:
    refused(as_(owner).post(f"/api/libraries/{library.id}/invitations", body), "invalid-payload", *keys)
    assert not Invitation.objects.exists()


def test_a_quoted_address_is_refused_with_the_reason(owner: User, library: Library) -> None:
    answer = as_(owner).post(f"/api/libraries/{library.id}/invitations", {"email": '"ada"@example.org'})
    assert NOT_PLAIN in refused(answer, "invalid-payload", "email")


def test_the_answer_does_not_tell_whether_there_is_an_account(
    owner: User, stranger: User, library: Library, settings: Any, mailed: Mailed
) -> None:
    settings.PORTAL_SENDS_MAIL = True
    answers = []
    for email in (stranger.email, "nobody@example.org"):
        made: list[dict[str, Any]] = []
        [message] = mailed(lambda email=email, made=made: made.append(make(library, owner, email=email)))  # type: ignore[misc]
        assert message.to == [email]
        assert "\nhttp://testserver/invitation/" in str(message.body)
        assert made[0]["link"] not in str(message.body)
        kept = made[0].keys() - {"id", "email", "link", "createdAt", "expiresAt"}
        answers.append({key: made[0][key] for key in kept})
    assert answers[0] == answers[1]


# --- For those who are invited ----------------------------------------------------------------------------


def test_a_link_is_looked_at_and_accepted(owner: User, stranger: User, library: Library) -> None:
    made = make(library, owner, role="EDITOR")
    seen = as_(None).post("/api/invitations/look", token_of(made))
    assert seen.json() == {"libraryName": "Library", "role": "EDITOR", "expiresAt": made["expiresAt"]}
    assert seen["Cache-Control"] == "no-store"
    refused(as_(None).post("/api/invitations/accept", token_of(made)), "not-authenticated")
    joined = as_(stranger).post("/api/invitations/accept", token_of(made))
    assert (joined.status_code, joined.json()) == (200, as_(stranger).get(f"/api/libraries/{library.id}").json())
    assert joined.json()["role"] == "EDITOR"
    for again in (as_(None).post("/api/invitations/look", token_of(made)), _accept(stranger, made)):
        assert "ask an owner for a new one" in refused(again, "not-found")


def _accept(user: User, made: dict[str, Any]) -> Any:
    return as_(user).post("/api/invitations/accept", token_of(made))


def test_a_member_keeps_the_role(owner: User, viewer: User, library: Library) -> None:
    refused(_accept(viewer, make(library, owner, role="OWNER")), "conflict")
    assert Membership.objects.get(user=viewer).role == "VIEWER"
    assert Invitation.objects.get().state == "open"


@pytest.mark.parametrize("body", [{}, {"token": None}, {"token": 5}, {"token": "x" * 129}, {"token": "x", "y": 1}])
def test_bad_tokens(stranger: User, body: Any) -> None:
    for path in ("/api/invitations/accept", "/api/invitations/look"):
        refused(as_(stranger).post(path, body), "invalid-payload", "y" if "y" in body else "token")


def test_invitations_to_my_address(owner: User, stranger: User, library: Library) -> None:
    made = make(library, owner, email=stranger.email)
    make(library, owner, email="other@example.org")
    client, accept = as_(stranger), f"/api/invitations/{made['id']}/accept"
    for answer in (client.get("/api/invitations"), client.post(accept)):
        assert "Verify your e-mail address" in refused(answer, "forbidden")
    verify(stranger)
    assert client.get("/api/invitations").json()["results"] == [
        {
            "id": made["id"],
            "libraryName": "Library",
            "role": "VIEWER",
            "createdAt": made["createdAt"],
            "expiresAt": made["expiresAt"],
            "invitedBy": {"userId": str(owner.id), "name": "Owner"},
        }
    ]
    assert client.post(accept).json()["id"] == str(library.id)
    assert client.get("/api/invitations").json()["results"] == []
    refused(client.post(accept), "not-found")
    refused(client.post(f"/api/invitations/{uuid4()}/accept"), "not-found")
    refused(as_(None).get("/api/invitations"), "not-authenticated")


def test_a_withdrawn_invitation_is_gone(owner: User, stranger: User, library: Library) -> None:
    made = make(library, owner)
    path = f"/api/libraries/{library.id}/invitations/{made['id']}"
    assert as_(owner).delete(path).status_code == 204
    refused(as_(owner).delete(path), "not-found")
    refused(_accept(stranger, made), "not-found")
