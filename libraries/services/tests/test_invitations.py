"""Invitations: who makes them, what they are good for, and that each is used once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from libraries import mail
from libraries.conftest import Mailed
from libraries.digests import digest_of
from libraries.models import Counter, Invitation, Library, Membership, User
from libraries.rules.errors import Conflict, Forbidden, InvalidPayload, NotFound, QuotaExceeded, TooManyAttempts
from libraries.rules.roles import Role
from libraries.services import invitations as service
from libraries.services.invitations import (
    accept_by_address,
    accept_by_token,
    create_invitation,
    invitations_for,
    invitations_of,
    look_at_invitation,
    withdraw_invitation,
)
from libraries.services.libraries import create_library, delete_library
from libraries.services.mailed import MAILS_PER_ADDRESS

LINK = "https://portal.example.org/invitation/"
STRANGER = "stranger@example.org"


def link_of(token: str) -> str:
    return LINK + token


@pytest.fixture
def invite(library: Library, owner: User) -> Callable[..., tuple[Invitation, str]]:
    """Make an invitation as the owner; returns it with the token of its link."""

    def invite(role: Role = Role.EDITOR, **more: Any) -> tuple[Invitation, str]:
        given = {"inviter_id": owner.id, "library_id": library.id, **more}
        invitation, link = create_invitation(role=role, link_of=link_of, **given)
        assert link.startswith(LINK)
        return invitation, link.removeprefix(LINK)

    return invite


Invite = Callable[..., tuple[Invitation, str]]


@pytest.fixture
def sends_mail(settings: Any) -> None:
    settings.PORTAL_SENDS_MAIL = True


def verify(user: User) -> User:
    user.email_verified_at = timezone.now()
    user.save()
    return user


def token_in(message: EmailMessage) -> str:
    [found] = re.findall(rf"^{LINK}(\S+)$", str(message.body), re.MULTILINE)
    return str(found)


def mailed_token(invite: Invite, mailed: Mailed, **more: Any) -> str:
    [message] = mailed(partial(invite, email=STRANGER, **more))
    return token_in(message)


def roles(library: Library) -> dict[str, str]:
    return dict(Membership.objects.filter(library=library).values_list("user__name", "role"))


# --- Making them ------------------------------------------------------------------------------------------


def test_only_digests_are_stored(invite: Invite, mailed: Mailed, sends_mail: None, owner: User) -> None:
    made: list[tuple[Invitation, str]] = []
    [message] = mailed(lambda: made.append(invite(email=STRANGER)))
    [(_, copied)], by_mail = made, token_in(message)
    stored = Invitation.objects.get()
    assert (stored.digest, stored.mailed_digest) == (digest_of(copied), digest_of(by_mail))
    assert len({copied, by_mail}) == 2
    assert all(len(token) == 32 for token in (copied, by_mail))
    row = str(Invitation.objects.values().get())
    assert copied not in row
    assert by_mail not in row
    assert copied not in str(message.body)
    assert (stored.role, stored.invited_by, stored.email, stored.state) == ("EDITOR", owner, STRANGER, "open")
    assert stored.expires_at - stored.created_at == timedelta(days=7)


@pytest.mark.parametrize("who", ["editor", "viewer"])
def test_only_owners_invite_list_and_withdraw(
    invite: Invite, library: Library, who: str, request: pytest.FixtureRequest, stranger: User
) -> None:
    invitation, _ = invite()
    for user, refusal in ((request.getfixturevalue(who), Forbidden), (stranger, NotFound)):
        with pytest.raises(refusal):
            invite(inviter_id=user.id)
        with pytest.raises(refusal):
            invitations_of(actor_id=user.id, library_id=library.id)
        with pytest.raises(refusal):
            withdraw_invitation(actor_id=user.id, library_id=library.id, invitation_id=invitation.id)
    assert Invitation.objects.count() == 1


def test_staff_invite_to_any_library(invite: Invite, stranger: User) -> None:
    invitation, _ = invite(inviter_id=stranger.id, is_staff=True)
    assert invitation.invited_by == stranger
    with pytest.raises(NotFound):
        invite(inviter_id=stranger.id, is_staff=True, library_id=uuid4())


@pytest.mark.parametrize("email", ["x y@example.org", "a@example.org\nBcc: b@example.org", "аda@example.org", "ada"])
def test_an_address_that_nobody_can_have_is_refused(invite: Invite, email: str) -> None:
    with pytest.raises(InvalidPayload) as refused:
        invite(email=email)
    assert set(refused.value.details or {}) == {"email"}
    assert not Invitation.objects.exists()


def test_open_invitations_of_a_library_are_limited(invite: Invite, monkeypatch: pytest.MonkeyPatch) -> None:
    assert service.MAX_OPEN_INVITATIONS == 100
    monkeypatch.setattr(service, "MAX_OPEN_INVITATIONS", 3)
    one, two, three = (invite()[0] for _ in range(3))
    with pytest.raises(QuotaExceeded, match="withdraw some"):
        invite()
    Invitation.objects.filter(id=one.id).update(expires_at=timezone.now())
    invite()
    with pytest.raises(QuotaExceeded):
        invite()
    Invitation.objects.filter(id=two.id).update(accepted_at=timezone.now())
    invite()
    with pytest.raises(QuotaExceeded):
        invite()
    withdraw_invitation(actor_id=None, library_id=three.library_id, invitation_id=three.id)
    invite()


def test_the_same_is_done_whether_there_is_an_account(
    invite: Invite,
    sends_mail: None,
    stranger: User,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Callable[[int], Any],
) -> None:
    sent: list[str | None] = []
    monkeypatch.setattr(mail, "send_on_commit", lambda to, subject, text: sent.append(to))
    invite(email="first@example.org")
    addresses = [stranger.email, "nobody@example.org", "viewer@example.org"]
    for address in addresses:
        with django_assert_num_queries(12):
            invite(email=address)
    assert sent[1:] == addresses


# --- Mail -------------------------------------------------------------------------------------------------


def test_without_a_mail_server_nothing_is_mailed(invite: Invite, mailed: Mailed, settings: Any) -> None:
    settings.PORTAL_SENDS_MAIL, settings.DEBUG = False, False
    assert mailed(partial(invite, email=STRANGER)) == []
    assert Invitation.objects.get().mailed_digest is None
    settings.DEBUG = True
    assert len(mailed(partial(invite, email=STRANGER))) == 1


def test_without_an_address_nothing_is_mailed(invite: Invite, mailed: Mailed, sends_mail: None) -> None:
    assert mailed(invite) == []
    assert Invitation.objects.get().mailed_digest is None


def test_names_in_the_mail_cannot_look_like_it(
    invite: Invite, mailed: Mailed, sends_mail: None, owner: User, library: Library
) -> None:
    evil = "Ada\r\nBcc: x@example.org\n\nhttps://evil.example.org\u2028now\u202e{link}\x85"
    User.objects.filter(id=owner.id).update(name=evil[:100])
    Library.objects.filter(id=library.id).update(name=evil)
    [message] = mailed(partial(invite, email=STRANGER))
    body = str(message.body)
    line = "Ada Bcc: x@example.org https://evil.example.org now {link}"
    assert f"By: “{line}”" in body.split("\n")
    assert f"Library: “{line}”" in body.split("\n")
    assert len(body.splitlines()) == len(service._TEXT.splitlines())
    assert (message.to, message.subject, message.bcc, message.cc) == ([STRANGER], service._SUBJECT, [], [])
    assert "multipart" not in message.message().as_string()
    token_in(message)


def test_mail_of_one_person_is_limited(
    invite: Invite, mailed: Mailed, sends_mail: None, stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service.MAILS_PER_PERSON == 50
    monkeypatch.setattr(service, "MAILS_PER_PERSON", 2)
    for _ in range(2):
        mailed(partial(invite, email=STRANGER))
    with pytest.raises(TooManyAttempts, match="copy the link") as refused:
        invite(email=STRANGER)
    assert 3_590 < refused.value.wait <= 3_600
    assert Invitation.objects.count() == 2
    longest = Counter._meta.get_field("key").max_length  # which SQLite does not check
    assert {len(counter.key) for counter in Counter.objects.all()} == {longest}
    invite()
    invite(email=STRANGER, inviter_id=stranger.id, is_staff=True)
    Counter.objects.update(expires_at=0)
    invite(email=STRANGER)


# --- Accepting by a link ----------------------------------------------------------------------------------


def test_a_copied_link_makes_whoever_accepts_it_the_member(invite: Invite, library: Library, stranger: User) -> None:
    invitation, token = invite(email="somebody-else@example.org")
    found = look_at_invitation(token=f" {token}\n")
    assert (found.id, found.library.name, found.role) == (invitation.id, "Library", "EDITOR")
    membership = accept_by_token(user_id=stranger.id, token=f" {token}\n")
    assert (membership.user, membership.library_id, membership.role) == (stranger, library.id, "EDITOR")
    assert roles(library)["Stranger"] == "EDITOR"
    stored = Invitation.objects.get()
    assert (stored.accepted_by, stored.state) == (stranger, "accepted")
    assert not User.objects.get(id=stranger.id).is_verified


def test_a_copied_link_does_not_verify_the_address(
    invite: Invite, mailed: Mailed, sends_mail: None, stranger: User
) -> None:
    tokens: list[str] = []
    mailed(lambda: tokens.append(invite(email=STRANGER)[1]))
    accept_by_token(user_id=stranger.id, token=tokens[0])
    assert not User.objects.get(id=stranger.id).is_verified


def test_a_mailed_link_verifies_the_address(invite: Invite, mailed: Mailed, sends_mail: None, stranger: User) -> None:
    accept_by_token(user_id=stranger.id, token=mailed_token(invite, mailed))
    assert User.objects.get(id=stranger.id).is_verified


def test_a_mailed_link_leaves_a_verified_address_alone(
    invite: Invite, mailed: Mailed, sends_mail: None, stranger: User
) -> None:
    before = verify(stranger).email_verified_at
    accept_by_token(user_id=stranger.id, token=mailed_token(invite, mailed))
    assert User.objects.get(id=stranger.id).email_verified_at == before


def test_a_mailed_link_of_another_address_verifies_nothing(
    invite: Invite, mailed: Mailed, sends_mail: None, make_user: Callable[[str], User], library: Library
) -> None:
    other = make_user("other")
    accept_by_token(user_id=other.id, token=mailed_token(invite, mailed))
    assert roles(library)["Other"] == "EDITOR"
    assert not User.objects.get(id=other.id).is_verified


@pytest.mark.parametrize("end", ["used", "used by mail", "withdrawn", "expired", "library deleted", "cut", "unknown"])
def test_what_ends_an_invitation_has_one_answer(
    invite: Invite,
    mailed: Mailed,
    sends_mail: None,
    library: Library,
    stranger: User,
    make_user: Callable[[str], User],
    end: str,
) -> None:
    made: list[tuple[Invitation, str]] = []
    [message] = mailed(lambda: made.append(invite(email=STRANGER)))
    [(invitation, copied)] = made
    tokens = [copied, token_in(message)]
    match end:
        case "used" | "used by mail":
            accept_by_token(user_id=make_user("first").id, token=tokens[end == "used by mail"])
        case "withdrawn":
            withdraw_invitation(actor_id=None, library_id=library.id, invitation_id=invitation.id)
        case "expired":
            Invitation.objects.update(expires_at=timezone.now())
            assert Invitation.objects.get().state == "expired"
        case "library deleted":
            delete_library(actor_id=None, library_id=library.id)
        case "cut":
            tokens = [token[:-1] for token in tokens]
        case _:
            tokens = ["", "x" * 32, "\ud800", invitation.digest, str(invitation.id)]
    before = Membership.objects.count()
    for token in tokens:
        for ask in (partial(accept_by_token, user_id=stranger.id), look_at_invitation):
            with pytest.raises(NotFound) as refused:
                ask(token=token)
            assert refused.value.message == service.NOT_GOOD
    assert Membership.objects.count() == before


def test_a_member_uses_no_invitation_up(invite: Invite, viewer: User, stranger: User, library: Library) -> None:
    _, token = invite(Role.OWNER)
    with pytest.raises(Conflict, match="a member of this library already"):
        accept_by_token(user_id=viewer.id, token=token)
    assert roles(library)["Viewer"] == "VIEWER"
    accept_by_token(user_id=stranger.id, token=token)
    assert roles(library)["Stranger"] == "OWNER"


@pytest.mark.parametrize("ended", ["demoted", "removed", "deleted"])
def test_an_invitation_is_good_without_its_inviter(
    invite: Invite, library: Library, owner: User, editor: User, stranger: User, ended: str
) -> None:
    invitation, token = invite()
    Membership.objects.filter(user=editor).update(role="OWNER")
    if ended == "demoted":
        Membership.objects.filter(user=owner).update(role="VIEWER")
    else:
        Membership.objects.get(user=owner).delete()
    if ended == "deleted":
        owner.delete()
    [listed] = invitations_of(actor_id=editor.id, library_id=library.id)
    assert listed == invitation
    accept_by_token(user_id=stranger.id, token=token)
    assert roles(library)["Stranger"] == "EDITOR"


def test_quotas_are_checked_when_somebody_accepts(
    invite: Invite, library: Library, stranger: User, settings: Any
) -> None:
    _, token = invite(Role.OWNER)
    for name, limit in (("PORTAL_MEMBERS_PER_LIBRARY", 3), ("PORTAL_LIBRARIES_PER_USER", 1)):
        setattr(settings, name, limit)
        if name == "PORTAL_LIBRARIES_PER_USER":
            own = Library.objects.create(name="Own")
            Membership.objects.create(library=own, user=stranger, role="OWNER")
        with pytest.raises(QuotaExceeded):
            accept_by_token(user_id=stranger.id, token=token)
        setattr(settings, name, 0)
    assert "Stranger" not in roles(library)
    accept_by_token(user_id=stranger.id, token=token)


@pytest.mark.parametrize("who", ["unknown", "deactivated"])
def test_somebody_who_is_gone_accepts_nothing(invite: Invite, stranger: User, who: str) -> None:
    invitation, token = invite(email=STRANGER)
    User.objects.update(is_active=False, email_verified_at=timezone.now())
    user_id = stranger.id if who == "deactivated" else uuid4()
    with pytest.raises(NotFound):
        accept_by_token(user_id=user_id, token=token)
    with pytest.raises((NotFound, Forbidden)):
        accept_by_address(user_id=user_id, invitation_id=invitation.id)
    assert Invitation.objects.get().state == "open"


def test_one_that_ends_between_look_and_accept_is_not_used(
    invite: Invite, stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = invite()
    look = look_at_invitation

    def slow_look(*, token: str) -> Invitation:
        found = look(token=token)
        Invitation.objects.update(accepted_at=timezone.now())
        return found

    monkeypatch.setattr(service, "look_at_invitation", slow_look)
    with pytest.raises(NotFound) as refused:
        accept_by_token(user_id=stranger.id, token=token)
    assert refused.value.message == service.NOT_GOOD


# --- Accepting by a verified address ----------------------------------------------------------------------


def listed(user: User) -> list[UUID]:
    return [invitation.id for invitation in invitations_for(user_id=user.id)]


def test_a_verified_person_accepts_by_address(invite: Invite, library: Library, stranger: User) -> None:
    verify(stranger)
    invitation, _ = invite(email=" Stranger@Example.org ")
    invite(email="other@example.org")
    invite()
    assert listed(stranger) == [invitation.id]
    accept_by_address(user_id=stranger.id, invitation_id=invitation.id)
    assert roles(library)["Stranger"] == "EDITOR"
    assert Invitation.objects.get(id=invitation.id).accepted_by == stranger
    assert listed(stranger) == []
    with pytest.raises(NotFound):
        accept_by_address(user_id=stranger.id, invitation_id=invitation.id)


def test_an_unverified_person_does_nothing_by_address(invite: Invite, stranger: User, library: Library) -> None:
    invitation, _ = invite(email=STRANGER)
    for invitation_id in (invitation.id, uuid4()):
        with pytest.raises(Forbidden, match="Verify your e-mail address first"):
            accept_by_address(user_id=stranger.id, invitation_id=invitation_id)
    with pytest.raises(Forbidden, match="Verify your e-mail address first"):
        invitations_for(user_id=stranger.id)
    assert "Stranger" not in roles(library)


def test_an_invitation_of_somebody_else_is_not_found(invite: Invite, stranger: User, library: Library) -> None:
    verify(stranger)
    for email in ("other@example.org", ""):
        invitation, _ = invite(email=email)
        with pytest.raises(NotFound) as refused:
            accept_by_address(user_id=stranger.id, invitation_id=invitation.id)
        assert refused.value.message == service.NOT_GOOD
    assert "Stranger" not in roles(library)


def test_open_invitations_alone_are_listed_for_a_person(invite: Invite, viewer: User, stranger: User) -> None:
    verify(viewer)
    verify(stranger)
    invite(email=viewer.email)
    assert listed(viewer) == []
    invite(email=STRANGER)
    assert len(listed(stranger)) == 1
    Invitation.objects.update(expires_at=timezone.now())
    assert listed(stranger) == []


# --- The owners' list -------------------------------------------------------------------------------------


def test_owners_see_who_accepted(invite: Invite, library: Library, owner: User, stranger: User) -> None:
    _, token = invite()
    invite()
    other = Library.objects.create(name="Other")
    invite(library_id=other.id, is_staff=True)
    accept_by_token(user_id=stranger.id, token=token)
    rows = invitations_of(actor_id=owner.id, library_id=library.id)
    assert {(row.state, row.accepted_by) for row in rows} == {("accepted", stranger), ("open", None)}
    assert len(rows) == 2


def test_one_that_was_accepted_is_not_withdrawn(invite: Invite, library: Library, owner: User, stranger: User) -> None:
    invitation, token = invite()
    accept_by_token(user_id=stranger.id, token=token)
    withdraw = partial(withdraw_invitation, actor_id=owner.id, library_id=library.id)
    with pytest.raises(Conflict, match="remove the member instead"):
        withdraw(invitation_id=invitation.id)
    assert Invitation.objects.exists()
    for bad in (uuid4(), invite(library_id=Library.objects.create(name="Other").id, is_staff=True)[0].id):
        with pytest.raises(NotFound, match="no such invitation"):
            withdraw(invitation_id=bad)
    assert Invitation.objects.count() == 2


def test_one_address_gets_a_few_mails_whoever_invites(
    library: Library, owner: User, stranger: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.PORTAL_SENDS_MAIL = True
    sent: list[str | None] = []
    monkeypatch.setattr(mail, "send_on_commit", lambda to, *_texts: sent.append(to))
    other = create_library(actor_id=stranger.id, name="Other")
    for user, of in ((owner, library), (stranger, other)):
        for _ in range(MAILS_PER_ADDRESS):
            create_invitation(
                inviter_id=user.id, library_id=of.id, role=Role.VIEWER, link_of=str, email="ann@example.org"
            )
    assert sent == ["ann@example.org"] * MAILS_PER_ADDRESS + [None] * MAILS_PER_ADDRESS
