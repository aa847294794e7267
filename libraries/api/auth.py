"""Registration, log-in and the current person, in the REST API.

The limits on attempts are in `libraries.services.logins`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth import authenticate
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.authentication import person_of
from libraries.api.base import ApiView
from libraries.api.schema import documented
from libraries.api.serializers import (
    AccessSerializer,
    LogInSerializer,
    RefreshSerializer,
    RegistrationSerializer,
    TokensSerializer,
    UserSerializer,
)
from libraries.services import logins
from libraries.services.people import register_user, rename_user
from libraries.tokens import Refresh, TokenExpired, TokenInvalid, grant_of, read_token, with_keys


class _LogInView(ApiView):
    """A view for people who are not logged in yet. A log-in is counted where its password is tested."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    cache: ClassVar[dict[str, bool]] = {"no_store": True}  # RFC 6749, section 5.1


class _CountedLogInView(_LogInView):
    """A view that counts each request together with the log-ins of its network."""

    def check_throttles(self, request: Request) -> None:
        """Called by the framework; TooManyAttempts if there are too many."""
        logins.count_request(request._request)


class Register(_CountedLogInView):
    """`auth/register`."""

    @documented(
        "Register", body=RegistrationSerializer, answer=UserSerializer, status=201, errors=(409, 429, 503), open=True
    )
    def post(self, request: Request) -> Response:
        """Make an account; it is a member of no library."""
        user = register_user(**self.read(RegistrationSerializer))
        return Response(UserSerializer(user).data, status=201)


class Tokens(_LogInView):
    """`auth/token`."""

    @documented("Log in", body=LogInSerializer, answer=TokensSerializer, errors=(401, 429, 503), open=True)
    def post(self, request: Request) -> Response:
        """An access token for requests, and a refresh token for the next access token."""
        user = authenticate(request=request, **self.read(LogInSerializer))
        if user is None:
            raise AuthenticationFailed("The e-mail address or the password is wrong.", "not-authenticated")
        refresh = Refresh.for_user(user)
        return Response({"access": str(refresh.access_token), "refresh": str(refresh)})


class FreshToken(_CountedLogInView):
    """`auth/token/refresh`."""

    @documented(
        "Get a fresh access token", body=RefreshSerializer, answer=AccessSerializer, errors=(401, 429), open=True
    )
    def post(self, request: Request) -> Response:
        """For a refresh token, while its person may still log in."""
        try:
            text = self.read(RefreshSerializer)["refresh"]
            refresh = with_keys(lambda: read_token(Refresh, text))
            person_of(grant_of(refresh))
        except (TokenExpired, TokenInvalid) as error:
            raise AuthenticationFailed(error.message, error.code) from None
        return Response({"access": str(refresh.access_token)})


class Me(ApiView):
    """`auth/me`."""

    @documented("Read who I am", answer=UserSerializer)
    def get(self, request: Request) -> Response:
        """The person of the access token."""
        return Response(UserSerializer(request.user).data)

    @documented("Change my name", body=UserSerializer, answer=UserSerializer)
    def patch(self, request: Request) -> Response:
        """The name that others see."""
        values: dict[str, Any] = self.read(UserSerializer, partial=True)
        if "name" not in values:
            return self.get(request)
        return Response(UserSerializer(rename_user(user_id=self.actor_id, name=values["name"])).data)
