"""People: registered once, renamed, activated and deactivated."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from conftest import PASSWORD
from libraries.conftest import Mailed, Published
from libraries.events import Revoked
from libraries.models import User
from libraries.rules.errors import Conflict
from libraries.services.people import choose_language, choose_theme, register_user, set_user_active

HERE = "192.0.2.0/24"


@pytest.mark.django_db
def test_of_two_who_register_an_address_at_once_one_is_refused(monkeypatch: pytest.MonkeyPatch, mailed: Mailed) -> None:
    make = type(User.objects).new_user

    def make_later(self: Any, email: str, *args: Any, **more: Any) -> User:
        make(self, email, "the first").save()
        return make(self, email, *args, **more)

    monkeypatch.setattr(type(User.objects), "new_user", make_later)

    def register() -> None:
        with pytest.raises(Conflict, match="log in instead"):
            register_user(email="new@example.org", password=PASSWORD, network=HERE, link_of=str)

    assert mailed(register) == []
    assert User.objects.get().check_password("the first")


def test_deactivation_cuts_off_and_activation_does_not_bring_sessions_back(owner: User, published: Published) -> None:
    assert published(lambda: set_user_active(user_id=owner.id, is_active=False)) == [Revoked(key=owner.id)]
    assert published(lambda: set_user_active(user_id=owner.id, is_active=True)) == []
    owner.refresh_from_db()
    assert (owner.is_active, owner.auth_version) == (True, 1)


@pytest.mark.django_db
def test_nobody_is_deactivated(published: Published) -> None:
    assert published(lambda: set_user_active(user_id=uuid4(), is_active=False)) == []


@pytest.mark.django_db
def test_language_and_colours_are_kept_by_the_account(owner: User, viewer: User) -> None:
    choose_language(user_id=owner.id, language="de")
    choose_theme(user_id=owner.id, theme="dark")
    owner.refresh_from_db()
    viewer.refresh_from_db()
    assert (owner.language, owner.theme) == ("de", "dark")
    assert (viewer.language, viewer.theme) == ("", "")
