"""What a saved person ends: a version that only rises, sessions and connections, and the verified address."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone
from django.utils.crypto import salted_hmac

from conftest import PASSWORD
from libraries.conftest import Published
from libraries.events import Revoked
from libraries.models import Revocation, Session, User
from libraries.services.people import put_user
from libraries.services.sessions import open_session

NEW = "quite another password"
ADMIN_LOGIN = "libraries.services.logins.LimitedBackend"


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def revocations(user: User) -> list[tuple[str, int | None]]:
    return list(Revocation.objects.filter(key=user.pk).order_by("pk").values_list("reason", "auth_version"))


def test_a_new_person_has_version_0_and_an_address_that_is_not_verified(owner: User) -> None:
    assert (owner.auth_version, owner.is_verified, revocations(owner)) == (0, False, [])
    owner.save()
    assert revocations(owner) == []


def test_a_changed_password_ends_all_sessions(owner: User, published: Published) -> None:
    open_session(user=owner)
    owner.set_password(NEW)
    assert published(owner.save) == [Revoked(key=owner.pk)]
    assert (owner.auth_version, fresh(owner).auth_version) == (1, 1)
    assert revocations(owner) == [("session-ended", 1)]
    assert not Session.objects.exists()
    owner.save()
    assert revocations(owner) == [("session-ended", 1)]


@pytest.mark.parametrize("fields", [None, ["is_active"]])
def test_deactivation_ends_all_sessions_and_activation_none(owner: User, fields: list[str] | None) -> None:
    owner.is_active = False
    owner.save(update_fields=fields)
    assert revocations(owner) == [("user-unavailable", 1)]
    owner.is_active = True
    owner.save(update_fields=fields)
    assert revocations(owner) == [("user-unavailable", 1)]
    assert fresh(owner).auth_version == 1


def test_what_is_not_saved_ends_nothing(owner: User) -> None:
    owner.set_password(NEW)
    owner.is_active = False
    owner.save(update_fields=["name"])
    assert revocations(owner) == []
    owner.save(update_fields=[])
    assert fresh(owner).check_password(PASSWORD)


def test_an_older_object_lowers_no_version_and_brings_no_password_back(owner: User) -> None:
    older = fresh(owner)
    owner.set_password(NEW)
    owner.email_verified_at = timezone.now()
    owner.save()
    older.name = "Ursula"
    older.save()
    stored = fresh(owner)
    assert (stored.name, stored.auth_version, stored.is_verified) == ("Ursula", 1, True)
    assert stored.check_password(NEW)
    assert revocations(owner) == [("session-ended", 1)]


def test_what_others_changed_is_no_change_of_an_object_that_reads_it_again(owner: User) -> None:
    other = fresh(owner)
    other.set_password(NEW)
    other.save()
    owner.refresh_from_db(fields=["password"])
    owner.save()
    owner.refresh_from_db()
    owner.save()
    assert len(revocations(owner)) == 1


def test_fields_that_were_not_read_are_not_written(owner: User) -> None:
    partial = User.objects.only("name").get(pk=owner.pk)
    partial.name = "Ursula"
    partial.save()
    assert fresh(owner).name == "Ursula"
    partial.set_password(NEW)
    partial.save(update_fields=["password"])
    assert fresh(owner).check_password(NEW)


def test_the_version_rises_with_each_end(owner: User) -> None:
    older = fresh(owner)
    owner.end_sessions()
    older.end_sessions()
    assert (owner.auth_version, older.auth_version, fresh(owner).auth_version) == (1, 2, 2)


def test_another_address_is_not_verified(owner: User) -> None:
    owner.email_verified_at = timezone.now()
    owner.save()
    owner.email = "new@example.org"
    owner.save(update_fields=["email"])
    assert not fresh(owner).is_verified
    assert revocations(owner) == []
    owner.email, owner.email_verified_at = "newer@example.org", timezone.now()
    owner.save()
    assert fresh(owner).is_verified


def test_deletion_ends_all_sessions_also_by_an_older_object(owner: User, published: Published) -> None:
    older, owner_id = fresh(owner), owner.pk
    for _ in range(3):
        owner.end_sessions()
    assert Revoked(key=owner_id) in published(older.delete)
    assert Revocation.objects.filter(key=owner_id, reason="user-unavailable").get().auth_version == 4


def test_a_renewed_hash_ends_no_session(owner: User, settings: Any) -> None:
    session = Client()
    settings.PASSWORD_HASHERS = ["libraries.passwords.Argon2", "django.contrib.auth.hashers.MD5PasswordHasher"]
    before = owner.password
    assert session.login(email=owner.email, password=PASSWORD)
    stored = fresh(owner)
    assert stored.password != before
    assert (stored.auth_version, revocations(owner)) == (0, [])
    assert session.get("/api/auth/me").status_code == 200
    stored.save()
    assert revocations(owner) == []


async def test_a_password_is_checked_in_a_thread() -> None:
    assert await User(password=make_password(PASSWORD, hasher="md5")).acheck_password(PASSWORD)


def test_a_renewed_hash_hides_no_other_change(owner: User, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["libraries.passwords.Argon2", "django.contrib.auth.hashers.MD5PasswordHasher"]
    owner.is_active = False
    assert owner.check_password(PASSWORD)
    owner.save()
    assert revocations(owner) == [("user-unavailable", 1)]


def test_the_same_password_put_again_ends_nothing(owner: User) -> None:
    def put(password_hash: str) -> User:
        return put_user(email=owner.email, name="x", password_hash=password_hash)

    verified_at = put(owner.password).email_verified_at
    assert verified_at is not None
    assert put(owner.password).email_verified_at == verified_at
    assert revocations(owner) == []
    put(make_password(NEW))
    assert revocations(owner) == [("session-ended", 1)]


@pytest.mark.django_db
def test_whose_address_counts_as_verified() -> None:
    assert User.objects.create_superuser("root@example.org", PASSWORD).is_verified
    assert put_user(email="demo@example.org", name="Demo", password_hash=make_password(PASSWORD)).is_verified
    assert not User.objects.create_user("new@example.org", PASSWORD).is_verified


def test_a_log_in_to_pages_ends_with_the_version_and_one_from_before_goes_on(owner: User) -> None:
    client = Client()
    client.force_login(owner, ADMIN_LOGIN)
    assert client.get("/api/auth/me").status_code == 200
    assert owner.get_session_auth_hash() == _hash_of_before(owner)
    owner.end_sessions()
    assert client.get("/api/auth/me").status_code == 401
    assert owner.get_session_auth_hash() != _hash_of_before(owner)


def _hash_of_before(user: User) -> str:
    """As releases without versions made it."""
    salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
    return salted_hmac(salt, user.password, algorithm="sha256").hexdigest()
