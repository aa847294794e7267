"""Log-out of one device and of all, fresh tokens, and requests with the session of a page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client, RequestFactory
from rest_framework.request import Request
from rest_framework.test import APIClient

from conftest import PASSWORD
from libraries.api.authentication import grant_of_request
from libraries.models import Revocation, Session, User
from libraries.rules.subjects import Grant, Subject
from libraries.services.sessions import SID, Tokens, open_session, session_of
from libraries.tests.rest import as_, refused
from libraries.tokens import verify

LOG_OUT = "/api/auth/logout"
EVERYWHERE = "/api/auth/logout-everywhere"
REFRESH = "/api/auth/token/refresh"
ME = "/api/auth/me"
LOG_IN = "libraries.services.logins.LimitedBackend"


def with_(access: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def log_in(user: User) -> Tokens:
    answer = APIClient().post("/api/auth/token", {"email": user.email, "password": PASSWORD})
    return Tokens(**answer.json())


@pytest.fixture
def page(owner: User) -> Client:
    """A browser in which the owner is logged in to pages; it has the CSRF cookie."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, LOG_IN)
    client.cookies["csrftoken"] = "x" * 32
    return client


def post(page: Client, path: str, body: Any = None, **headers: str) -> Any:
    token = {"X-CSRFToken": "x" * 32, **headers}
    return page.post(path, body if body is not None else {}, content_type="application/json", headers=token)


# --- Tokens -----------------------------------------------------------------------------------------------


def test_a_refresh_token_is_good_once(owner: User) -> None:
    first = log_in(owner)
    answer = APIClient().post(REFRESH, {"refresh": first.refresh})
    assert answer["Cache-Control"] == "no-store"
    second = Tokens(**answer.json())
    assert with_(second.access).get(ME).status_code == 200
    assert APIClient().post(REFRESH, {"refresh": first.refresh}).json()["refresh"] == second.refresh
    Session.objects.update(rotations=[])
    assert "log in again" in refused(APIClient().post(REFRESH, {"refresh": first.refresh}), "session-ended")
    refused(APIClient().post(REFRESH, {"refresh": second.refresh}), "session-ended")
    refused(with_(second.access).get(ME), "session-ended")


# --- Log-out ----------------------------------------------------------------------------------------------


def test_a_log_out_ends_this_session_only(owner: User) -> None:
    here, there = log_in(owner), log_in(owner)
    answer = with_(here.access).post(LOG_OUT)
    assert (answer.status_code, answer.content) == (204, b"")
    refused(with_(here.access).get(ME), "session-ended")
    refused(APIClient().post(REFRESH, {"refresh": here.refresh}), "session-ended")
    assert with_(there.access).get(ME).status_code == 200
    refused(with_(here.access).post(LOG_OUT), "session-ended")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}])
def test_a_log_out_by_refresh_token(owner: User, headers: dict[str, str]) -> None:
    tokens = log_in(owner)
    for _ in range(2):
        assert APIClient().post(LOG_OUT, {"refresh": tokens.refresh}, headers=headers).status_code == 204
    refused(with_(tokens.access).get(ME), "session-ended")
    assert Revocation.objects.count() == 1


def test_bad_log_outs(owner: User) -> None:
    refused(APIClient().post(LOG_OUT), "not-authenticated")
    refused(APIClient().post(LOG_OUT, {"refresh": "x"}), "token-invalid")
    refused(APIClient().post(LOG_OUT, {"refresh": log_in(owner).access}), "token-invalid")
    refused(APIClient().post(LOG_OUT, {"refresh": 1}), "invalid-payload", "refresh")
    refused(APIClient().post(LOG_OUT, {"token": "x"}), "invalid-payload", "token")
    assert not Revocation.objects.exists()


def test_a_token_of_an_older_release_logs_out(owner: User) -> None:
    client = as_(owner)
    assert client.post(LOG_OUT).status_code == 204
    refused(client.get(ME), "session-ended")


def test_a_log_out_everywhere(owner: User, editor: User, page: Client) -> None:
    tokens, other = log_in(owner), log_in(editor)
    assert with_(tokens.access).post(EVERYWHERE).status_code == 204
    refused(with_(tokens.access).get(ME), "session-ended")
    refused(APIClient().post(REFRESH, {"refresh": tokens.refresh}), "session-ended")
    refused(page.get(ME), "not-authenticated")
    assert with_(other.access).get(ME).status_code == 200
    refused(APIClient().post(EVERYWHERE), "not-authenticated")


# --- The session of a page --------------------------------------------------------------------------------


def test_a_page_reads_with_its_session_and_writes_with_its_csrf_token(page: Client, owner: User) -> None:
    answer = page.get(ME)
    assert answer.json()["email"] == owner.email
    assert {"Authorization", "Cookie"} <= set(answer["Vary"].replace(",", " ").split())
    assert post(page, "/api/libraries", {"name": "New"}).status_code == 201
    for headers in ({}, {"X-CSRFToken": "y" * 32}):
        answer = page.post("/api/libraries", {"name": "New"}, content_type="application/json", headers=headers)
        assert "load the page again" in refused(answer, "forbidden")
    answer = post(page, "/api/libraries", {"name": "New"}, Origin="https://elsewhere.example.org")
    refused(answer, "forbidden")


def test_a_bad_token_is_not_replaced_by_the_session(page: Client) -> None:
    refused(page.get(ME, headers={"Authorization": "Bearer x"}), "token-invalid")


def test_a_page_logs_out(page: Client, owner: User) -> None:
    sid = UUID(page.session[SID])
    refused(page.post(LOG_OUT, content_type="application/json"), "forbidden")
    assert not Revocation.objects.exists()
    assert post(page, LOG_OUT).status_code == 204
    assert Revocation.objects.get().key == sid
    refused(page.get(ME), "not-authenticated")


def test_a_page_can_end_another_session_by_its_refresh_token(page: Client, editor: User) -> None:
    tokens = log_in(editor)
    assert page.post(LOG_OUT, {"refresh": tokens.refresh}, content_type="application/json").status_code == 204
    assert page.get(ME).status_code == 200


def test_a_page_changes_the_password_and_goes_on_with_tokens(page: Client, owner: User) -> None:
    body = {"current": PASSWORD, "password": "quite another password"}
    answer = post(page, "/api/auth/password", body)
    assert with_(answer.json()["access"]).get(ME).status_code == 200


def test_the_grant_of_a_request(page: Client, owner: User) -> None:
    tokens = open_session(user=owner)
    request = Request(RequestFactory().get("/"))
    request.user, request.auth = owner, verify(tokens.access)
    assert grant_of_request(request) == Grant(Subject(owner.id), session_of(verify(tokens.access).grant))
    of_page = RequestFactory().get("/")
    of_page.session = page.session
    request = Request(of_page)
    request.user, request.auth = owner, None
    assert grant_of_request(request) == Grant(Subject(owner.id), UUID(page.session[SID]))


def test_a_deactivated_person_has_no_page(page: Client, owner: User) -> None:
    User.objects.update(is_active=False)
    refused(page.get(ME), "not-authenticated")
