"""One's own account: another password, and its deletion with what becomes of libraries that nobody else owns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from conftest import PASSWORD
from libraries.conftest import Published
from libraries.events import PortalViewDeleted, Revoked
from libraries.models import Invitation, Library, Membership, PortalView, Revocation, Session, ShareLink, User
from libraries.rules.errors import Conflict, InvalidPayload, NotFound, QuotaExceeded, TooManyAttempts, Unavailable
from libraries.rules.roles import Role
from libraries.services import accounts, logins
from libraries.services.accounts import (
    DELETE,
    Decision,
    LastOwner,
    change_password,
    delete_account,
    libraries_left_alone,
)
from libraries.services.libraries import create_library
from libraries.services.members import change_role
from libraries.services.sessions import open_session

HERE = "192.0.2.0/24"
NEW = "quite another password"


def change(user: User, current: str = PASSWORD, password: str = NEW) -> User:
    return change_password(user_id=user.id, current=current, password=password, network=HERE)


def leave(user: User, decisions: dict[UUID, Decision] | None = None, password: str = PASSWORD) -> None:
    delete_account(user_id=user.id, password=password, network=HERE, decisions=decisions)


# --- The password -----------------------------------------------------------------------------------------


def test_another_password_ends_all_sessions(owner: User, published: Published) -> None:
    open_session(user=owner)
    assert published(lambda: change(owner)) == [Revoked(key=owner.id)]
    owner.refresh_from_db()
    assert owner.check_password(NEW)
    assert owner.auth_version == 1
    assert not Session.objects.exists()


def test_the_current_password_is_asked_for(owner: User) -> None:
    with pytest.raises(InvalidPayload, match="not your password") as refused:
        change(owner, current="wrong")
    assert set(refused.value.details or {}) == {"current"}
    assert not Revocation.objects.exists()


def test_guesses_of_the_current_password_are_counted_with_the_log_ins(owner: User, settings: Any) -> None:
    settings.PORTAL_LOGIN_ATTEMPTS = 2
    for _ in range(2):
        with pytest.raises(InvalidPayload):
            change(owner, current="wrong")
    with pytest.raises(TooManyAttempts):
        change(owner)
    with pytest.raises(TooManyAttempts):
        leave(owner)
    with pytest.raises(TooManyAttempts):
        logins.Attempt(owner, owner.email, HERE)


def test_a_password_that_cannot_be_tested_now_is_no_guess(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> bool:
        raise Unavailable("Busy.")

    with monkeypatch.context() as patched:
        patched.setattr(User, "check_password", away)
        for _ in range(20):
            with pytest.raises(Unavailable):
                change(owner)
    assert change(owner)


@pytest.mark.parametrize("weak", ["short", "password1", "7391846205", "owner@example.org"])
def test_a_weak_password_is_refused(owner: User, weak: str) -> None:
    with pytest.raises(InvalidPayload) as refused:
        change(owner, password=weak)
    assert set(refused.value.details or {}) == {"password"}


def test_of_two_changes_at_once_the_second_is_refused(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(password: str) -> str:
        User.objects.get(pk=owner.pk).end_sessions()
        return "x"

    monkeypatch.setattr(accounts, "make_password", slowly)
    with pytest.raises(Conflict, match="log in again"):
        change(owner)
    assert User.objects.get(pk=owner.pk).check_password(PASSWORD)


def test_a_person_who_was_deleted_meanwhile(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "make_password", lambda _: User.objects.all().delete() and "x")
    with pytest.raises(NotFound):
        change(owner)
    with pytest.raises(NotFound):
        change(owner)


# --- The end ----------------------------------------------------------------------------------------------


def test_a_person_without_a_library_of_their_own_is_deleted(
    library: Library, editor: User, owner: User, published: Published
) -> None:
    open_session(user=editor)
    ShareLink.objects.create(portal_view=PortalView.objects.create(library=library, name="x"), created_by=editor)
    Invitation.objects.create(library=library, invited_by=editor, digest="x", expires_at=timezone.now())
    editor_id = editor.id
    told = published(lambda: leave(editor))
    assert told == [Revoked(key=editor_id)]
    assert not User.objects.filter(id=editor_id).exists()
    assert Library.objects.get() == library
    assert ShareLink.objects.get().created_by is None
    assert Invitation.objects.get().invited_by is None


def test_the_password_is_asked_for(editor: User) -> None:
    with pytest.raises(InvalidPayload) as refused:
        leave(editor, password="wrong")
    assert set(refused.value.details or {}) == {"password"}
    assert User.objects.filter(id=editor.id).exists()


def test_the_last_owner_decides_about_each_library(library: Library, owner: User, editor: User) -> None:
    others = [create_library(actor_id=owner.id, name=f"{number} {'x' * 190}") for number in range(10)]
    everything = {library.id: library.name} | {other.id: other.name for other in others}
    with pytest.raises(LastOwner, match="make another member an owner") as refused:
        leave(owner)
    assert refused.value.details == {str(key): name for key, name in everything.items()}
    assert refused.value.libraries == libraries_left_alone(owner.id) == everything
    with pytest.raises(LastOwner) as refused:
        leave(owner, {library.id: DELETE})
    assert library.id not in refused.value.libraries
    assert Library.objects.count() == 11


def test_a_library_is_deleted(library: Library, portal_view: PortalView, owner: User, published: Published) -> None:
    told = published(lambda: leave(owner, {library.id: DELETE}))
    assert PortalViewDeleted(portal_view_id=portal_view.id) in told
    assert not Library.objects.exists()
    assert not User.objects.filter(email=owner.email).exists()


def test_a_library_is_handed_over(library: Library, owner: User, viewer: User) -> None:
    leave(owner, {library.id: viewer.id})
    assert Membership.objects.get(library=library, user=viewer).role == Role.OWNER
    assert not User.objects.filter(email=owner.email).exists()


@pytest.mark.parametrize("who", ["stranger", "nobody", "oneself", "deactivated"])
def test_to_whom_a_library_is_not_handed(library: Library, owner: User, stranger: User, viewer: User, who: str) -> None:
    User.objects.filter(pk=viewer.pk).update(is_active=False)
    heir = {"stranger": stranger.id, "nobody": uuid4(), "oneself": owner.id, "deactivated": viewer.id}[who]
    with pytest.raises(InvalidPayload, match="another of its members") as refused:
        leave(owner, {library.id: heir})
    assert set(refused.value.details or {}) == {str(library.id)}
    assert Membership.objects.filter(user=owner).exists()


def test_an_heir_with_too_many_libraries(library: Library, owner: User, viewer: User, settings: Any) -> None:
    settings.PORTAL_LIBRARIES_PER_USER = 1
    create_library(actor_id=viewer.id, name="Another")
    with pytest.raises(QuotaExceeded):
        leave(owner, {library.id: viewer.id})
    assert User.objects.filter(pk=owner.pk).exists()


def test_a_library_that_somebody_else_owns_too_stays_theirs(library: Library, owner: User, editor: User) -> None:
    change_role(actor_id=None, library_id=library.id, user_id=editor.id, role=Role.OWNER)
    leave(owner, {library.id: DELETE})
    assert Library.objects.get() == library
    assert Membership.objects.get(library=library, user=editor).role == Role.OWNER


def test_an_owner_who_may_not_log_in_is_no_owner(library: Library, owner: User, editor: User) -> None:
    change_role(actor_id=None, library_id=library.id, user_id=editor.id, role=Role.OWNER)
    assert libraries_left_alone(owner.id) == {}
    User.objects.filter(pk=editor.pk).update(is_active=False)
    assert libraries_left_alone(owner.id) == {library.id: library.name}
    with pytest.raises(LastOwner):
        leave(owner)


def test_a_person_who_is_deleted_twice(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = uuid4()
    with pytest.raises(NotFound):
        delete_account(user_id=gone, password=PASSWORD, network=HERE)
    check: Callable[..., None] = accounts._check_own

    def check_and_delete(*args: Any) -> None:
        check(*args)
        User.objects.all().delete()

    monkeypatch.setattr(accounts, "_check_own", check_and_delete)
    with pytest.raises(NotFound):
        leave(owner)


def test_who_gets_another_library_at_the_same_moment_is_asked_to_try_again(
    editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = accounts._lock_libraries

    def lock_and_join(user_id: UUID) -> set[UUID]:
        locked = lock(user_id)
        Membership.objects.create(library=Library.objects.create(name="New"), user=editor, role=Role.OWNER.value)
        return locked

    monkeypatch.setattr(accounts, "_lock_libraries", lock_and_join)
    with pytest.raises(Conflict):
        leave(editor)
    assert User.objects.filter(id=editor.id).exists()
