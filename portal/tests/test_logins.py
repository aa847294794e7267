"""Failed log-ins are counted per person and address, and locked, whichever door they came to."""

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.http import HttpRequest
from django.test import Client, RequestFactory
from rest_framework.exceptions import Throttled
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from portal.logins import account

EMAIL = "gm@example.org"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _three_attempts(settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 3


def request_from(address: str) -> HttpRequest:
    """A log-in request of Django's own kind."""
    return RequestFactory().post("/log-in", {}, content_type="application/json", REMOTE_ADDR=address)


def rest(request: HttpRequest) -> Request:
    """The request as a view of the REST API sees it."""
    return Request(request, parsers=[JSONParser()])


def rest_log_in(email: str, password: str, address: str = "10.0.0.1") -> bool:
    """Log in as the token endpoint does; whether it worked."""
    return authenticate(rest(request_from(address)), email=email, password=password) is not None


@pytest.fixture
def person(db: None) -> None:
    """Somebody who can log in."""
    get_user_model().objects.create_superuser(email=EMAIL, password=PASSWORD)


@pytest.mark.usefixtures("person")
def test_rest_answers_429_from_the_third_failure_on() -> None:
    assert rest_log_in(EMAIL, PASSWORD)
    assert not rest_log_in(EMAIL, "wrong")
    assert not rest_log_in(EMAIL.upper(), "wrong")
    for password in ("wrong", PASSWORD):
        with pytest.raises(Throttled) as refused:
            rest_log_in(EMAIL, password)
        assert "300 seconds" in str(refused.value.detail)


@pytest.mark.usefixtures("person")
def test_others_are_not_locked_out() -> None:
    assert [rest_log_in(EMAIL, "wrong") for _ in range(2)] == [False, False]
    with pytest.raises(Throttled):
        rest_log_in(EMAIL, "wrong")
    assert not rest_log_in("somebody@example.org", "wrong")
    assert rest_log_in(EMAIL, PASSWORD, address="10.0.0.2")


@pytest.mark.usefixtures("person")
def test_a_header_does_not_choose_the_address() -> None:
    for number in range(2):
        request = request_from("10.0.0.1")
        request.META["HTTP_X_FORWARDED_FOR"] = f"10.9.9.{number}"
        assert authenticate(rest(request), email=EMAIL, password="wrong") is None
    with pytest.raises(Throttled):
        rest_log_in(EMAIL, "wrong")


@pytest.mark.usefixtures("person")
def test_the_admin_form_counts_with_rest() -> None:
    client = Client(REMOTE_ADDR="10.0.0.1")
    assert not rest_log_in(EMAIL, "wrong")
    answers = [client.post("/admin/login/", {"username": EMAIL, "password": "wrong"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].content.decode() == settings.AXES_COOLOFF_MESSAGE
    with pytest.raises(Throttled):
        rest_log_in(EMAIL, PASSWORD)


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        ({"email": " GM@Example.org"}, EMAIL),
        ({"username": EMAIL, "email": None}, EMAIL),
        ({"password": "x"}, "form@example.org"),
        (None, "form@example.org"),
    ],
)
def test_account(credentials: dict[str, str] | None, expected: str) -> None:
    request = RequestFactory().post("/", {"username": "Form@example.org"})
    assert account(request, credentials) == expected


def test_no_account() -> None:
    assert account(RequestFactory().get("/"), {}) is None
