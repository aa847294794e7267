"""Invitations in the admin: made with a link that is shown once, and withdrawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail as django_mail
from django.utils import timezone

from libraries import mail
from libraries.models import Invitation, Library, User
from libraries.rules.emails import NOT_PLAIN
from libraries.rules.roles import Role
from libraries.services import invitations as service
from libraries.services.invitations import accept_by_token, create_invitation
from libraries.tests.admin.conftest import Desk, add, body, change, delete, list_of, says

FORBIDDEN = 403
ALL = ("view_invitation", "add_invitation", "delete_invitation", "add_membership")


@pytest.fixture
def made(library: Library, owner: User) -> tuple[Invitation, str]:
    return create_invitation(
        inviter_id=owner.id,
        library_id=library.id,
        role=Role.EDITOR,
        link_of=lambda token: token,
        email="invited@example.org",
    )


def test_an_invitation_is_made_and_its_link_shown_once(desk: Desk, library: Library, stranger: User) -> None:
    page = desk.post(add(Invitation), {"library": library.pk, "email": " New@Example.org", "role": "EDITOR"})
    [token] = re.findall(r"http://testserver/invitation/([\w-]{32})", says(page))
    made = Invitation.objects.get()
    assert (made.email, made.role, made.library, made.invited_by) == ("new@example.org", "EDITOR", library, desk.user)
    for address in (list_of(Invitation), change(made), delete(made)):
        assert token not in body(desk.get(address))
        assert made.digest not in body(desk.get(address))
    assert accept_by_token(user_id=stranger.id, token=token).role == "EDITOR"


def test_one_with_an_address_is_mailed(desk: Desk, library: Library, settings: Any) -> None:
    settings.PORTAL_SENDS_MAIL = True
    desk.post(add(Invitation), {"library": library.pk, "email": "new@example.org", "role": "VIEWER"})
    assert mail.wait_until_sent(5)
    [message] = django_mail.outbox
    assert message.to == ["new@example.org"]
    assert "\nhttp://testserver/invitation/" in str(message.body)


def test_refusals_are_shown(desk: Desk, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    new = {"library": library.pk, "email": '"ada"@example.org', "role": "VIEWER"}
    assert NOT_PLAIN in says(desk.post(add(Invitation), new))
    monkeypatch.setattr(service, "MAX_OPEN_INVITATIONS", 0)
    assert "withdraw some" in says(desk.post(add(Invitation), {**new, "email": ""}))
    assert not Invitation.objects.exists()


def test_it_is_shown_without_addresses_of_people(
    clerk: Callable[..., Desk], made: tuple[Invitation, str], owner: User, stranger: User
) -> None:
    invitation, token = made
    owner.name = "Ottilie"
    owner.save()
    accept_by_token(user_id=stranger.id, token=token)
    desk = clerk(*ALL)
    for address in (list_of(Invitation), change(invitation), delete(invitation)):
        text = body(desk.get(address))
        assert owner.email not in text
        assert stranger.email not in text
    for name in (owner.name, stranger.name, "invited@example.org", "accepted"):
        assert name in body(desk.get(list_of(Invitation)))
    Invitation.objects.update(invited_by=None)
    assert owner.name not in body(desk.get(list_of(Invitation)))


def test_one_is_withdrawn(desk: Desk, made: tuple[Invitation, str]) -> None:
    desk.post(delete(made[0]), {"post": "yes"})
    assert not Invitation.objects.exists()


def test_several_are_withdrawn(desk: Desk, library: Library, made: tuple[Invitation, str]) -> None:
    other = Invitation.objects.create(library=library, digest="x", expires_at=timezone.now())
    desk.act("delete_selected", made[0], other, post="yes")
    assert not Invitation.objects.exists()


def test_one_that_was_accepted_stays(
    desk: Desk, library: Library, made: tuple[Invitation, str], stranger: User
) -> None:
    accept_by_token(user_id=stranger.id, token=made[1])
    other = Invitation.objects.create(library=library, digest="x", expires_at=timezone.now())
    assert "remove the member instead" in says(desk.post(delete(made[0]), {"post": "yes"}))
    assert "remove the member instead" in says(desk.act("delete_selected", made[0], other, post="yes"))
    assert Invitation.objects.count() == 2
    desk.post(delete(library), {"post": "yes"})
    assert not Invitation.objects.exists()


def test_nobody_changes_one(desk: Desk, made: tuple[Invitation, str]) -> None:
    desk.post(change(made[0]), {"role": "OWNER"}, status=FORBIDDEN)
    assert Invitation.objects.get().role == "EDITOR"


@pytest.mark.parametrize("lacks", ["add_invitation", "add_membership"])
def test_who_may_not_add_members_invites_nobody(clerk: Callable[..., Desk], library: Library, lacks: str) -> None:
    desk = clerk(*(name for name in ALL if name != lacks))
    desk.get(add(Invitation), status=FORBIDDEN)
    desk.post(add(Invitation), {"library": library.pk, "email": "", "role": "OWNER"}, status=FORBIDDEN)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("lookup", ["digest", "digest__startswith", "mailed_digest__gt", "invited_by__email"])
def test_lists_cannot_be_filtered_by_what_is_stored_of_links(desk: Desk, lookup: str) -> None:
    desk.get(f"{list_of(Invitation)}?{lookup}=a", status=400)
