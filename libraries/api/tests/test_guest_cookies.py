"""Cookies of guests: what is set, and what is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from libraries.api.guest_cookies import MAX_GUEST_COOKIES, guest_cookies
from libraries.rules.names import MAX_GUEST_NAME_CHARS
from libraries.rules.subjects import Grant
from libraries.tests.rest import refused
from libraries.tokens import Guest, guest_credential

pytestmark = pytest.mark.django_db
PATH = "/api/auth/guest-cookie"


def keep(client: Client, guest: Any) -> Any:
    return client.post(PATH, {"guest": guest}, "application/json")


def test_the_cookie_holds_the_credential_until_it_ends() -> None:
    grant = Grant.of_new_guest(uuid4())
    guest = guest_credential(grant, "Ann", timezone.now() + timedelta(hours=1))
    answer = keep(Client(), guest)
    assert answer.status_code == 204
    assert "no-store" in answer["Cache-Control"]
    [cookie] = answer.cookies.values()
    assert cookie.value == guest
    assert str(grant.link_id) not in cookie.key
    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["domain"]) == ("/", True, "Lax", "")
    assert 3_500 < int(cookie["max-age"]) <= 3_600


def test_the_cookie_is_that_of_the_session(settings: Any) -> None:
    settings.PORTAL_COOKIE_PREFIX, settings.SESSION_COOKIE_SECURE = "__Secure-", True
    settings.SESSION_COOKIE_PATH = "/portal/"
    [cookie] = keep(Client(), guest_credential(Grant.of_new_guest(uuid4()), "", None)).cookies.values()
    assert cookie.key.startswith("__Secure-guest-")
    assert (cookie["path"], cookie["secure"]) == ("/portal/", True)


def test_a_link_has_one_cookie() -> None:
    client, link = Client(), uuid4()
    for _ in range(3):
        assert keep(client, guest_credential(Grant.of_new_guest(link), "", None)).status_code == 204
    assert len(client.cookies) == 1


def test_the_oldest_is_deleted() -> None:
    kept: list[str] = []
    for number in range(MAX_GUEST_COOKIES + 3):
        # A browser sends the oldest first; Django's client sorts them
        headers = {"Cookie": "; ".join(f"{name}=x" for name in kept)}
        answer = keep(Client(headers=headers), guest_credential(Grant.of_new_guest(uuid4()), "", None))
        gone = [name for name, cookie in answer.cookies.items() if not cookie.value]
        assert gone == kept[:1] * (number >= MAX_GUEST_COOKIES)
        assert all(answer.cookies[name]["max-age"] == 0 for name in gone)
        kept = [name for name in kept if name not in gone] + [name for name in answer.cookies if name not in gone]
    assert len(kept) == MAX_GUEST_COOKIES


def test_few_cookies_are_read() -> None:
    found = guest_cookies({"guest-x": "1", "sessionid": "2", **{f"guest-{n:016x}": str(n) for n in range(20)}})
    assert list(found.values()) == [str(n) for n in range(20 - MAX_GUEST_COOKIES, 20)]


def test_the_longest_name_has_room() -> None:
    guest = guest_credential(Grant.of_new_guest(uuid4()), "\N{DRAGON}" * MAX_GUEST_NAME_CHARS, None)
    client = Client()
    assert keep(client, guest).status_code == 204
    assert guest_cookies({name: cookie.value for name, cookie in client.cookies.items()})


def test_what_is_no_credential_of_a_guest_is_refused() -> None:
    expired = Guest()
    expired["guest_id"], expired["link_id"] = str(uuid4()), str(uuid4())
    expired.set_exp(lifetime=-timedelta(days=1))
    for guest, code in (("x", "token-invalid"), (str(expired), "token-expired")):
        answer = keep(Client(), guest)
        refused(answer, code)
        assert not answer.cookies
    for body in ({}, {"guest": 1}, {"guest": ""}, {"guest": "x" * 5_000}):
        assert Client().post(PATH, body, "application/json").status_code == 400
    assert Client().post(PATH, "guest=x", "text/plain").status_code == 415
