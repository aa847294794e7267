"""Two requests at the same moment about one session, one mailed link or one library: each counts once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.utils import timezone
from rest_framework_simplejwt.tokens import RefreshToken

from conftest import PASSWORD
from libraries.models import Library, Membership, Session, User
from libraries.rules.errors import InvalidPayload, PortalError
from libraries.rules.roles import Role
from libraries.services.accounts import LastOwner, delete_account, reset_password
from libraries.services.mailed import RESETS, token_of
from libraries.services.members import change_role
from libraries.services.sessions import Tokens, open_session, refresh_session

pytestmark = pytest.mark.django_db(transaction=True)
HERE = "192.0.2.0/24"


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run them in threads that begin together; returns the result or the refusal of each."""
    together = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        try:
            together.wait(10)
            return work()
        except PortalError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_two_tabs_that_refresh_at_once_get_the_same_successor(owner: User) -> None:
    first = open_session(user=owner)
    answers = at_once(*[lambda: refresh_session(refresh=first.refresh)] * 4)
    assert len({answer.refresh for answer in answers if isinstance(answer, Tokens)}) == 1
    assert all(isinstance(answer, Tokens) for answer in answers)
    assert Session.objects.get().generation == 1


def test_an_older_release_s_token_makes_one_session(owner: User) -> None:
    old = str(RefreshToken.for_user(owner))
    answers = at_once(*[lambda: refresh_session(refresh=old)] * 4)
    assert all(isinstance(answer, Tokens) for answer in answers), answers
    assert Session.objects.count() == 1


def test_a_mailed_link_sets_one_password(owner: User) -> None:
    owner.email_verified_at = timezone.now()
    owner.save()
    token = token_of(owner, RESETS)
    passwords = ("quite another password", "one that is different")
    answers = at_once(*[lambda word=word: reset_password(token=token, password=word) for word in passwords])
    assert sorted(isinstance(answer, InvalidPayload) for answer in answers) == [False, True]
    assert User.objects.get(pk=owner.pk).auth_version == 1


def test_of_two_owners_who_leave_at_once_one_stays(library: Library, owner: User, editor: User) -> None:
    change_role(actor_id=None, library_id=library.id, user_id=editor.id, role=Role.OWNER)
    works = [
        lambda user=user: delete_account(user_id=user.id, password=PASSWORD, network=HERE) for user in (owner, editor)
    ]
    answers = at_once(*works)
    assert sorted(isinstance(answer, LastOwner) for answer in answers) == [False, True]
    assert Membership.objects.filter(library=library, role=Role.OWNER).count() == 1
