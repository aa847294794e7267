"""One's own account in the REST API: the person, the password, the address, export and deletion."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.account_serializers import (
    LeavingSerializer,
    MailTokenSerializer,
    NewPasswordByMailSerializer,
    NewPasswordSerializer,
    ResetSerializer,
    SaidSerializer,
    TokensSerializer,
)
from libraries.api.auth import CountedLogInView
from libraries.api.base import ApiView
from libraries.api.schema import documented
from libraries.api.serializers import UserSerializer
from libraries.exports import export_account
from libraries.links import Page, link_to
from libraries.services import accounts, mailed, sessions
from libraries.services.logins import network_of_request
from libraries.services.people import rename_user


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

    @documented("Delete my account", body=LeavingSerializer, status=204, errors=(409, 429, 503))
    def delete(self, request: Request) -> Response:
        """Delete the account, its memberships and its sessions. The body is `{"password": "…"}`, to be sure.

        `last-owner` if a library has no other owner: `details` has the name of each by its id. Make another member an
        owner of each, or delete it.
        """
        password = self.read(LeavingSerializer)["password"]
        accounts.delete_account(user_id=self.actor_id, password=password, network=network_of_request(request))
        return Response(status=204)


class Export(ApiView):
    """`auth/me/export`."""

    cache: ClassVar[dict[str, bool]] = {"no_store": True}

    @documented("Export my account", answer=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """All that is stored about me, as one file."""
        headers = {"Content-Disposition": 'attachment; filename="portal-account.json"'}
        return Response(export_account(self.actor_id), headers=headers)


class Password(ApiView):
    """`auth/password`."""

    cache: ClassVar[dict[str, bool]] = {"no_store": True}

    @documented("Change my password", body=NewPasswordSerializer, answer=TokensSerializer, errors=(409, 429, 503))
    def post(self, request: Request) -> Response:
        """Change it, and end all of my sessions, this one too: the answer has the tokens of a new one."""
        values = self.read(NewPasswordSerializer)
        user = accounts.change_password(user_id=self.actor_id, **values, network=network_of_request(request))
        return Response(asdict(sessions.open_session(user=user)))


class PasswordReset(CountedLogInView):
    """`auth/password/reset`."""

    @documented(
        "Ask for a new password", body=ResetSerializer, answer=SaidSerializer, status=202, errors=(429,), open=True
    )
    def post(self, request: Request) -> Response:
        """Mail a link to this address, if it is the verified one of an account. The answer is always the same."""
        mailed.request_reset(
            email=self.read(ResetSerializer)["email"],
            network=network_of_request(request),
            link_of=lambda token: link_to(request._request, Page.RESET, token),
        )
        return Response({"message": mailed.SENT_IF_KNOWN}, status=202)


class PasswordResetConfirm(CountedLogInView):
    """`auth/password/reset/confirm`."""

    @documented("Set a new password", body=NewPasswordByMailSerializer, status=204, errors=(429, 503), open=True)
    def post(self, request: Request) -> Response:
        """Set the password of the account that the mailed link is for, and end all of its sessions."""
        accounts.reset_password(**self.read(NewPasswordByMailSerializer))
        return Response(status=204)


class SendVerification(ApiView):
    """`auth/verify/send`."""

    @documented("Ask for a mail to verify my address", status=202, errors=(429,))
    def post(self, request: Request) -> Response:
        """Mail a link that verifies my address; it is good once, for an hour. Nothing is sent if it is verified."""
        mailed.send_verification(
            user_id=self.actor_id,
            network=network_of_request(request),
            link_of=lambda token: link_to(request._request, Page.VERIFY, token),
        )
        return Response(status=202)


class Verify(CountedLogInView):
    """`auth/verify`."""

    @documented("Verify an address", body=MailTokenSerializer, status=204, errors=(429,), open=True)
    def post(self, request: Request) -> Response:
        """Note that the person whom the mailed link is for reads mail at their address."""
        mailed.verify_address(**self.read(MailTokenSerializer))
        return Response(status=204)
