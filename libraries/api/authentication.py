"""Who sends a request: the person of a bearer token. Log-in itself is in `libraries.api.auth`."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from jwt import ImmatureSignatureError
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, Token

from libraries.models import User
from libraries.selectors import get_active_user

OF_THE_FUTURE = "The token is of a time to come: compare the clock of the machine that made it with this server's."

AnyToken = TypeVar("AnyToken", bound=Token)


class BearerAuthentication(JWTAuthentication):
    """`Authorization: Bearer <access token>`; AuthenticationFailed with the codes `token-expired`, `token-invalid`."""

    def get_raw_token(self, header: bytes) -> bytes:
        """The token in the header's value; the scheme's name may have any case (RFC 9110, section 11.1)."""
        scheme, _, token = header.strip().partition(b" ")
        if scheme.lower() != b"bearer" or not token:
            sentence = "The header must be Authorization: Bearer <access token>."
            raise AuthenticationFailed(sentence, "token-invalid")
        return token.strip()

    def get_validated_token(self, raw_token: bytes) -> AccessToken:
        """The token, if this server made it and it has not expired."""
        return read_token(AccessToken, raw_token.decode("latin-1"))

    def get_user(self, validated_token: Token) -> User:  # type: ignore[override]  # the stubs know Django's own
        """The person, if they may still log in."""
        return person_of(validated_token)


def read_token(kind: type[AnyToken], text: str) -> AnyToken:
    """The token in the text; AuthenticationFailed unless it is a valid one of that kind."""
    try:
        return kind(text)  # type: ignore[arg-type]  # the stubs ask for a Token; text is what is meant
    except ExpiredTokenError:
        raise AuthenticationFailed("The token has expired: get a fresh one.", "token-expired") from None
    except TokenError as error:
        sentence = f"This is not a valid {kind.token_type} token of this server: log in again."
        raise AuthenticationFailed(OF_THE_FUTURE if is_of_the_future(error) else sentence, "token-invalid") from None


def is_of_the_future(error: BaseException | None) -> bool:
    """Whether a token was refused for being made, or good, only later than now (RFC 7519, sections 4.1.5 and 4.1.6)."""
    while error is not None:
        if isinstance(error, ImmatureSignatureError):
            return True
        error = error.__cause__
    return False


def person_of(token: Token) -> User:
    """The token's person; AuthenticationFailed if they are gone or switched off."""
    try:
        user = get_active_user(UUID(str(token.get(api_settings.USER_ID_CLAIM))))
    except ValueError:
        user = None
    if user is None:
        raise AuthenticationFailed("This account does not exist any more, or is switched off.", "token-invalid")
    return user
