"""An invitation is used once, also if two people accept it at the same time, or somebody accepts and withdraws it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from libraries.models import Invitation, Library, Membership, User
from libraries.rules.errors import Conflict, NotFound, QuotaExceeded
from libraries.rules.roles import Role
from libraries.services import invitations as service
from libraries.services.invitations import accept_by_token, create_invitation, withdraw_invitation
from libraries.services.tests.test_services_transactions import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def invite(library: Library, owner: User) -> tuple[Invitation, str]:
    return create_invitation(inviter_id=owner.id, library_id=library.id, role=Role.EDITOR, link_of=str)


def answer_of(write: Callable[[], object], answers: list[str]) -> None:
    try:
        write()
        answers.append("done")
    except (NotFound, Conflict, QuotaExceeded) as refusal:
        answers.append(refusal.code)


def test_of_two_people_one_becomes_the_member(
    library: Library, owner: User, stranger: User, make_user: Callable[[str], User]
) -> None:
    other = make_user("other")
    for _ in range(5):
        _, token = invite(library, owner)
        answers: list[str] = []
        accept = (partial(accept_by_token, user_id=user.id, token=token) for user in (stranger, other))
        at_once(*(partial(answer_of, write, answers) for write in accept))
        assert sorted(answers) == ["done", "not-found"]
        assert Membership.objects.filter(library=library).count() == 4
        Membership.objects.get(library=library, user__in=(stranger, other)).delete()


def test_one_person_becomes_a_member_once(library: Library, owner: User, stranger: User) -> None:
    answers: list[str] = []
    tokens = [invite(library, owner)[1] for _ in range(2)]
    accept = (partial(accept_by_token, user_id=stranger.id, token=token) for token in tokens)
    at_once(*(partial(answer_of, write, answers) for write in accept))
    assert sorted(answers) == ["conflict", "done"]
    assert Invitation.objects.filter(accepted_at=None).count() == 1


def test_one_that_is_withdrawn_at_the_same_time_is_used_or_gone(library: Library, owner: User, stranger: User) -> None:
    invitation, token = invite(library, owner)
    answers: dict[str, list[str]] = {"accept": [], "withdraw": []}
    this = {"actor_id": owner.id, "library_id": library.id, "invitation_id": invitation.id}
    at_once(
        partial(answer_of, partial(accept_by_token, user_id=stranger.id, token=token), answers["accept"]),
        partial(answer_of, partial(withdraw_invitation, **this), answers["withdraw"]),
    )
    is_member = Membership.objects.filter(library=library, user=stranger).exists()
    expected = (["done"], ["conflict"]) if is_member else (["not-found"], ["done"])
    assert (answers["accept"], answers["withdraw"]) == expected
    assert Invitation.objects.exists() == is_member


def test_open_invitations_are_counted_one_after_the_other(
    library: Library, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_OPEN_INVITATIONS", 1)
    answers: list[str] = []
    at_once(*(partial(answer_of, partial(invite, library, owner), answers) for _ in range(2)))
    assert sorted(answers) == ["done", "quota-exceeded"]
