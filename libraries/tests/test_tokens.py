"""Tokens: what they say, which of them are refused, and those of releases before sessions and keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

import jwt
import pytest
from django.conf import settings as site
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from libraries import tokens
from libraries.models import SigningKey, User
from libraries.rules.subjects import Grant, Subject
from libraries.signing import KEYS, make_key
from libraries.tokens import (
    AUDIENCE,
    Access,
    Credential,
    KeyNotRead,
    Refresh,
    TokenExpired,
    TokenInvalid,
    TokenOfTheFuture,
    access_token,
    grant_of,
    guest_credential,
    read_token,
    refresh_token,
    verify,
    verify_guest,
    with_keys,
)

pytestmark = pytest.mark.django_db
SID = UUID("0190a1de-0000-7000-8000-000000000001")


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KEYS, "_known", {})
    monkeypatch.setattr(KEYS, "_read_at", float("-inf"))


def signed(owner: User, key_id: str | None = None, secret: bytes | None = None, **changes: Any) -> str:
    """An access token with other claims, or of another key; None removes a claim."""
    key = KEYS.newest()
    content = {
        **read_token(Access, access_token(owner, SID)).payload,
        "iss": site.PORTAL_ISSUER,
        "aud": AUDIENCE,
        **changes,
    }
    content = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(content, secret or key.secret, headers={"kid": key_id or key.id})


def test_an_access_token_says_whose_it_is_and_what_it_ends_with(owner: User) -> None:
    owner.auth_version = 7
    text = access_token(owner, SID)
    assert verify(text).grant == Grant(Subject(owner.id), SID, 7)
    header, content = jwt.get_unverified_header(text), jwt.decode(text, options={"verify_signature": False})
    assert header["kid"] == KEYS.newest().id
    assert (content["iss"], content["aud"], content["sid"], content["ver"]) == ("portal", "portal", str(SID), 7)
    assert verify(text).expires_at == content["exp"] + site.PORTAL_CLOCK_LEEWAY_SECONDS


def test_a_refresh_token_is_the_same_for_the_same_number(owner: User) -> None:
    now = int(time.time())
    text = refresh_token(owner, SID, 3, now)
    assert refresh_token(owner, SID, 3, now) == text
    assert refresh_token(owner, SID, 4, now) != text
    read = read_token(Refresh, text)
    assert (read["gen"], read["iat"], grant_of(read).session_id) == (3, now, SID)
    assert read["exp"] == now + Refresh.lifetime.total_seconds()


def test_a_token_is_of_one_kind(owner: User) -> None:
    guest = guest_credential(Grant(Subject(uuid4(), is_guest=True), link_id=uuid4()), "", None)
    for text in (refresh_token(owner, SID, 0, int(time.time())), guest):
        with pytest.raises(TokenInvalid):
            verify(text)
    for text in (access_token(owner, SID), guest):
        with pytest.raises(TokenInvalid):
            read_token(Refresh, text)
    with pytest.raises(TokenInvalid):
        verify_guest(access_token(owner, SID))


def test_a_guest_credential_ends_with_its_link() -> None:
    grant = Grant(Subject(uuid4(), is_guest=True), link_id=uuid4())
    soon = datetime.now(UTC) + timedelta(minutes=5)
    credential = verify_guest(guest_credential(grant, "Ada", soon))
    assert (credential.grant, credential.name, credential.subject.is_guest) == (grant, "Ada", True)
    assert credential.expires_at == int(soon.timestamp()) + site.PORTAL_CLOCK_LEEWAY_SECONDS
    later = verify_guest(guest_credential(grant, "", soon + timedelta(days=1_000))).expires_at
    assert later == verify_guest(guest_credential(grant, "", None)).expires_at
    assert later < time.time() + timedelta(days=91).total_seconds()


@pytest.mark.parametrize("changes", [{"guest_id": "x"}, {"link_id": None}])
def test_a_guest_credential_that_names_nobody(changes: dict[str, Any]) -> None:
    token = tokens.Guest()
    token["guest_id"], token["link_id"] = str(uuid4()), str(uuid4())
    token.payload.update(changes)
    with pytest.raises(TokenInvalid):
        verify_guest(str(token))


# --- Refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "elsewhere"},
        {"iss": None},
        {"aud": "elsewhere"},
        {"aud": None},
        {"user_id": None},
        {"user_id": "1"},
        {"sid": "x"},
        {"ver": "x"},
        {"ver": []},
        {"exp": None},
        {"jti": None},
        {"token_type": "refresh"},
    ],
)
def test_claims_that_are_wrong(owner: User, changes: dict[str, Any]) -> None:
    assert verify(signed(owner)).subject.id == owner.id
    with pytest.raises(TokenInvalid):
        verify(signed(owner, **changes))


def test_another_issuer_of_the_site_refuses_the_tokens_of_the_first(owner: User, settings: Any) -> None:
    text = access_token(owner, SID)
    settings.PORTAL_ISSUER = "https://other.example.org"
    with pytest.raises(TokenInvalid):
        verify(text)
    assert verify(access_token(owner, SID)).grant.session_id == SID


def test_times(owner: User) -> None:
    now = int(time.time())
    with pytest.raises(TokenExpired):
        verify(signed(owner, exp=now - 11))
    assert verify(signed(owner, exp=now - 5))
    with pytest.raises(TokenOfTheFuture):
        verify(signed(owner, iat=now + 60))


@pytest.mark.parametrize("key_id", ["0" * 16, "é" * 16, "x"])
def test_a_made_up_key_is_refused_without_a_query(
    owner: User, key_id: str, django_assert_num_queries: Callable[[int], Any]
) -> None:
    text = signed(owner, key_id)
    with django_assert_num_queries(0), pytest.raises(TokenInvalid):
        with_keys(lambda: verify(text))


def test_a_token_that_another_key_signed(owner: User) -> None:
    with pytest.raises(TokenInvalid):
        verify(signed(owner, secret=b"x" * 32))
    with pytest.raises(TokenInvalid):
        verify(signed(owner, secret=site.SECRET_KEY.encode()))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.", "\0", "eyJhbGciOiJub25lIn0.e30."])
def test_no_token_at_all(text: str) -> None:
    with pytest.raises(TokenInvalid):
        verify(text)


def test_a_token_without_a_signature(owner: User) -> None:
    content = read_token(Access, access_token(owner, SID)).payload
    for headers in ({}, {"kid": KEYS.newest().id}):
        with pytest.raises(TokenInvalid):
            verify(jwt.encode(content, "", algorithm="none", headers=headers))


def test_a_key_that_another_process_made_is_read_once(owner: User) -> None:
    KEYS.newest()
    other = make_key()
    elsewhere = type(KEYS)()
    elsewhere.read()
    secret = elsewhere.find(other)
    assert secret is not None
    text = signed(owner, other, secret.secret)
    with pytest.raises(KeyNotRead):
        verify(text)
    assert with_keys(lambda: verify(text)).subject.id == owner.id
    SigningKey.objects.filter(id=other).delete()
    KEYS.read()
    with pytest.raises(TokenInvalid, match="too old"):
        with_keys(lambda: verify(text))


# --- Before sessions and keys -----------------------------------------------------------------------------


def test_tokens_of_older_releases_stay_good(owner: User) -> None:
    access, refresh = AccessToken.for_user(owner), RefreshToken.for_user(owner)
    assert "kid" not in jwt.get_unverified_header(str(access))
    for token, found in ((access, verify(str(access)).grant), (refresh, grant_of(read_token(Refresh, str(refresh))))):
        assert found == Grant(Subject(owner.id), uuid5(NAMESPACE_OID, token["jti"]), 0)


def test_a_credential_knows_its_subject(owner: User) -> None:
    grant = Grant(Subject(owner.id), SID)
    assert Credential(grant, 0.0).subject == grant.subject
    assert grant.keys == (owner.id, SID)
