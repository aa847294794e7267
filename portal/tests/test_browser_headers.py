"""The headers for browsers, and that adding them needs no thread."""

from __future__ import annotations

import threading

import pytest
from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from portal.browser import OFF, OWN, PERMISSIONS, browser_headers


def test_what_we_do_not_use_is_off() -> None:
    assert not set(OWN) & set(OFF)
    entries = PERMISSIONS.split(", ")
    assert entries == [*(f"{name}=(self)" for name in OWN), *(f"{name}=()" for name in OFF)]
    assert {"camera=()", "microphone=()", "geolocation=()", "usb=()", "payment=()"} <= set(entries)


def test_the_middleware_is_a_coroutine_and_changes_no_thread() -> None:
    """Driven by hand: a switch to a thread would suspend the coroutine."""
    seen: list[threading.Thread] = []

    async def answer(request: HttpRequest) -> HttpResponse:
        seen.append(threading.current_thread())
        return HttpResponse()

    middleware = browser_headers(answer)
    assert iscoroutinefunction(middleware)
    with pytest.raises(StopIteration) as done:
        middleware(RequestFactory().get("/view/abc")).send(None)
    assert done.value.value.headers["Permissions-Policy"] == PERMISSIONS
    assert done.value.value.headers["Referrer-Policy"] == "no-referrer"
    assert seen == [threading.current_thread()]


def test_among_threads_it_is_a_function() -> None:
    middleware = browser_headers(lambda request: HttpResponse())
    assert not iscoroutinefunction(middleware)
    assert middleware(RequestFactory().get("/")).headers["Permissions-Policy"] == PERMISSIONS


@pytest.mark.parametrize(
    "path", ["/", "/socket.io/", "/nothing", "/api/nothing", "/api/health", "/api/docs", "/static/pages/start.css"]
)
@pytest.mark.django_db
def test_every_answer_has_them(path: str) -> None:
    answer = Client().get(path)
    assert answer.headers["Permissions-Policy"] == PERMISSIONS
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    answer.close()  # a static file is open


@pytest.mark.parametrize(
    ("address", "policy"),
    [
        ("/view/x", "no-referrer"),
        ("/view/guest/x", "no-referrer"),
        ("/verify/x", "no-referrer"),
        ("/reset/x", "no-referrer"),
        ("/invitation/x", "no-referrer"),
        ("/add-screen?code=x", "no-referrer"),
        ("/verify", None),
        ("/add-screen", None),
        ("/viewer/x", None),
        ("/api/auth/verify/send", None),
    ],
)
def test_only_an_address_with_a_secret_has_no_referrer(address: str, policy: str | None) -> None:
    answer = browser_headers(lambda request: HttpResponse())(RequestFactory().get(address))
    assert answer.headers.get("Referrer-Policy") == policy
