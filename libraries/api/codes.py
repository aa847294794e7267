"""Short codes and screens in the REST API. Permissions and limits are checked in the services."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.base import ApiView, OpenView
from libraries.api.fields import Moment, Text
from libraries.api.schema import documented
from libraries.api.serializers import Body
from libraries.api.share_links import ShareLinkSerializer
from libraries.links import Page, link_to
from libraries.rules.names import MAX_GUEST_NAME_CHARS
from libraries.rules.subjects import Subject
from libraries.services.codes import end_code, join, start_code
from libraries.services.logins import network_of_request
from libraries.services.screens import add_screen, claim_screen, new_screen
from libraries.sharing import MAX_LABEL_CHARS
from libraries.validators import validate_name

SCREEN_STATES = ("waiting", "ready")
MAX_CODE_CHARS = 32
"""The limit on what is typed as a code, with spaces and hyphens."""


class CodeSerializer(serializers.Serializer[Any]):
    """A short code."""

    code = serializers.CharField()
    expiresAt = Moment(source="expires_at")


class JoinSerializer(Body):
    """A code that somebody typed, and a name, if they want one."""

    code = Text(max_length=MAX_CODE_CHARS)
    name = Text(max_length=MAX_GUEST_NAME_CHARS, allow_blank=True, default="")


class GuestSerializer(serializers.Serializer[Any]):
    """Who somebody is."""

    kind = serializers.CharField()
    id = serializers.UUIDField()
    name = serializers.CharField(allow_null=True)


class SeatSerializer(serializers.Serializer[Any]):
    """A guest's seat."""

    portalViewId = serializers.UUIDField()
    guest = serializers.CharField(help_text="The guest's own credential, for sockets.")
    subject = GuestSerializer()


class WaitingScreenSerializer(serializers.Serializer[Any]):
    """A screen that waits."""

    code = serializers.CharField(help_text="To show.")
    claim = serializers.CharField(help_text="To keep.")
    expiresAt = Moment(source="expires_at")


class ClaimSerializer(Body):
    """What a screen was given to keep."""

    claim = Text(max_length=64)


class ClaimedScreenSerializer(serializers.Serializer[Any]):
    """Whether a screen was added; if so, with the link of its own."""

    state = serializers.ChoiceField(choices=SCREEN_STATES)
    portalViewId = serializers.UUIDField(allow_null=True)
    token = serializers.CharField(allow_null=True)
    link = serializers.URLField(allow_null=True)


class NewScreenSerializer(Body):
    """The code that a screen shows, and a name for the screen."""

    code = Text(max_length=MAX_CODE_CHARS)
    label = Text(  # type: ignore[assignment]  # a field of that name
        max_length=MAX_LABEL_CHARS, validators=[validate_name]
    )


class LinkCode(ApiView):
    """`portal-views/{portalViewId}/share-links/{linkId}/code`."""

    cache: ClassVar[dict[str, bool]] = {"no_store": True}

    @documented("Start a short code", answer=CodeSerializer, errors=(404, 410))
    def post(self, request: Request, portal_view_id: UUID, link_id: UUID) -> Response:
        """Good for 15 minutes; an earlier code of the link ends."""
        code, expires_at = start_code(actor_id=self.actor_id, portal_view_id=portal_view_id, link_id=link_id)
        return Response(CodeSerializer({"code": code, "expires_at": expires_at}).data)

    @documented("End a short code", status=204, errors=(404, 410))
    def delete(self, request: Request, portal_view_id: UUID, link_id: UUID) -> Response:
        """Guests who came by it stay."""
        end_code(actor_id=self.actor_id, portal_view_id=portal_view_id, link_id=link_id)
        return Response(status=204)


class Join(OpenView):
    """`join`."""

    @documented("Join by a short code", body=JoinSerializer, answer=SeatSerializer, errors=(404, 429), open=True)
    def post(self, request: Request) -> Response:
        """A guest's seat for a code. Each use makes another guest."""
        values = self.read(JoinSerializer)
        seat = join(**values, network=network_of_request(request._request))
        subject = Subject(seat.guest_id, is_guest=True)
        return Response(
            {
                "portalViewId": str(seat.portal_view_id),
                "guest": seat.credential,
                "subject": {"kind": subject.kind, "id": str(subject), "name": seat.name or None},
            }
        )


class Screens(OpenView):
    """`screens`."""

    @documented("Get a code for a screen", answer=WaitingScreenSerializer, errors=(429,), open=True)
    def post(self, request: Request) -> Response:
        """The screen shows the code, keeps the claim, and asks with it whether somebody has added it."""
        screen = new_screen(network=network_of_request(request._request))
        return Response(WaitingScreenSerializer(screen._asdict()).data)


class ScreenClaims(OpenView):
    """`screens/claim`."""

    @documented(
        "Ask whether a screen was added",
        body=ClaimSerializer,
        answer=ClaimedScreenSerializer,
        errors=(404, 410),
        open=True,
    )
    def post(self, request: Request) -> Response:
        """The same answer however often it is asked, until the code has expired."""
        found = claim_screen(claim=self.read(ClaimSerializer)["claim"])
        if found is None:
            return Response({"state": "waiting", "portalViewId": None, "token": None, "link": None})
        link = link_to(request._request, Page.VIEW, found.token)
        answer = {"state": "ready", "portalViewId": str(found.portal_view_id), "token": found.token, "link": link}
        return Response(answer)


class ViewScreens(ApiView):
    """`portal-views/{portalViewId}/screens`."""

    @documented(
        "Add a screen",
        body=NewScreenSerializer,
        answer=ShareLinkSerializer,
        status=201,
        errors=(404, 409, 429),
    )
    def post(self, request: Request, portal_view_id: UUID) -> Response:
        """The screen that shows the code gets a share link of its own, which can be withdrawn like any other."""
        values = self.read(NewScreenSerializer)
        network = network_of_request(request._request)
        link = add_screen(actor_id=self.actor_id, portal_view_id=portal_view_id, network=network, **values)
        location = reverse("share-link", args=[portal_view_id, link.id])
        return Response(ShareLinkSerializer(link).data, status=201, headers={"Location": location})
