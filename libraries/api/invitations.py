"""Invitations in the REST API. Permissions are checked in `libraries.services.invitations`."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.auth import CountedLogInView
from libraries.api.base import ApiView
from libraries.api.invitation_serializers import (
    InvitationSerializer,
    InvitationTokenSerializer,
    MadeInvitationSerializer,
    MyInvitationSerializer,
    NewInvitationSerializer,
    SeenInvitationSerializer,
)
from libraries.api.schema import documented
from libraries.api.serializers import LibrarySerializer
from libraries.links import Page, link_to
from libraries.models import Invitation, Membership
from libraries.rules.roles import Role
from libraries.selectors import get_library
from libraries.services import invitations


class LibraryInvitations(ApiView):
    """`libraries/{libraryId}/invitations`."""

    queryset = Invitation.objects.none()
    filter_backends = ()
    cache: ClassVar[dict[str, bool]] = {"no_store": True}  # the answer has a link

    @documented("List a library's invitations", answer=InvitationSerializer(many=True), errors=(400, 403, 404))
    def get(self, request: Request, library_id: UUID) -> Response:
        """One page of them, the newest first, with who accepted; owners may. Those that ended are kept for a month."""
        rows = invitations.invitations_of(actor_id=self.actor_id, library_id=library_id)
        return self.answer_page(rows, InvitationSerializer)

    @documented(
        "Invite somebody",
        body=NewInvitationSerializer,
        answer=MadeInvitationSerializer,
        status=201,
        errors=(404, 409, 429),
    )
    def post(self, request: Request, library_id: UUID) -> Response:
        """Make a link that makes one person a member, once, within 7 days; owners may.

        The answer has the link, to copy. With an address, another one is mailed, if the site sends mail. The answer is
        the same whether the address has an account.
        """
        values = self.read(NewInvitationSerializer)
        invitation, link = invitations.create_invitation(
            inviter_id=self.actor_id,
            library_id=library_id,
            email=values["email"],
            role=Role(values["role"]),
            link_of=lambda token: link_to(request._request, Page.INVITATION, token),
        )
        shown = MadeInvitationSerializer(invitation, context={"link": link}).data
        location = reverse("invitation", args=[library_id, invitation.id])
        return Response(shown, status=201, headers={"Location": location})


class OneInvitation(ApiView):
    """`libraries/{libraryId}/invitations/{invitationId}`."""

    @documented("Withdraw an invitation", status=204, errors=(404, 409))
    def delete(self, request: Request, library_id: UUID, invitation_id: UUID) -> Response:
        """Its links are good no more; owners may. Once it is accepted, remove the member instead."""
        invitations.withdraw_invitation(actor_id=self.actor_id, library_id=library_id, invitation_id=invitation_id)
        return Response(status=204)


class MyInvitations(ApiView):
    """`invitations`."""

    queryset = Invitation.objects.none()
    filter_backends = ()

    @documented("List invitations to me", answer=MyInvitationSerializer(many=True), errors=(400, 403, 404))
    def get(self, request: Request) -> Response:
        """One page of the open ones to my address, which must be verified."""
        return self.answer_page(invitations.invitations_for(user_id=self.actor_id), MyInvitationSerializer)


class AcceptMine(ApiView):
    """`invitations/{invitationId}/accept`."""

    @documented(
        "Accept an invitation to me",
        answer=LibrarySerializer,
        errors=(404, 409),
        operation_id="invitationsAcceptMine",
    )
    def post(self, request: Request, invitation_id: UUID) -> Response:
        """Become a member by an invitation to my address, which must be verified; the answer is the library."""
        return _joined(invitations.accept_by_address(user_id=self.actor_id, invitation_id=invitation_id))


class Accept(ApiView):
    """`invitations/accept`."""

    @documented(
        "Accept an invitation by its link", body=InvitationTokenSerializer, answer=LibrarySerializer, errors=(404, 409)
    )
    def post(self, request: Request) -> Response:
        """Become a member by the token of a copied or a mailed link; the answer is the library.

        A mailed link also verifies my address, if it was sent to it.
        """
        token = self.read(InvitationTokenSerializer)["token"]
        return _joined(invitations.accept_by_token(user_id=self.actor_id, token=token))


class Look(CountedLogInView):
    """`invitations/look`."""

    @documented(
        "Look at an invitation",
        body=InvitationTokenSerializer,
        answer=SeenInvitationSerializer,
        errors=(404, 429),
        open=True,
    )
    def post(self, request: Request) -> Response:
        """What the token of a link invites to, before a log-in."""
        found = invitations.look_at_invitation(token=self.read(InvitationTokenSerializer)["token"])
        return Response(SeenInvitationSerializer(found).data)


def _joined(membership: Membership) -> Response:
    library = get_library(user_id=membership.user_id, library_id=membership.library_id)
    return Response(LibrarySerializer(library).data)
