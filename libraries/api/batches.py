"""Several changes of a portal view at once in the REST API, and what viewers would see after them."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.base import ApiView
from libraries.api.portal_view_serializers import AppliedBatchSerializer, BatchSerializer, PortalViewSerializer
from libraries.api.portal_views import tag_of, wanted_version
from libraries.api.schema import IF_MATCH, documented
from libraries.rules.addresses import MAX_BODY_IMAGE_CHARS
from libraries.rules.changes import Change, check_changes
from libraries.rules.errors import InvalidPayload, named
from libraries.rules.projection import epoch_seen, project
from libraries.rules.roles import PortalRole
from libraries.selectors import get_portal_view
from libraries.services.changes import Message, change_portal_view, preview_changes
from libraries.services.storing import require_controller


class Batch(ApiView):
    """`portal-views/{portalViewId}/batch`."""

    @documented(
        "Apply several changes at once",
        body=BatchSerializer,
        answer=AppliedBatchSerializer,
        parameters=(IF_MATCH,),
        errors=(404, 409, 412),
    )
    def post(self, request: Request, portal_view_id: UUID) -> Response:
        """All of them, as one version, or none. Owners and editors may. Everybody connected gets one message."""
        written = change_portal_view(
            actor_id=self.actor_id,
            portal_view_id=portal_view_id,
            messages=[Message(_changes(self), is_batch=True)],
            if_version=wanted_version(self, portal_view_id),
        )
        answer = written.answers[0]
        body = {
            "version": written.portal_view.version,
            "itemIds": list(answer.item_ids),
            "payload": answer.payload,
            "warnings": written.warnings[0],
        }
        return Response(body, headers={"ETag": tag_of(written.portal_view)})


class Preview(ApiView):
    """`portal-views/{portalViewId}/preview`."""

    @documented("Preview several changes", body=BatchSerializer, answer=PortalViewSerializer, errors=(404,))
    def post(self, request: Request, portal_view_id: UUID) -> Response:
        """What viewers would see after them. Nothing is stored, and nobody is told; owners and editors may ask."""
        portal_view = get_portal_view(user_id=self.actor_id, portal_view_id=portal_view_id)
        require_controller(portal_view.role)
        after = preview_changes(portal_view, _changes(self))
        seen = project(after, PortalRole.VIEWER, portal_view.rules)
        epoch = epoch_seen(portal_view.epoch, PortalRole.VIEWER)
        return Response({**seen, "epoch": epoch, "role": str(PortalRole.VIEWER)})


def _changes(view: ApiView) -> tuple[Change, ...]:
    strangers = [named(key) for key in view.body if key != "changes"]
    if strangers:
        raise InvalidPayload(f"A batch has only changes, no {strangers[0]}.", {strangers[0]: "There is no such key."})
    return check_changes(view.body.get("changes"), MAX_BODY_IMAGE_CHARS)
