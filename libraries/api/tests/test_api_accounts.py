"""One's own account by REST: another password, mail that verifies and resets, export and deletion."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from conftest import PASSWORD
from libraries.conftest import Mailed
from libraries.models import Library, User
from libraries.services import mailed as mails
from libraries.tests.rest import as_, refused

PASSWORD_AT = "/api/auth/password"
RESET = "/api/auth/password/reset"
CONFIRM = "/api/auth/password/reset/confirm"
SEND = "/api/auth/verify/send"
VERIFY = "/api/auth/verify"
ME = "/api/auth/me"
NEW = "quite another password"


def link_in(message: EmailMessage, page: str) -> str:
    """The token of the link to a page, which is whole on one line."""
    found = re.search(rf"^http://testserver/{page}/([0-9a-z-]+)$", str(message.body), re.MULTILINE)
    assert found is not None, message.body
    return found[1]


def answering(answers: list[Any], call: Callable[[], Any]) -> Callable[[], None]:
    return lambda: answers.append(call())


@pytest.fixture
def verified(owner: User) -> User:
    owner.email_verified_at = timezone.now()
    owner.save()
    return owner


# --- The password -----------------------------------------------------------------------------------------


def test_the_password_is_changed_and_a_new_session_begins(owner: User) -> None:
    before = as_(owner)
    answer = before.post(PASSWORD_AT, {"current": PASSWORD, "password": NEW})
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    refused(before.get(ME), "session-ended")
    client = as_(None)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    assert client.get(ME).status_code == 200
    assert as_(None).post("/api/auth/token/refresh", {"refresh": answer.json()["refresh"]}).status_code == 200


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({}, ["current", "password"]),
        ({"current": "wrong", "password": NEW}, ["current"]),
        ({"current": PASSWORD, "password": "short"}, ["password"]),
        ({"current": PASSWORD, "password": "x" * 1025}, ["password"]),
        ({"current": PASSWORD, "password": NEW, "email": "x"}, ["email"]),
    ],
)
def test_bad_changes_of_the_password(owner: User, body: dict[str, str], keys: list[str]) -> None:
    refused(as_(owner).post(PASSWORD_AT, body), "invalid-payload", *keys)
    assert as_(owner).get(ME).status_code == 200


def test_a_forgotten_password(verified: User, mailed: Mailed) -> None:
    before = as_(verified)
    answers: list[Any] = []
    [message] = mailed(answering(answers, lambda: as_(None).post(RESET, {"email": "Owner@example.org"})))
    assert (answers[0].status_code, answers[0].json()) == (202, {"message": mails.SENT_IF_KNOWN})
    body = {"token": link_in(message, "reset"), "password": NEW}
    refused(as_(None).post(CONFIRM, {**body, "password": "short"}), "invalid-payload", "password")
    assert as_(None).post(CONFIRM, body).status_code == 204
    assert "ask for a new one" in refused(as_(None).post(CONFIRM, body), "invalid-payload", "token")
    refused(before.get(ME), "session-ended")
    log_in = {"email": verified.email, "password": NEW}
    assert as_(None).post("/api/auth/token", log_in).status_code == 200


def test_every_address_gets_the_same_answer(owner: User, mailed: Mailed) -> None:
    answers: list[Any] = []
    for email in (owner.email, "nobody@example.org", "no address", "a\u0131@example.org"):
        assert mailed(answering(answers, partial(as_(None).post, RESET, {"email": email}))) == []
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}
    assert "never verified" in answers[0].json()["message"]
    refused(as_(None).post(RESET, {"email": 1}), "invalid-payload", "email")


@pytest.mark.parametrize(("path", "body"), [(RESET, {"email": "x"}), (CONFIRM, {}), (VERIFY, {})])
@pytest.mark.django_db
def test_one_network_cannot_flood(path: str, body: dict[str, str], settings: Any) -> None:
    settings.PORTAL_LOGINS_PER_MINUTE = 1
    assert as_(None).post(path, body).status_code in {202, 400}
    refused(as_(None).post(path, body), "throttled")


# --- The address ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_new_person_verifies_the_address(mailed: Mailed) -> None:
    body = {"email": "new@example.org", "password": PASSWORD}
    [message] = mailed(lambda: as_(None).post("/api/auth/register", body))
    client = as_(User.objects.get())
    assert client.get(ME).json()["emailVerified"] is False
    token = link_in(message, "verify")
    assert as_(None).post(VERIFY, {"token": token}).status_code == 204
    assert client.get(ME).json()["emailVerified"] is True
    refused(as_(None).post(VERIFY, {"token": token}), "invalid-payload", "token")
    assert mailed(lambda: client.post(SEND)) == []


def test_the_mail_can_be_sent_again(owner: User, mailed: Mailed) -> None:
    answers: list[Any] = []
    [message] = mailed(answering(answers, lambda: as_(owner).post(SEND)))
    assert (answers[0].status_code, message.to) == (202, [owner.email])
    refused(as_(None).post(SEND), "not-authenticated")


def test_the_link_is_below_the_path_of_the_site(owner: User, mailed: Mailed, settings: Any) -> None:
    settings.PORTAL_BASE_PATH = "/portal"
    [message] = mailed(lambda: as_(owner).post(SEND))
    assert "\nhttp://testserver/portal/verify/" in str(message.body)


# --- Export and deletion ----------------------------------------------------------------------------------


def test_the_export_is_a_file(owner: User, library: Library) -> None:
    answer = as_(owner).get(f"{ME}/export")
    assert answer["Content-Disposition"] == 'attachment; filename="portal-account.json"'
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["account"]["id"] == str(owner.id)
    refused(as_(None).get(f"{ME}/export"), "not-authenticated")


def test_an_account_is_deleted(editor: User, library: Library) -> None:
    client = as_(editor)
    refused(client.delete(ME), "invalid-payload", "password")
    refused(client.delete(ME, {"password": "wrong"}), "invalid-payload", "password")
    assert client.delete(ME, {"password": PASSWORD}).status_code == 204
    refused(client.get(ME), "session-ended")
    log_in = {"email": "editor@example.org", "password": PASSWORD}
    refused(as_(None).post("/api/auth/token", log_in), "not-authenticated")


def test_the_last_owner_is_told_of_each_library(owner: User, editor: User, library: Library) -> None:
    client = as_(owner)
    answer = client.delete(ME, {"password": PASSWORD})
    assert "make another member an owner" in refused(answer, "last-owner", str(library.id))
    assert answer.json()["details"] == {str(library.id): "Library"}
    client.patch(f"/api/libraries/{library.id}/members/{editor.id}", {"role": "OWNER"})
    assert client.delete(ME, {"password": PASSWORD}).status_code == 204
    assert Library.objects.get() == library
