"""Share links and tickets in the REST API. Permissions are checked in the services."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.authentication import grant_of_request
from libraries.api.base import ApiView
from libraries.api.fields import Moment, Text
from libraries.api.schema import documented
from libraries.api.serializers import Body
from libraries.links import Page, link_to
from libraries.models import ShareLink
from libraries.services.sessions import page_session_end
from libraries.services.share_links import (
    create_share_link,
    share_links_of,
    update_share_link,
    withdraw_share_link,
)
from libraries.services.tickets import new_ticket
from libraries.sharing import MAX_GUESTS, MAX_LABEL_CHARS
from libraries.tokens import Credential
from libraries.validators import validate_name


class ShareLinkSerializer(Body):
    """A link with which guests watch a portal view."""

    id = serializers.UUIDField(read_only=True)
    label = Text(  # type: ignore[assignment]  # a field of that name
        max_length=MAX_LABEL_CHARS, allow_blank=True, default="", validators=[validate_name]
    )
    maxGuests = serializers.IntegerField(
        source="max_guests", min_value=1, max_value=MAX_GUESTS, allow_null=True, default=None, help_text="At once."
    )
    expiresAt = Moment(source="expires_at", allow_null=True, default=None, help_text="Fixed once the link is made.")
    isScreen = serializers.BooleanField(source="is_screen", read_only=True, help_text="The link of one screen.")
    createdAt = Moment(source="created_at", read_only=True)
    createdBy = serializers.CharField(
        source="created_by.get_full_name", read_only=True, allow_null=True, default=None, help_text="The name."
    )
    withdrawnAt = Moment(source="withdrawn_at", read_only=True, allow_null=True)


class NewShareLinkSerializer(ShareLinkSerializer):
    """A new link, with what is shown only once."""

    link = serializers.URLField(read_only=True, help_text="The address for guests.")
    token = serializers.CharField(read_only=True, help_text="The credential in it, for sockets.")


class ShareLinkChangeSerializer(Body):
    """What can be changed of a link."""

    label = Text(  # type: ignore[assignment]  # a field of that name
        max_length=MAX_LABEL_CHARS, allow_blank=True, required=False, validators=[validate_name]
    )
    maxGuests = serializers.IntegerField(
        source="max_guests", min_value=1, max_value=MAX_GUESTS, allow_null=True, required=False
    )


class TicketRequestSerializer(Body):
    """Which portal view the socket is for."""

    portalViewId = serializers.UUIDField(source="portal_view_id")


class TicketSerializer(serializers.Serializer[Any]):
    """A one-time ticket."""

    ticket = serializers.CharField()
    expiresAt = Moment(source="expires_at")


class ShareLinks(ApiView):
    """`portal-views/{portalViewId}/share-links`."""

    queryset = ShareLink.objects.none()
    filter_backends = ()

    @documented("List share links", answer=ShareLinkSerializer(many=True), errors=(400, 403, 404))
    def get(self, request: Request, portal_view_id: UUID) -> Response:
        """One page of them, the newest first; also those that were withdrawn lately. Owners and editors may."""
        links = share_links_of(user_id=self.actor_id, portal_view_id=portal_view_id)
        return self.answer_page(links, ShareLinkSerializer)

    @documented(
        "Make a share link",
        body=ShareLinkSerializer,
        answer=NewShareLinkSerializer,
        status=201,
        errors=(404, 409),
    )
    def post(self, request: Request, portal_view_id: UUID) -> Response:
        """Whoever has the link watches without an account. `link` and `token` are in this answer only."""
        values = self.read(ShareLinkSerializer)
        link, token = create_share_link(actor_id=self.actor_id, portal_view_id=portal_view_id, **values)
        secret = {"link": link_to(request._request, Page.VIEW, token), "token": token}
        location = reverse("share-link", args=[portal_view_id, link.id])
        answer = {**ShareLinkSerializer(link).data, **secret}
        return Response(answer, status=201, headers={"Location": location, "Cache-Control": "no-store"})


class OneShareLink(ApiView):
    """`portal-views/{portalViewId}/share-links/{linkId}`."""

    @documented(
        "Change a share link",
        body=ShareLinkChangeSerializer,
        answer=ShareLinkSerializer,
        errors=(404, 410),
    )
    def patch(self, request: Request, portal_view_id: UUID, link_id: UUID) -> Response:
        """Its label, and how many guests may watch by it at once."""
        values = self.read(ShareLinkChangeSerializer, partial=True)
        link = update_share_link(actor_id=self.actor_id, portal_view_id=portal_view_id, link_id=link_id, **values)
        return Response(ShareLinkSerializer(link).data)

    @documented("Withdraw a share link", status=204, errors=(404,))
    def delete(self, request: Request, portal_view_id: UUID, link_id: UUID) -> Response:
        """Its guests are disconnected at once, and it lets nobody in any more."""
        withdraw_share_link(actor_id=self.actor_id, portal_view_id=portal_view_id, link_id=link_id)
        return Response(status=204)


class SocketTickets(ApiView):
    """`auth/ws-ticket`."""

    cache: ClassVar[dict[str, bool]] = {"no_store": True}

    @documented("Get a ticket for a socket", body=TicketRequestSerializer, answer=TicketSerializer, errors=(404, 429))
    def post(self, request: Request) -> Response:
        """Good once, for 30 seconds; the socket ends with what the request was authenticated by."""
        values = self.read(TicketRequestSerializer)
        ticket, expires_at = new_ticket(grant=grant_of_request(request), ends_at=_end_of(request), **values)
        return Response(TicketSerializer({"ticket": ticket, "expires_at": expires_at}).data)


def _end_of(request: Request) -> datetime:
    """When the credential of a request ends: a token's expiry, or that of the page's session."""
    if isinstance(request.auth, Credential):
        return datetime.fromtimestamp(request.auth.expires_at, UTC)
    return page_session_end(request.session)
