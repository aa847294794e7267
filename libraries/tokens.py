"""The content of a token, for REST and sockets alike: its subject, and its expiry. REST's log-in issues tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from jwt import ImmatureSignatureError
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, Token

from libraries.rules.errors import PortalError
from libraries.rules.subjects import Subject

AnyToken = TypeVar("AnyToken", bound=Token)


class TokenExpired(PortalError):
    """It was valid before."""

    code = "token-expired"


class TokenInvalid(PortalError):
    """It is not from this server, or of another kind."""

    code = "token-invalid"


class TokenOfTheFuture(TokenInvalid):
    """It was issued, or becomes valid, in the future (RFC 7519, sections 4.1.5 and 4.1.6)."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A verified access token: its subject, and its expiry (seconds since the epoch, with the clocks' leeway)."""

    subject: Subject
    expires_at: float


def verify(text: str) -> Credential:
    """The credential in an access token; TokenExpired or TokenInvalid unless it is valid now."""
    token = read_token(AccessToken, text)
    return Credential(subject_of(token), float(token["exp"]) + settings.PORTAL_CLOCK_LEEWAY_SECONDS)


def read_token(kind: type[AnyToken], text: str) -> AnyToken:
    """The token in the text; TokenExpired or TokenInvalid unless it is of that kind and valid now."""
    try:
        return kind(text)  # type: ignore[arg-type]  # the stubs ask for a Token; text is what is meant
    except ExpiredTokenError:
        raise TokenExpired("The token has expired: get a fresh one.") from None
    except TokenError as error:
        if _is_of_the_future(error):
            raise TokenOfTheFuture(
                "The token is of a time to come: compare the clock of the machine that made it with this server's."
            ) from None
        raise _invalid(kind) from None


def subject_of(token: Token) -> Subject:
    """The subject of a token; TokenInvalid if it names none."""
    try:
        return Subject(UUID(str(token.get(api_settings.USER_ID_CLAIM))))
    except ValueError:
        raise _invalid(type(token)) from None


def _invalid(kind: type[Token]) -> TokenInvalid:
    return TokenInvalid(f"This is not a valid {kind.token_type} token of this server: log in again.")


def _is_of_the_future(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ImmatureSignatureError):
            return True
        error = error.__cause__
    return False
