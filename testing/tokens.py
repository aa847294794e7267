"""Make access tokens that no log-in would give: expired, of people who are gone, of another kind, with a wrong key."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import jwt

USER_CLAIM = "user_id"


def forge_token(
    secret_key: str,
    user_id: str,
    *,
    lifetime: float = 3600,
    token_type: str = "access",  # noqa: S107
    ahead: float = 0,
    **claims_besides: object,
) -> str:
    """A JWT as simplejwt makes it; `lifetime` is in seconds, and a negative one has passed.

    It is made by a machine whose clock is `ahead` by so many seconds; `claims_besides` go over its claims.
    """
    now = int(time.time() + ahead)
    claims = {
        "token_type": token_type,
        "exp": now + int(lifetime),
        "iat": now,
        "jti": uuid4().hex,
        USER_CLAIM: user_id,
        **claims_besides,
    }
    return jwt.encode(claims, secret_key, algorithm="HS256")


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def user_id_of(token: str) -> str:
    """Whose token it is."""
    return str(claims_of(token)[USER_CLAIM])
