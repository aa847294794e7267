"""Makes access tokens that no log-in issues: expired, of deleted people, of another kind, with a wrong key."""

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

    The issuing machine's clock is `ahead` by that many seconds; `claims_besides` replace its claims.
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
    """The claims of a token, unverified."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def user_id_of(token: str) -> str:
    """The subject of a token."""
    return str(claims_of(token)[USER_CLAIM])
