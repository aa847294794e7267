"""Identifies the sender of a request: the person of a bearer token, or of a page's session. Log-in itself is in
`libraries.api.auth`.
"""

from __future__ import annotations

from typing import Any, cast

from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication

from libraries import tokens
from libraries.models import User
from libraries.rules.subjects import Grant, Subject
from libraries.selectors import get_user_of
from libraries.services.sessions import SessionEnded, page_session_id
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
        """The person, if they may still log in; AuthenticationFailed with the code `session-ended`."""
        user = get_user_of(validated_token.grant)
        if user is None:
            ended = SessionEnded()
            raise AuthenticationFailed(ended.message, ended.code)
        return user


class PageAuthentication(SessionAuthentication):
    """The session of our own pages. A request that changes something needs the page's CSRF token, too."""

    def enforce_csrf(self, request: Any) -> None:
        """Raise PermissionDenied unless the request has the CSRF token."""
        try:
            super().enforce_csrf(request)
        except PermissionDenied:
            sentence = "This page was open for too long, or the request came from another site: load the page again."
            raise PermissionDenied(sentence) from None


def grant_of_request(request: Request) -> Grant:
    """What the credential of a request says; the request is from somebody who is logged in."""
    if isinstance(request.auth, Credential):
        return request.auth.grant
    user = cast(User, request.user)
    return Grant(Subject(user.pk), page_session_id(request.session), user.auth_version)
