"""Portal views in the REST API. There are no rules here: services check permissions, and raise the errors."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.base import ApiView
from libraries.api.bodies import StateParser
from libraries.api.filters import PortalViewFilters
from libraries.api.portal_view_serializers import (
    PortalViewBody,
    PortalViewHeadSerializer,
    PortalViewSerializer,
    WrittenPortalViewSerializer,
)
from libraries.api.preconditions import etag, is_known, parse_tags
from libraries.api.schema import AS_VIEWER, IF_MATCH, IF_NONE_MATCH, documented
from libraries.api.serializers import UNKNOWN_KEY
from libraries.models import PortalView
from libraries.rules.addresses import MAX_BODY_IMAGE_CHARS
from libraries.rules.errors import InvalidPayload, few_details, named
from libraries.rules.roles import PortalRole, Role, portal_role
from libraries.rules.state import FIELDS, READ_ONLY, check_patch
from libraries.selectors import get_library, get_portal_view, portal_views_in
from libraries.services import portal_views as services

_ONLY_ANSWERED = READ_ONLY | {"role", "warnings"}


class LibraryPortalViews(ApiView):
    """`libraries/{libraryId}/portal-views`."""

    parser_classes = (StateParser,)
    queryset = PortalView.objects.none()
    filterset_class = PortalViewFilters

    @documented(
        "List a library's portal views",
        answer=PortalViewHeadSerializer(many=True),
        parameters=(AS_VIEWER,),
        errors=(400, 404),
    )
    def get(self, request: Request, library_id: UUID) -> Response:
        """One page of them, without their items."""
        self.check_query()
        get_library(user_id=self.actor_id, library_id=library_id)
        portal_views = portal_views_in(user_id=self.actor_id, library_id=library_id, as_viewer=_is_as_viewer(request))
        return self.answer_page(portal_views, PortalViewHeadSerializer)

    @documented(
        "Make a portal view",
        body=PortalViewBody,
        answer=WrittenPortalViewSerializer,
        status=201,
        errors=(404, 409),
    )
    def post(self, request: Request, library_id: UUID) -> Response:
        """Owners and editors of the library may."""
        portal_view = services.create_portal_view(
            actor_id=self.actor_id, library_id=library_id, patch=check_patch(_writable(self.body), MAX_BODY_IMAGE_CHARS)
        )
        location = reverse("portal-view", args=[portal_view.id])
        return _written(portal_view, status=201, headers={"Location": location})


class OnePortalView(ApiView):
    """`portal-views/{portalViewId}`."""

    parser_classes = (StateParser,)

    @documented(
        "Read a portal view",
        answer=PortalViewSerializer,
        parameters=(IF_NONE_MATCH, AS_VIEWER),
        errors=(304, 400, 404),
    )
    def get(self, request: Request, portal_view_id: UUID) -> Response:
        """As the asker may see it: what viewers get is built of what may be shown."""
        portal_view = read_portal_view(self, portal_view_id)
        tag = tag_of(portal_view)
        if is_known(request.headers.get("If-None-Match"), tag):
            return Response(status=304, headers={"ETag": tag})
        return Response(PortalViewSerializer(portal_view).data, headers={"ETag": tag})

    @documented(
        "Change a portal view",
        body=PortalViewBody,
        answer=WrittenPortalViewSerializer,
        parameters=(IF_MATCH,),
        errors=(404, 409, 412),
    )
    def patch(self, request: Request, portal_view_id: UUID) -> Response:
        """The keys that the body has; owners and editors may. Everybody who is connected is told."""
        return self._store(portal_view_id, _writable(self.body))

    @documented(
        "Replace a portal view",
        body=PortalViewBody,
        answer=WrittenPortalViewSerializer,
        parameters=(IF_MATCH,),
        errors=(404, 409, 412),
    )
    def put(self, request: Request, portal_view_id: UUID) -> Response:
        """All of its keys: one that the body has not gets its default; owners and editors may."""
        given = _writable(self.body)
        if "name" not in given:
            raise InvalidPayload("A portal view needs a name.", {"name": "This is required."})
        return self._store(portal_view_id, {**_defaults(given), **given})

    @documented("Delete a portal view", status=204, parameters=(IF_MATCH,), errors=(400, 404, 412))
    def delete(self, request: Request, portal_view_id: UUID) -> Response:
        """For good, also for everybody who is connected; owners and editors may."""
        services.delete_portal_view(
            actor_id=self.actor_id, portal_view_id=portal_view_id, if_version=wanted_version(self, portal_view_id)
        )
        return Response(status=204)

    def _store(self, portal_view_id: UUID, payload: Mapping[str, Any]) -> Response:
        return _written(
            services.update_portal_view(
                actor_id=self.actor_id,
                portal_view_id=portal_view_id,
                patch=check_patch(payload, MAX_BODY_IMAGE_CHARS),
                if_version=wanted_version(self, portal_view_id),
            )
        )


def wanted_version(view: ApiView, portal_view_id: UUID) -> int | None:
    """The version that If-Match requires, None for any; 0, which no portal view has, if no tag could match."""
    tags = parse_tags("If-Match", view.request.headers.get("If-Match"))
    if tags is None or tags.any:
        return None
    if len(tags.versions) < 2:
        return next(iter(tags.versions), 0)
    # One of several: the service checks again, under its lock, whether this is still the version.
    stored = get_portal_view(user_id=view.actor_id, portal_view_id=portal_view_id).version
    return stored if stored in tags.versions else 0


def _writable(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body's writable keys, unchecked; InvalidPayload for a key that portal views do not have."""
    unknown = {named(key): UNKNOWN_KEY for key in body if key not in FIELDS and key not in _ONLY_ANSWERED}
    if unknown:
        raise InvalidPayload(f"A portal view has no {', '.join(few_details(unknown))}.", unknown)
    return {key: value for key, value in body.items() if key in FIELDS}


def _defaults(given: Collection[str]) -> dict[str, Any]:
    """The default values of the writable keys. What is current has two keys: neither has one if one is given."""
    blank = PortalView()
    named = not _CURRENT.isdisjoint(given)
    return {key: getattr(blank, field.column) for key, field in FIELDS.items() if not (named and key in _CURRENT)}


_CURRENT = frozenset({"currentItem", "currentItemId"})


def read_portal_view(view: ApiView, portal_view_id: UUID) -> PortalView:
    """The portal view for the person who asks, with the `role` that they look at it with; NotFound."""
    portal_view = get_portal_view(user_id=view.actor_id, portal_view_id=portal_view_id)
    if _is_as_viewer(view.request):
        portal_view.role = Role.VIEWER.value
    return portal_view


def _is_as_viewer(request: Request) -> bool:
    """Whether a controller wants to see what viewers see; InvalidPayload for another wish."""
    wish = request.query_params.get("as")
    if wish not in (None, str(PortalRole.VIEWER)):
        raise InvalidPayload("as: Must be viewer.", {"as": "Must be viewer."})
    return wish is not None


def tag_of(portal_view: PortalView) -> str:
    """The entity tag of a portal view for the person whose `role` it has."""
    role = portal_role(portal_view.role)
    return etag(portal_view.version if role == PortalRole.CONTROLLER else portal_view.viewers_version, role)


def _written(portal_view: PortalView, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    shown = WrittenPortalViewSerializer(portal_view).data
    return Response(shown, status=status, headers={"ETag": tag_of(portal_view), **(headers or {})})
