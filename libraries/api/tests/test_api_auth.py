"""Registration, log-in, token refresh and the current person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import override_settings
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from conftest import PASSWORD
from libraries.models import User
from libraries.tests.rest import as_, refused

REGISTER = "/api/auth/register"
TOKEN = "/api/auth/token"
REFRESH = "/api/auth/token/refresh"
ME = "/api/auth/me"


def log_in(email: str, password: str = PASSWORD, **extra: Any) -> Any:
    return APIClient().post(TOKEN, {"email": email, "password": password}, **extra)


def me(user: User, name: str) -> dict[str, Any]:
    return {"id": str(user.id), "email": user.email, "emailVerified": False, "name": name}


# --- Registration -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_new_person_can_log_in() -> None:
    answer = as_(None).post(REGISTER, {"email": "New@Example.org", "password": PASSWORD, "name": " New "})
    assert answer.status_code == 201
    user = User.objects.get(email="new@example.org")
    assert answer.json() == {"id": str(user.id), "email": "new@example.org", "emailVerified": False, "name": "New"}
    assert answer["Cache-Control"] == "no-store"
    assert log_in("new@example.org").status_code == 200


@pytest.mark.django_db
def test_the_name_is_optional() -> None:
    answer = as_(None).post(REGISTER, {"email": "new@example.org", "password": PASSWORD})
    assert (answer.status_code, answer.json()["name"]) == (201, "")


def test_an_address_is_accepted_in_any_case(owner: User) -> None:
    answer = as_(None).post(REGISTER, {"email": "OWNER@example.org", "password": PASSWORD})
    assert "log in instead" in refused(answer, "conflict", "email")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"password": "password1"}, "password"),
        ({"password": "7391846205"}, "password"),
        ({"password": "short"}, "password"),
        ({"password": "new.person@example.org"}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"password": 12345678901}, "password"),
        ({"password": None}, "password"),
        ({"email": "nobody"}, "email"),
        ({"email": f"{'x' * 250}@example.org"}, "email"),
        ({"email": ["a@example.org"]}, "email"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"isStaff": True}, "isStaff"),
        ({"is_staff": True}, "is_staff"),
        ({"id": str(uuid4())}, "id"),
    ],
)
@pytest.mark.django_db
def test_bad_registrations(changes: dict[str, Any], key: str) -> None:
    body = {"email": "new.person@example.org", "password": PASSWORD, "name": "New"}
    refused(as_(None).post(REGISTER, {**body, **changes}), "invalid-payload", key)
    assert not User.objects.exists()


@pytest.mark.parametrize("key", ["email", "password"])
@pytest.mark.django_db
def test_required_for_a_registration(key: str) -> None:
    body = {"email": "new@example.org", "password": PASSWORD}
    del body[key]
    refused(as_(None).post(REGISTER, body), "invalid-payload", key)


# --- Log-in -----------------------------------------------------------------------------------------------


def test_tokens_work(owner: User) -> None:
    answer = log_in("Owner@example.org ")
    assert set(answer.json()) == {"access", "refresh"}
    assert answer["Cache-Control"] == "no-store"
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"bearer {answer.json()['access']}")
    assert client.get(ME).json() == me(owner, "Owner")


@pytest.mark.parametrize(("email", "password"), [("owner@example.org", "wrong"), ("elsewhere@example.org", PASSWORD)])
def test_wrong_log_ins_get_the_same_answer(owner: User, email: str, password: str) -> None:
    answer = log_in(email, password)
    assert refused(answer, "not-authenticated") == "The e-mail address or the password is wrong."
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_deactivated_person_cannot_log_in(owner: User) -> None:
    User.objects.update(is_active=False)
    refused(log_in("owner@example.org"), "not-authenticated")


@pytest.mark.parametrize(
    "body", [{}, [], "x", None, {"email": 1, "password": "x"}, {"email": "a\0@b.c", "password": "x"}]
)
@pytest.mark.django_db
def test_bad_log_ins(body: Any) -> None:
    answer = as_(None).post(TOKEN, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-payload")


def test_too_many_failures_lock_the_log_in(owner: User, editor: User) -> None:
    with override_settings(PORTAL_LOGIN_ATTEMPTS=3):
        for _ in range(3):
            refused(log_in("owner@example.org", "wrong"), "not-authenticated")
        for password in ("wrong", PASSWORD):
            answer = log_in("owner@example.org", password)
            assert "Too many" in refused(answer, "throttled")
            assert 290 < int(answer["Retry-After"]) <= 300
        assert log_in("editor@example.org").status_code == 200
        assert log_in("owner@example.org", REMOTE_ADDR="10.0.0.2").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [(REGISTER, {}, 400), (TOKEN, {"email": "a@example.org", "password": "wrong"}, 401), (REFRESH, {}, 400)],
)
@pytest.mark.django_db
def test_one_network_cannot_flood(path: str, body: dict[str, str], status: int, settings: Any) -> None:
    settings.PORTAL_LOGINS_PER_MINUTE = 2
    answers = [as_(None).post(path, body, HTTP_X_FORWARDED_FOR=f"10.0.{n}.0") for n in range(4)]
    assert [answer.status_code for answer in answers] == [status, status, 429, 429]
    assert "from your network" in refused(answers[3], "throttled")
    assert 0 < int(answers[3]["Retry-After"]) <= 60
    assert as_(None).post(path, body, REMOTE_ADDR="10.0.0.9").status_code == status


# --- Fresh tokens -----------------------------------------------------------------------------------------


def test_a_fresh_token_works(owner: User) -> None:
    answer = as_(None).post(REFRESH, {"refresh": str(RefreshToken.for_user(owner))})
    assert (answer.status_code, set(answer.json())) == (200, {"access", "refresh"})
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    assert client.get(ME).status_code == 200


def test_invalid_refresh_tokens(owner: User) -> None:
    expired = RefreshToken.for_user(owner)
    expired.set_exp(lifetime=timedelta(seconds=-11))
    refused(as_(None).post(REFRESH, {"refresh": str(expired)}), "token-expired")
    for token in (str(AccessToken.for_user(owner)), "x", "a.b.c"):
        refused(as_(None).post(REFRESH, {"refresh": token}), "token-invalid")
    for body in ({}, {"refresh": 1}, {"refresh": None}):
        refused(as_(None).post(REFRESH, body), "invalid-payload", "refresh")


def test_a_deactivated_person_gets_no_fresh_token(owner: User) -> None:
    refresh = str(RefreshToken.for_user(owner))
    User.objects.update(is_active=False)
    refused(as_(None).post(REFRESH, {"refresh": refresh}), "session-ended")


# --- The current person -----------------------------------------------------------------------------------


def test_a_name_can_be_changed(owner: User) -> None:
    answer = as_(owner).patch(ME, {"name": "Ursula", "email": "ignored@example.org"})
    assert answer.json() == me(owner, "Ursula")
    assert as_(owner).patch(ME, {}).json()["name"] == "Ursula"
    assert as_(owner).get(ME).json() == answer.json()
    refused(as_(owner).patch(ME, {"password": "x"}), "invalid-payload", "password")


def forged(**claims: Any) -> str:
    token = AccessToken()
    for name, value in claims.items():
        token[name] = value
    return str(token)


def test_invalid_authorization_headers(owner: User) -> None:
    expired = AccessToken.for_user(owner)
    expired.set_exp(lifetime=timedelta(seconds=-11))
    good = str(AccessToken.for_user(owner))
    for header, code in (
        ("", "token-invalid"),
        ("Bearer", "token-invalid"),
        ("Basic b3duZXI6eA==", "token-invalid"),
        (good, "token-invalid"),
        ("Bearer x", "token-invalid"),
        (f"Bearer {good} {good}", "token-invalid"),
        (f"Bearer {good[:-4]}", "token-invalid"),
        ("Bearer \xff", "token-invalid"),
        (f"Bearer {RefreshToken.for_user(owner)}", "token-invalid"),
        (f"Bearer {expired}", "token-expired"),
        (f"Bearer {forged()}", "token-invalid"),
        (f"Bearer {forged(user_id='1')}", "token-invalid"),
        (f"Bearer {forged(user_id=str(uuid4()))}", "session-ended"),
    ):
        answer = APIClient().get(ME, HTTP_AUTHORIZATION=header)
        refused(answer, code)
        assert answer["WWW-Authenticate"] == "Bearer"


def test_a_token_ends_with_the_account(owner: User) -> None:
    client = as_(owner)
    User.objects.update(is_active=False)
    assert "switched off" in refused(client.get(ME), "session-ended")
    User.objects.all().delete()
    refused(client.get(ME), "session-ended")
