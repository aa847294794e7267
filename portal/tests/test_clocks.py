"""The clocks of machines that issue tokens, and of those that read them, may differ (RFC 7519, 4.1.4 to 4.1.6)."""

from __future__ import annotations

import time

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from libraries.models import User
from libraries.tokens import TokenExpired, TokenInvalid, verify
from testing.tokens import forge_token

OF_THE_FUTURE = "The token is of a time to come: compare the clock of the machine that made it with this server's."
LEEWAY = 10
"""The default; tests within 3 s of it would depend on their speed."""


def token(user: User, **how: float) -> str:
    """A token of this site, issued by a machine with another clock."""
    return forge_token(settings.SECRET_KEY, str(user.id), **how)  # type: ignore[arg-type]


def asked(text: str) -> tuple[int, str, str]:
    """The answer of REST: status, code and message."""
    answer = APIClient().get("/api/auth/me", headers={"Authorization": f"Bearer {text}"})
    body = answer.json()
    return answer.status_code, body.get("code", ""), body.get("message", "")


@pytest.mark.parametrize(
    "how",
    [
        {"ahead": 2},
        {"ahead": LEEWAY - 3},
        {"lifetime": 3 - LEEWAY},
        {"ahead": -7000, "lifetime": 7000},
    ],
    ids=["2 s ahead", "as far ahead as may be", "expired just now", "an old token"],
)
def test_a_clock_may_be_slightly_off(viewer: User, how: dict[str, float]) -> None:
    assert asked(token(viewer, **how))[0] == 200
    assert verify(token(viewer, **how)).subject.user_id == viewer.id


def test_the_start_of_validity_may_be_slightly_off(viewer: User) -> None:
    early = token(viewer, nbf=time.time() + LEEWAY - 3)
    assert asked(early)[0] == 200
    assert verify(early).subject.user_id == viewer.id


@pytest.mark.parametrize("how", [{"ahead": LEEWAY + 3}, {"ahead": 86_400}, {"nbf": 4e9}, {"iat": 4e9}])
def test_a_clock_that_is_far_ahead_is_reported(viewer: User, how: dict[str, float]) -> None:
    assert asked(token(viewer, **how)) == (401, "token-invalid", OF_THE_FUTURE)
    with pytest.raises(TokenInvalid, match="compare the clock") as refused:
        verify(token(viewer, **how))
    assert refused.value.code == "token-invalid"


def test_a_token_that_expired_before_the_leeway_is_expired(viewer: User) -> None:
    assert asked(token(viewer, lifetime=-LEEWAY - 3))[:2] == (401, "token-expired")
    with pytest.raises(TokenExpired) as refused:
        verify(token(viewer, lifetime=-LEEWAY - 3))
    assert refused.value.code == "token-expired"


def test_an_open_socket_ends_with_the_same_leeway(viewer: User) -> None:
    before = time.time()
    assert before + 60 + LEEWAY - 1 <= verify(token(viewer, lifetime=60)).expires_at <= time.time() + 60 + LEEWAY


def test_a_bad_signature_is_not_reported_as_a_clock_error(viewer: User) -> None:
    forged = forge_token("x" * 50, str(viewer.id), ahead=3600)
    assert OF_THE_FUTURE not in asked(forged)[2]
    with pytest.raises(TokenInvalid) as refused:
        verify(forged)
    assert refused.value.message != OF_THE_FUTURE
