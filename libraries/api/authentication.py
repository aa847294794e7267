"""Identifies the sender of a request: the person of a bearer token. Log-in itself is in `libraries.api.auth`."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication

from libraries import tokens
from libraries.models import User
from libraries.rules.subjects import Grant
from libraries.selectors import get_user_of
from libraries.tokens import Credential, TokenExpired, TokenInvalid, with_keys


class BearerAuthentication(JWTAuthentication):
    """`Authorization: Bearer <access token>`; AuthenticationFailed with the codes `token-expired`, `token-invalid`."""

    def get_raw_token(self, header: bytes) -> bytes:
        """The token in the header's value; the scheme's name may have any case (RFC 9110, section 11.1)."""
        scheme, _, token = header.strip().partition(b" ")
        if scheme.lower() != b"bearer" or not token:
            sentence = "The header must be Authorization: Bearer <access token>."
            raise AuthenticationFailed(sentence, "token-invalid")
        return token.strip()

    def get_validated_token(self, raw_token: bytes) -> Any:
        """The content of the token, as `libraries.tokens.Credential`."""
        try:
            return with_keys(lambda: tokens.verify(raw_token.decode("latin-1")))
        except (TokenExpired, TokenInvalid) as error:
            raise AuthenticationFailed(error.message, error.code) from None

    def get_user(self, validated_token: Credential) -> User:  # type: ignore[override]  # what we have validated
        """The person, if they may still log in."""
        return person_of(validated_token.grant)


def person_of(grant: Grant) -> User:
    """The user; AuthenticationFailed if they are deleted or deactivated, or the session has ended."""
    user = get_user_of(grant)
    if user is None:
        raise AuthenticationFailed("This session has ended, or the account is switched off: log in again.", ENDED)
    return user


ENDED = "session-ended"
