"""Who is in a portal view, over REST. Permissions are checked in selectors and services."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.base import ApiView
from libraries.api.fields import Moment
from libraries.api.schema import documented
from libraries.api.serializers import Body
from libraries.rules.errors import InvalidPayload
from libraries.rules.roles import PortalRole
from libraries.selectors import get_library, get_portal_view, portal_views_in
from libraries.services.disconnecting import MAX_MINUTES, USUAL_MINUTES
from libraries.services.storing import require_controller
from realtime.presence.commands import count_people, find_people, send_person_away
from realtime.rooms.presence import MAX_NAMED, Person

MAX_LISTED = 10_000
"""The most viewers in one answer."""
LIMIT = OpenApiParameter(
    "limit",
    int,
    OpenApiParameter.QUERY,
    description=f"The most viewers in the answer, to {MAX_LISTED}.",
    default=MAX_NAMED,
)


class AudienceCountsSerializer(serializers.Serializer[Any]):
    """How many people are here; several connections of one person are one."""

    controllers = serializers.IntegerField()
    viewers = serializers.IntegerField()


class PresentSerializer(serializers.Serializer[Any]):
    """A person who is here, or was within the last ten seconds."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=("user", "guest"))
    name = serializers.CharField(allow_null=True, help_text="Null for a guest without a name.")
    role = serializers.ChoiceField(choices=[role.value for role in PortalRole])
    since = serializers.DateTimeField()


class PresenceSerializer(serializers.Serializer[Any]):
    """Who is here, the earliest first."""

    controllers = PresentSerializer(many=True)
    viewers = PresentSerializer(many=True, help_text="At most `limit`; `counts` has them all.")
    counts = AudienceCountsSerializer()


class PortalViewCountsSerializer(serializers.Serializer[Any]):
    """How many people are in one portal view."""

    portalViewId = serializers.UUIDField()
    name = serializers.CharField()
    counts = AudienceCountsSerializer()


class LibraryPresenceSerializer(serializers.Serializer[Any]):
    """How many people are in each portal view of a library."""

    portalViews = PortalViewCountsSerializer(many=True)


class DisconnectSerializer(Body):
    """For how long somebody is sent away."""

    minutes = serializers.IntegerField(min_value=1, max_value=MAX_MINUTES, default=USUAL_MINUTES)
    withdrawLink = serializers.BooleanField(
        source="withdraw_link", default=False, help_text="Withdraw the share link of a guest, too."
    )


class DisconnectedSerializer(serializers.Serializer[Any]):
    """Who was sent away, and what came with it."""

    subjectId = serializers.UUIDField(source="subject_id")
    until = Moment()
    withdrawnLinkId = serializers.UUIDField(source="withdrawn_link_id", allow_null=True)
    others = serializers.IntegerField(help_text="How many other guests here came by the link that was withdrawn.")


class LivePresence(ApiView):
    """`portal-views/{portalViewId}/presence`."""

    cache: ClassVar[dict[str, bool]] = {"no_store": True}

    @documented(
        "See who is here",
        answer=PresenceSerializer,
        parameters=(LIMIT,),
        errors=(400, 403, 404),
        operation_id="presence",
    )
    def get(self, request: Request, portal_view_id: UUID) -> Response:
        """For owners and editors. Who has just come, or gone, may be missing, or be there, for a moment."""
        limit = _limit(request)
        require_controller(get_portal_view(user_id=self.actor_id, portal_view_id=portal_view_id).role)
        crowd = find_people(portal_view_id)
        return Response(
            {
                "controllers": [_shown(person) for person in crowd.controllers],
                "viewers": [_shown(person) for person in crowd.viewers[:limit]],
                "counts": AudienceCountsSerializer(crowd.counts).data,
            }
        )


class Disconnect(ApiView):
    """`portal-views/{portalViewId}/presence/{subjectId}/disconnect`."""

    @documented(
        "Disconnect somebody",
        body=DisconnectSerializer,
        answer=DisconnectedSerializer,
        errors=(403, 404),
        operation_id="disconnect",
    )
    def post(self, request: Request, portal_view_id: UUID, subject_id: UUID) -> Response:
        """All connections of a person to this portal view end, and none is let in until then.

        A guest who still has the link can come back as another guest: `withdrawLink` prevents that, and `others` says
        for how many other guests that ends it, too.
        """
        require_controller(get_portal_view(user_id=self.actor_id, portal_view_id=portal_view_id).role)
        values = self.read(DisconnectSerializer)
        sent = send_person_away(actor_id=self.actor_id, portal_view_id=portal_view_id, subject_id=subject_id, **values)
        return Response(DisconnectedSerializer(sent).data)


class LibraryPresence(ApiView):
    """`libraries/{libraryId}/presence`."""

    cache: ClassVar[dict[str, bool]] = {"no_store": True}

    @documented(
        "Count who is in a library",
        answer=LibraryPresenceSerializer,
        errors=(403, 404),
        operation_id="library_presence",
    )
    def get(self, request: Request, library_id: UUID) -> Response:
        """How many people are in each of its portal views, also where there is nobody. For owners and editors."""
        require_controller(get_library(user_id=self.actor_id, library_id=library_id).role)
        names = dict(portal_views_in(user_id=self.actor_id, library_id=library_id).values_list("id", "name"))
        counts = count_people(names)
        rows = [
            {"portalViewId": str(one), "name": name, "counts": AudienceCountsSerializer(counts[one]).data}
            for one, name in names.items()
        ]
        return Response({"portalViews": rows})


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(MAX_NAMED))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= MAX_LISTED):
        sentence = f"Must be a number from 0 to {MAX_LISTED}."
        raise InvalidPayload(f"limit: {sentence}", {"limit": sentence})
    return int(text)


def _shown(person: Person) -> dict[str, Any]:
    sent = person.on_wire
    return {"id": str(sent.id), "kind": sent.kind, "name": sent.name, "role": sent.role, "since": sent.since}
