"""Where no page answers, browsers get one with the looks and words of the others; it asks no database."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import include, path

import portal.urls
from conftest import PASSWORD
from libraries.models import PortalView, User
from libraries.rules.errors import TooManyAttempts
from portal.pages import errors
from portal.tests.test_pages import INLINE, policy

GERMAN = {"Accept-Language": "de-AT,de;q=0.9"}


def fail(request: HttpRequest, how: str) -> HttpResponse:
    """A page that is not well."""
    raise {
        "fault": ValueError("a secret"),
        "database": OperationalError("the connection is closed"),
        "denied": PermissionDenied("a secret"),
        "often": TooManyAttempts("Too many wrong codes: try again in 7 seconds.", 7),
    }[how]


urlpatterns = [path("fails/<how>", fail), path("", include("portal.urls"))]
handler400, handler403 = portal.urls.handler400, portal.urls.handler403
handler404, handler500 = portal.urls.handler404, portal.urls.handler500

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

PAGES = [
    ("/nowhere", {}, 404, "There is no such page.", "Diese Seite gibt es nicht."),
    (
        "/language",
        {},
        405,
        "There is nothing to see here.",
        "Hier gibt es nichts zu sehen.",
    ),
    ("/view/a.b", {}, 404, "There is no such page.", "Diese Seite gibt es nicht."),
    (
        "/nowhere",
        {"HTTP_HOST": "elsewhere.example.org"},
        400,
        "This request is not valid.",
        "Diese Anfrage ist ungültig.",
    ),
    ("/fails/fault", {}, 500, "Something went wrong on our side.", "Bei uns ist etwas schiefgegangen."),
    ("/fails/database", {}, 503, "Not now.", "Jetzt nicht."),
    ("/fails/often", {}, 429, "Not now.", "Jetzt nicht."),
    ("/fails/denied", {}, 403, "You may not see this page.", "Diese Seite darfst du nicht sehen."),
]


@pytest.fixture
def client() -> Client:
    """A browser that gets the answer of a page that fails, too."""
    return Client(raise_request_exception=False)


def looks_right(answer: Any, status: int, head: str, lang: str) -> None:
    """The status, the words, the looks and the headers."""
    text = answer.content.decode()
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert re.findall(r"<h1>(.*?)</h1>", text) == [head]
    assert f'<html lang="{lang}">' in text
    assert re.search(r'<link rel="stylesheet" href="[^"]*pages/start[^"]*\.css">', text)
    assert "secret" not in text
    assert not INLINE.search(text)
    assert policy(answer)["script-src"] == ["'self'"]
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(("address", "given", "status", "english", "german"), PAGES)
def test_what_they_say(client: Client, address: str, given: Any, status: int, english: str, german: str) -> None:
    looks_right(client.get(address, **given), status, english, "en")
    looks_right(client.get(address, headers=GERMAN, **given), status, german, "de")


@pytest.mark.parametrize(("address", "given", "status", "english", "german"), PAGES)
def test_they_say_when_to_try_again(
    client: Client, address: str, given: Any, status: int, english: str, german: str
) -> None:
    wait = {429: "7", 503: "5"}.get(status)
    assert client.get(address, **given).headers.get("Retry-After") == wait


@pytest.mark.parametrize("debug", [False, True])
def test_an_unknown_address_lists_no_others(client: Client, settings: Any, debug: bool) -> None:
    settings.DEBUG = debug
    answer = client.get("/nowhere")
    assert (answer.status_code, "<h1>There is no such page.</h1>" in answer.content.decode()) == (404, True)
    assert client.get("/admin").headers["Location"] == "/admin/"
    assert client.get("/api/nowhere").json()["code"] == "not-found"


def test_an_address_for_forms_says_which_methods_it_takes(client: Client) -> None:
    assert client.get("/language").headers["Allow"] == "POST, OPTIONS"


def test_a_foreign_form(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    answer = client.post("/account/name", {"name": "Forged"}, headers=GERMAN)
    looks_right(answer, 403, "Diese Seite war zu lange offen.", "de")
    assert "Es wurde nichts geändert." in answer.content.decode()


def test_no_database_is_asked() -> None:
    request = RequestFactory().get("/nowhere")  # without a session, and without a person
    with CaptureQueriesContext(connection) as queries:
        assert errors.not_found(request, ValueError()).status_code == 404
        assert errors.server_error(request).status_code == 500
        assert errors.bad_request(request, ValueError()).status_code == 400
        assert errors.foreign_form(request).status_code == 403
    assert len(queries) == 0


def test_others_learn_nothing_of_what_is_there(client: Client, stranger: User, portal_view: PortalView) -> None:
    client.login(email=stranger.email, password=PASSWORD)
    unknown = "0190a1de-0000-7000-8000-000000000000"
    there, not_there = (
        client.get(f"/libraries/{library}/views/{view}/desk")
        for library, view in ((portal_view.library_id, portal_view.id), (unknown, unknown))
    )
    assert (there.status_code, not_there.status_code) == (404, 404)
    assert [re.findall(r"<main.*</main>", answer.content.decode(), re.DOTALL) for answer in (there, not_there)] == 2 * [
        re.findall(r"<main.*</main>", there.content.decode(), re.DOTALL)
    ]


@pytest.mark.parametrize("address", ["/api/nowhere", "/api/libraries/nowhere"])
def test_rest_has_its_own(client: Client, address: str) -> None:
    answer = client.get(address, headers={**GERMAN, "Accept": "text/html"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/json")
    assert json.loads(answer.content)["code"] == "not-found"
