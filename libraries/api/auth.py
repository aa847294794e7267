"""Registration, log-in, fresh tokens and log-out, in the REST API. The account itself is in `libraries.api.accounts`.

The limits on attempts are in `libraries.services.logins`.
"""

from __future__ import annotations

from dataclasses import asdict

from django.contrib.auth import authenticate, logout
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.account_serializers import (
    LogInSerializer,
    LogOutSerializer,
    RefreshSerializer,
    RegistrationSerializer,
    TokensSerializer,
)
from libraries.api.base import ApiView, OpenView
from libraries.api.schema import documented
from libraries.api.serializers import UserSerializer
from libraries.links import Page, link_to
from libraries.services import logins, sessions
from libraries.services.people import register_user
from libraries.tokens import Credential


class LogInView(OpenView):
    """A view for people who are not logged in yet. A log-in is counted where its password is tested."""


class CountedLogInView(LogInView):
    """A view that counts each request together with the log-ins of its network."""

    def check_throttles(self, request: Request) -> None:
        """Called by the framework; TooManyAttempts if there are too many."""
        logins.count_request(request._request)


class Register(CountedLogInView):
    """`auth/register`."""

    @documented(
        "Register", body=RegistrationSerializer, answer=UserSerializer, status=201, errors=(409, 429, 503), open=True
    )
    def post(self, request: Request) -> Response:
        """Make an account; it is a member of no library. A mail with a link to verify the address is sent."""
        user = register_user(
            **self.read(RegistrationSerializer),
            network=logins.network_of_request(request),
            link_of=lambda token: link_to(request._request, Page.VERIFY, token),
        )
        return Response(UserSerializer(user).data, status=201)


class Tokens(LogInView):
    """`auth/token`."""

    @documented("Log in", body=LogInSerializer, answer=TokensSerializer, errors=(401, 429, 503), open=True)
    def post(self, request: Request) -> Response:
        """An access token for requests, and a refresh token for the next two; a new session."""
        user = authenticate(request=request, **self.read(LogInSerializer))
        if user is None:
            raise AuthenticationFailed("The e-mail address or the password is wrong.", "not-authenticated")
        return Response(asdict(sessions.open_session(user=user)))


class FreshToken(CountedLogInView):
    """`auth/token/refresh`."""

    @documented("Get fresh tokens", body=RefreshSerializer, answer=TokensSerializer, errors=(401, 429), open=True)
    def post(self, request: Request) -> Response:
        """A fresh access token, and the next refresh token: each is good once.

        Asked again with the same one within 30 seconds, the answer has the same next one. Later, the session ends.
        """
        return Response(asdict(sessions.refresh_session(refresh=self.read(RefreshSerializer)["refresh"])))


class LogOut(CountedLogInView):
    """`auth/logout`."""

    authentication_classes = ApiView.authentication_classes  # type: ignore[assignment]

    def perform_authentication(self, request: Request) -> None:
        """Called by the framework: not before it is known whether the body has a refresh token."""

    @documented("Log out", body=LogOutSerializer, status=204, errors=(401, 403, 429), open=True)
    def post(self, request: Request) -> Response:
        """End this session: its tokens and its open connections.

        The session is that of the access token, or of the page; or that of the refresh token in the body.
        """
        refresh = self.read(LogOutSerializer).get("refresh")
        if refresh is not None:
            sessions.end_session(session_id=sessions.session_of_refresh(refresh))
        elif not request.user.is_authenticated:
            raise NotAuthenticated
        elif isinstance(request.auth, Credential):
            sessions.end_session(session_id=sessions.session_of(request.auth.grant))
        else:
            logout(request._request)
        return Response(status=204)


class LogOutEverywhere(ApiView):
    """`auth/logout-everywhere`."""

    @documented("Log out everywhere", status=204)
    def post(self, request: Request) -> Response:
        """End all of my sessions, this one too: tokens, log-ins to pages and the admin, and open connections."""
        sessions.end_all_sessions(user_id=self.actor_id)
        return Response(status=204)
